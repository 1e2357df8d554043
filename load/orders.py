"""Make orders of order lines: what an id means, what an order came to, whom and what it names.

Everything derived from order lines is what the file said first: cutting all rows on or after some
day off the file leaves what was derived for the customers, products and orders before unchanged.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import duckdb

from load.mapping import ORDER_LINES, RATES, REFUNDS, OrderLines
from load.raw_tables import CUSTOMERS, HEADERS, LINES, PRODUCTS, Table
from load.read_table import Read
from load.staging import STAGED, LoadError, literal, scalar

log = logging.getLogger(__name__)

_AT = f"{STAGED}.main"
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
        _refuse_homeless(connection, lines)
    _refuse_shared_ids(connection)
    if "line_item_id" not in lines.keys:
        _refuse_overlap(connection, lines)
    _make(connection, "orders_read", _ORDERS_READ)
    _convert(connection, read.get(RATES.name))
    if "order_amount" in lines.keys:
        _share_amounts(connection)
    _make(connection, LINES.name, _LINES.format(line=_line_id(lines.keys), at=_AT))
    _make(connection, HEADERS.name, _HEADERS)
    if refunds := read.get(REFUNDS.name):
        _add_refunds(connection, refunds, known_orders, is_rated=RATES.name in read)
    _make(connection, CUSTOMERS.name, _CUSTOMERS)
    _make(connection, PRODUCTS.name, _PRODUCTS)
    _say_what_is_odd(connection)
    return {table.name: f"{_AT}.{table.name}" for table in (CUSTOMERS, PRODUCTS, HEADERS, LINES)}


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
    return _make(
        connection,
        table.name,
        f"select distinct {table.key}, {others} from {source} "
        f"where {table.key} is not null order by {table.key}",
    )


def _make(connection: duckdb.DuckDBPyConnection, name: str, query: str) -> str:
    # of two tables of one name the staged file's has another prefix
    connection.execute(f"create or replace table {_AT}.{name} as {query}")
    return f"{_AT}.{name}"


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
    parts = ", ".join(_SPLIT[one] for one in mapping.split_orders_by)
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
        update {_AT}.read_order_lines as lines
        set transaction_date = dated.first_date
        from (
            select transaction_id, min(transaction_date) as first_date
            from {_AT}.read_order_lines
            where transaction_id in (
                select transaction_id from {_AT}.read_order_lines where transaction_date is null
            )
            group by transaction_id
        ) as dated
        where lines.transaction_date is null and lines.transaction_id = dated.transaction_id
        """
    )


def own_currency(connection: duckdb.DuckDBPyConnection, read: Mapping[str, Read]) -> str | None:
    """Return the currency in which the orders' money is kept, where the files name one."""
    lines = read[ORDER_LINES.name]
    if "currency" not in lines.keys:
        return lines.currency
    rated = (
        f"where currency not in (select currency from {_AT}.rates)" if RATES.name in read else ""
    )
    found = connection.execute(
        f"select distinct currency from {_AT}.orders_read {rated} order by all"
    ).fetchall()
    named_ = [name for (name,) in found if name is not None]
    return named_[0] if len(named_) == 1 else None


def _refuse_homeless(connection: duckdb.DuckDBPyConnection, lines: Read) -> None:
    """Refuse money without a day or an order: a row of totals, or of another kind."""
    rows, money, first = connection.execute(
        f"""
        select count(*), sum(line_item_amount), min(file_row)
        from {_AT}.read_order_lines
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
        f"select count_if(line_item_amount is null), count(*) from {_AT}.read_order_lines"
    ).fetchall()[0]
    if blank:
        log.warning(
            "%s of %s lines have no amount: dbt takes quantity and list price, or sets them aside",
            *(f"{blank:,}", f"{amounts:,}"),
        )


def _refuse_overlap(connection: duckdb.DuckDBPyConnection, lines: Read) -> None:
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
            from {_AT}.read_order_lines
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


def _refuse_shared_ids(connection: duckdb.DuckDBPyConnection) -> None:
    """Refuse ids that several customers, stores or far days have: each would be one order."""
    for what, value, differs in (
        ("customer", "customer_id", "min(value) <> max(value)"),
        ("store", "store_id", "min(value) <> max(value)"),
        # an order may well be written down over midnight
        ("day", "transaction_date", "max(value) - min(value) > interval 12 hours"),
    ):
        ids, example, values, rows = connection.execute(
            f"""
            with shared as (
                select
                    transaction_id,
                    string_agg(
                        distinct cast(value as varchar), ', ' order by cast(value as varchar)
                    ) as listed,
                    count(*) as rows,
                from (select transaction_id, {value} as value from {_AT}.read_order_lines)
                where transaction_id in (
                    select transaction_id
                    from (select transaction_id, {value} as value from {_AT}.read_order_lines)
                    where transaction_id is not null
                    group by transaction_id
                    having {differs}
                )
                group by transaction_id
            )
            select count(*), min(transaction_id), arg_min(listed, transaction_id), sum(rows)
            from shared
            """
        ).fetchall()[0]
        if not ids:
            continue
        raise LoadError(
            f"{ids:,} order ids have several {what}s ({rows:,} rows), as {example!r} has "
            f"{values[:200]}: say what makes an id, as in transaction_id: "
            f"concat_ws('-', store, receipt), or tell orders apart with split_orders_by: [{what}]"
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
from {_AT}.read_order_lines
where transaction_id is not null
group by transaction_id
"""


def _convert(connection: duckdb.DuckDBPyConnection, rates: Read | None) -> None:
    """Bring money of several currencies into the shop's own, by the newest rate of the day."""
    mixed, example = connection.execute(
        f"select count(*), min(transaction_id) from {_AT}.orders_read where is_mixed"
    ).fetchall()[0]
    if mixed:
        raise LoadError(
            f"{mixed:,} orders have several currencies each, as {example!r}: they cannot be "
            "added up"
        )
    found = connection.execute(
        f"select currency, count(*), coalesce(sum(lines_amount), 0) from {_AT}.orders_read "
        "where currency is not null group by all order by 2 desc, 1"
    ).fetchall()
    if len(found) < 2 and not rates:
        return
    listed = ", ".join(f"{name}: {rows:,} orders, {money:,.2f}" for name, rows, money in found)
    if not rates:
        raise LoadError(
            f"several currencies ({listed}) cannot be added up: give a file of dated `rates` "
            "(currency, day, rate) in the mapping, or leave rows out by `where`"
        )
    _make(connection, "rates", f"select distinct currency, day, rate from {rates.source}")
    for odd, why in (
        ("rate <= 0 or rate is null or day is null", "is no rate"),
        ("rates_of_day > 1", "is not the only rate of its day"),
    ):
        wrong = connection.execute(
            "select currency, day, rate from (select *, count(*) over (partition by currency, day) "
            f"as rates_of_day from {_AT}.rates) where {odd} order by all limit 1"
        ).fetchall()
        if wrong:
            name, day, rate = wrong[0]
            raise LoadError(f"rates: {name} on {day}: {rate} {why}")
    known = {
        name
        for (name,) in connection.execute(f"select distinct currency from {_AT}.rates").fetchall()
    }
    own = [name for name, *_ in found if name not in known]
    if len(own) > 1:
        raise LoadError(
            f"{', '.join(own)}: no rate in `rates`; one currency alone may be the shop's own"
        )
    is_own = " or ".join(
        ["orders.currency is null", *(f"orders.currency = {literal(one)}" for one in own)]
    )
    connection.execute(
        f"""
        create or replace table {_AT}.order_rates as
        select
            orders.transaction_id,
            coalesce(rates.rate, if({is_own}, 1, null)) as rate,
            orders.currency,
        from {_AT}.orders_read as orders
        asof left join {_AT}.rates as rates
            on orders.currency = rates.currency
            and cast(orders.transaction_date as date) >= rates.day
        """
    )
    missing = connection.execute(
        f"select currency, count(*), min(transaction_id) from {_AT}.order_rates "
        "where rate is null group by all"
    ).fetchall()
    if missing:
        name, count, example = missing[0]
        raise LoadError(f"{name}: no rate on or before the day of {count:,} orders, as {example!r}")
    for table, money in (
        ("read_order_lines", ("line_item_amount", "unit_price", "total_amount")),
        ("orders_read", ("order_amount", "total_amount", "lines_amount")),
    ):
        sets = ", ".join(f"{one} = round({one} * order_rates.rate, 4)" for one in money)
        connection.execute(
            f"update {_AT}.{table} as money set {sets} from {_AT}.order_rates as order_rates "
            "where money.transaction_id = order_rates.transaction_id and order_rates.rate <> 1"
        )


def _share_amounts(connection: duckdb.DuckDBPyConnection) -> None:
    """Let the lines of an order add up to what it came to, each in proportion to its own amount.

    What is rounded off one line is carried to the next, so that no cent is lost.
    """
    orders_, example, low, high = connection.execute(
        f"select count(*), min(transaction_id), arg_min(low, transaction_id), "
        f"arg_min(high, transaction_id) from (select transaction_id, min(order_amount) as low, "
        f"max(order_amount) as high from {_AT}.read_order_lines "
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
        f"from {_AT}.orders_read",
    )
    connection.execute(
        f"""
        update {_AT}.read_order_lines as lines
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
                from {_AT}.read_order_lines as lines
                inner join {_AT}.orders_read as orders using (transaction_id)
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
from {_AT}.orders_read
"""


def _add_refunds(
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
            f"left join {_AT}.order_rates as order_rates "
            "on refunds.transaction_id = order_rates.transaction_id"
        )
    known = (
        f"union all select transaction_id, customer_id, store_id from {known_orders}"
        if known_orders
        else ""
    )
    _make(
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
            from (select transaction_id, customer_id, store_id from {_AT}.orders_read {known})
            group by all
        ) as orders
            on refunds.transaction_id = orders.transaction_id
        {rated}
        """,
    )
    unknown, example, money = connection.execute(
        f"select count(*), min(order_id), coalesce(-sum(line_item_amount), 0) from {_AT}.refunded "
        "where not is_known"
    ).fetchall()[0]
    if unknown:
        raise LoadError(
            f"{unknown:,} refunds ({money:,.2f}) are of orders that are not there, as {example!r}: "
            "load the orders too, or leave the refunds out by `where`"
        )
    unrated, example = connection.execute(
        f"select count(*), min(order_id) from {_AT}.refunded "
        "where line_item_amount is null or transaction_date is null"
    ).fetchall()[0]
    if unrated:
        raise LoadError(
            f"{unrated:,} refunds have no amount, day or rate, as that of {example!r}: with "
            "`rates` a refund is loaded together with its order"
        )
    connection.execute(
        f"""
        insert into {_AT}.{HEADERS.name} by name
        select transaction_id, customer_id, store_id, transaction_date from {_AT}.refunded
        """
    )
    connection.execute(
        f"""
        insert into {_AT}.{LINES.name} by name
        select
            transaction_id || '-1' as line_item_id,
            transaction_id,
            'REFUND' as product_id,
            -1 as quantity,
            line_item_amount,
        from {_AT}.refunded
        """
    )
    connection.execute(
        f"insert into {_AT}.read_order_lines by name "
        f"select 'REFUND' as product_id, 'Refund' as product_category from {_AT}.refunded limit 1"
    )


def _say_what_is_odd(connection: duckdb.DuckDBPyConnection) -> None:
    orders_read, nobody, money = connection.execute(
        "select count(*), count_if(customer_id is null), "
        "coalesce(sum(lines_amount) filter (customer_id is null), 0) "
        f"from {_AT}.orders_read"
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
            from {_AT}.{LINES.name}
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
            from {_AT}.{LINES.name}
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
    from {_AT}.read_order_lines
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
    from {_AT}.read_order_lines
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
