"""Nothing vanishes: each raw row is kept, a duplicate, or in quarantine, on both inputs."""

from __future__ import annotations

import pytest

import warehouse
from core import dbt_runner
from load.loader import load
from tests.conftest import in_warehouse

RAW = ("customer_details", "products", "store_sales_header", "store_sales_line_items")


@pytest.fixture(scope="module")
def real_shop(real_file, tmp_path_factory):
    """The real file, loaded and cleaned; a build fails where a row is not accounted for."""
    file = tmp_path_factory.mktemp("real") / "real.duckdb"
    with in_warehouse(file):
        load(real_file)
        dbt_runner.build({"grid_days": 30}, select="+data_quality +quarantine")
    return file


@pytest.fixture(params=["generated", "real"])
def cleaned(request):
    """A cleaned warehouse of either kind."""
    if request.param == "generated":
        file = request.getfixturevalue("built_shop").file
    else:
        file = request.getfixturevalue("real_shop")
    with in_warehouse(file), warehouse.connect(read_only=True) as connection:
        yield connection


@pytest.mark.parametrize("table", RAW)
def test_rows_in_equal_kept_and_duplicates_and_quarantined(cleaned, table):
    rows_in = cleaned.execute(f"select count(*) from raw.{table}").fetchone()[0]
    rows_out = cleaned.execute(
        """
        select sum(rows) from marts.data_quality
        where table_name = ? and outcome in ('kept', 'superseded', 'duplicate', 'quarantined')
        """,
        [table],
    ).fetchone()[0]
    assert rows_in == rows_out


def test_the_quarantine_holds_as_many_rows_and_as_much_money_as_the_rules_say(cleaned):
    by_rule = cleaned.execute(
        """
        select table_name, rule, rows, money from marts.data_quality
        where outcome = 'quarantined' order by all
        """
    ).fetchall()
    held = cleaned.execute(
        """
        select table_name, rule, count(*), sum(money) from marts.quarantine
        group by all order by all
        """
    ).fetchall()
    assert by_rule == held
    assert held


def test_every_rule_of_the_generated_shop_meets_the_faults_planted_for_it(built_shop):
    with in_warehouse(built_shop.file), warehouse.connect(read_only=True) as connection:
        rules = {
            rule for (rule,) in connection.execute("select rule from marts.data_quality").fetchall()
        }
    assert rules >= {
        "exact_duplicate",
        "conflicting_duplicate",
        "superseded",
        "missing_customer",
        "unknown_customer",
        "future_date",
        "before_registration",
        "without_lines",
        "unknown_header",
        "unknown_product",
        "header_missing_customer",
        "loyalty_imputed",
        "category_imputed",
        "category_respelt",
        "amount_imputed",
        "quantity_imputed",
        "total_recomputed",
        "amount_capped",
    }


def test_names_mails_and_phones_stay_in_raw(cleaned):
    leaked = cleaned.execute(
        """
        select table_schema, table_name, column_name from information_schema.columns
        where table_schema <> 'raw'
            and (column_name like '%mail%' or column_name like '%phone%'
                or column_name in ('first_name', 'city'))
        """
    ).fetchall()
    assert leaked == []
