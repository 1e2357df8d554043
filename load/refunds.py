"""Refunds in a file of their own: each a return of its order's customer, on its own day."""

from __future__ import annotations

import duckdb

from load.raw_tables import HEADERS, LINES
from load.read_table import Read
from load.staging import INCOMING, LoadError, make


def add_refunds(
    connection: duckdb.DuckDBPyConnection,
    refunds: Read,
    known_orders: str | None,
    *,
    is_rated: bool,
) -> None:
    """Make each refund a return of its order's customer, on the day of the refund."""
    signs = connection.execute(
        "select count_if(line_item_amount > 0), count_if(line_item_amount < 0) "
        f"from {refunds.source}"
    ).fetchall()[0]
    if all(signs):
        raise LoadError(
            f"refunds: {signs[0]:,} amounts are above and {signs[1]:,} below 0: which of them give "
            "money back? Leave the others out by `where`"
        )
    rate, rated = "1", ""
    if is_rated:
        # what is given back is of the order's currency
        rate = "order_rates.rate"
        rated = (
            f"left join {INCOMING}.order_rates as order_rates "
            "on refunds.transaction_id = order_rates.transaction_id"
        )
    union = (
        f"union all select transaction_id, customer_id, store_id from {known_orders}"
        if known_orders
        else ""
    )
    make(
        connection,
        "refunded",
        f"""
        select
            refunds.transaction_id as order_id,
            -- refunds of one day in two nights are two; the same one again is the same
            concat_ws(
                '-', refunds.transaction_id, 'refund',
                strftime(refunds.transaction_date, '%Y%m%d'), abs(refunds.line_item_amount),
                row_number() over (
                    partition by
                        refunds.transaction_id,
                        cast(refunds.transaction_date as date),
                        refunds.line_item_amount
                )
            ) as transaction_id,
            refunds.transaction_date,
            -abs(refunds.line_item_amount) * {rate} as line_item_amount,
            orders.customer_id,
            orders.store_id,
            orders.transaction_id is not null as is_known,
        from {refunds.source} as refunds
        left join (
            select
                transaction_id,
                any_value(customer_id) as customer_id,
                any_value(store_id) as store_id,
            from (select transaction_id, customer_id, store_id from {INCOMING}.orders_read {union})
            group by all
        ) as orders
            on refunds.transaction_id = orders.transaction_id
        {rated}
        """,
    )
    unknown, example, money = connection.execute(
        "select count(*), min(order_id), coalesce(-sum(line_item_amount), 0) "
        f"from {INCOMING}.refunded where not is_known"
    ).fetchall()[0]
    if unknown:
        raise LoadError(
            f"{unknown:,} refunds ({money:,.2f}) are of orders that are not there, as {example!r}: "
            "load the orders too, or leave the refunds out by `where`"
        )
    unrated, example = connection.execute(
        f"select count(*), min(order_id) from {INCOMING}.refunded "
        "where line_item_amount is null or transaction_date is null"
    ).fetchall()[0]
    if unrated:
        raise LoadError(
            f"{unrated:,} refunds have no amount, day or rate, as that of {example!r}: with "
            "`rates` a refund is loaded together with its order"
        )
    connection.execute(
        f"""
        insert into {INCOMING}.{HEADERS.name} by name
        select transaction_id, customer_id, store_id, transaction_date from {INCOMING}.refunded
        """
    )
    connection.execute(
        f"""
        insert into {INCOMING}.{LINES.name} by name
        select
            transaction_id || '-1' as line_item_id,
            transaction_id,
            'REFUND' as product_id,
            -1 as quantity,
            line_item_amount,
        from {INCOMING}.refunded
        """
    )
    connection.execute(
        f"insert into {INCOMING}.read_order_lines by name "
        "select 'REFUND' as product_id, 'Refund' as product_category "
        f"from {INCOMING}.refunded limit 1"
    )
