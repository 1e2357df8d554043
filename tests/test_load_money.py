"""Money, orders, customers and days of a file are what the file says, or loading stops."""

from __future__ import annotations

import json
import logging
import zipfile
from datetime import date, datetime
from decimal import Decimal

import duckdb
import pytest
import yaml

import warehouse
from load.loader import load
from load.read_files import LoadError
from tests.shop_files import content, query

HEAD = "id,day,who,sku,qty,amount"
COLUMNS = {
    "transaction_id": "id",
    "transaction_date": "day",
    "customer_id": "who",
    "product_id": "sku",
    "quantity": "qty",
    "line_item_amount": "amount",
}
NEW_YORK = "America/New_York"
NIGHT = date(2024, 2, 1)


@pytest.fixture(autouse=True)
def own_warehouse(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "warehouse" / "shop.duckdb"))


@pytest.fixture
def shop(tmp_path):
    """Load files of these lines by the usual columns, other columns, or other keys beside."""
    tries = iter(range(99))

    def shop(*rows, head=HEAD, columns=None, also=None, beside=None, file="orders.csv", **options):
        folder = tmp_path / f"files {next(tries)}"
        folder.mkdir()
        for name, lines in {file: [head, *rows], **(beside or {})}.items():
            (folder / name).write_text("\n".join([*lines, ""]), encoding="utf-8")
        lines = {"columns": COLUMNS | (columns or {}), **(also or {})}
        lines["columns"] = {ours: sql for ours, sql in lines["columns"].items() if sql}
        mapping = {"order_lines": {"file": file, **lines}}
        mapping |= options.pop("tables", {})
        (folder / "mapping.yml").write_text(yaml.safe_dump(mapping, allow_unicode=True))
        return load(folder, mapping=folder / "mapping.yml", **options)

    return shop


def amounts():
    return [
        one
        for (one,) in query(
            "select line_item_amount from raw.store_sales_line_items order by line_item_id"
        )
    ]


def decimals(*texts):
    return [Decimal(one) for one in texts]


def lines_now(table="store_sales_line_items", key="line_item_id"):
    """The newest version of each row."""
    return (
        f"(from raw.{table} qualify row_number() over (partition by {key} "
        "order by recorded_at desc nulls last, _loaded_at desc) = 1)"
    )


def moments():
    return [at for (at,) in query("select transaction_date from raw.store_sales_header order by 1")]


# one clock

SPELLINGS = (
    "2024-07-01T03:47:00Z",
    "2024-06-30 23:47:00 -0400",
    "2024-06-30T23:47:00-04:00",
    "2024-07-01 05:47:00+02:00",
    "2024-07-01 09:17:00 +05:30",
    "2024-06-30 11:47:00 PM -0400",
)


def test_six_spellings_of_one_instant_are_one_moment_of_the_shops_evening(shop):
    rows = [f"{n},{at},C{n},A,1,5" for n, at in enumerate(SPELLINGS)]
    shop(*rows, timezone=NEW_YORK)
    assert moments() == [datetime(2024, 6, 30, 23, 47)] * 6
    assert query("select distinct timezone from raw.loads") == [(NEW_YORK,)]


@pytest.mark.parametrize("at", SPELLINGS)
def test_each_spelling_alone_means_the_same_moment(shop, at):
    shop(f"1,{at},C1,A,1,5", timezone=NEW_YORK)
    assert moments() == [datetime(2024, 6, 30, 23, 47)]


def test_moments_with_a_zone_in_parquet_are_put_onto_the_shops_clock(tmp_path):
    file = tmp_path / "orders.parquet"
    duckdb.execute(
        "copy (select 1 as id, timestamptz '2024-07-01 03:47:00+00' as day, 'C1' as who, "
        f"'A' as sku, 1 as qty, 5.00 as amount) to '{file}'"
    )
    mapping = tmp_path / "mapping.yml"
    mapping.write_text(yaml.safe_dump({"order_lines": {"columns": COLUMNS}}))
    load(file, mapping=mapping, timezone=NEW_YORK)
    assert moments() == [datetime(2024, 6, 30, 23, 47)]


@pytest.mark.parametrize(
    ("zone", "at", "expected"),
    [
        # clocks go from 1:59 to 3:00
        (NEW_YORK, "2024-03-10T06:59:00Z", datetime(2024, 3, 10, 1, 59)),
        (NEW_YORK, "2024-03-10T07:00:00Z", datetime(2024, 3, 10, 3, 0)),
        # and from 1:59 back to 1:00
        (NEW_YORK, "2024-11-03T05:30:00Z", datetime(2024, 11, 3, 1, 30)),
        (NEW_YORK, "2024-11-03T06:30:00Z", datetime(2024, 11, 3, 1, 30)),
        ("Asia/Kolkata", "2024-01-01T18:45:00Z", datetime(2024, 1, 2, 0, 15)),
        ("Australia/Adelaide", "2024-01-01T13:35:00Z", datetime(2024, 1, 2, 0, 5)),
    ],
)
def test_clocks_that_change_and_zones_of_half_hours_are_kept(shop, zone, at, expected):
    shop(f"1,{at},C1,A,1,5", tables={"timezone": zone})
    assert moments() == [expected]


def test_a_wall_time_is_of_the_shops_clock_already(shop):
    shop("1,2024-03-10 22:30:00,C1,A,1,5", timezone=NEW_YORK)
    assert moments() == [datetime(2024, 3, 10, 22, 30)]


def test_the_zone_stays_with_the_warehouse_and_another_is_refused_in_an_append(shop):
    shop("1,2024-01-01T03:00:00Z,C1,A,1,5", timezone=NEW_YORK)
    with pytest.raises(LoadError, match=f"days are those of {NEW_YORK}, not of Europe/Berlin"):
        shop("2,2024-01-02T03:00:00Z,C1,A,1,5", append=True, timezone="Europe/Berlin")
    shop("2,2024-01-02T03:00:00Z,C1,A,1,5", append=True, known_on=NIGHT)
    assert moments() == [datetime(2023, 12, 31, 22), datetime(2024, 1, 1, 22)]


def test_offsets_without_a_stated_zone_are_said_and_the_zone_named(shop, caplog):
    shop("1,2024-01-01T03:00:00Z,C1,A,1,5")
    assert "no time zone is stated: days are those of UTC" in caplog.text
    caplog.clear()
    shop("1,2024-01-01T03:00:00Z,C1,A,1,5", timezone=NEW_YORK)
    shop("1,2024-01-01 03:00:00,C1,A,1,5")
    assert "time zone" not in caplog.text


def test_the_zone_of_the_command_wins_over_the_mappings(shop):
    shop("1,2024-01-01T03:00:00Z,C1,A,1,5", tables={"timezone": NEW_YORK}, timezone="Asia/Tokyo")
    assert moments() == [datetime(2024, 1, 1, 12)]


# lines that say the same


def test_equal_lines_of_an_order_are_lines(shop):
    shop(*["7,2024-01-05,C1,A,1,2.50"] * 3, "8,2024-01-05,C2,A,1,2.50")
    assert query(
        "select line_item_id, line_item_amount from raw.store_sales_line_items order by all"
    ) == [(name, Decimal("2.50")) for name in ("7-1", "7-2", "7-3", "8-1")]


def test_a_line_number_that_starts_anew_in_each_order_is_an_id_with_the_order(shop):
    rows = ("7,2024-01-05,C1,A,1,2,1", "7,2024-01-05,C1,B,1,3,2", "8,2024-01-06,C1,A,1,4,1")
    shop(*rows, head=f"{HEAD},n", columns={"line_item_id": "n"})
    assert query(
        "select line_item_id, line_item_amount from raw.store_sales_line_items order by all"
    ) == [("7-1", 2), ("7-2", 3), ("8-1", 4)]


def test_the_same_file_again_and_an_overlapping_one_add_nothing_twice(shop):
    rows = ["7,2024-01-05,C1,A,1,2.50", "7,2024-01-05,C1,A,1,2.50", "8,2024-01-06,C2,A,1,4"]
    shop(*rows)
    assert shop(*rows, append=True).unchanged
    added = shop(rows[2], "9,2024-01-07,C1,A,1,1", append=True, known_on=NIGHT).rows
    assert (added["store_sales_header"], added["store_sales_line_items"]) == (1, 1)
    assert query("select sum(line_item_amount) from raw.store_sales_line_items") == [(10,)]
    # an order of equal lines that comes again, in another order of rows
    added = shop(rows[0], rows[2], rows[1], append=True, known_on=NIGHT).rows
    assert set(added.values()) == {0}


# an id that is used twice


def test_receipt_numbers_of_several_stores_are_refused_and_are_orders_with_the_store(shop):
    rows = ("1,2024-01-05,C1,A,1,2,North", "1,2024-01-05,C1,A,1,3,South")
    head = f"{HEAD},store"
    with pytest.raises(LoadError, match=r"1 order ids have several stores \(2 rows\), as '1' has"):
        shop(*rows, head=head, columns={"store_id": "store"})
    shop(
        *rows,
        head=head,
        columns={"store_id": "store", "transaction_id": "concat_ws('-', store, id)"},
    )
    assert query("select transaction_id from raw.store_sales_header order by all") == [
        ("North-1",),
        ("South-1",),
    ]


@pytest.mark.parametrize(
    ("kind", "who", "store", "day"),
    [
        ("customer", "C2", "North", "2024-01-05"),
        ("store", "C1", "South", "2024-01-05"),
        ("day", "C1", "North", "2024-03-09"),
    ],
)
def test_orders_of_one_id_are_refused_or_told_apart_as_the_mapping_says(
    shop, kind, who, store, day
):
    rows = ("1,2024-01-05,C1,A,1,2,North", f"1,{day},{who},A,1,3,{store}")
    given = {"head": f"{HEAD},store", "columns": {"store_id": "store"}}
    with pytest.raises(LoadError, match=rf"several {kind}s .*split_orders_by: \[{kind}\]"):
        shop(*rows, **given)
    shop(*rows, **given, also={"split_orders_by": [kind]})
    assert query(
        "select headers.customer_id, headers.store_id, cast(transaction_date as date)::varchar, "
        "line_item_amount from raw.store_sales_header as headers "
        "inner join raw.store_sales_line_items using (transaction_id) order by line_item_amount"
    ) == [
        ("C1", "North", "2024-01-05", 2),
        (who, store, day, 3),
    ]


def test_an_order_over_midnight_is_one_order_of_its_first_moment(shop):
    shop("1,2024-01-06 00:01:00,C1,A,1,2", "1,2024-01-05 23:59:00,C1,B,1,3")
    assert moments() == [datetime(2024, 1, 5, 23, 59)]


# what a mapping says in SQL


def test_rows_of_which_where_says_nothing_are_refused_with_the_row(shop):
    rows = ("1,2024-01-05,C1,A,1,2,paid", "2,2024-01-05,C1,A,1,3,void", "3,2024-01-05,C1,A,1,4,")
    head = f"{HEAD},status"
    with pytest.raises(LoadError, match=r"neither true nor false for 1 of 3 rows, first row 4 .*4"):
        shop(*rows, head=head, also={"where": "status <> 'void'"})
    shop(*rows, head=head, also={"where": "coalesce(status, '') <> 'void'"})
    assert amounts() == decimals("2", "4")


@pytest.mark.parametrize(
    ("lines", "total", "expected"),
    [
        (("10", "10", "10"), "10.00", ("3.33", "3.34", "3.33")),
        (("10", "10", "10"), "-10.00", ("-3.33", "-3.34", "-3.33")),
        (("10", "10", "10"), "0.01", ("0", "0.01", "0")),
        (("10", "10", "10"), "0", ("0", "0", "0")),
        # a discount line beside goods; lines worth nothing have their money on the first
        (("30", "-10"), "10", ("15", "-5")),
        (("10", "-10"), "4", ("4", "0")),
        (("0", "0"), "5", ("5", "0")),
        (("19.99", "5.01"), "20.00", ("15.99", "4.01")),
        (("10", "20"), "", ("10", "20")),
    ],
)
def test_lines_share_what_the_order_came_to_to_the_cent(shop, lines, total, expected):
    rows = [f"1,2024-01-05,C1,A{n},1,{amount},{total}" for n, amount in enumerate(lines)]
    shop(*rows, head=f"{HEAD},total", also={"order_amount": "total"})
    assert amounts() == decimals(*expected)


def test_what_an_order_came_to_may_stand_on_any_one_of_its_rows(shop):
    rows = ("1,2024-01-05,C1,A,1,10,", "1,2024-01-05,C1,A,1,10,15.00", "1,2024-01-05,C1,A,1,10,")
    shop(*rows, head=f"{HEAD},total", also={"order_amount": "total"})
    assert amounts() == decimals("5", "5", "5")


def test_no_cent_is_lost_over_many_orders(shop):
    rows, whole = [], Decimal(0)
    for order in range(200):
        total = Decimal(order * 7919 % 100_000) / 100
        whole += total
        rows += [
            f"{order},2024-01-05,C{order},A,1,{1 + (order * n) % 13}.37,{total}"
            for n in range(1, 8)
        ]
    shop(*rows, head=f"{HEAD},total", also={"order_amount": "total"})
    assert query("select sum(line_item_amount) from raw.store_sales_line_items") == [(whole,)]


REFUNDS = {
    "refunds": {
        "file": "refunds.csv",
        "columns": {
            "transaction_id": "order",
            "transaction_date": "at",
            "line_item_amount": "back",
        },
    }
}


def test_refunds_of_another_file_are_returns_of_the_orders_customer_on_their_own_day(shop):
    refunds = ["order,at,back", "1,2024-01-20,3.50", "1,2024-01-20,1.00", "2,2024-01-21,4"]
    shop(
        "1,2024-01-05,C1,A,1,10",
        "2,2024-01-06,C2,A,1,4",
        beside={"refunds.csv": refunds},
        tables=REFUNDS,
    )
    assert query(
        "select customer_id, cast(transaction_date as date)::varchar, sum(line_item_amount), "
        "sum(quantity) from raw.store_sales_header "
        "inner join raw.store_sales_line_items using (transaction_id) group by all order by all"
    ) == [
        ("C1", "2024-01-05", 10, 1),
        ("C1", "2024-01-20", Decimal("-4.50"), -2),
        ("C2", "2024-01-06", 4, 1),
        ("C2", "2024-01-21", -4, -1),
    ]


def test_a_refund_of_an_order_that_nobody_knows_is_refused_with_its_money(shop):
    with pytest.raises(LoadError, match=r"1 refunds \(3\.50\) are of orders .* as '77'"):
        shop(
            "1,2024-01-05,C1,A,1,10",
            beside={"refunds.csv": ["order,at,back", "77,2024-01-20,3.50"]},
            tables=REFUNDS,
        )


def test_a_refund_may_be_of_an_order_of_an_earlier_load(shop):
    shop(
        "1,2024-01-05,C1,A,1,10",
        beside={"refunds.csv": ["order,at,back", "1,2024-01-20,3.50"]},
        tables=REFUNDS,
    )
    refunds = ["order,at,back", "1,2024-01-20,3.50", "1,2024-01-30,2"]
    shop(
        "2,2024-01-30,C2,A,1,4",
        beside={"refunds.csv": refunds},
        tables=REFUNDS,
        append=True,
        known_on=NIGHT,
    )
    assert query(
        "select customer_id, sum(line_item_amount) from raw.store_sales_header "
        "inner join raw.store_sales_line_items using (transaction_id) group by all order by all"
    ) == [("C1", Decimal("4.50")), ("C2", 4)]


def test_money_in_cents_is_divided(shop):
    shop(
        "1,2024-01-05,C1,A,1,1250",
        "2,2024-01-05,C1,A,1,7",
        columns={"line_item_amount": "amount / 100"},
    )
    assert amounts() == decimals("12.50", "0.07")


def test_who_has_no_number_is_known_by_the_address_row_by_row(shop):
    rows = (
        "1,2024-01-05,C1,A,1,1,one@example.org",
        "2,2024-01-05,,A,1,1,Two@Example.org ",
        "3,2024-01-05,guest,A,1,1,two@example.org",
        "4,2024-01-05,0,A,1,1,",
    )
    shop(*rows, head=f"{HEAD},mail", columns={"email": "mail"})
    assert query("select transaction_id, customer_id from raw.store_sales_header order by all") == [
        ("1", "C1"),
        ("2", "two@example.org"),
        ("3", "two@example.org"),
        ("4", None),
    ]


@pytest.mark.parametrize("guest", ["0", "guest", "Guest", "", "anonymous", "-1", "Walk-in"])
def test_guests_are_nobody(shop, guest):
    shop("1,2024-01-05,C1,A,1,1", f"2,2024-01-06,{guest},A,1,1")
    assert query("select customer_id from raw.store_sales_header order by all") == [
        ("C1",),
        (None,),
    ]
    assert query("select customer_id from raw.customer_details") == [("C1",)]


RATES = {
    "rates": {
        "file": "rates.csv",
        "columns": {"currency": "ccy", "day": "from", "rate": "rate"},
    }
}
CURRENCIES = (
    "1,2024-01-05,C1,A,1,10,EUR",
    "2,2024-01-05,C1,A,1,10,usd",
    "3,2024-01-03,C1,A,1,10,USD",
)
RATE_ROWS = ["ccy,from,rate", "USD,2024-01-01,0.9", "USD,2024-01-05,0.95", "USD,2024-01-06,0.99"]


def test_several_currencies_are_not_added_up(shop):
    given = {"head": f"{HEAD},ccy", "columns": {"currency": "ccy"}}
    with pytest.raises(LoadError, match=r"EUR: 1 orders, 10\.00.*cannot be added up"):
        shop(*CURRENCIES, **given)
    shop(CURRENCIES[0], **given)
    assert amounts() == decimals("10")


def test_rates_bring_money_into_the_shops_own_by_the_day(shop):
    given = {"head": f"{HEAD},ccy", "columns": {"currency": "ccy"}, "tables": RATES}
    shop(*CURRENCIES, **given, beside={"rates.csv": RATE_ROWS})
    assert amounts() == decimals("10", "9.50", "9.00")
    with pytest.raises(LoadError, match=r"USD: no rate on or before the day of 1 orders, as '3'"):
        shop(*CURRENCIES, **given, beside={"rates.csv": [RATE_ROWS[0], *RATE_ROWS[2:]]})


def test_numbers_are_read_as_each_file_writes_them(shop):
    rows = ("1;2024-01-05;C1;A;1;1.234,50;EUR", "2;2024-01-05;C1;A;1;10,00;USD")
    shop(
        *rows,
        head=f"{HEAD},ccy".replace(",", ";"),
        columns={"currency": "ccy"},
        tables=RATES,
        beside={"rates.csv": RATE_ROWS},
    )
    assert amounts() == decimals("1234.50", "9.50")


def test_signs_of_two_currencies_in_one_column_are_refused(shop):
    with pytest.raises(LoadError, match=r"column .*amount.*: several currencies \(\$, EUR\)"):
        shop("1,2024-01-05,C1,A,1,$10.00", "2,2024-01-05,C1,A,1,€10.00")


@pytest.mark.parametrize(
    "sql",
    [
        "(select content from read_text('/etc/hostname'))",
        "exists (select 1)",
        "read_text('/etc/hostname')",
        "getenv('HOME')",
        "current_setting('home_directory')",
        "getvariable('x')",
        "now()",
        "current_date",
        "today()",
        "random()",
        "uuid()",
        "version()",
        "current_database()",
        "nextval('x')",
        "sum(amount)",
        "amount) from read_text('/etc/hostname') --",
        "amount; drop table raw.loads",
        "amount, 1",
        "raw.loads.file",
        "no_such(amount)",
    ],
)
def test_sql_sees_the_file_that_is_read_and_nothing_else(shop, sql):
    with pytest.raises(LoadError, match=r"orders\.csv"):
        shop("1,2024-01-05,C1,A,1,1", columns={"line_item_amount": sql})
    assert not warehouse.path().exists()


# a known order comes again

ORDER = ("1,2024-01-05,C1,A,1,10", "1,2024-01-05,C1,B,1,20")
SUM_NOW = f"select sum(line_item_amount) from {lines_now()}"


@pytest.mark.parametrize(
    ("again", "money"),
    [
        (("1,2024-01-05,C1,A,1,12", ORDER[1]), 32),
        ((ORDER[1],), 20),
        ((*ORDER, "1,2024-01-05,C1,C,1,5"), 35),
    ],
)
def test_the_lines_of_an_order_that_comes_again_take_the_place_of_the_former(shop, again, money):
    shop(*ORDER, "2,2024-01-05,C2,A,1,100")
    shop(*again, append=True, known_on=NIGHT)
    assert query(SUM_NOW) == [(100 + money,)]
    # until then it was what it was
    assert query(
        "select sum(line_item_amount) from raw.store_sales_line_items where recorded_at is null"
    ) == [(130,)]


def test_an_order_whose_rows_come_in_another_order_says_nothing_new(shop):
    shop(*ORDER)
    assert set(shop(*ORDER[::-1], append=True, known_on=NIGHT).rows.values()) == {0}


def test_an_order_moves_to_another_customer_from_the_night_on(shop):
    shop(*ORDER)
    moved = [row.replace("C1", "C9") for row in ORDER]
    added = shop(*moved, append=True, known_on=NIGHT).rows
    assert (added["store_sales_header"], added["store_sales_line_items"]) == (1, 0)
    assert query(
        f"select customer_id from {lines_now('store_sales_header', 'transaction_id')}"
    ) == [("C9",)]


def test_of_two_corrections_of_one_day_the_later_counts(shop):
    shop(*ORDER)
    shop("1,2024-01-05,C1,A,1,12", ORDER[1], append=True, known_on=NIGHT)
    shop("1,2024-01-05,C1,A,1,11", ORDER[1], append=True, known_on=NIGHT)
    assert query(SUM_NOW) == [(31,)]
    assert query("select distinct recorded_at from raw.store_sales_line_items order by all") == [
        (datetime(2024, 2, 1, 0, 0, 0, 2),),
        (datetime(2024, 2, 1, 0, 0, 0, 3),),
        (None,),
    ]


def test_a_line_that_was_gone_may_come_back(shop):
    shop(*ORDER)
    shop(ORDER[0], append=True, known_on=NIGHT)
    shop(*ORDER, "2,2024-01-08,C1,A,1,1", append=True, known_on=date(2024, 2, 2))
    assert query(SUM_NOW) == [(31,)]


# decimals


def test_four_decimals_are_kept(shop):
    shop("1,2024-01-05,C1,A,1,0.0169", "2,2024-01-05,C1,A,3,0.5")
    assert amounts() == decimals("0.0169", "0.5000")


def test_further_decimals_are_refused_where_they_are_much_money(shop, caplog):
    with pytest.raises(LoadError, match=r"1 lines have more than four decimals; rounding moves"):
        shop("1,2024-01-05,C1,A,1,0.012345", "2,2024-01-05,C1,A,1,0.01")
    caplog.set_level(logging.WARNING)
    shop("1,2024-01-05,C1,A,1,0.012345", "2,2024-01-05,C1,A,1,100")
    assert "rounding moves 0.0000 of 100.01" in caplog.text
    assert amounts() == decimals("0.0123", "100")


# other shapes of files

OBJECTS = [
    {"id": 1, "day": "2024-01-05", "who": "C1", "sku": "A", "qty": 1, "amount": 2.5},
    {"id": 2, "day": "2024-01-06", "who": "C2", "sku": "B", "qty": 1, "amount": 1234.5},
]


@pytest.fixture
def mapping(tmp_path):
    file = tmp_path / "mapping.yml"
    file.write_text(yaml.safe_dump({"order_lines": {"columns": COLUMNS}}))
    return file


@pytest.mark.parametrize("name", ["orders.json", "orders.jsonl", "orders.ndjson"])
def test_json_is_read_as_a_list_and_as_lines(tmp_path, mapping, name):
    file = tmp_path / name
    listed = json.dumps(OBJECTS) if name.endswith(".json") else "\n".join(map(json.dumps, OBJECTS))
    file.write_text(listed)
    load(file, mapping=mapping)
    assert amounts() == decimals("2.5", "1234.5")
    assert moments() == [datetime(2024, 1, 5), datetime(2024, 1, 6)]


def test_archives_are_read_alone_in_a_folder_and_by_a_glob(tmp_path, mapping):
    folder = tmp_path / "months"
    folder.mkdir()
    for month in (1, 2):
        with zipfile.ZipFile(folder / f"{month}.zip", "w") as archive:
            archive.writestr("export/orders.csv", f"{HEAD}\n{month},2024-0{month}-05,C1,A,1,2.5\n")
            archive.writestr("__MACOSX/orders.csv", "no file of the shop")
    load(folder / "1.zip", mapping=mapping)
    assert amounts() == decimals("2.5")
    for path in (folder, folder / "*.zip"):
        load(path, mapping=mapping)
        assert amounts() == decimals("2.5", "2.5")
        warehouse.path().unlink()


# nights

TABLES = {
    "customer_details": ["customer_id,region", "C1,North"],
    "products": ["product_id,product_category", "A,Toys"],
    "store_sales_header": [
        "transaction_id,customer_id,transaction_date",
        "1,C1,2024-01-05",
    ],
    "store_sales_line_items": [
        "line_item_id,transaction_id,product_id,quantity,line_item_amount",
        "L1,1,A,1,2.50",
    ],
}


@pytest.fixture
def night(tmp_path):
    """Write some of the four tables into a folder, each with these rows or with its header."""

    def night(name, **rows):
        folder = tmp_path / name
        folder.mkdir()
        for table, further in rows.items():
            text = "\n".join([TABLES[table][0], *further, ""])
            (folder / f"{table}.csv").write_text(text)
        return folder

    return night


@pytest.fixture
def first(night):
    load(night("first", **{table: rows[1:] for table, rows in TABLES.items()}), "tables")


NIGHTS = {
    "customer_details": ["C2,South"],
    "products": ["B,Home"],
    "store_sales_header": ["2,C1,2024-01-20"],
    "store_sales_line_items": ["L2,1,A,1,1.00"],
}


@pytest.mark.parametrize("table", NIGHTS)
def test_a_night_may_bring_one_of_the_four_tables(first, night, table):
    rows = load(night("n", **{table: NIGHTS[table]}), "tables", append=True, known_on=NIGHT).rows
    assert rows == {one: int(one == table) for one in TABLES}


def test_a_quiet_night_has_headers_alone_and_may_come_every_night(first, night):
    before = content()
    for name in ("monday", "tuesday"):
        folder = night(name, **dict.fromkeys(TABLES, ()))
        assert set(load(folder, "tables", append=True, known_on=NIGHT).rows.values()) == {0}
    assert content() == before
    assert query("select count(distinct load_id) from raw.loads") == [(3,)]


def test_a_quiet_night_of_order_lines_adds_nothing(shop):
    shop(*ORDER)
    before = content()
    assert set(shop(append=True, known_on=NIGHT).rows.values()) == {0}
    assert content() == before
    with pytest.raises(LoadError, match="no rows below its header"):
        shop()


def test_a_night_without_any_file_of_the_mapping_is_refused(first, night):
    with pytest.raises(LoadError, match="holds none of the files"):
        load(night("empty"), "tables", append=True, known_on=NIGHT)
