"""The load ledger `raw.loads`: which files are in the raw tables, since when, and how read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

import warehouse
from load.staging import counted

GENERATED = "generated"
REPLACE, APPEND = "replace", "append"

# columns and what they mean; the meanings become comments in the warehouse
_LOADS = {
    "load_id": ("BIGINT", "Number of the load, counted from the last that replaced everything."),
    "file": ("VARCHAR", "File, by its place in the folder given; null for a generated shop."),
    "sha256": ("VARCHAR", "Of the bytes of the file."),
    "bytes": ("BIGINT", "Size of the file."),
    "file_rows": ("BIGINT", "Rows of the file that fit."),
    "rejected_rows": ("BIGINT", "Rows that the whole load set aside in raw.rejected."),
    "rows_added": ("MAP(VARCHAR, BIGINT)", "Rows that the whole load added, by raw table."),
    "layout": ("VARCHAR", "Name of the layout or mapping; generated for a generated shop."),
    "layout_hash": ("VARCHAR", "sha256 of what the layout or mapping says."),
    "mode": ("VARCHAR", "replace or append."),
    "known_on": ("DATE", "Day on which rows became known that say nothing of it; append only."),
    "loaded_at": ("TIMESTAMP", "When; the _loaded_at of the rows that the load added."),
    "timezone": ("VARCHAR", "Time zone of the shop, whose days are the days of the rows."),
    "data_through": ("DATE", "The last day that the files are stated to cover."),
    "currency": ("VARCHAR", "The currency of all amounts, where the files name one."),
}
_REJECTED = {
    "load_id": ("BIGINT", "The load that set the row aside."),
    "table_name": ("VARCHAR", "The table that the row was meant for."),
    "file": ("VARCHAR", "File, by its place in the folder given."),
    "sheet": ("VARCHAR", "Sheet of a workbook."),
    "row_number": ("BIGINT", "Row in the file, as an editor or spreadsheet counts."),
    "column_name": ("VARCHAR", "Column whose value does not fit; null if the whole row does not."),
    "value": ("VARCHAR", "The value as written."),
    "expected": ("VARCHAR", "What was expected."),
    "row_text": ("VARCHAR", "The whole row: as JSON, or as written if it could not be parted."),
    "loaded_at": ("TIMESTAMP", "When."),
}
_RECEIVED = {
    "file": ("VARCHAR", "File, by its place in the folder that nights read."),
    "sha256": ("VARCHAR", "Of the bytes of the file."),
    "received_at": ("TIMESTAMP", "When a night loaded it, or found nothing to load in it."),
}


@dataclass(frozen=True)
class LoadedFile:
    """A file as the ledger knows it."""

    name: str
    sha256: str
    size: int
    rows: int = 0


@dataclass(frozen=True)
class Entry:
    """What the ledger says of a load, but for the rows it added."""

    layout: str = GENERATED
    layout_hash: str | None = None
    mode: str = REPLACE
    known_on: date | None = None
    timezone: str | None = None
    data_through: date | None = None
    currency: str | None = None
    files: Sequence[LoadedFile] = ()
    rejected: int = 0
    # the SQL after `from` that yields the rows set aside
    rejected_source: str | None = None


def fingerprint(file: Path, name: str) -> LoadedFile:
    """Return a file's sha256 and size; of a database with what its write-ahead log adds."""
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
    # of DuckDB and of SQLite
    for suffix in (".wal", "-wal"):
        log = file.with_name(file.name + suffix)
        if log.is_file():
            digest.update(log.read_bytes())
    return LoadedFile(name, digest.hexdigest(), file.stat().st_size)


def start(connection: duckdb.DuckDBPyConnection, *, anew: bool) -> None:
    """Make the ledger's tables; `anew` empties them, as the rows they speak of are gone."""
    for name, columns, what in (
        ("loads", _LOADS, "One row per file of each load that is in the raw tables."),
        ("rejected", _REJECTED, "One row per value that did not fit and was set aside by a load."),
    ):
        if not anew and warehouse.has_table(connection, "raw", name):
            # a ledger of before has fewer columns
            for column, (kind, _) in columns.items():
                connection.execute(
                    f"alter table raw.{name} add column if not exists {column} {kind}"
                )
            continue
        defined = ", ".join(f"{column} {kind}" for column, (kind, _) in columns.items())
        connection.execute(f"create or replace table raw.{name} ({defined})")
        connection.execute(f"comment on table raw.{name} is '{what}'")
        for column, (_, meaning) in columns.items():
            connection.execute(f"comment on column raw.{name}.{column} is '{meaning}'")
    if anew:
        # what nights received was of the rows that are gone
        connection.execute("drop table if exists raw.received")


def write(
    connection: duckdb.DuckDBPyConnection,
    entry: Entry,
    rows_added: Mapping[str, int],
    loaded_at: datetime,
) -> None:
    """Write a load into the ledger, and the rows that it set aside."""
    load_id = next_id(connection)
    added = [list(rows_added), list(rows_added.values())]
    files: Sequence[LoadedFile | None] = entry.files or [None]
    for file in files:
        connection.execute(
            f"insert into raw.loads ({', '.join(_LOADS)}) select {', '.join('?' * 6)}, "
            f"map(?::varchar[], ?::bigint[]), {', '.join('?' * 8)}",
            [
                load_id,
                *((file.name, file.sha256, file.size, file.rows) if file else (None,) * 4),
                entry.rejected,
                *added,
                entry.layout,
                entry.layout_hash,
                entry.mode,
                entry.known_on,
                loaded_at,
                entry.timezone,
                entry.data_through,
                entry.currency,
            ],
        )
    if entry.rejected_source:
        connection.execute(
            f"insert into raw.rejected select ?, *, ? from {entry.rejected_source}",
            [load_id, loaded_at],
        )


def receive(
    connection: duckdb.DuckDBPyConnection, files: Sequence[LoadedFile], moment: datetime
) -> None:
    """Note files of a night's folder as dealt with; archives too, and those that nobody reads."""
    defined = ", ".join(f"{column} {kind}" for column, (kind, _) in _RECEIVED.items())
    connection.execute(f"create table if not exists raw.received ({defined})")
    for column, (_, meaning) in _RECEIVED.items():
        connection.execute(f"comment on column raw.received.{column} is '{meaning}'")
    connection.executemany(
        "insert into raw.received values (?, ?, ?)",
        [[file.name, file.sha256, moment] for file in files],
    )


def newest_layout(connection: duckdb.DuckDBPyConnection) -> str | None:
    """Return the layout, or the name of the mapping, of the newest load; None if there is none."""
    if not warehouse.has_table(connection, "raw", "loads"):
        return None
    row = connection.execute(
        "select layout from raw.loads order by load_id desc limit 1"
    ).fetchone()
    return row[0] if row else None


def next_id(connection: duckdb.DuckDBPyConnection) -> int:
    """Return the number that the next load gets."""
    return counted(connection, "select coalesce(max(load_id), 0) + 1 from raw.loads")


def loads(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    """Return of each load its number, mode, files, days, orders, lines, money and known day."""
    if not warehouse.has_table(connection, "raw", "loads"):
        return []
    return connection.execute(
        """
        with

        orders as (

            select
                _loaded_at,
                count(*) as orders,
                cast(min(transaction_date) as date) as first_day,
                cast(max(transaction_date) as date) as last_day
            from raw.store_sales_header
            group by all

        ),

        lines as (

            select
                _loaded_at,
                count(*) as lines,
                sum(line_item_amount) as money
            from raw.store_sales_line_items
            group by all

        ),

        listed as (

            select
                load_id,
                any_value(mode) as mode,
                string_agg(file, ', ' order by file) as files,
                any_value(known_on) as known_on,
                loaded_at
            from raw.loads
            group by load_id, loaded_at

        )

        select
            listed.load_id, listed.mode, listed.files, listed.known_on, orders.first_day,
            orders.last_day, coalesce(orders.orders, 0), coalesce(lines.lines, 0),
            coalesce(lines.money, 0), listed.loaded_at
        from listed
        left join orders on listed.loaded_at = orders._loaded_at
        left join lines on listed.loaded_at = lines._loaded_at
        order by listed.load_id
        """
    ).fetchall()


def kept_currency(connection: duckdb.DuckDBPyConnection) -> str | None:
    """Return the currency of what is loaded, where a load has named one."""
    newest = connection.execute(
        "select currency from raw.loads where currency is not null order by load_id desc limit 1"
    ).fetchall()
    return newest[0][0] if newest else None


def loaded(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str, int]]:
    """Return sha256, layout hash, mode and rejected rows of each file that is loaded.

    A file without rows is the same every quiet night, and is never loaded already.
    """
    if not warehouse.has_table(connection, "raw", "loads"):
        return []
    return connection.execute(
        "select sha256, layout_hash, mode, rejected_rows from raw.loads where file_rows > 0"
    ).fetchall()
