"""The folder that receives a shop's files: what counts as new, and of which day it is."""

from __future__ import annotations

import zipfile
from datetime import date, timedelta
from pathlib import Path

import pytest

import warehouse
from load.inbox import InboxError, Received, as_folder, day_of, news
from load.layout import layout
from load.staging import LoadError
from operate.night.receive import Files, left, receive, without_values

TABLES = layout("tables")
NOTHING_SEEN = Received({}, frozenset())
TONIGHT = date(2024, 11, 5)
HEADER = "transaction_id,customer_id,store_id,transaction_date,total_amount\n"
LINE = "line_item_id,transaction_id,product_id,quantity,line_item_amount\n"
CUSTOMER = "customer_id,customer_since,region\n"
PRODUCT = "product_id,product_name,product_category\n"


@pytest.fixture
def inbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "shop.duckdb"))
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


def put(inbox: Path, place: str, text: str = "a\n1\n") -> None:
    file = inbox / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def load_all(inbox: Path, night: date = TONIGHT) -> list[str]:
    files = Files(inbox, as_of=night)
    found = files.news()
    for batch in found.batches:
        files.load(batch)
    receive(list(found.unread.values()))
    return left(found)


def rows(query: str) -> list[tuple]:
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.parametrize(
    ("place", "day"),
    [
        ("orders_2024-11-02.csv", date(2024, 11, 2)),
        ("20241102.parquet", date(2024, 11, 2)),
        ("2024_11_02/orders.csv", date(2024, 11, 2)),
        ("2024-11-01/orders_2024-11-02.csv", date(2024, 11, 2)),
        ("orders_2024-11-01_2024-11-30.csv", date(2024, 11, 30)),
        ("orders.csv", None),
        ("order 2024-13-40.csv", None),
        ("a99920241102999.csv", None),
    ],
)
def test_the_last_day_in_a_name_is_the_files(place, day):
    assert day_of(Path(place)) == day


def test_batches_come_in_order_of_days_and_those_without_one_last(inbox):
    for place in ("2024-11-03/b.csv", "orders.csv", "a_2024-11-01.csv", "2024-11-03/a.csv"):
        put(inbox, place, place)
    found = news(inbox, None, NOTHING_SEEN, TONIGHT)
    assert [(batch.day, list(batch.files)) for batch in found.batches] == [
        (date(2024, 11, 1), ["a_2024-11-01.csv"]),
        (date(2024, 11, 3), ["2024-11-03/a.csv", "2024-11-03/b.csv"]),
        (None, ["orders.csv"]),
    ]


def test_files_of_days_to_come_are_left_and_named(inbox):
    put(inbox, "2099-12-31/orders.csv")
    found = news(inbox, None, NOTHING_SEEN, TONIGHT)
    assert found.batches == []
    assert left(found) == [
        "left for the day in their name, which is to come: 2099-12-31/orders.csv"
    ]


def test_what_is_hidden_or_cannot_be_read_is_no_file_of_the_shop(inbox):
    for place in (".orders.csv", ".part/orders.csv", "notes.pdf", "README"):
        put(inbox, place)
    found = news(inbox, None, NOTHING_SEEN, TONIGHT)
    assert (found.batches, dict(found.unread)) == ([], {})


def test_files_that_no_mapping_names_are_named_once(inbox):
    put(inbox, "2024-11-01/stores.csv")
    put(inbox, "2024-11-01/customer_details.csv", f"{CUSTOMER}C1,2024-10-01,North\n")
    found = news(inbox, TABLES, NOTHING_SEEN, TONIGHT)
    assert left(found) == ["not read, as no mapping names them: 2024-11-01/stores.csv"]
    seen = Received({name: file.sha256 for name, file in found.unread.items()}, frozenset())
    assert left(news(inbox, TABLES, seen, TONIGHT)) == []


def test_a_missing_folder_is_said(tmp_path):
    with pytest.raises(InboxError, match="no such folder"):
        news(tmp_path / "none", None, NOTHING_SEEN, TONIGHT)


def test_two_files_of_a_day_under_one_name_are_refused(inbox):
    put(inbox, "2024-11-01/a/orders.csv", "a")
    put(inbox, "2024-11-01/b/orders.csv", "b")
    [batch] = news(inbox, None, NOTHING_SEEN, TONIGHT).batches
    with pytest.raises(LoadError, match="of one day under one name"), as_folder(batch, inbox, None):
        pass


def first_export(inbox: Path) -> None:
    put(inbox, "2024-11-01/customer_details.csv", f"{CUSTOMER}C1,2024-10-01,North\n")
    put(inbox, "2024-11-01/products.csv", f"{PRODUCT}P1,Pen,AAA\n")
    put(inbox, "2024-11-01/store_sales_header.csv", f"{HEADER}T1,C1,S1,2024-11-01 10:00:00,5\n")
    put(inbox, "2024-11-01/store_sales_line_items.csv", f"{LINE}L1,T1,P1,1,5\n")


def test_a_day_of_one_table_alone_under_a_dated_name_is_loaded(inbox):
    first_export(inbox)
    put(inbox, "customer_details_2024-11-02.csv", f"{CUSTOMER}C2,2024-11-02,South\n")
    assert load_all(inbox) == []
    assert rows("select customer_id from raw.customer_details order by all") == [("C1",), ("C2",)]
    assert rows("select known_on from raw.loads order by load_id desc limit 1") == [
        (date(2024, 11, 2),)
    ]
    assert news(inbox, TABLES, received(), TONIGHT).batches == []


def test_a_file_that_says_again_what_it_said_before_is_news(inbox):
    first_export(inbox)
    said = {"AAA": f"{PRODUCT}P1,Pen,AAA\n", "BBB": f"{PRODUCT}P1,Pen,BBB\n"}
    for number, category in enumerate(("AAA", "BBB", "AAA")):
        put(inbox, "products.csv", said[category])
        load_all(inbox, TONIGHT + timedelta(number))
    assert rows(
        "select product_category from raw.products where product_id = 'P1' order by _loaded_at"
    ) == [("AAA",), ("BBB",), ("AAA",)]


def test_an_archive_is_loaded_once(inbox):
    first_export(inbox)
    put(inbox, "2024-11-02/store_sales_header.csv", f"{HEADER}T2,C1,S1,2024-11-02 10:00:00,7\n")
    lines = inbox / "2024-11-02" / "lines.zip"
    with zipfile.ZipFile(lines, "w") as archive:
        archive.writestr("store_sales_line_items.csv", f"{LINE}L2,T2,P1,1,7\n")
        archive.writestr("products.csv", PRODUCT)
    load_all(inbox)
    loads = rows("select count(*) from raw.loads")
    assert rows("select count(*) from raw.store_sales_line_items") == [(2,)]
    load_all(inbox, TONIGHT + timedelta(1))
    assert rows("select count(*) from raw.loads") == loads


def test_a_file_that_does_not_fit_is_named_by_its_place_and_without_its_values(inbox):
    first_export(inbox)
    put(
        inbox,
        "2024-11-02/customer_details.csv",
        f'{CUSTOMER}C2,when Zoe came,South\nC3,"Zoe,zoe@example.com\n',
    )
    with pytest.raises(LoadError) as raised:
        load_all(inbox)
    message = str(raised.value)
    assert str(inbox / "2024-11-02" / "customer_details.csv") in message
    assert "scratch" not in message
    assert "Zoe" not in message
    assert "example.com" not in message


def test_what_is_told_of_a_red_test_has_no_rows():
    told = without_values(
        "dbt: 1 failed, 2 behind them not run\n  test unique: Got 2 results\n"
        "    for example customer_id: C1, email: zoe@example.com\n    for example customer_id: C2"
    )
    assert told == "dbt: 1 failed, 2 behind them not run\n  test unique: Got 2 results"


def received() -> Received:
    with warehouse.connect(read_only=True) as connection:
        return Received.of(connection)
