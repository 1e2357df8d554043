"""What order lines must not say: money of no order, ids of several orders, orders of two files."""

from __future__ import annotations

import logging

import duckdb

from core.ids import canonical
from load.raw_tables import LINES
from load.read_table import Read
from load.staging import INCOMING, LoadError

log = logging.getLogger(__name__)


def refuse_homeless(connection: duckdb.DuckDBPyConnection, lines: Read) -> None:
    """Refuse money without a day or an order: a row of totals, or of another kind."""
    rows, money, first = connection.execute(
        f"""
        select count(*), sum(line_item_amount), min(file_row)
        from {INCOMING}.read_order_lines
        where line_item_amount <> 0
            and (transaction_date is null or transaction_id is null)
        """
    ).fetchall()[0]
    if rows:
        raise LoadError(
            f"{lines.place(first)}: money without a date or an order ({rows:,} such rows, "
            f"{money:,.2f}): is it a row of totals? Leave it out by `where`, or load the others "
            "with --quarantine"
        )
    blank, amounts = connection.execute(
        f"select count_if(line_item_amount is null), count(*) from {INCOMING}.read_order_lines"
    ).fetchall()[0]
    if blank:
        log.warning(
            "%s of %s lines have no amount: dbt takes quantity and list price, or sets them aside",
            *(f"{blank:,}", f"{amounts:,}"),
        )


def refuse_overlap(connection: duckdb.DuckDBPyConnection, lines: Read) -> None:
    """Refuse orders that stand in two files of one load: exports that overlap count twice."""
    starts = lines.staged.starts
    if len(starts) < 2:
        return
    part = " + ".join(f"cast(file_row >= {start} as integer)" for start in starts)
    orders_, example, first, last = connection.execute(
        f"""
        select
            count(*), min(transaction_id), arg_min(low, transaction_id),
            arg_min(high, transaction_id)
        from (
            select transaction_id, min(file_row) as low, max(file_row) as high
            from {INCOMING}.read_order_lines
            where transaction_id is not null
            group by all
            having min({part}) <> max({part})
        )
        """
    ).fetchall()[0]
    if orders_:
        raise LoadError(
            f"{orders_:,} orders stand in two files or sheets, as {example!r} in "
            f"{lines.place(first)} and {lines.place(last)}: do the files overlap? Load them one "
            "after another with --append"
        )


def refuse_shared_ids(connection: duckdb.DuckDBPyConnection) -> None:
    """Refuse ids that several customers, stores or far days have: each would be one order.

    Ids that differ in case or leading zeros alone are one id, as dbt reads them.
    """
    connection.execute(
        f"""
        create or replace temp table spelt_ids as
        select transaction_id, {canonical("transaction_id")} as order_id
        from (select distinct transaction_id from {INCOMING}.read_order_lines)
        where transaction_id is not null
        """
    )
    for what, value, differs in (
        ("customer", "customer_id", "min(value) <> max(value)"),
        ("store", "store_id", "min(value) <> max(value)"),
        # an order may well be written down over midnight
        ("day", "transaction_date", "max(value) - min(value) > interval 12 hours"),
    ):
        ids, example, values, spellings, rows = connection.execute(
            f"""
            with told as (
                select spelt_ids.order_id, lines.transaction_id, lines.{value} as value
                from {INCOMING}.read_order_lines as lines
                inner join spelt_ids using (transaction_id)
            ),
            shared as (
                select
                    order_id,
                    string_agg(
                        distinct cast(value as varchar), ', ' order by cast(value as varchar)
                    ) as listed,
                    string_agg(distinct transaction_id, ', ' order by transaction_id) as spelt,
                    min(transaction_id) as example,
                    count(*) as rows
                from told
                where order_id in (select order_id from told group by order_id having {differs})
                group by order_id
            )
            select
                count(*), arg_min(example, order_id), arg_min(listed, order_id),
                arg_min(spelt, order_id), sum(rows)
            from shared
            """
        ).fetchall()[0]
        if not ids:
            continue
        advice = (
            "say what makes an id, as in transaction_id: concat_ws('-', store, receipt), or tell "
            f"orders apart with split_orders_by: [{what}]"
        )
        if spellings != example:
            values += f", spelt {spellings[:200]}"
            advice = (
                "case and leading zeros make no other id; where they do, write an expression, as "
                "in transaction_id: md5(receipt)"
            )
        raise LoadError(
            f"{ids:,} order ids have several {what}s ({rows:,} rows), as {example!r} has "
            f"{values[:400]}: {advice}"
        )


def say_what_is_odd(connection: duckdb.DuckDBPyConnection) -> None:
    """Say whose orders count for nobody; refuse line ids that say two things."""
    orders_read, nobody, money = connection.execute(
        "select count(*), count_if(customer_id is null), "
        "coalesce(sum(lines_amount) filter (customer_id is null), 0) "
        f"from {INCOMING}.orders_read"
    ).fetchall()[0]
    if nobody:
        log.info(
            "%s of %s orders (%s of money) name no customer: they count for nobody",
            *(f"{nobody:,}", f"{orders_read:,}", f"{money:,.2f}"),
        )
    again, amount = connection.execute(
        f"""
        select count(*), coalesce(sum(line_item_amount), 0)
        from (
            from {INCOMING}.{LINES.name}
            where line_item_id is not null
            qualify row_number() over (partition by line_item_id order by line_item_amount) > 1
        )
        """
    ).fetchall()[0]
    differing, example = connection.execute(
        f"""
        select count(*), min(line_item_id)
        from (
            select line_item_id
            from {INCOMING}.{LINES.name}
            where line_item_id is not null
            group by all
            having count(distinct (product_id, quantity, line_item_amount)) > 1
        )
        """
    ).fetchall()[0]
    if differing:
        raise LoadError(
            f"{differing:,} line ids are there with several contents, as {example!r}: is it a "
            "line's id at all? Without line_item_id each row is a line"
        )
    if again:
        log.warning(
            "%s lines (%s of money) repeat the id of another line of their order and count once",
            *(f"{again:,}", f"{amount:,.2f}"),
        )
