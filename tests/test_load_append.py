"""Loading is repeatable and appendable, and the ledger says what is loaded."""

import logging
from datetime import UTC, date, datetime, timedelta

import pytest
import typer
from typer.testing import CliRunner

import warehouse
from core import dbt_runner
from generate.shop.plan import Plan
from generate.synthetic import generate
from load.command import main
from load.ledger import Entry
from load.loader import load
from load.raw_tables import TABLES, replace
from load.read_files import LoadError
from tests.shop_files import SHAPES, content, monthly, query

NAMES = "invoice,sku,name,qty,day,price,client"
MAPPING = """
order_lines:
  columns:
    {transaction_id: invoice, customer_id: client, transaction_date: day, product_id: sku,
     product_name: name, quantity: qty, unit_price: price,
     line_item_amount: quantity * unit_price}
"""
JANUARY = [
    f"{n},P{n % 4},Thing,{1 + n % 3},2024-01-{1 + n % 28:02d},2.50,C{n % 9}" for n in range(60)
]
FEBRUARY = [f"{90 + n},P{n % 6},Thing,1,2024-02-{1 + n % 28:02d},3.00,C{n % 12}" for n in range(40)]
# the second is dated before all that was known of its customer
LATE = ["300,P1,Thing,2,2024-01-13,2.50,C1", "301,P1,Thing,2,2024-01-01,2.50,C8"]


@pytest.fixture(autouse=True)
def own_warehouse(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "warehouse" / "shop.duckdb"))


@pytest.fixture
def mapping(tmp_path):
    file = tmp_path / "mapping.yml"
    file.write_text(MAPPING)
    return file


@pytest.fixture
def lines(tmp_path):
    """Write order lines to a file."""

    def lines(name, *rows):
        file = tmp_path / name
        file.write_text("\n".join([NAMES, *rows, ""]))
        return file

    return lines


def stamps():
    return [query(f"select distinct _loaded_at from raw.{table.name}") for table in TABLES]


def test_the_same_file_twice_changes_nothing_and_says_so(lines, mapping):
    file = lines("january.csv", *JANUARY)
    first = load(file, mapping=mapping)
    before, loaded, ledger = content(), stamps(), query("from raw.loads")
    again = load(file, mapping=mapping)
    assert (again.unchanged, again.rows, again.loaded_at) == (True, first.rows, first.loaded_at)
    assert (content(), stamps(), query("from raw.loads")) == (before, loaded, ledger)
    app = typer.Typer()
    app.command()(main)
    result = CliRunner().invoke(app, [str(file), "--mapping", str(mapping)])
    assert result.exit_code == 0
    assert result.stdout.startswith("unchanged: ")


def test_another_mapping_or_another_content_loads_again(lines, mapping):
    file = lines("january.csv", *JANUARY)
    load(file, mapping=mapping)
    mapping.write_text(MAPPING.replace("product_name: name, ", ""))
    assert not load(file, mapping=mapping).unchanged
    lines("january.csv", *JANUARY[:-1])
    assert not load(file, mapping=mapping).unchanged


def test_the_ledger_says_what_is_loaded(tmp_path, lines, mapping):
    folder = monthly(tmp_path)
    mapping.write_text(SHAPES["monthly"][1])
    summary = load(folder, mapping=mapping)
    rows = query(
        "select load_id, file, file_rows, layout, mode, known_on, rejected_rows, loaded_at, "
        "rows_added from raw.loads order by file"
    )
    assert [row[:7] for row in rows] == [
        (1, "catalogue.csv", 15, "mapping.yml", "replace", None, 0),
        *[
            (1, f"sales_2024_0{n}.parquet", 100, "mapping.yml", "replace", None, 0)
            for n in (1, 2, 3)
        ],
    ]
    assert all(row[7:] == (summary.loaded_at, summary.rows) for row in rows)
    mapping.write_text(MAPPING)
    load(lines("january.csv", *JANUARY), mapping=mapping, may_lose=True)
    load(lines("february.csv", *FEBRUARY), mapping=mapping, append=True, known_on=date(2024, 3, 1))
    assert query("select load_id, file, mode, known_on from raw.loads order by all") == [
        (1, "january.csv", "replace", None),
        (2, "february.csv", "append", date(2024, 3, 1)),
    ]
    load(lines("january.csv", *JANUARY), mapping=mapping, may_lose=True)
    assert query("select load_id, file from raw.loads") == [(1, "january.csv")]


def test_appended_rows_are_new_rows_known_on_their_day(lines, mapping):
    load(lines("january.csv", *JANUARY), mapping=mapping)
    before, loaded = content(), stamps()
    both = lines("both.csv", *JANUARY, *FEBRUARY)
    summary = load(both, mapping=mapping, append=True, known_on=date(2024, 3, 1))
    assert list(summary.rows.values()) == [3, 2, 40, 40]
    after = content()
    for table in TABLES:
        assert set(before[table.name]) <= set(after[table.name])
    assert query(
        "select distinct transaction_date >= '2024-02-01' as is_new, recorded_at "
        "from raw.store_sales_header order by is_new"
    ) == [(False, None), (True, datetime(2024, 3, 1, 0, 0, 0, 2))]
    assert loaded[2][0] in stamps()[2]
    assert load(both, mapping=mapping, append=True).unchanged
    # under another name, and with other lines beside: still nothing that is there is added again
    other = lines("other.csv", *FEBRUARY, *LATE)
    assert list(load(other, mapping=mapping, append=True).rows.values()) == [0, 0, 2, 2]


def test_without_a_day_rows_become_known_today(lines, mapping):
    load(lines("january.csv", *JANUARY), mapping=mapping)
    load(lines("late.csv", *LATE), mapping=mapping, append=True)
    # the second load: of two loads of one day the later one knows better
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=2, tzinfo=None)
    for table in ("store_sales_header", "store_sales_line_items"):
        recorded = f"select recorded_at, count(*) from raw.{table} group by all order by all"
        assert query(recorded) == [(today, len(LATE)), (None, len(JANUARY))]


def test_late_rows_and_later_versions_change_no_feature_of_days_before_they_were_known(
    lines, mapping
):
    variables = {"as_of": "2024-03-10", "grid_days": 5}
    whole = lines("january.csv", *JANUARY, *FEBRUARY)
    load(whole, mapping=mapping, known_on=date(2024, 3, 9))
    dbt_runner.build(variables, select="+feat_customer_snapshots", run_only=True)
    earlier = (
        "from features.feat_customer_snapshots where as_of_date <= '2024-03-01' "
        "order by as_of_date, customer_id"
    )
    before = query(earlier)
    # another content under a known id is a correction, which counts from its own day on
    moved = JANUARY[5].replace(",C5", ",C7")
    late = lines("late.csv", *LATE, moved)
    load(late, mapping=mapping, append=True, known_on=date(2024, 3, 1))
    selected = "+feat_customer_snapshots +data_quality"
    dbt_runner.build(variables, select=selected, run_only=True)
    assert query(earlier) == before
    assert before
    assert (
        query(
            "select table_name, rule, rows from marts.data_quality "
            "where outcome in ('quarantined', 'duplicate') and rows > 0"
        )
        == []
    )
    assert query(
        "select table_name, rule, rows from marts.data_quality where outcome = 'superseded'"
    ) == [("store_sales_header", "superseded", 1)]
    assert query(
        "select sum(orders_lifetime) from features.feat_customer_snapshots "
        "where as_of_date = '2024-03-10'"
    ) == [(len(JANUARY) + len(FEBRUARY) + len(LATE),)]
    orders = (
        "select customer_id, orders_lifetime from features.feat_customer_snapshots "
        "where as_of_date = '{}' and customer_id in ('C5', 'C7') order by customer_id"
    )
    (five, before_five), (seven, before_seven) = query(orders.format("2024-02-29"))
    assert query(orders.format("2024-03-10")) == [
        (five, before_five - 1),
        (seven, before_seven + 1),
    ]


WITH_IDS = MAPPING.replace("columns:\n    {", "columns:\n    {line_item_id: line, ")
CORRECTED = ("10.00,C3", "99.00,C6", "10.00,C3")


def test_a_line_and_an_order_may_become_again_what_they_were(tmp_path):
    mapping = tmp_path / "mapping.yml"
    mapping.write_text(WITH_IDS)

    def said(price_and_client, *others):
        file = tmp_path / f"{len(list(tmp_path.iterdir()))}.csv"
        rows = [f"T3,1,P1,Thing,1,2024-01-07,{price_and_client}", *others]
        file.write_text("\n".join([NAMES.replace("invoice,", "invoice,line,"), *rows, ""]))
        return file

    others = [f"X{n},1,P1,Thing,1,2024-01-0{n},5.00,C{n}" for n in range(1, 9)]
    load(said(CORRECTED[0], *others), mapping=mapping)
    for day, told in ((10, CORRECTED[1]), (20, CORRECTED[2])):
        load(said(told), mapping=mapping, append=True, known_on=date(2024, 9, day))
    newest = "order by recorded_at desc nulls last limit 1"
    line = "from raw.store_sales_line_items where transaction_id = 'T3'"
    order = "from raw.store_sales_header where transaction_id = 'T3'"
    assert query(f"select line_item_amount {line} {newest}") == [(10,)]
    assert query(f"select customer_id {order} {newest}") == [("C3",)]
    assert query(f"select (select count(*) {line}), (select count(*) {order})") == [(3, 3)]
    # what is told of a day between says nothing new of it
    between = said(CORRECTED[1], others[0])
    assert not sum(
        load(between, mapping=mapping, append=True, known_on=date(2024, 9, 15)).rows.values()
    )
    # nor what was so before the first correction
    before = said(CORRECTED[0], others[1])
    load(before, mapping=mapping, append=True, known_on=date(2024, 9, 5))
    assert query(f"select (select count(*) {line}), (select count(*) {order})") == [(3, 3)]


def test_a_new_attribute_of_a_known_customer_is_added_once_and_said(tmp_path, mapping, caplog):
    path = SHAPES["database"][0](tmp_path)
    mapping.write_text(SHAPES["database"][1])
    load(path, mapping=mapping)
    with warehouse.duckdb.connect(str(path)) as connection:
        connection.execute(
            "update crm.clients set region = 'South' where client_id < 3; "
            "insert into crm.clients values (99, 'New', 'South', date '2024-01-01')"
        )
    day = date(2024, 3, 1)
    with caplog.at_level(logging.INFO):
        rows = load(path, mapping=mapping, append=True, known_on=day).rows
    assert list(rows.values()) == [4, 0, 0, 0]
    assert (
        "customer_details: 3 rows say something new of known ids, which counts from 2024-03-01 on"
        in caplog.text
    )
    with warehouse.duckdb.connect(str(path)) as connection:
        # another file that says the same, and of one customer what was said first
        connection.execute("update crm.clients set region = 'North' where client_id = 1")
    rows = load(path, mapping=mapping, append=True, known_on=day + timedelta(1)).rows
    assert list(rows.values()) == [1, 0, 0, 0]
    said = "select region from raw.customer_details where customer_id = '1' order by _loaded_at"
    assert query(said) == [("North",), ("South",), ("North",)]


def test_orders_dated_after_the_day_they_became_known_are_said(lines, mapping, caplog):
    load(lines("january.csv", *JANUARY), mapping=mapping)
    load(lines("feb.csv", *FEBRUARY), mapping=mapping, append=True, known_on=date(2024, 2, 1))
    assert "orders are dated after the day on which they became known, 2024-02-01" in caplog.text


def test_appending_needs_something_to_append_to_and_a_day_that_has_come(lines, mapping):
    file = lines("january.csv", *JANUARY)
    with pytest.raises(LoadError, match="load once without --append"):
        load(file, mapping=mapping, append=True)
    with pytest.raises(LoadError, match="lies ahead"):
        load(file, mapping=mapping, append=True, known_on=date.today() + timedelta(3))
    # what was made on the way is an empty warehouse, if any
    assert not warehouse.path().exists() or query(
        "select count(*) from duckdb_tables() where schema_name = 'raw'"
    ) == [(0,)]


# what does not fit

BAD = [
    "61,P1,Thing,many,2024-01-05,2.50,C1",
    "62,P1,Thing,1,2024-13-05,2.50,C1",
    "63,P1,Thing,x,soon,2.50,C1",
    "64,P1,Thing",
    "65,P1,Thing,1,2024-01-05,2.50,C1,and,more",
]


def test_what_does_not_fit_is_kept_aside_with_its_place_and_reason(lines, mapping):
    file = lines("january.csv", *JANUARY[:2], "", *BAD, *JANUARY[2:])
    summary = load(file, mapping=mapping, quarantine=True)
    assert summary.rejected == len(BAD)
    assert summary.rows["store_sales_line_items"] == len(JANUARY)
    found = query(
        "select row_number, column_name, value, expected, file, table_name from raw.rejected "
        "order by row_number, column_name"
    )
    date_form, number = "a date written year-month-day", "a number written as 1,234.50"
    place = ("january.csv", "order_lines")
    assert found == [
        (5, "qty", "many", number, *place),
        (6, "day", "2024-13-05", date_form, *place),
        (7, "day", "soon", date_form, *place),
        (7, "qty", "x", number, *place),
        (8, None, None, "Expected Number of Columns: 7 Found: 3", *place),
        (9, None, None, "Expected Number of Columns: 7 Found: 8", *place),
    ]
    texts = dict(query("select row_number, any_value(row_text) from raw.rejected group by all"))
    assert '"invoice":"62"' in texts[6]
    assert texts[8] == BAD[3]
    with pytest.raises(LoadError, match=r"january\.csv: cannot be read: Line: 8: Expected"):
        load(file, mapping=mapping)
    expected = content()
    load(lines("clean.csv", *JANUARY), mapping=mapping)
    assert content() == expected
    assert query("from raw.rejected") == []


def test_when_nothing_fits_nothing_is_loaded(lines, mapping):
    load(lines("january.csv", *JANUARY), mapping=mapping)
    before = content()
    with pytest.raises(LoadError, match="none of its rows fits"):
        load(lines("bad.csv", *BAD), mapping=mapping, quarantine=True)
    assert content() == before


# what the generator uses


def test_replacing_ends_a_truth_and_does_what_is_asked_beside():
    generate(Plan(60, seed=1))
    with warehouse.connect() as connection:
        for table in TABLES:
            connection.execute(f"create temp table copy_{table.name} as from raw.{table.name}")
        sources = {table.name: f"copy_{table.name}" for table in TABLES}
        replace(
            connection,
            sources,
            lambda inside: inside.execute("create schema truth"),
            entry=Entry(layout="ours"),
        )
    assert query("select layout, mode, file from raw.loads") == [("ours", "replace", None)]
    assert query("select count(*) from duckdb_tables() where schema_name = 'truth'") == [(0,)]


def test_a_failure_of_what_is_asked_beside_leaves_everything_as_it_was():
    generate(Plan(60, seed=1))
    before = content()

    def failing(connection):
        raise RuntimeError("no truth")

    with warehouse.connect() as connection:
        sources = {table.name: f"(from raw.{table.name} limit 1)" for table in TABLES}
        for table in TABLES:
            connection.execute(
                f"create temp table one_{table.name} as from raw.{table.name} limit 1"
            )
            sources[table.name] = f"one_{table.name}"
        with pytest.raises(RuntimeError, match="no truth"):
            replace(connection, sources, failing)
    assert content() == before
