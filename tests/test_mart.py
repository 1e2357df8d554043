"""How the mart is built: batches, touched customers, definitions; and each step can be shown."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

import warehouse
from proof import building
from proof.checks import nights_equal_full_build
from tests.shop_files import query

GRID = {"grid_days": 30}
MART = "features.feat_customers"


@pytest.fixture
def shop(tiny, tmp_path, monkeypatch):
    file = tmp_path / "shop.duckdb"
    shutil.copy(tiny, file)
    monkeypatch.setenv("WAREHOUSE_PATH", str(file))
    return file


def change(statement):
    with warehouse.connect() as connection:
        connection.execute(statement)


def test_batches_of_any_size_make_the_same_mart(tiny, shop):
    building.build(shop, {**GRID, "rows_at_a_time": 50}, full_refresh=True)
    assert nights_equal_full_build.differing(tiny, shop) == []


def test_a_date_that_is_missing_is_built_and_one_that_is_not_scheduled_goes(tiny, shop):
    change(f"delete from {MART} where as_of_date = (select min(as_of_date) from {MART})")
    change(f"insert into {MART} (as_of_date, customer_id) values (date '2001-01-01', 'C1')")
    building.build(shop, GRID)
    assert nights_equal_full_build.differing(tiny, shop) == []


def test_rows_of_touched_customers_alone_are_made_anew(shop):
    change(f"update {MART} set spend_30d = -1")
    change(
        "insert into raw.store_sales_line_items select * replace ('LATE' as line_item_id,"
        " _loaded_at + interval 1 hour as _loaded_at) from raw.store_sales_line_items limit 1"
    )
    building.build(shop, GRID)
    [(touched,)] = query("select customer_id from intermediate.int_customers_touched")
    whose = f"select distinct customer_id = '{touched}', spend_30d = -1 from {MART} order by all"
    assert query(whose) == [(False, True), (True, False)]


@pytest.mark.parametrize("full_refresh", [True, False])
def test_another_definition_or_a_full_refresh_makes_all_dates_anew(
    tiny, shop, tmp_path, full_refresh
):
    change(f"update {MART} set spend_30d = -1")
    folder = tmp_path / "dbt_project"
    shutil.copytree(warehouse.DBT_PROJECT, folder, ignore=shutil.ignore_patterns("target", "logs"))
    if not full_refresh:
        loyalty = folder / "models" / "features" / "feat_loyalty.sql"
        loyalty.write_text(loyalty.read_text().replace(">= 2000", "> 1999"))
    with building.in_project(folder):
        building.build(shop, GRID, full_refresh=full_refresh)
    assert nights_equal_full_build.differing(tiny, shop) == []


def test_the_same_definition_and_no_news_leave_the_rows_as_they_are(shop):
    change(f"update {MART} set spend_30d = -1")
    building.build(shop, GRID)
    assert query(f"select distinct spend_30d from {MART}") == [(-1,)]


SHOWN = """
import sys
from dbt.cli.main import dbtRunner
for name in sys.argv[1:]:
    dbtRunner().invoke(["--quiet", "show", "--limit", "2", "--select", name])
"""


def test_dbt_shows_each_step_of_the_mart(shop):
    steps = [
        *("int_customer_dates", "int_events_asof_joined", "int_customer_windows"),
        *("feat_spend", "feat_frequency", "feat_baskets", "feat_loyalty", "feat_season"),
        *("feat_promotions", "feat_customers", "feat_dates"),
    ]
    shown = in_a_process(SHOWN, *steps)
    assert shown.stdout.count("\n| --") == len(steps), shown.stdout


FIRST = """
import duckdb, sys
shop = duckdb.connect(sys.argv[1], read_only=True)
print(shop.execute("from features.features_as_of('features.feat_customers') limit 1").fetchall())
"""


def test_a_first_row_of_a_table_function_comes_back(shop):
    """A join that reads one CTE on both sides would wait for ever, and not to be interrupted."""
    found = in_a_process(FIRST, shop)
    assert "datetime.date" in found.stdout, found.stderr


def in_a_process(code, *arguments):
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=warehouse.DBT_PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def test_each_run_notes_the_sql_of_what_it_built(shop):
    change("delete from main.model_sql where model = 'features.feat_dates'")
    building.build(shop, GRID, full_refresh=True)
    [(sql,)] = query("select sql from main.model_sql where model = 'features.feat_dates'")
    assert "ahead_month" in sql
