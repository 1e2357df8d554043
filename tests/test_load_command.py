"""What is loaded is listed, taken back, and replaced by far less only when that is asked for."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from generate.shop.plan import Plan
from generate.synthetic import generate
from load.command import main
from load.loader import load
from load.staging import LoadError
from tests.shop_files import content, query

APP = typer.Typer()
APP.command()(main)
HEAD = "invoice,day,client,amount"
MAPPING = """
order_lines:
  columns: {transaction_id: invoice, transaction_date: day, customer_id: client,
            line_item_amount: amount}
"""
ORDERS = [f"{n},2024-0{1 + n % 6}-{1 + n % 28:02d},C{n % 9},2.50" for n in range(100)]
LATE = ["300,2024-06-13,C1,4.00", "5,2024-06-06,C5,7.50"]


@pytest.fixture(autouse=True)
def own_warehouse(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "warehouse" / "shop.duckdb"))


@pytest.fixture
def mapping(tmp_path):
    file = tmp_path / "mapping.yml"
    file.write_text(MAPPING)
    return file


@pytest.fixture
def orders(tmp_path):
    """Write orders to a file."""

    def orders(name, rows):
        file = tmp_path / name
        file.write_text("\n".join([HEAD, *rows, ""]))
        return file

    return orders


def run(*arguments):
    return CliRunner().invoke(APP, [str(one) for one in arguments])


def loads():
    return query("from raw.loads order by all")


def test_loads_are_listed_with_rows_money_and_days(orders, mapping):
    load(orders("first.csv", ORDERS), mapping=mapping)
    run(orders("late.csv", LATE), "--mapping", mapping, "--append", "--known-on", "2024-07-01")
    first, late = (" ".join(line.split()) for line in run("--list").stdout.splitlines())
    assert first == (
        "1 replace 100 orders 100 lines 250.00 money 2024-01-01 to 2024-06-28 first.csv"
    )
    assert late == (
        "2 append 1 orders 2 lines 11.50 money 2024-06-13 to 2024-06-13, known on 2024-07-01 "
        "late.csv"
    )


def test_undoing_a_load_leaves_the_tables_as_before_it(orders, mapping):
    load(orders("first.csv", ORDERS), mapping=mapping)
    before, ledger = content(), loads()
    late = orders("late.csv", [*LATE, "301,soon,C1,1.00"])
    load(late, mapping=mapping, append=True, quarantine=True)
    assert content() != before
    assert query("select count(*) from raw.rejected") == [(1,)]
    done = run("--undo", "2")
    assert done.exit_code == 0, done.stderr
    assert "store_sales_line_items 2" in done.stdout
    assert (content(), loads()) == (before, ledger)
    assert query("from raw.rejected") == []
    # and it may come again
    assert load(late, mapping=mapping, append=True, quarantine=True).rows["store_sales_header"] == 1


def test_what_cannot_be_taken_back_is_refused_and_nothing_changes(orders, mapping):
    load(orders("first.csv", ORDERS), mapping=mapping)
    load(orders("a.csv", LATE[:1]), mapping=mapping, append=True)
    load(orders("b.csv", LATE[1:]), mapping=mapping, append=True)
    before = content(), loads()
    for number, message in ((2, "load 3 rests on load 2: undo 3 first"), (9, "there is no load 9")):
        refused = run("--undo", number)
        assert refused.exit_code == 1
        assert message in refused.stderr
    assert (content(), loads()) == before
    assert run("--undo", 3).exit_code == run("--undo", 2).exit_code == 0
    refused = run("--undo", 1)
    assert "load 1 replaced everything" in refused.stderr


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (ORDERS[:80], "holds 100 orders, the files hold 80: add to it with --append"),
        (
            [row.replace("-06-", "-02-").replace("-05-", "-02-") for row in ORDERS],
            "holds orders from 2024-01-01 to 2024-06-28, the files from 2024-01-01 to 2024-04",
        ),
    ],
)
def test_far_less_replaces_a_shop_only_when_that_is_asked_for(orders, mapping, rows, message):
    load(orders("first.csv", ORDERS), mapping=mapping)
    before = content(), loads()
    less = orders("less.csv", rows)
    refused = run(less, "--mapping", mapping)
    assert refused.exit_code == 1
    assert message in refused.stderr
    assert (content(), loads()) == before
    assert run(less, "--mapping", mapping, "--replace").exit_code == 0
    assert query("select count(*) from raw.store_sales_header") == [(len(rows),)]


def test_a_corrected_export_of_nearly_all_orders_replaces_as_it_is(orders, mapping):
    load(orders("first.csv", ORDERS), mapping=mapping)
    load(orders("again.csv", ORDERS[:95]), mapping=mapping)
    assert query("select count(*) from raw.store_sales_header") == [(95,)]


def test_a_generated_shop_takes_no_place_of_files_of_ones_own(orders, mapping):
    load(orders("first.csv", ORDERS), mapping=mapping)
    before = content()
    with pytest.raises(LoadError, match="100 orders of files of your own"):
        generate(Plan(60, seed=1))
    assert content() == before


def test_a_generated_shop_may_always_be_replaced(orders, mapping):
    generate(Plan(60, seed=1))
    load(orders("first.csv", ORDERS[:3]), mapping=mapping)
    assert query("select count(*) from raw.store_sales_header") == [(3,)]


def test_the_last_day_that_files_cover_is_kept(orders, mapping):
    run(orders("first.csv", ORDERS), "--mapping", mapping, "--known-on", "2024-06-30")
    run(orders("late.csv", LATE), "--mapping", mapping, "--append", "--known-on", "2024-07-01")
    run(orders("more.csv", ["400,2024-06-30,C1,1"]), "--mapping", mapping, "--append")
    assert query(
        "select load_id, known_on::varchar, data_through::varchar, timezone from raw.loads "
        "where load_id < 3 order by load_id"
    ) == [(1, None, "2024-06-30", "UTC"), (2, "2024-07-01", "2024-07-01", "UTC")]
    assert query("select data_through from raw.loads where load_id = 3") == [(None,)]
