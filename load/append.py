"""Add newer or late rows to the raw tables, with the day on which they became known."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from datetime import date

import duckdb

import warehouse
from load import ledger
from load.raw_tables import CUSTOMERS, HEADERS, PRODUCTS, TABLES, Summary, Table, now
from load.staging import LoadError, scalar

log = logging.getLogger(__name__)

# of what was derived from lines, the order's first moment and total change with every further
# line of it; that is no other version of the order
_SAME_DERIVED_ORDER = ("transaction_id", "customer_id", "store_id")


def append(
    connection: duckdb.DuckDBPyConnection,
    sources: Mapping[str, str],
    derived: Collection[str],
    known_on: date,
    entry: ledger.Entry,
) -> Summary:
    """Add the rows that the raw tables do not hold yet, in one transaction.

    What says something else under a known id is added as a later version: dbt lets it count from
    the day on which it became known, and what was said before for the days until then. A header
    or line is held against all that is there, a customer or product against what the newest load
    of the same id says, so that it may become again what it was. Of customers and products that
    were derived from lines only new ids are added.

    Parameters
    ----------
    connection
        An open, writable warehouse.
    sources
        For each raw table's name the SQL after `from` that yields its columns by name.
    derived
        Names of the tables that were derived from the lines.
    known_on
        The day on which rows became known that do not say it themselves.

    Returns
    -------
    Summary
        Rows added per table and the one `_loaded_at` they carry.

    Raises
    ------
    LoadError
        If nothing is loaded yet.
    """
    missing = [one.name for one in TABLES if not warehouse.has_table(connection, "raw", one.name)]
    if missing:
        raise LoadError(
            f"the warehouse has no raw.{missing[0]} to append to: load once without --append"
        )
    loaded_at = now()
    moments = {"loaded_at": loaded_at, "known_on": known_on}
    with warehouse.transaction(connection):
        ledger.start(connection, anew=False)
        # what is known of a generated shop's truth is not the truth of what is added
        connection.execute("drop schema if exists truth cascade")
        rows = {
            table.name: _add(connection, table, sources[table.name], table.name in derived, moments)
            for table in TABLES
        }
        ledger.write(connection, entry, rows, loaded_at)
        for table in (CUSTOMERS, PRODUCTS):
            _say_what_changes(connection, table, moments)
        _say_what_is_dated_later(connection, moments)
    return Summary(rows, loaded_at, rejected=entry.rejected)


def _add(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    source: str,
    is_derived: bool,
    moments: Mapping[str, date],
) -> int:
    """Add the rows of one table that it does not hold; return their number."""
    types = {
        name: data_type
        for name, data_type, *_ in connection.execute(f"describe raw.{table.name}").fetchall()
    }
    # in the types of the table, which may hold text as it arrived
    columns = [f"cast({one.name} as {types[one.name]}) as {one.name}" for one in table.columns]
    incoming = f"(select {', '.join(columns)} from {source})"
    added = [
        "coalesce(incoming.recorded_at, $known_on)"
        if column.name == "recorded_at"
        else f"incoming.{column.name}"
        for column in table.columns
    ]
    same = " and ".join(
        f"incoming.{name} is not distinct from present.{name}"
        for name in _same_row(table, is_derived)
    )
    present = f"raw.{table.name}"
    if table in (CUSTOMERS, PRODUCTS) and not is_derived:
        present = f"""(
            from {present} qualify _loaded_at = max(_loaded_at) over (partition by {table.key})
        )"""
    query = f"""
        insert into raw.{table.name}
        select {", ".join(added)}, $loaded_at
        from {incoming} as incoming
        anti join {present} as present on {same}
    """
    named = {name: moment for name, moment in moments.items() if f"${name}" in query}
    inserted = connection.execute(query, named).fetchone()
    return inserted[0] if inserted else 0


def _same_row(table: Table, is_derived: bool) -> tuple[str, ...]:
    """Return the columns in which a row that the table holds already is equal."""
    if is_derived:
        return (table.key,) if table in (CUSTOMERS, PRODUCTS) else _SAME_DERIVED_ORDER
    return tuple(column.name for column in table.columns if column.name != "recorded_at")


def _say_what_changes(
    connection: duckdb.DuckDBPyConnection, table: Table, moments: Mapping[str, date]
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
            table.name,
            f"{rows:,}",
            moments["known_on"],
        )


def _say_what_is_dated_later(
    connection: duckdb.DuckDBPyConnection, moments: Mapping[str, date]
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
            f"{rows:,}",
            moments["known_on"],
        )
