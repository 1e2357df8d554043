"""Each known export is found from its header, and loads as plain SQL over the file says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
import yaml

import warehouse
from core.sql import quoted
from load.layout import NAMES
from load.loader import load
from load.staging import LoadError
from tests.layout_files import (
    EXPORTS,
    SHOPIFY,
    Export,
    Sums,
    amazon,
    amazon_without_buyer,
    bigcommerce,
    dunnhumby_folder,
    header,
    shopify,
    stripe_unconverted,
)

LAYOUTS = warehouse.ROOT / "load" / "layouts"
PAGE = warehouse.ROOT / "docs" / "reference" / "layouts.md"
CASE = warehouse.ROOT.parent / "shared" / "cases" / "shopify_refunds" / "orders.csv"


@pytest.fixture(autouse=True)
def own_warehouse(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "warehouse" / "warehouse.duckdb"))


def rows_of(query: str) -> list[tuple]:
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(query).fetchall()


def as_loaded(sums: Sums) -> Sums:
    """Return what an export comes to, with the net, counts and days of the raw tables."""
    # a line that a layout says is in the file twice has one id there
    [(net,)] = rows_of(
        "select sum(amount) from (select any_value(line_item_amount) as amount "
        "from raw.store_sales_line_items group by line_item_id)"
    )
    [(orders, customers, first, last)] = rows_of(
        "select count(distinct transaction_id), count(distinct customer_id), "
        "min(cast(transaction_date as date)), max(cast(transaction_date as date)) "
        "from raw.store_sales_header"
    )
    return replace(
        sums, net=net, orders=orders, customers=customers, first_day=first, last_day=last
    )


def page_row(name: str, export: Export, by_sql: Sums, loaded: Sums) -> str:
    """Return a row of the page's table."""
    money = [by_sql.gross, by_sql.discounts, by_sql.refunds, by_sql.net]
    cells = [
        name,
        export.shape,
        *(f"{one:,.2f}" if one == round(one, 2) else f"{one:,.4f}" for one in money),
        by_sql.orders,
        by_sql.customers,
        f"{loaded.net:,.2f}" if loaded.net == round(loaded.net, 2) else f"{loaded.net:,.4f}",
        loaded.orders,
        loaded.customers,
    ]
    return f"| {' | '.join(map(str, cells))} |"


@pytest.mark.parametrize("name", EXPORTS)
def test_plain_sql_over_an_export_says_what_was_worked_out_by_hand(name, tmp_path):
    export = EXPORTS[name]
    assert export.by_sql(export.write(tmp_path)) == export.expected
    assert export.expected.net == (
        export.expected.gross - export.expected.discounts - export.expected.refunds
    )


@pytest.mark.parametrize("name", EXPORTS)
def test_an_export_is_found_from_its_header_and_loads_to_the_cent(name, tmp_path):
    export = EXPORTS[name]
    path = export.write(tmp_path)
    load(path)
    assert rows_of("select distinct layout from raw.loads") == [(export.layout,)]
    loaded = as_loaded(export.expected)
    assert loaded == export.expected
    assert page_row(name, export, export.by_sql(path), loaded) in PAGE.read_text().splitlines()


def test_every_layout_has_a_file_that_is_tried():
    assert {export.layout for export in EXPORTS.values()} == set(NAMES)
    assert {file.stem for file in LAYOUTS.glob("*.yml")} == set(NAMES)


@pytest.mark.parametrize("file", sorted(LAYOUTS.glob("*.yml")), ids=lambda file: file.stem)
def test_a_layout_is_short_and_says_first_what_it_counts(file):
    text = file.read_text()
    assert text.startswith("# ")
    assert len(text.splitlines()) <= 40
    assert "order_lines" not in yaml.safe_load(text) or "# Counted: " in text


def test_lines_of_an_order_share_its_discounts_and_refunds_by_cents(tmp_path):
    load(shopify(tmp_path), "shopify")
    lines = rows_of(
        "select transaction_id, list(line_item_amount order by line_item_amount) "
        "from raw.store_sales_line_items group by all order by all"
    )
    found = {order: [float(one) for one in amounts] for order, amounts in lines}
    # 29.99 over three equal lines, 90 over two
    assert found["#1005"] == [9.99, 10.0, 10.0]
    assert found["#1001"] == [45.0, 45.0]


def test_a_shopify_export_of_few_columns_is_known_too(tmp_path):
    kept = header(
        "Name,Email,Financial Status,Currency,Subtotal,Total,Created at,Lineitem quantity,"
        "Lineitem name,Lineitem price,Lineitem sku,Refunded Amount,Cancelled at"
    )
    assert set(kept) < set(SHOPIFY)
    listed = ", ".join(map(quoted, kept))
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select {listed} from "
            f"read_csv('{shopify(tmp_path)}', all_varchar = true)) "
            f"to '{tmp_path / 'few.csv'}' (header)"
        )
    load(tmp_path / "few.csv")
    assert as_loaded(EXPORTS["shopify"].expected) == EXPORTS["shopify"].expected


def test_the_shopify_case_comes_to_what_its_goods_came_to():
    if not CASE.exists():
        pytest.skip("the case is not at hand")
    load(CASE, "shopify")
    lines = (
        "select transaction_id, sum(line_item_amount) from raw.store_sales_line_items group by all"
    )
    assert {order: float(paid) for order, paid in rows_of(lines)} == {
        "#1001": 90.0,
        "#1002": 0.0,
        "#1004": 50.0,
    }


def test_a_refund_in_a_row_of_its_own_keeps_its_day_and_its_customer(tmp_path):
    load(EXPORTS["square"].write(tmp_path), "square")
    returns = rows_of(
        "select customer_id, cast(transaction_date as date), line_item_amount "
        "from raw.store_sales_line_items "
        "inner join raw.store_sales_header using (transaction_id) "
        "where line_item_amount < 0 order by all"
    )
    assert [(who, day, float(paid)) for who, day, paid in returns] == [
        ("CU1", date(2024, 3, 16), -16.5),
        ("CU2", date(2024, 3, 20), -1200.0),
    ]


def test_days_without_dates_begin_on_the_day_that_the_layout_states(tmp_path):
    load(dunnhumby_folder(tmp_path), "dunnhumby")
    moments = rows_of("select transaction_date from raw.store_sales_header order by all")
    assert [moment for (moment,) in moments] == [
        datetime(2016, 1, 1, 16, 31),
        datetime(2016, 1, 9, 0, 8),
        datetime(2016, 12, 30, 10, 0),
        datetime(2017, 12, 11, 23, 59),
    ]
    categories = rows_of("select product_category from raw.products order by product_id")
    assert [one for (one,) in categories] == ["GROCERY", "PRODUCE", "KIOSK-GAS"]


@pytest.mark.parametrize(
    ("layout", "write"),
    [
        ("shopify", lambda folder: shopify(folder, "EUR")),
        # within one order
        ("amazon", lambda folder: amazon(folder, "CAD")),
        ("bigcommerce", lambda folder: bigcommerce(folder, "EUR")),
        ("stripe", stripe_unconverted),
    ],
    ids=["shopify", "amazon", "bigcommerce", "stripe"],
)
def test_two_currencies_in_one_export_are_refused(layout, write, tmp_path):
    with pytest.raises(LoadError, match="currenc"):
        load(write(tmp_path), layout)
    assert not warehouse.path().exists()


def test_an_export_that_does_not_say_who_bought_is_refused_in_words(tmp_path):
    with pytest.raises(LoadError, match="All Orders report does not say who bought"):
        load(amazon_without_buyer(tmp_path))
    assert not warehouse.path().exists()


STATUSES = {
    "shopify": ("partially_refunded", "half_refunded"),
    "woocommerce": ("Processing", "Being packed"),
    "stripe": ("Refunded", "Given back"),
    "square": (",Refund,", ",Exchange,"),
    "amazon": ("\tUnshipped\t\t", "\tOn its way\t\t"),
    "magento": ("processing", "in_progress"),
    "bigcommerce": ("Shipped", "Collected"),
    "olist": ("invoiced", "billed"),
}


@pytest.mark.parametrize("name", STATUSES)
def test_a_status_that_no_layout_knows_is_refused_instead_of_guessed(name, tmp_path):
    path = EXPORTS[name].write(tmp_path)
    known, unknown = STATUSES[name]
    file = path / "olist_orders_dataset.csv" if path.is_dir() else path
    _replace(file, known, unknown)
    with pytest.raises(LoadError, match=unknown.strip(",\t")):
        load(path, name)


def _replace(file: Path, known: str, unknown: str) -> None:
    text = file.read_text()
    assert known in text
    file.write_text(text.replace(known, unknown))
