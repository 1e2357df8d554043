"""Files of shops as they come: each maker writes one shape with known content into a folder."""

from __future__ import annotations

import random
import sqlite3
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pandas as pd

import warehouse

FIRST_DAY = date(2023, 1, 1)

# order lines as most files have them
LINES_HEADER = "id,day,customer,sku,pieces,amount"
LINES_MAPPING = """
order_lines:
  columns:
    transaction_id: id
    transaction_date: day
    customer_id: customer
    product_id: sku
    quantity: pieces
    line_item_amount: amount
"""


def cdnow(folder: Path, lines: int = 300) -> Path:
    """No header, columns parted by blanks: customer, day, pieces, dollars."""
    draw = random.Random(1)
    file = folder / "CDNOW_master.txt"
    with file.open("w") as stream:
        for _ in range(lines):
            day = date(1997, 1, 1) + timedelta(draw.randrange(500))
            dollars = draw.randint(500, 9000) / 100
            stream.write(
                f" {draw.randint(1, 60):05d} {day:%Y%m%d} {draw.randint(1, 5):2d} {dollars:6.2f}\n"
            )
    return file


CDNOW = """
order_lines:
  format: {delimiter: whitespace, header: false, names: [id, day, cds, dollars], dates: "%Y%m%d"}
  columns:
    customer_id: id
    transaction_date: day
    product_id: "'CD'"
    quantity: cds
    line_item_amount: dollars
"""


def german(folder: Path, lines: int = 200) -> Path:
    """Semicolons, decimal comma, thousands, euro signs, cp1252; returns are told by the number.

    Three lines make an order, of one customer and day.
    """
    draw = random.Random(2)
    file = folder / "Kassenbons.csv"
    rows = ["Bon-Nr;Datum;Kundennummer;Artikelnummer;Bezeichnung;Warengruppe;Menge;Betrag"]
    for line in range(lines):
        if line % 3 == 0:
            day, customer = FIRST_DAY + timedelta(line // 2), draw.randint(1, 30)
        number = f"G{1000 + line // 3}" if line // 3 % 10 == 9 else f"{1000 + line // 3}"
        amount = f"{draw.randint(100, 250_000) / 100:,.2f}".translate(str.maketrans(",.", ".,"))
        article = draw.randint(1, 20)
        rows.append(
            f"{number};{day:%d.%m.%Y};K{customer:04d};A{article};Müsli, groß {article};"
            f"Küche;{draw.randint(1, 4)};{amount} €"
        )
    file.write_bytes("\r\n".join([*rows, ""]).encode("cp1252"))
    return file


GERMAN = """
order_lines:
  format: {delimiter: ";", encoding: cp1252, decimal: ",", dates: "%d.%m.%Y"}
  columns:
    transaction_id: Bon-Nr
    customer_id: Kundennummer
    transaction_date: Datum
    product_id: Artikelnummer
    product_name: Bezeichnung
    product_category: Warengruppe
    quantity: if(starts_with("Bon-Nr", 'G'), -number(Menge), Menge)
    line_item_amount: if(starts_with("Bon-Nr", 'G'), -number(Betrag), Betrag)
"""


def web_shop(folder: Path, orders: int = 100) -> Path:
    """One row per line; what belongs to the whole order stands on its first row only."""
    draw = random.Random(3)
    file = folder / "orders_export.csv"
    names = "Name,Email,Financial Status,Total,Lineitem quantity,Lineitem name,Lineitem price"
    rows = [f"{names},Lineitem sku,Created at,Shipping City,Shipping Country"]
    for order in range(orders):
        day = FIRST_DAY + timedelta(order)
        first = f"buyer{draw.randint(1, 25)}@example.org,paid,25.00"
        for line in range(1 + order % 3):
            place = f"{day} 10:11:12 +0100,Bern,CH" if line == 0 else ",,"
            whole = first if line == 0 else ",,"
            item = draw.randint(1, 9)
            rows.append(
                f'#{1001 + order},{whole},{line + 1},"Tea, no. {item}",12.50,SKU{item},{place}'
            )
    file.write_text("\n".join([*rows, ""]))
    return file


WEB_SHOP = """
order_lines:
  columns:
    transaction_id: Name
    customer_id: Email
    email: Email
    transaction_date: Created at
    total_amount: Total
    product_id: Lineitem sku
    product_name: Lineitem name
    unit_price: Lineitem price
    quantity: Lineitem quantity
    line_item_amount: quantity * unit_price
    city: Shipping City
    region: Shipping Country
"""


def monthly(folder: Path, months: int = 3) -> Path:
    """A Parquet file of order lines per month, and a file of products under another name."""
    draw = random.Random(4)
    folder = folder / "monthly"
    folder.mkdir()
    for month in range(1, months + 1):
        clients = [draw.randint(1, 40) for _ in range(50)]
        rows = [
            {
                "order_id": f"{month}{line // 2:04d}",
                "ordered_at": pd.Timestamp(2024, month, 1 + line // 2 % 28, 9),
                "client": clients[line // 2],
                "sku": f"S{draw.randint(1, 15)}",
                "qty": draw.randint(1, 3),
                "price": draw.randint(100, 900) / 100,
            }
            for line in range(100)
        ]
        pd.DataFrame(rows).to_parquet(folder / f"sales_2024_{month:02d}.parquet")
    products = [
        {"sku": f"S{n}", "title": f"Thing {n}", "department": "Home", "list_price": 9.5}
        for n in range(1, 16)
    ]
    pd.DataFrame(products).to_csv(folder / "catalogue.csv", index=False)
    return folder


MONTHLY = """
order_lines:
  file: sales_*.parquet
  columns:
    transaction_id: order_id
    customer_id: client
    transaction_date: ordered_at
    product_id: sku
    quantity: qty
    unit_price: price
    line_item_amount: quantity * unit_price
products:
  file: catalogue.csv
  columns: {product_id: sku, product_name: title, product_category: department,
            unit_price: list_price}
"""


def database(folder: Path) -> Path:
    """A DuckDB file with the four tables under other names."""
    file = folder / "shop.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            """
            create schema crm;
            create table crm.clients as
                select i as client_id, 'Name ' || i as firstname, 'North' as region,
                    date '2020-01-01' + i::int as registered
                from range(30) as t(i);
            create table items as
                select 'P' || i as item_id, 'Item ' || i as item_name, 'Toys' as category,
                    2.50::decimal(9, 2) as price
                from range(20) as t(i);
            create table receipts as
                select 1000 + i as receipt_no, i % 30 as client_id, 'S1' as store,
                    timestamp '2023-01-01 10:00:00' + to_days(i::int) as sold_at, 5.0 as total
                from range(150) as t(i);
            create table receipt_lines as
                select i as line_no, 1000 + i // 2 as receipt_no, 'P' || (i % 20) as item_id,
                    1 as qty, 2.50 as price
                from range(300) as t(i);
            """
        )
    return file


DATABASE = """
customer_details:
  table: crm.clients
  columns: {customer_id: client_id, first_name: firstname, region: region,
            customer_since: registered}
products:
  table: items
  columns: {product_id: item_id, product_name: item_name, product_category: category,
            unit_price: price}
store_sales_header:
  table: receipts
  columns: {transaction_id: receipt_no, customer_id: client_id, store_id: store,
            transaction_date: sold_at, total_amount: total}
store_sales_line_items:
  table: receipt_lines
  columns: {line_item_id: line_no, transaction_id: receipt_no, product_id: item_id, quantity: qty,
            unit_price: price, line_item_amount: quantity * unit_price}
"""


def sqlite(folder: Path, lines: int = 100) -> Path:
    """A SQLite file with one table of order lines."""
    file = folder / "till.sqlite"
    rows = [
        (
            n // 2,
            f"c{n // 2 % 20}",
            f"2023-0{1 + n // 2 % 9}-11",
            f"p{n % 7}",
            1 + n % 3,
            2.5 * (1 + n % 3),
        )
        for n in range(lines)
    ]
    connection = sqlite3.connect(file)
    connection.execute(
        "create table sales (order_no integer, customer text, order_date text, product text, "
        "units integer, revenue real)"
    )
    connection.executemany("insert into sales values (?, ?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return file


SQLITE = """
order_lines:
  table: sales
  columns:
    {transaction_id: order_no, customer_id: customer, transaction_date: order_date,
     product_id: product, quantity: units, line_item_amount: revenue}
"""

# name -> maker, mapping, rows of customers, products, headers and lines
SHAPES = {
    "cdnow": (cdnow, CDNOW),
    "german": (german, GERMAN),
    "web_shop": (web_shop, WEB_SHOP),
    "monthly": (monthly, MONTHLY),
    "database": (database, DATABASE),
    "sqlite": (sqlite, SQLITE),
}


def content() -> dict[str, list]:
    """Return all rows of all raw tables but for the time of the load."""
    with warehouse.connect(read_only=True) as connection:
        tables = connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'raw' "
            "and table_name not in ('loads', 'rejected') order by all"
        ).fetchall()
        return {
            name: connection.execute(
                f"select * exclude (_loaded_at) from raw.{name} order by all"
            ).fetchall()
            for (name,) in tables
        }


def query(sql: str) -> list:
    """Return the rows of a query on the warehouse."""
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(sql).fetchall()
