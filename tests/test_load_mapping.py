"""Files of any shape load through a mapping, given or suggested."""

import gzip
import re
from datetime import date, datetime
from decimal import Decimal

import pandas as pd
import pytest

import warehouse
from core import dbt_runner
from load.loader import load
from load.mapping import read_mapping
from load.read_files import LoadError
from load.suggest import suggested
from tests.shop_files import CDNOW, GERMAN, SHAPES, cdnow, content, german, monthly, query, web_shop


@pytest.fixture(autouse=True)
def own_warehouse(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "warehouse" / "shop.duckdb"))


@pytest.fixture
def mapped(tmp_path):
    """Load a path by a mapping's text."""

    def mapped(path, text, **options):
        file = tmp_path / "mapping.yml"
        file.write_text(text, encoding="utf-8")
        return load(path, mapping=file, **options)

    return mapped


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_loads_through_its_mapping_and_through_the_suggested_one(tmp_path, mapped, shape):
    maker, mapping = SHAPES[shape]
    path = maker(tmp_path)
    rows = mapped(path, mapping).rows
    assert all(rows.values())
    by_hand = content()
    money = "select sum(line_item_amount), sum(quantity) from raw.store_sales_line_items"
    by_hand["money"] = query(money)
    # somebody looks, and agrees
    seen = re.sub("^unsure: .*$", "", suggested(path), flags=re.M)
    assert mapped(path, seen, may_lose=True).rows == rows
    found = content() | {"money": query(money)}
    for table, key in (("store_sales_header", 0), ("store_sales_line_items", 1)):
        assert {row[key] for row in found[table]} == {row[key] for row in by_hand[table]}
    assert found["money"] == by_hand["money"]


def test_cdnow_orders_are_what_a_customer_buys_on_one_day(tmp_path, mapped):
    mapped(cdnow(tmp_path), CDNOW)
    file = tmp_path / "CDNOW_master.txt"
    lines = [line.split() for line in file.read_text().splitlines()]
    assert query(
        "select count(*), count(distinct transaction_id), min(transaction_date) "
        "from raw.store_sales_header"
    ) == [
        (
            len({(one[0], one[1]) for one in lines}),
            len({(one[0], one[1]) for one in lines}),
            min(datetime.strptime(one[1], "%Y%m%d") for one in lines),
        )
    ]
    total = sum(Decimal(one[3]) for one in lines)
    assert query("select sum(line_item_amount) from raw.store_sales_line_items") == [(total,)]
    assert query("select * exclude (_loaded_at) from raw.products") == [
        ("CD", None, None, None, None)
    ]


def test_columns_of_fixed_width_are_read(tmp_path, mapped):
    mapped(cdnow(tmp_path), CDNOW)
    expected = content()
    wide = CDNOW.replace("delimiter: whitespace", "widths: [6, 9, 3, 7]")
    mapped(tmp_path / "CDNOW_master.txt", wide)
    assert content() == expected


def test_decimal_commas_thousands_and_returns_are_read(tmp_path, mapped):
    file = german(tmp_path)
    mapped(file, GERMAN)
    rows = [line.split(";") for line in file.read_bytes().decode("cp1252").splitlines()[1:]]
    signed = sum(
        Decimal(row[7].rstrip(" €").replace(".", "").replace(",", "."))
        * (-1 if row[0].startswith("G") else 1)
        for row in rows
    )
    assert query(
        "select sum(line_item_amount), bool_and((quantity < 0) = starts_with(transaction_id, 'G')) "
        "from raw.store_sales_line_items"
    ) == [(signed, True)]
    assert query("select product_name from raw.products where product_id = 'A7'") == [
        ("Müsli, groß 7",)
    ]


def test_a_text_is_the_same_in_every_encoding_and_packed(tmp_path, mapped):
    text = german(tmp_path).read_bytes().decode("cp1252")
    mapped(tmp_path / "Kassenbons.csv", GERMAN)
    expected = content()
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "cp1252"):
        file = tmp_path / ("again.csv.gz" if encoding == "utf-16" else "again.csv")
        raw = text.encode(encoding)
        file.write_bytes(gzip.compress(raw) if encoding == "utf-16" else raw)
        mapped(file, GERMAN.replace("encoding: cp1252, ", ""))
        assert content() == expected


def test_what_an_order_states_on_its_first_row_holds_for_all_of_it(tmp_path, mapped):
    mapped(web_shop(tmp_path), SHAPES["web_shop"][1])
    assert query(
        "select transaction_id, customer_id is not null, total_amount, transaction_date::date "
        "from raw.store_sales_header where transaction_id = '#1003'"
    ) == [("#1003", True, Decimal("25.00"), date(2023, 1, 3))]
    assert query("select count(*) from raw.store_sales_header where customer_id is null") == [(0,)]


def test_a_mapped_shop_passes_every_rule_of_dbt(tmp_path, mapped):
    mapped(web_shop(tmp_path), SHAPES["web_shop"][1])
    dbt_runner.build(select="+data_quality")
    assert query(
        "select table_name, sum(rows) from marts.data_quality "
        "where outcome = 'quarantined' group by all"
    ) in ([], [("store_sales_line_items", 0)])


def test_files_of_a_glob_are_stacked_and_a_partial_one_is_refused(tmp_path, mapped):
    folder = monthly(tmp_path)
    text = SHAPES["monthly"][1]
    assert mapped(folder, text).rows["store_sales_line_items"] == 300
    flat = text.split("products:")[0].replace("  file: sales_*.parquet\n", "")
    assert mapped(folder / "sales_*.parquet", flat).rows["store_sales_line_items"] == 300
    short = pd.read_parquet(folder / "sales_2024_02.parquet").drop(columns="price")
    short.to_parquet(folder / "sales_2024_04.parquet")
    with pytest.raises(LoadError, match=r"2024_04\.parquet: lacks the column price, unlike"):
        mapped(folder, text)


QUANTITY = next(line.strip() for line in GERMAN.splitlines() if "quantity" in line)
WRONG_MAPPINGS = {
    "orderlines: {}": "unknown key orderlines; did you mean order_lines",
    "": "expected tables and their columns",
    "a: [": "cannot be read as YAML",
    "products: {columns: {product_id: a}}": "expected order_lines, or both store_sales_header",
    "order_lines: {colums: {}}": "unknown key colums; did you mean columns",
    "order_lines: {}": "needs columns",
    "order_lines: {columns: {customer: a}}": "no column customer; did you mean customer_id",
    "order_lines: {columns: {customer_id: a}}": "says nothing of the required column transaction",
    "order_lines: {format: {delimiter: ab}}": "expected one character",
    "order_lines: {format: {encoding: klingon}}": "unknown encoding 'klingon'",
    "order_lines: {format: {header: false}}": "names must list the columns",
    "timezone: Berlin": "unknown time zone 'Berlin'; expected a name such as Europe/Berlin",
    "order_lines: {split_orders_by: [week]}": "Input should be 'customer', 'store' or 'day'",
    "unsure: [quantity]": "nobody has looked at quantity yet",
    # what was said in words of its own is SQL now
    "order_lines: {columns: {product_id: {constant: CD}}}": "the constant as SQL, as in 'ALL'",
    "order_lines: {columns: {transaction_id: {join: [a, b]}}}": "write concat_ws('-', a, b)",
    "order_lines: {columns: {line_item_amount: {multiply: [a, b]}}}": "write quantity * unit_price",
    "order_lines: {columns: {product_category: {family: a}}}": "as in 'Family ' || left(product_id",
    "order_lines: {columns: {store_id: {column: a}}}": "write the column's name alone",
    "order_lines: {returns: {column: a, prefix: G}}": "if(starts_with(Invoice, 'C'), -abs(Amount)",
    "order_lines: {format: {thousands: '.'}}": "unknown key thousands",
}


@pytest.mark.parametrize("text", WRONG_MAPPINGS)
def test_a_wrong_mapping_is_refused_with_what_is_wrong(tmp_path, text):
    file = tmp_path / "mapping.yml"
    file.write_text(text)
    with pytest.raises(LoadError) as error:
        read_mapping(file)
    assert str(file) in str(error.value)
    assert WRONG_MAPPINGS[text] in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Kundennummer", "Kunde", r"the column Kunde is missing.*did you mean Kundennummer"),
        ("\"Bon-Nr\", 'G'), -number(M", "\"Bon\", 'G'), -number(M", r"Bon .*; did you mean Bon-Nr"),
        ('decimal: ","', 'decimal: "."', r"row \d+: .* is not a number written as 1,234\.50"),
        ("%d.%m.%Y", "%m/%d/%Y", r"column Datum, row 2: .* is not a date written '%m/%d/%Y'"),
        (
            QUANTITY,
            "quantity: \"'many'\"",
            r"Kassenbons.csv: column quantity, row 2: 'many' is not a number",
        ),
        (
            "quantity: if",
            "line_item_id: store_id\n    quantity: if",
            r"the column store_id is missing .it is line_item_id of order_lines",
        ),
        (
            "transaction_id: Bon-Nr",
            "line_item_id: transaction_id\n    transaction_id: line_item_id",
            r"columns are made of each other: .*transaction_id",
        ),
        ("encoding: cp1252", "encoding: ascii", "cannot be read as ascii"),
    ],
)
def test_a_mapping_that_does_not_fit_the_file_is_refused(tmp_path, mapped, old, new, message):
    with pytest.raises(LoadError, match=message):
        mapped(german(tmp_path), GERMAN.replace(old, new))
    assert not warehouse.path().exists()


def test_a_table_is_asked_for_where_a_database_has_several(tmp_path, mapped):
    file = SHAPES["database"][0](tmp_path)
    text = SHAPES["database"][1]
    with pytest.raises(LoadError, match=r"has no table item; its tables are crm\.clients, items"):
        mapped(file, text.replace("table: items", "table: item"))
    with pytest.raises(LoadError, match="holds several tables; name one"):
        mapped(file, text.replace("  table: items\n", ""))
    with pytest.raises(LoadError, match="a database needs a mapping"):
        load(file)


def test_customers_and_products_that_are_not_there_are_derived_from_ids(tmp_path, mapped):
    file = SHAPES["database"][0](tmp_path)
    text = "store_sales_header:" + SHAPES["database"][1].split("store_sales_header:")[1]
    rows = mapped(file, text).rows
    # a customer of the number 0 is nobody
    assert (rows["customer_details"], rows["products"]) == (29, 20)
    assert query("select count(*) from raw.customer_details where customer_since is null") == [
        (29,)
    ]


def test_suggestions_say_where_they_are_unsure(tmp_path):
    text = suggested(cdnow(tmp_path))
    assert 'quantity: "column 3"    # unsure' in text
    [unsure] = [line for line in text.splitlines() if line.startswith("unsure:")]
    assert "transaction_date" in unsure
    assert "line_item_amount" in unsure
    other = tmp_path / "other.csv"
    other.write_text("a,b\nx,y\nz,w\n")
    with pytest.raises(LoadError, match="nothing in it looks like orders"):
        suggested(other)
