"""Add newer or late rows to the raw tables, with the day on which they became known."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta

import duckdb

import warehouse
from core.ids import canonical
from load import ledger
from load.raw_tables import CUSTOMERS, HEADERS, LINES, PRODUCTS, TABLES, Summary, Table, now
from load.staging import LoadError, scalar

log = logging.getLogger(__name__)

# of what was derived from lines, the order's total and first moment change with every further line
# of it; that is no other version of the order
_SAME_DERIVED_ORDER = ("transaction_id", "customer_id", "store_id")
# raw tables may hold it as the text that came
_MOMENT = "coalesce(try_cast({row}.recorded_at as timestamp), {else_at})"
_SAID_OF_A_LINE = ("product_id", "quantity", "promotion_id", "line_item_amount")


def append(
    connection: duckdb.DuckDBPyConnection,
    sources: Mapping[str, str],
    derived: Collection[str],
    known_on: date,
    entry: ledger.Entry,
    *,
    orders_are_whole: bool,
) -> Summary:
    """Add the rows that the raw tables do not hold yet, in one transaction.

    What says something else under a known id is added as a later version: dbt lets it count from
    the day on which it became known, and what was said before for the days until then. A header
    or line is held against what was said of its id at the moment in which it became known, a
    customer or product against what the newest load of the same id says, so that it may become
    again what it was. Of customers and products that were derived from lines only new ids are
    added.

    Parameters
    ----------
    connection
        An open, writable warehouse.
    sources
        For each raw table that the files fill the SQL after `from` that yields its columns by name.
    derived
        Names of the tables that were derived from the lines.
    known_on
        The day on which rows became known that do not say it themselves.
    orders_are_whole
        The files give lines no ids of their own: an order that comes again is the whole order, and
        its lines take the place of the former ones.

    Returns
    -------
    Summary
        Rows added per table and the one `_loaded_at` they carry.

    Raises
    ------
    LoadError
        If nothing is loaded yet.
    """
    missing = [
        raw_table.name
        for raw_table in TABLES
        if not warehouse.has_table(connection, "raw", raw_table.name)
    ]
    if missing:
        raise LoadError(
            f"the warehouse has no raw.{missing[0]} to append to: load once without --append"
        )
    loaded_at = now()
    with warehouse.transaction(connection):
        _keep_decimals(connection)
        ledger.start(connection, anew=False)
        # of two loads of one day the later one knows better: a moment after the day's begin
        moment = datetime.combine(known_on, datetime.min.time()).replace(
            microsecond=ledger.next_id(connection)
        )
        moments = {"loaded_at": loaded_at, "known_on": moment}
        kept = ledger.kept_currency(connection)
        if kept and entry.currency not in (None, kept):
            raise LoadError(
                f"the shop's money is {kept}, that of the files is {entry.currency}: they cannot "
                "be added up; give dated `rates` in the mapping"
            )
        # what is known of a generated shop's truth is not the truth of what is added
        connection.execute("drop schema if exists truth cascade")
        rows = dict.fromkeys((table.name for table in TABLES), 0)
        if HEADERS.name in derived or orders_are_whole:
            _refuse_respelt_ids(connection, sources[HEADERS.name])
        if HEADERS.name in derived and not orders_are_whole:
            _refuse_reused_ids(connection, sources[HEADERS.name])
        for table in TABLES:
            if table.name not in sources or (orders_are_whole and table in (HEADERS, LINES)):
                continue
            is_derived = table.name in derived
            rows[table.name] = _add(connection, table, sources[table.name], is_derived, moments)
        if orders_are_whole:
            rows |= _add_orders(connection, sources, moments)
        ledger.write(connection, entry, rows, loaded_at)
        for table in (CUSTOMERS, PRODUCTS):
            _say_what_changes(connection, table, moments)
        _say_what_is_dated_later(connection, moments)
    return Summary(rows, loaded_at, rejected=entry.rejected)


def _keep_decimals(connection: duckdb.DuckDBPyConnection) -> None:
    """Let raw tables of an earlier version hold amounts as finely as they come today."""
    for table in TABLES:
        described = connection.execute(f"describe raw.{table.name}").fetchall()
        held = {name: kind for name, kind, *_ in described}
        for column in table.columns:
            if held[column.name] == "DECIMAL(18,2)" != column.data_type:
                connection.execute(
                    f"alter table raw.{table.name} alter {column.name} type {column.data_type}"
                )


def _typed(connection: duckdb.DuckDBPyConnection, table: Table, source: str) -> str:
    """Return a source in the types of the raw table, which may hold text as it arrived."""
    types = {
        name: data_type
        for name, data_type, *_ in connection.execute(f"describe raw.{table.name}").fetchall()
    }
    columns = [
        f"cast({column.name} as {types[column.name]}) as {column.name}" for column in table.columns
    ]
    return f"(select {', '.join(columns)} from {source})"


def _recorded(table: Table) -> str:
    return ", ".join(
        "coalesce(incoming.recorded_at, $known_on)"
        if column.name == "recorded_at"
        else f"incoming.{column.name}"
        for column in table.columns
    )


def _execute(
    connection: duckdb.DuckDBPyConnection, query: str, moments: Mapping[str, datetime]
) -> int:
    named = {name: moment for name, moment in moments.items() if f"${name}" in query}
    inserted = connection.execute(query, named).fetchone()
    return inserted[0] if inserted else 0


def _add(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    source: str,
    is_derived: bool,
    moments: Mapping[str, datetime],
) -> int:
    """Add the rows of one table that it does not hold; return their number."""
    same = " and ".join(
        f"incoming.{name} is not distinct from present.{name}"
        for name in _same_row(table, is_derived)
    )
    incoming = _typed(connection, table, source)
    if table in (CUSTOMERS, PRODUCTS):
        present = f"raw.{table.name}"
        if not is_derived:
            present = f"""(
                from {present} qualify _loaded_at = max(_loaded_at) over (partition by {table.key})
            )"""
    else:
        present = _said(table, incoming)
        moment = _MOMENT.format(row="incoming", else_at="$known_on")
        # a row without an id is one of many that nobody tells apart
        same += f""" and (
            present.{table.key} is null
            or {moment} >= present.said_from and {moment} < present.said_until
        )"""
    query = f"""
        insert into raw.{table.name}
        select {_recorded(table)}, $loaded_at
        from {incoming} as incoming
        anti join {present} as present on {same}
    """
    return _execute(connection, query, moments)


def _said(table: Table, incoming: str) -> str:
    """Return the rows of the ids that come, each with the moments in which it was the last word.

    The first one was so at all times before, too.
    """
    moment = _MOMENT.format(row="held", else_at="'-infinity'")
    versions = f"partition by {table.key} order by moment, _loaded_at groups between"
    return f"""(
        select
            * exclude (moment),
            if(
                max(moment) over ({versions} 1 preceding and 1 preceding) is null,
                '-infinity',
                moment
            ) as said_from,
            coalesce(
                min(moment) over ({versions} 1 following and 1 following), 'infinity'
            ) as said_until
        from (
            select *, {moment} as moment
            from raw.{table.name} as held
            semi join {incoming} as incoming
                on held.{table.key} is not distinct from incoming.{table.key}
        )
    )"""


def _same_row(table: Table, is_derived: bool) -> tuple[str, ...]:
    """Return the columns in which a row that the table holds already is equal."""
    if is_derived:
        return (table.key,) if table in (CUSTOMERS, PRODUCTS) else _SAME_DERIVED_ORDER
    return tuple(column.name for column in table.columns if column.name != "recorded_at")


def _add_orders(
    connection: duckdb.DuckDBPyConnection,
    sources: Mapping[str, str],
    moments: Mapping[str, datetime],
) -> dict[str, int]:
    """Add new orders; an order that comes again with other content replaces what it was.

    A line that an order has no more gets a version without quantity and money.
    """
    fields = ", ".join(f"{name} := {name}" for name in _SAID_OF_A_LINE)
    newest = "recorded_at desc nulls last, _loaded_at desc"
    connection.execute(
        f"""
        create or replace temp table incoming_lines as
        from {_typed(connection, LINES, sources[LINES.name])};

        create or replace temp table incoming_headers as
        from {_typed(connection, HEADERS, sources[HEADERS.name])};

        create or replace temp table present_lines as
        from raw.{LINES.name} semi join incoming_headers using (transaction_id)
        qualify row_number() over (partition by line_item_id order by {newest}) = 1;

        create or replace temp table present_headers as
        from raw.{HEADERS.name} semi join incoming_headers using (transaction_id)
        qualify row_number() over (partition by transaction_id order by {newest}) = 1;

        create or replace temp table said_anew as
        with

        present as (

            select transaction_id, list_sort(list(struct_pack({fields}))) as said
            from present_lines
            where quantity is distinct from 0 or line_item_amount is distinct from 0
            group by transaction_id

        ),

        incoming as (

            select transaction_id, list_sort(list(struct_pack({fields}))) as said
            from incoming_lines
            group by transaction_id

        )

        select
            headers.transaction_id,
            before.transaction_id is not null as is_known,
            (
                headers.customer_id, headers.store_id, cast(headers.transaction_date as date)
            ) is distinct from (
                before.customer_id, before.store_id, cast(before.transaction_date as date)
            ) as is_header_new,
            incoming.said is distinct from present.said as are_lines_new
        from incoming_headers as headers
        left join present_headers as before on headers.transaction_id = before.transaction_id
        left join incoming on headers.transaction_id = incoming.transaction_id
        left join present on headers.transaction_id = present.transaction_id
        """
    )
    _refuse_reused_ids(connection, "incoming_headers")
    rows = {
        HEADERS.name: _execute(
            connection,
            f"""
            insert into raw.{HEADERS.name}
            select {_recorded(HEADERS)}, $loaded_at
            from incoming_headers as incoming
            semi join (from said_anew where is_header_new) as said_anew using (transaction_id)
            """,
            moments,
        )
    }
    same = " and ".join(
        f"incoming.{name} is not distinct from present.{name}"
        for name in ("line_item_id", *_SAID_OF_A_LINE)
    )
    rows[LINES.name] = _execute(
        connection,
        f"""
        insert into raw.{LINES.name}
        select {_recorded(LINES)}, $loaded_at
        from incoming_lines as incoming
        anti join present_lines as present on {same}
        -- a line without an order is no order's; dbt names it
        left join said_anew on incoming.transaction_id = said_anew.transaction_id
        where coalesce(said_anew.are_lines_new, true)
        """,
        moments,
    )
    gone = """
        from present_lines as incoming
        semi join (from said_anew where are_lines_new) as said_anew using (transaction_id)
        anti join incoming_lines using (line_item_id)
    """
    money = scalar(
        connection,
        "select coalesce(sum(line_item_amount), 0) from present_lines "
        "semi join (from said_anew where are_lines_new) using (transaction_id)",
    )
    void = _recorded(LINES).replace("coalesce(incoming.recorded_at, $known_on)", "$known_on")
    void = void.replace("incoming.quantity", "0").replace("incoming.line_item_amount,", "0,")
    rows[LINES.name] += _execute(
        connection, f"insert into raw.{LINES.name} select {void}, $loaded_at {gone}", moments
    )
    again = scalar(connection, "select count(*) from said_anew where is_known and are_lines_new")
    if again:
        log.warning(
            "%s known orders come with other lines: what they said (%s of money) counts until %s",
            *(f"{again:,}", f"{money:,.2f}", f"{moments['known_on']:%Y-%m-%d}"),
        )
    return rows


def _refuse_reused_ids(connection: duckdb.DuckDBPyConnection, incoming: str) -> None:
    """Refuse ids that were another customer's on another day: numbers that start anew."""
    reused, example = connection.execute(
        f"""
        select count(distinct incoming.transaction_id), min(incoming.transaction_id)
        from {incoming} as incoming
        inner join (
            from raw.{HEADERS.name}
            qualify row_number() over (
                partition by transaction_id order by recorded_at desc nulls last, _loaded_at desc
            ) = 1
        ) as present
            on incoming.transaction_id = present.transaction_id
        where incoming.customer_id <> present.customer_id
            and cast(incoming.transaction_date as date)
            <> try_cast(present.transaction_date as date)
        """
    ).fetchall()[0]
    if reused:
        raise LoadError(
            f"{reused:,} order ids are known as those of other customers on other days, as "
            f"{example!r}: do numbers start anew? Load everything with split_orders_by: [day], or "
            "an id made of several columns"
        )


def _refuse_respelt_ids(connection: duckdb.DuckDBPyConnection, incoming: str) -> None:
    """Refuse orders that come again in another spelling: dbt has one order of both.

    Their lines are named after the order, so those of before would count beside the new ones.
    """
    respelt, example, known = connection.execute(
        f"""
        with

        new as (

            select distinct transaction_id, {canonical("transaction_id")} as order_id
            from {incoming} as incoming
            anti join raw.{HEADERS.name} as held using (transaction_id)

        ),

        held as (

            select transaction_id, {canonical("transaction_id")} as order_id
            from (select distinct transaction_id from raw.{HEADERS.name})

        )

        select
            count(distinct order_id), arg_min(new.transaction_id, order_id),
            arg_min(held.transaction_id, order_id)
        from new
        inner join held using (order_id)
        """
    ).fetchall()[0]
    if respelt:
        raise LoadError(
            f"{respelt:,} order ids are known in another spelling, as {example!r} is {known!r}: "
            "case and leading zeros make no other order. Write them as before, or load everything "
            "without --append"
        )


def _say_what_changes(
    connection: duckdb.DuckDBPyConnection, table: Table, moments: Mapping[str, datetime]
) -> None:
    rows = scalar(
        connection,
        f"""
        select count(*) from raw.{table.name} as added
        semi join raw.{table.name} as present
            on added.{table.key} = present.{table.key} and present._loaded_at < added._loaded_at
        where added._loaded_at = ?
        """,
        [moments["loaded_at"]],
    )
    if rows:
        log.info(
            "%s: %s rows say something new of known ids, which counts from %s on",
            *(table.name, f"{rows:,}", f"{moments['known_on']:%Y-%m-%d}"),
        )


def _say_what_is_dated_later(
    connection: duckdb.DuckDBPyConnection, moments: Mapping[str, datetime]
) -> None:
    rows = scalar(
        connection,
        f"""
        select count(*) from raw.{HEADERS.name}
        where _loaded_at = ?
            and try_cast(transaction_date as date) > try_cast(recorded_at as date) + 1
        """,
        [moments["loaded_at"]],
    )
    if rows:
        log.warning(
            "%s orders are dated after the day on which they became known, %s; dbt will reject "
            "them: give a later --known-on",
            *(f"{rows:,}", f"{moments['known_on']:%Y-%m-%d}"),
        )
    later = scalar(
        connection,
        f"select count(*) from raw.{HEADERS.name} where _loaded_at = ? and recorded_at >= ?",
        [moments["loaded_at"], moments["known_on"].replace(microsecond=0) + timedelta(days=1)],
    )
    if later:
        log.warning(
            "%s orders say that they were recorded after %s, the day of --known-on",
            *(f"{later:,}", f"{moments['known_on']:%Y-%m-%d}"),
        )
