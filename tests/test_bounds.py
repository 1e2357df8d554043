"""Caps spare a business of few large orders, and what cleaning takes away has bounds."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

import warehouse
from core import dbt_runner
from load.loader import load
from tests.shop_files import LINES_HEADER, LINES_MAPPING, query

LINES = 36_000
# what the gate looks at, and the first model behind it
GATED = "+int_snapshots_scheduled"


@pytest.fixture
def shop(tmp_path, monkeypatch, dbt_folders):
    """Load a year of lines, each of the amount that a function of its number gives."""
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "warehouse" / "shop.duckdb"))

    def write(amount):
        (tmp_path / "mapping.yml").write_text(LINES_MAPPING)
        rows = [
            f"T{n},{date(2024, 1, 1) + timedelta(n * 360 // LINES)},C{n % 40},S1,1,{amount(n)}"
            for n in range(LINES)
        ]
        (tmp_path / "lines.csv").write_text("\n".join([LINES_HEADER, *rows, ""]))
        load(tmp_path / "lines.csv", mapping=tmp_path / "mapping.yml")

    return write


def build(**variables):
    dbt_runner.build(variables, select=GATED)


def share_cut():
    [(cut,)] = query(
        "select sum(amount_before_cap - line_item_amount) / sum(amount_before_cap) "
        "from intermediate.int_lines_capped"
    )
    return cut


@pytest.mark.parametrize(
    ("every", "large", "share"),
    [(50, 4_500, 0.9), (1_200, 20_000, 0.63)],
    ids=["2 % of the lines carry 90 % of the money", "one line in 1,200 carries 63 %"],
)
def test_a_wholesaler_is_not_cut_to_nothing(shop, every, large, share):
    # 10 on average, and large ones that differ by a half up and down
    shop(lambda n: large * (50 + n % 101) // 100 if n % every == every - 1 else 5 + n % 11)
    [(carried,)] = query(
        "select sum(line_item_amount) filter (where line_item_amount > 100)"
        " / sum(line_item_amount) from raw.store_sales_line_items"
    )
    assert carried == pytest.approx(share, abs=0.02)
    build()
    assert query("select count(amount_cap) from intermediate.int_line_caps_set") == [(11,)]
    assert share_cut() < 0.02


def test_two_lines_that_caps_cut_to_nothing_stop_the_build_and_are_named(shop):
    shop(lambda n: {4000: 5_000_000, 5000: 4_000_000}.get(n, 5 + n % 11))
    with pytest.raises(dbt_runner.BuildError) as refusal:
        build()
    said = str(refusal.value)
    for expected in (
        "assert_caps_are_bounded",
        "rule: amount_capped",
        "share_of_money: 0.96",
        "rows: 2",
        "of C0 from 5000000.00",
        "from 4000000.00",
        "raise cap_multiple or max_capped_share (0.25)",
    ):
        assert expected in said
    assert not query("from duckdb_tables() where table_name = 'int_snapshots_scheduled'")
    # who knows better says so
    build(max_capped_share=1)
    assert query("select count(*) from intermediate.int_orders_totalled") == [(LINES,)]


def test_rows_that_are_dropped_or_corrected_stop_the_build_beyond_a_share(shop):
    shop(lambda n: 5 + n % 11)
    with warehouse.connect() as connection:
        connection.execute("insert into raw.store_sales_line_items from raw.store_sales_line_items")
        for later in (1, 2):
            connection.execute(
                f"insert into raw.store_sales_header select * replace ('S{later}' as store_id,"
                f" cast(transaction_date as date) + {later} as recorded_at)"
                " from raw.store_sales_header where recorded_at is null"
            )
    with pytest.raises(dbt_runner.BuildError) as refusal:
        build()
    said = str(refusal.value)
    for expected in (
        "rule: duplicate, table_name: store_sales_line_items, share_of_rows: 0.5",
        f"rows: {LINES}",
        "raise max_duplicate_share",
        "rule: superseded, table_name: store_sales_header, share_of_rows: 0.6667",
        f"rows: {2 * LINES}",
        "raise max_superseded_share",
    ):
        assert expected in said
    build(max_duplicate_share=0.5, max_superseded_share=0.67)
