"""Derive what the files do not hold: orders from their lines, customers and products from both.

Everything derived from order lines is what the file said first: cutting all rows on or after some
day off the file leaves what was derived for the customers, products and orders before unchanged.
Nothing is sorted as a whole, so that a file of any size takes little memory.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import duckdb

from load.mapping import ORDER_LINES
from load.raw_tables import CUSTOMERS, HEADERS, LINES, PRODUCTS, TABLES, Table
from load.staging import STAGED


def raw_sources(
    connection: duckdb.DuckDBPyConnection, read: Mapping[str, str]
) -> tuple[dict[str, str], frozenset[str]]:
    """Return the source of each raw table, and the names of those that were derived.

    Parameters
    ----------
    read
        The SQL after `from` by name of table, of what the files hold: `order_lines`, or headers
        and lines; customers and products where there are any.
    """
    sources = dict(read)
    if ORDER_LINES.name in sources:
        order_lines = _create(connection, ORDER_LINES, sources.pop(ORDER_LINES.name))
        _fill_blank_dates(connection, order_lines)
        sources[HEADERS.name] = _create(connection, HEADERS, f"({_HEADERS})")
        sources[LINES.name] = order_lines
        derivable = {CUSTOMERS: _CUSTOMERS, PRODUCTS: _PRODUCTS}
    else:
        derivable = {
            CUSTOMERS: _ids_alone(CUSTOMERS, sources[HEADERS.name]),
            PRODUCTS: _ids_alone(PRODUCTS, sources[LINES.name]),
        }
    for table, query in derivable.items():
        if table.name not in sources:
            sources[table.name] = _create(connection, table, f"({query})")
    return sources, frozenset(_missing(read))


def _missing(read: Collection[str]) -> list[str]:
    lines = {LINES.name} if ORDER_LINES.name in read else set()
    return [table.name for table in TABLES if table.name not in {*read, *lines}]


def _create(connection: duckdb.DuckDBPyConnection, table: Table, source: str) -> str:
    names = ", ".join(column.name for column in table.columns)
    # of two tables of one name the staged file's has another prefix
    staged = f"{STAGED}.main.{table.name}"
    connection.execute(f"create or replace table {staged} as select {names} from {source}")
    return staged


def _ids_alone(table: Table, source: str) -> str:
    others = ", ".join(
        f"cast(null as {column.data_type}) as {column.name}"
        for column in table.columns
        if column.name != table.key
    )
    return (
        f"select distinct {table.key}, {others} from {source} "
        f"where {table.key} is not null order by {table.key}"
    )


def _fill_blank_dates(connection: duckdb.DuckDBPyConnection, order_lines: str) -> None:
    """Give the lines of an order its date, where a file states it on the first of them only."""
    connection.execute(
        f"""
        update {order_lines} as lines
        set transaction_date = dated.first_date
        from (
            select transaction_id, min(transaction_date) as first_date
            from {order_lines}
            where transaction_id in (
                select transaction_id from {order_lines} where transaction_date is null
            )
            group by transaction_id
        ) as dated
        where lines.transaction_date is null and lines.transaction_id = dated.transaction_id
        """
    )


# what an order says at one moment first, as most orders have one moment: few wide rows are cheap
# to aggregate, and the earliest moment is then a plain minimum
_HEADERS = f"""
with

moments as (

    select
        transaction_id,
        coalesce(transaction_date, timestamp 'infinity') as moment,
        min(customer_id) as customer_id,
        min(store_id) as store_id,
        max(total_amount) as total_amount,
        min(customer_phone) as customer_phone,
        min(recorded_at) as recorded_at,
    from {STAGED}.main.order_lines
    where transaction_id is not null
    group by all

)

select
    transaction_id,
    arg_min_null(customer_id, moment) as customer_id,
    arg_min_null(store_id, moment) as store_id,
    nullif(min(moment), timestamp 'infinity') as transaction_date,
    arg_min_null(total_amount, moment) as total_amount,
    arg_min_null(customer_phone, moment) as customer_phone,
    min(recorded_at) as recorded_at,
    cast(null as varchar) as transaction_date_text,
from moments
group by transaction_id
"""

# the file states no registration; dbt takes the day on which the first order became known
_CUSTOMERS = f"""
with

said as (

    select
        customer_id,
        struct_pack(
            first_name, email, customer_phone, city, region, loyalty_status, total_loyalty_points,
            segment_id, customer_since
        ) as attributes,
        struct_pack(
            moment := coalesce(transaction_date, timestamp 'infinity'), transaction_id
        ) as moment,
    from {STAGED}.main.order_lines
    where customer_id is not null

),

said_first as (

    select
        customer_id,
        arg_min(attributes, struct_pack(moment, attributes)) as attributes,
    from said
    group by customer_id

)

select
    customer_id,
    unnest(attributes),
    cast(null as date) as last_purchase_date,
from said_first
order by customer_id
"""

_PRODUCTS = f"""
with

said as (

    select
        product_id,
        struct_pack(product_name, product_category, unit_price) as attributes,
        struct_pack(
            moment := coalesce(transaction_date, timestamp 'infinity'),
            transaction_id,
            quantity,
            unit_price
        ) as moment,
    from {STAGED}.main.order_lines
    where product_id is not null

),

said_first as (

    select
        product_id,
        arg_min(attributes, struct_pack(moment, attributes)) as attributes,
    from said
    group by product_id

)

select
    product_id,
    unnest(attributes),
    cast(null as bigint) as current_stock_level,
from said_first
order by product_id
"""
