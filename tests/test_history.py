"""What is said anew of customers and products counts from the day on which it became known."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import pytest

import warehouse
from core import dbt_runner
from generate.shop.plan import Plan
from generate.synthetic import generate
from load.loader import load
from load.raw_tables import TABLES, replace
from proof.building import state_reach
from tests.shop_files import query

FIRST = date(2024, 1, 1)
KNOWN_ON = date(2024, 5, 1)
MARCH, APRIL = date(2024, 3, 1), date(2024, 4, 1)
LOADS = {
    "first": ("S1", None),
    "second": ("S9", MARCH),
    "third": ("S5", APRIL),
    # a later load, which never counts before an earlier one
    "fourth": ("S7", FIRST),
}
VARIABLES = {"as_of": "2024-06-01", "grid_days": 5}
MART = "select * from features.feat_customer_snapshots"


@pytest.fixture(autouse=True)
def own_warehouse(tmp_path, monkeypatch, dbt_folders):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "warehouse" / "shop.duckdb"))


@pytest.fixture
def shop(tmp_path):
    """Write the four tables into a folder, with other segments, categories, ids on request."""

    def shop(name, segment="S1", category="Toys", prefix="C", customers=range(6)):
        folder = tmp_path / name
        folder.mkdir()
        with duckdb.connect() as connection:
            rows = {
                "customer_details": ", ".join(
                    f"('{prefix}{n}', 'North', '{segment if n < 2 else 'S1'}', date '2023-12-01')"
                    for n in customers
                ),
                "products": ", ".join(
                    f"('P{n}', '{category if n == 0 else 'Home'}', 2.50)" for n in range(3)
                ),
                "store_sales_header": ", ".join(
                    f"('T{n}', '{prefix}{n % 6}', date '{FIRST + timedelta(n)}', 5.0)"
                    for n in range(150)
                ),
                "store_sales_line_items": ", ".join(
                    f"('L{n}', 'T{n}', 'P{n % 3}', 2, 5.0)" for n in range(150)
                ),
            }
            for table, columns in (
                ("customer_details", "customer_id, region, segment_id, customer_since"),
                ("products", "product_id, product_category, unit_price"),
                (
                    "store_sales_header",
                    "transaction_id, customer_id, transaction_date, total_amount",
                ),
                (
                    "store_sales_line_items",
                    "line_item_id, transaction_id, product_id, quantity, line_item_amount",
                ),
            ):
                connection.execute(
                    f"copy (from (values {rows[table]}) as t({columns})) "
                    f"to '{folder / table}.csv' (header)"
                )
        return folder

    return shop


def build(select="+feat_customer_snapshots", **others):
    variables = {**VARIABLES, **others}
    with warehouse.connect() as connection:
        state_reach(connection, date.fromisoformat(variables["as_of"]))
    dbt_runner.build(variables, select=select, run_only=True)


def mart(until):
    return query(f"{MART} where as_of_date <= '{until}' order by as_of_date, customer_id")


def change_in_place(name):
    with warehouse.connect() as connection:
        connection.execute(f"update raw.customer_details set segment_id = '{name}'")
        connection.execute(f"update raw.products set product_category = '{name}'")


def segments(customer="C0"):
    """The segments of a customer, each with the first as-of date that shows it."""
    return query(
        "select segment_id, min(as_of_date) from features.feat_customer_snapshots "
        f"where customer_id = '{customer}' group by all order by all"
    )


def first_date_after(day):
    [(first,)] = query(
        f"select min(as_of_date) from features.feat_customer_snapshots where as_of_date > '{day}'"
    )
    return first


def test_what_is_known_on_a_day_counts_for_later_dates_only(shop):
    load(shop("first"))
    build()
    before = mart("2024-06-01")
    assert before[0][0] < KNOWN_ON < before[-1][0]
    folder = shop("second", segment="S9", category="Books")
    rows = load(folder, append=True, known_on=KNOWN_ON).rows
    assert list(rows.values()) == [2, 1, 0, 0]
    build()
    assert mart(KNOWN_ON) == [row for row in before if row[0] <= KNOWN_ON]
    assert mart("2024-06-01") != before
    assert [name for name, _ in segments()] == ["S1", "S9"]
    assert segments()[1] == ("S9", first_date_after(KNOWN_ON))
    assert segments("C5") == [("S1", segments()[0][1])]
    # a line is of the category that its product had when it became known
    assert query(
        "select product_category, min(known_date) >= '2024-05-01', max(known_date) < '2024-05-01' "
        "from intermediate.int_lines_checked where product_id = 'P0' group by all order by all"
    ) == [("Books", True, False), ("Toys", False, True)]


def test_no_build_between_loads_is_needed(shop, tmp_path):
    for name, (segment, day) in LOADS.items():
        load(shop(name, segment=segment), append=day is not None, known_on=day)
    build()
    at_once = mart("2024-06-01")
    shown = query(
        "select as_of_date, segment_id from features.feat_customer_snapshots "
        "where customer_id = 'C0' order by all"
    )
    right = [(day, "S1" if day <= MARCH else "S9" if day <= APRIL else "S7") for day, _ in shown]
    assert shown == right
    assert {segment for _, segment in shown} == {"S1", "S7", "S9"}
    # and the same with a build after each load
    warehouse.path().unlink()
    for name, (_, day) in LOADS.items():
        load(tmp_path / name, append=day is not None, known_on=day)
        build()
    assert mart("2024-06-01") == at_once


def test_what_is_again_what_it_was_before_two_loads_without_a_build_counts_as_that(shop, tmp_path):
    loads = (
        (shop("changed", segment="S9", category="Books"), MARCH),
        (shop("back", customers=range(5)), APRIL),
    )
    load(shop("first"))
    build()
    for folder, day in loads:
        assert load(folder, append=True, known_on=day).rows["customer_details"] == 2
    build()
    changed_back = mart("2024-06-01")
    shown = query(
        "select as_of_date, segment_id from features.feat_customer_snapshots "
        "where customer_id = 'C0' order by all"
    )
    assert shown == [(day, "S9" if MARCH < day <= APRIL else "S1") for day, _ in shown]
    assert {segment for _, segment in shown} == {"S1", "S9"}
    # and the same without a build between
    warehouse.path().unlink()
    load(tmp_path / "first")
    for folder, day in loads:
        load(folder, append=True, known_on=day)
    build()
    assert mart("2024-06-01") == changed_back


def test_rows_that_say_nothing_new_are_not_added_again(shop):
    load(shop("first"))
    load(shop("second", segment="S9"), append=True, known_on=KNOWN_ON)
    folder = shop("again", segment="S9")
    (folder / "products.csv").write_text((folder / "products.csv").read_text() + "\n")
    rows = load(folder, append=True, known_on=KNOWN_ON + timedelta(9)).rows
    assert list(rows.values()) == [0, 0, 0, 0]


def test_a_change_in_place_leaves_all_dates_built_before_unchanged(shop):
    load(shop("first"))
    load(shop("second", segment="S9"), append=True, known_on=KNOWN_ON)
    build()
    before = mart("2024-06-01")
    change_in_place("S7")
    build()
    assert mart("2024-06-01") == before
    change_in_place("S8")
    build(as_of=(date.today() + timedelta(7)).isoformat())
    # the last of them is on no lattice
    assert mart("2024-05-31") == [row for row in before if row[0] < date(2024, 6, 1)]
    assert query(
        f"select distinct segment_id from features.feat_customer_snapshots "
        f"where as_of_date > '{date.today() + timedelta(6)}'"
    ) == [("S8",)]


# whose history it is


def versions():
    return query(
        "select customer_id, segment_id from history.customer_history "
        "order by customer_id, loaded_at, changed_on"
    )


def has_history():
    return bool(query("from duckdb_tables() where schema_name = 'history'"))


def test_a_reload_of_the_same_shop_keeps_its_history(shop):
    load(shop("first"))
    build()
    before = mart("2024-06-01")
    load(shop("second", segment="S9", customers=range(7)))
    assert has_history()
    build()
    assert [row for row in versions() if row[0] == "C1"] == [("C1", "S1"), ("C1", "S9")]
    assert [row for row in mart("2024-06-01") if row[1] != "C6"] == before


@pytest.mark.parametrize("other", ["files", "generated"])
def test_the_history_of_another_shop_goes(shop, other):
    generate(Plan(60, seed=1, days=200))
    build("+customer_history")
    assert has_history()
    if other == "files":
        load(shop("first"))
    else:
        # the same ids, another shop
        generate(Plan(60, seed=2, days=200))
    assert not has_history()
    build("+customer_history")
    assert query(
        "select count(*), count(distinct customer_id) from history.customer_history"
    ) == query(
        "select count(*), count(*) from staging.stg_retail__customer_details "
        "where customer_id is not null"
    )


def test_a_replacement_that_fails_keeps_the_history(shop):
    load(shop("first"))
    build("+customer_history")
    before = versions()

    def failing(connection):
        raise RuntimeError("no truth")

    with warehouse.connect() as connection:
        for table in TABLES:
            connection.execute(f"create temp table one_{table.name} as from raw.{table.name}")
        sources = {table.name: f"one_{table.name}" for table in TABLES}
        with pytest.raises(RuntimeError, match="no truth"):
            replace(connection, sources, failing, may_lose=True)
    assert versions() == before
