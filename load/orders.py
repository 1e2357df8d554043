"""Make orders of order lines: what an id means, what an order came to, whom and what it names.

Everything derived from order lines is what the file said first: cutting all rows on or after some
day off the file leaves what was derived for the customers, products and orders before unchanged.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from load.currencies import convert
from load.mapping import ORDER_LINES, RATES, REFUNDS, OrderLines
from load.order_checks import (
    refuse_homeless,
    refuse_overlap,
    refuse_shared_ids,
    say_what_is_odd,
)
from load.raw_tables import CUSTOMERS, HEADERS, LINES, PRODUCTS, Table
from load.read_table import Read
from load.refunds import add_refunds
from load.staging import INCOMING, LoadError, make, scalar

_SPLIT = {
    "customer": "customer_id",
    "store": "store_id",
    "day": "strftime(transaction_date, '%Y%m%d')",
}
# what a customer is told by must not depend on how somebody wrote an address that day
_CUSTOMER = "if(contains({0}, '@'), lower({0}), {0})"


def orders(
    connection: duckdb.DuckDBPyConnection,
    read: Mapping[str, Read],
    known_orders: str | None,
    *,
    quarantine: bool,
) -> dict[str, str]:
    """Return the source of each raw table, derived from order lines.

    Parameters
    ----------
    read
        The tables that were read: `order_lines`, and `refunds` and `rates` where there are any.
    known_orders
        The SQL after `from` of headers loaded before, which refunds may be of.
    quarantine
        Let lines without an order or a date through; dbt sets them aside.

    Raises
    ------
    LoadError
        If an id is several orders', money is of several currencies without rates, or a refund is
        of an order that nobody knows.
    """
    lines = read[ORDER_LINES.name]
    _fill_first_rows(connection)
    if not quarantine:
        refuse_homeless(connection, lines)
    refuse_shared_ids(connection)
    if "line_item_id" not in lines.keys:
        refuse_overlap(connection, lines)
    make(connection, "orders_read", _ORDERS_READ)
    convert(connection, read.get(RATES.name))
    if "order_amount" in lines.keys:
        _share_amounts(connection)
    make(connection, LINES.name, _LINES.format(line=_line_id(lines.keys), at=INCOMING))
    make(connection, HEADERS.name, _HEADERS)
    if refunds := read.get(REFUNDS.name):
        add_refunds(connection, refunds, known_orders, is_rated=RATES.name in read)
    make(connection, CUSTOMERS.name, _CUSTOMERS)
    make(connection, PRODUCTS.name, _PRODUCTS)
    say_what_is_odd(connection)
    return {
        table.name: f"{INCOMING}.{table.name}" for table in (CUSTOMERS, PRODUCTS, HEADERS, LINES)
    }


def named(mapping: OrderLines, source: str, keys: frozenset[str]) -> str:
    """Return the query of order lines in which each names its order and its customer."""
    return _LINES_NAMED.format(
        source=source, customer_id=_customer(keys), transaction_id=_transaction(keys, mapping)
    )


def ids_alone(connection: duckdb.DuckDBPyConnection, table: Table, source: str) -> str:
    """Return the source of customers or products of whom nothing is known but an id."""
    others = ", ".join(
        f"cast(null as {column.data_type}) as {column.name}"
        for column in table.columns
        if column.name != table.key
    )
    return make(
        connection,
        table.name,
        f"select distinct {table.key}, {others} from {source} "
        f"where {table.key} is not null order by {table.key}",
    )


def _customer(keys: frozenset[str]) -> str:
    email = "nullif(trim(email), '')"
    if "email" not in keys:
        return _CUSTOMER.format("customer_id")
    # who has no account is known by the address, row by row
    return _CUSTOMER.format(f"coalesce(customer_id, {email})" if "customer_id" in keys else email)


def _transaction(keys: frozenset[str], mapping: OrderLines) -> str:
    if "transaction_id" not in keys:
        # what a customer buys on one day
        return "coalesce(customer_id, 'nobody') || '-' || strftime(transaction_date, '%Y%m%d')"
    if not mapping.split_orders_by:
        return "transaction_id"
    parts = ", ".join(_SPLIT[part] for part in mapping.split_orders_by)
    # a row without an id is no order's, whatever else it says
    return f"if(transaction_id is null, null, concat_ws('-', transaction_id, {parts}))"


_LINES_NAMED = """
with

named as (

    select * replace ({customer_id} as customer_id)
    from {source}

)

select * replace ({transaction_id} as transaction_id)
from named
"""


def _fill_first_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the lines of an order its date, where a file states it on the first of them only."""
    connection.execute(
        f"""
        update {INCOMING}.read_order_lines as lines
        set transaction_date = dated.first_date
        from (
            select transaction_id, min(transaction_date) as first_date
            from {INCOMING}.read_order_lines
            where transaction_id in (
                select transaction_id
                from {INCOMING}.read_order_lines
                where transaction_date is null
            )
            group by transaction_id
        ) as dated
        where lines.transaction_date is null and lines.transaction_id = dated.transaction_id
        """
    )


# one row per order: what its lines say of it
_ORDERS_READ = f"""
select
    transaction_id,
    min(customer_id) as customer_id,
    min(store_id) as store_id,
    min(transaction_date) as transaction_date,
    max(total_amount) as total_amount,
    min(customer_phone) as customer_phone,
    min(recorded_at) as recorded_at,
    arg_min(order_amount, file_row) as order_amount,
    min(currency) as currency,
    min(currency) <> max(currency) as is_mixed,
    sum(line_item_amount) as lines_amount,
from {INCOMING}.read_order_lines
where transaction_id is not null
group by transaction_id
"""


def _share_amounts(connection: duckdb.DuckDBPyConnection) -> None:
    """Let the lines of an order add up to what it came to, each in proportion to its own amount.

    What is rounded off one line is carried to the next, so that no cent is lost.
    """
    orders_, example, low, high = connection.execute(
        f"select count(*), min(transaction_id), arg_min(low, transaction_id), "
        f"arg_min(high, transaction_id) from (select transaction_id, min(order_amount) as low, "
        f"max(order_amount) as high from {INCOMING}.read_order_lines "
        "where transaction_id is not null group by all having low <> high)"
    ).fetchall()[0]
    if orders_:
        raise LoadError(
            f"order_amount differs within {orders_:,} orders, as {example!r} has {low} and {high}: "
            "it is what an order came to, on its first row or on all; what a line came to is "
            "line_item_amount"
        )
    unit = scalar(
        connection,
        "select if(count_if(order_amount <> round(order_amount, 2)) > 0, 4, 2) "
        f"from {INCOMING}.orders_read",
    )
    connection.execute(
        f"""
        update {INCOMING}.read_order_lines as lines
        set line_item_amount = shared.amount
        from (
            select
                file_row,
                round(order_amount * share_up_to, {unit})
                    - coalesce(lag(round(order_amount * share_up_to, {unit})) over lines_of, 0)
                    as amount,
            from (
                select
                    lines.file_row,
                    lines.transaction_id,
                    orders.order_amount,
                    -- an order whose lines are worth nothing has its money on the first
                    if(
                        coalesce(orders.lines_amount, 0) = 0,
                        1,
                        sum(cast(coalesce(lines.line_item_amount, 0) as double)) over (
                            partition by lines.transaction_id order by lines.file_row
                        ) / cast(orders.lines_amount as double)
                    ) as share_up_to,
                from {INCOMING}.read_order_lines as lines
                inner join {INCOMING}.orders_read as orders using (transaction_id)
                where orders.order_amount is not null
                    and orders.order_amount is distinct from orders.lines_amount
            )
            window lines_of as (partition by transaction_id order by file_row)
        ) as shared
        where lines.file_row = shared.file_row
        """
    )


def _line_id(keys: frozenset[str]) -> str:
    # a number that starts anew in each order is an id together with the order
    if "line_item_id" in keys:
        return "transaction_id || '-' || line_item_id"
    # equal lines of an order are lines: one row per piece sold, say
    return (
        "transaction_id || '-' || row_number() over (partition by transaction_id order by file_row)"
    )


_LINES = """
select
    {line} as line_item_id,
    transaction_id,
    product_id,
    quantity,
    promotion_id,
    line_item_amount,
    recorded_at,
    line_item_amount_text,
from {at}.read_order_lines
"""

_HEADERS = f"""
select
    transaction_id,
    customer_id,
    store_id,
    transaction_date,
    total_amount,
    customer_phone,
    recorded_at,
    cast(null as varchar) as transaction_date_text,
from {INCOMING}.orders_read
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
    from {INCOMING}.read_order_lines
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
    from {INCOMING}.read_order_lines
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
