"""The layout `online_retail`: UCI Online Retail and Online Retail II, one row per order line.

Everything derived here is what the file said first: cutting all rows on or after some day off
the file leaves what was derived for the customers, products and invoices before it unchanged.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from generate.parse_columns import typed
from generate.raw_tables import CUSTOMERS, HEADERS, LINES, PRODUCTS
from generate.read_files import LoadError

# name here -> (how the two files spell it, data type)
_SPELLINGS = {
    "invoice": (("InvoiceNo", "Invoice"), "VARCHAR"),
    "stock_code": (("StockCode",), "VARCHAR"),
    "description": (("Description",), "VARCHAR"),
    "quantity": (("Quantity",), "DECIMAL(18,3)"),
    "invoice_date": (("InvoiceDate",), "TIMESTAMP"),
    "price": (("UnitPrice", "Price"), "DECIMAL(18,4)"),
    "customer": (("CustomerID", "Customer ID"), "VARCHAR"),
    "country": (("Country",), "VARCHAR"),
}


def _key(name: str) -> str:
    return "".join(name.lower().replace("_", " ").split())


def matches(names: list[str]) -> bool:
    """Return whether a file with these columns looks like Online Retail."""
    keys = {_key(name) for name in names}
    found = sum(any(_key(one) in keys for one in one_of) for one_of, _ in _SPELLINGS.values())
    return found > len(_SPELLINGS) // 2


def stage_tables(
    connection: duckdb.DuckDBPyConnection, file: Path, names: list[str]
) -> dict[str, str]:
    """Stage the four raw tables from one file of order lines, itself staged as `file_rows`.

    Parameters
    ----------
    names
        The columns of the file.

    Returns
    -------
    dict[str, str]
        For each raw table the name of its staged table.

    Raises
    ------
    LoadError
        If the file lacks a column or holds a value that does not fit.
    """
    columns = {_key(name): name for name in names}
    selected = []
    for name, (spellings, data_type) in _SPELLINGS.items():
        column = next((columns[_key(one)] for one in spellings if _key(one) in columns), None)
        if column is None:
            raise LoadError(
                f"{file}: the column {' or '.join(spellings)} is missing; the layout online_retail "
                f"needs {', '.join(' or '.join(one) for one, _ in _SPELLINGS.values())}"
            )
        cast = typed(connection, "file_rows", column, data_type, file)
        selected.append(f"{cast} as {name}")
    connection.execute(
        f"""
        create or replace view parsed as
        select {", ".join(selected)} from file_rows
        """
    )
    connection.execute(_ORDER_LINES)
    for name, query in _TABLES.items():
        connection.execute(f"create or replace table staged_{name} as {query}")
    return {name: f"staged_{name}" for name in _TABLES}


# the total order: rows that tie in all of it are equal
_ORDER_LINES = r"""
create or replace table order_lines as
with

cleaned as (

    select
        nullif(trim(invoice), '') as invoice,
        nullif(upper(trim(stock_code)), '') as product_id,
        nullif(trim(description), '') as description,
        quantity,
        invoice_date,
        price,
        nullif(regexp_replace(trim(customer), '\.0+$', ''), '') as customer_id,
        nullif(trim(country), '') as country,
    from parsed

)

select
    *,
    row_number() over () as position,
from (
    select * from cleaned
    order by
        invoice_date, invoice, product_id, quantity, price, description, customer_id, country
)
"""

# 8.50 and 8.5000 are the same price, whatever format the file has
_PLAIN = "rtrim(rtrim(cast({} as varchar), '0'), '.')"

_TABLES = {
    CUSTOMERS.name: """
        select
            customer_id,
            cast(null as varchar) as first_name,
            cast(null as varchar) as email,
            cast(null as varchar) as customer_phone,
            cast(null as varchar) as city,
            arg_min_null(country, position) as region,
            cast(null as varchar) as loyalty_status,
            cast(null as bigint) as total_loyalty_points,
            cast(null as varchar) as segment_id,
            cast(min(invoice_date) as date) as customer_since,
            cast(null as date) as last_purchase_date,
        from order_lines
        where customer_id is not null
        group by customer_id
        order by customer_id
        """,
    # codes of goods begin with a digit; POST, D, M, BANK CHARGES, ... do not
    PRODUCTS.name: """
        select
            product_id,
            arg_min_null(description, position) as product_name,
            if(
                regexp_matches(product_id, '^[0-9]'), 'Family ' || left(product_id, 2), 'Service'
            ) as product_category,
            arg_min_null(price, position) as unit_price,
            cast(null as bigint) as current_stock_level,
        from order_lines
        where product_id is not null
        group by product_id
        order by product_id
        """,
    # the file states no total; staging sums the lines
    HEADERS.name: """
        select
            invoice as transaction_id,
            arg_min_null(customer_id, position) as customer_id,
            arg_min_null(country, position) as store_id,
            arg_min_null(invoice_date, position) as transaction_date,
            cast(null as decimal(18, 2)) as total_amount,
            cast(null as varchar) as customer_phone,
            cast(null as timestamp) as recorded_at,
        from order_lines
        where invoice is not null
        group by invoice
        order by min(position)
        """,
    # the id says what the line is: a line that is in the file twice has one id
    LINES.name: f"""
        select
            concat_ws(
                '-', invoice, product_id, {_PLAIN.format("quantity")}, {_PLAIN.format("price")}
            ) as line_item_id,
            invoice as transaction_id,
            product_id,
            quantity,
            cast(null as varchar) as promotion_id,
            cast(
                round(cast(quantity as decimal(38, 3)) * price, 2) as decimal(18, 2)
            ) as line_item_amount,
            cast(null as timestamp) as recorded_at,
        from order_lines
        """,
}
