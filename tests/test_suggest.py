"""A suggested mapping puts money into the right column, or somebody must look before it loads."""

import csv
import random
import re
from datetime import datetime

import pytest
import yaml

from load.loader import load
from load.staging import LoadError
from load.suggest import suggested
from tests.shop_files import query


@pytest.fixture(autouse=True)
def own_warehouse(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "warehouse" / "shop.duckdb"))


def lines(orders=60, *, one_line=False):
    """Order lines of a shop whose prices are fixed by product: dicts of what an export may say."""
    draw = random.Random(5)
    for order in range(1000, 1000 + orders):
        count = 1 if one_line else draw.randint(1, 4)
        rows = []
        for sku in draw.sample(range(12), count):
            pieces, price = draw.randint(1, 5), 3 + 2 * sku
            rows.append(
                {
                    "order_no": order,
                    "date": f"2024-{1 + order % 12:02d}-{13 + order % 15}",
                    "customer": f"K{order % 17}",
                    "sku": f"S{sku}",
                    "pieces": pieces,
                    "price": f"{price:.2f}",
                    "gross": f"{pieces * price:.2f}",
                    "discount": f"{pieces * price / 10:.2f}",
                    "net": f"{pieces * price * 0.9:.2f}",
                    "tax": f"{pieces * price * 0.19:.2f}",
                    "freight": "4.90",
                    "channel": draw.randint(1, 3),
                }
            )
        total = sum(float(row["net"]) for row in rows)
        yield from (row | {"order_total": f"{total:.2f}"} for row in rows)


def file(tmp_path, columns, rows=None):
    """Write a file with the columns of `columns`: theirs by the name that the file gives them."""
    path = tmp_path / "export.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        for row in rows or lines():
            writer.writerow([row[columns[name]] for name in columns])
    return path


def money_of(text):
    return yaml.safe_load(text)["order_lines"]["columns"]["line_item_amount"]


KEYS = {"order_no": "order_no", "date": "date", "customer": "customer", "sku": "sku"}


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        # the name says amount, arithmetic which
        ({"qty": "pieces", "unit price": "price", "Betrag": "gross"}, "Betrag"),
        ({"qty": "pieces", "a": "price", "b": "gross"}, "b"),
        # net of the discount, whatever stands first
        ({"discount": "discount", "qty": "pieces", "price": "price", "x": "net"}, "x"),
        (
            {"Gross": "gross", "Rabatt": "discount", "qty": "pieces", "price": "price", "y": "net"},
            "y",
        ),
        # the lines of an order add up to its total, which stands in each row
        ({"total": "order_total", "line value": "net"}, "line value"),
        # what is named a price of one may be a line's total
        ({"qty": "pieces", "amount": "gross"}, "amount"),
    ],
)
def test_money_is_found_by_arithmetic(tmp_path, columns, expected):
    text = suggested(file(tmp_path, KEYS | columns))
    assert money_of(text) == expected
    assert "unsure" not in yaml.safe_load(text)


def test_what_is_suggested_loads_the_sum_that_the_file_has(tmp_path):
    path = file(
        tmp_path, KEYS | {"discount": "discount", "qty": "pieces", "price": "price", "x": "net"}
    )
    mapping = tmp_path / "m.yml"
    mapping.write_text(suggested(path))
    load(path, mapping=mapping)
    expected = sum(round(float(row["net"]) * 100) for row in lines())
    [(found,)] = query("select sum(line_item_amount) * 100 from raw.store_sales_line_items")
    assert found == expected


@pytest.mark.parametrize(
    "columns",
    [
        # a discount, a tax or a freight that nobody says is in or out
        {"qty": "pieces", "price": "price", "discount": "discount"},
        {"qty": "pieces", "price": "price", "amount": "gross", "tax": "tax"},
        {"qty": "pieces", "price": "price", "amount": "gross", "freight": "freight"},
        # a line's total under the name of a price, and a price under that of a total
        {"qty": "pieces", "amount": "price"},
        {"qty": "pieces", "unit price": "gross"},
        # nothing but an order's total, in each of its rows
        {"amount": "order_total"},
        # no money at all: a channel and pieces are none
        {"channel": "channel", "qty": "pieces"},
    ],
)
def test_what_is_not_certain_does_not_load_until_somebody_has_looked(tmp_path, columns):
    path = file(tmp_path, KEYS | columns)
    text = suggested(path)
    assert "line_item_amount" in yaml.safe_load(text)["unsure"]
    mapping = tmp_path / "m.yml"
    mapping.write_text(text)
    with pytest.raises(LoadError, match=r"nobody has looked at .*line_item_amount"):
        load(path, mapping=mapping)


def test_one_row_per_order_is_its_total_and_no_refund(tmp_path):
    rows = [
        row | {"refund": "0.00" if n % 9 else "5.00", "status": "paid" if n % 9 else "voided"}
        for n, row in enumerate(lines(one_line=True))
    ]
    columns = {
        "Order ID": "order_no",
        "Order Date": "date",
        "Customer Email": "customer",
        "Status": "status",
        "Refund Total": "refund",
        "Order Total": "order_total",
    }
    text = suggested(file(tmp_path, columns, rows))
    assert money_of(text) == "Order Total"
    # does a voided order count? the file cannot say
    assert yaml.safe_load(text)["unsure"] == ["where"]


def test_orders_and_their_lines_in_two_files_are_found(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    headers = {row["order_no"]: row for row in lines()}.values()
    named = {"order_no": "order_no", "date": "date", "customer": "customer", "total": "order_total"}
    file(tmp_path, named, headers).rename(folder / "orders.csv")
    part = {
        "order_no": "order_no",
        "sku": "sku",
        "qty": "pieces",
        "price": "price",
        "amount": "gross",
    }
    file(tmp_path, part).rename(folder / "items.csv")
    mapping = yaml.safe_load(re.sub("^unsure.*", "", suggested(folder), flags=re.M))
    assert mapping["store_sales_header"]["file"] == "orders.csv"
    assert mapping["store_sales_line_items"]["columns"]["line_item_amount"] == "amount"


@pytest.mark.parametrize(
    "form",
    [
        "%d.%m.%y",
        "%m/%d/%y",
        "%m/%d/%Y %I:%M %p",
        "%b %d, %Y %I:%M:%S %p",
        "%d-%b-%Y",
        "%d %B %Y",
        "%s",
    ],
)
def test_a_form_of_dates_is_found(tmp_path, form):
    rows = []
    for row in lines():
        day = datetime.fromisoformat(row["date"]).replace(hour=15)
        # no time zone is meant: seconds are of UTC
        seconds = str(int((day - datetime(1970, 1, 1)).total_seconds()))
        rows.append(row | {"date": seconds if form == "%s" else day.strftime(form)})
    path = file(tmp_path, KEYS | {"amount": "gross"}, rows)
    mapping = tmp_path / "m.yml"
    mapping.write_text(suggested(path))
    load(path, mapping=mapping)
    found = query("select distinct transaction_date::date::varchar from raw.store_sales_header")
    assert {day for (day,) in found} == {row["date"] for row in lines()}


def test_a_refusal_names_the_columns_that_it_looked_at(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text("a,b\nx,1\nz,2\n")
    with pytest.raises(
        LoadError, match=r"nothing in it looks like orders.*a \(text\), b \(numbers\)"
    ):
        suggested(path)
