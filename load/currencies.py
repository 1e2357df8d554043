"""Money of several currencies in the shop's own, by dated rates; or a refusal."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from core.sql import literal
from load.mapping import ORDER_LINES, RATES
from load.read_table import Read
from load.staging import INCOMING, LoadError, make


def own_currency(connection: duckdb.DuckDBPyConnection, read: Mapping[str, Read]) -> str | None:
    """Return the currency in which the orders' money is kept, where the files name one."""
    lines = read[ORDER_LINES.name]
    if "currency" not in lines.keys:
        return lines.currency
    rated = ""
    if RATES.name in read:
        rated = f"where currency not in (select currency from {INCOMING}.rates)"
    rows = connection.execute(
        f"select distinct currency from {INCOMING}.orders_read {rated} order by all"
    ).fetchall()
    named_ = [name for (name,) in rows if name is not None]
    return named_[0] if len(named_) == 1 else None


def convert(connection: duckdb.DuckDBPyConnection, rates: Read | None) -> None:
    """Bring money of several currencies into the shop's own, by the newest rate of the day."""
    mixed, example = connection.execute(
        f"select count(*), min(transaction_id) from {INCOMING}.orders_read where is_mixed"
    ).fetchall()[0]
    if mixed:
        raise LoadError(
            f"{mixed:,} orders have several currencies each, as {example!r}: they cannot be "
            "added up"
        )
    totals = connection.execute(
        f"select currency, count(*), coalesce(sum(lines_amount), 0) from {INCOMING}.orders_read "
        "where currency is not null group by all order by 2 desc, 1"
    ).fetchall()
    if len(totals) < 2 and not rates:
        return
    listed = ", ".join(f"{name}: {rows:,} orders, {money:,.2f}" for name, rows, money in totals)
    if not rates:
        raise LoadError(
            f"several currencies ({listed}) cannot be added up: give a file of dated `rates` "
            "(currency, day, rate) in the mapping, or leave rows out by `where`"
        )
    make(connection, "rates", f"select distinct currency, day, rate from {rates.source}")
    for odd, why in (
        ("rate <= 0 or rate is null or day is null", "is no rate"),
        ("rates_of_day > 1", "is not the only rate of its day"),
    ):
        wrong = connection.execute(
            "select currency, day, rate from (select *, count(*) over (partition by currency, day) "
            f"as rates_of_day from {INCOMING}.rates) where {odd} order by all limit 1"
        ).fetchall()
        if wrong:
            name, day, rate = wrong[0]
            raise LoadError(f"rates: {name} on {day}: {rate} {why}")
    rated = connection.execute(f"select distinct currency from {INCOMING}.rates").fetchall()
    rated_currencies = {name for (name,) in rated}
    own = [name for name, *_ in totals if name not in rated_currencies]
    if len(own) > 1:
        raise LoadError(
            f"{', '.join(own)}: no rate in `rates`; one currency alone may be the shop's own"
        )
    is_own = " or ".join(
        ["orders.currency is null", *(f"orders.currency = {literal(currency)}" for currency in own)]
    )
    connection.execute(
        f"""
        create or replace table {INCOMING}.order_rates as
        select
            orders.transaction_id,
            coalesce(rates.rate, if({is_own}, 1, null)) as rate,
            orders.currency,
        from {INCOMING}.orders_read as orders
        asof left join {INCOMING}.rates as rates
            on orders.currency = rates.currency
            and cast(orders.transaction_date as date) >= rates.day
        """
    )
    missing = connection.execute(
        f"select currency, count(*), min(transaction_id) from {INCOMING}.order_rates "
        "where rate is null group by all"
    ).fetchall()
    if missing:
        name, count, example = missing[0]
        raise LoadError(f"{name}: no rate on or before the day of {count:,} orders, as {example!r}")
    for table, money in (
        ("read_order_lines", ("line_item_amount", "unit_price", "total_amount")),
        ("orders_read", ("order_amount", "total_amount", "lines_amount")),
    ):
        sets = ", ".join(f"{column} = round({column} * order_rates.rate, 4)" for column in money)
        connection.execute(
            f"update {INCOMING}.{table} as money set {sets} "
            f"from {INCOMING}.order_rates as order_rates "
            "where money.transaction_id = order_rates.transaction_id and order_rates.rate <> 1"
        )
