"""Read tables of DuckDB and SQLite files."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import duckdb

import warehouse
from core.sql import literal, quoted
from load.parts import Into, Part, SqlPart, described, refuse_repeated
from load.staging import LoadError, first_lines

_SQLITE = b"SQLite format 3\0"
_BATCH = 20_000


@dataclass
class SqlitePart(Part):
    """One table of a SQLite file; its values are staged as text, as SQLite knows no types."""

    table: str = ""

    def insert(self, into: Into) -> None:
        """Append the rows in batches."""
        selected = ", ".join(map(quoted, into.columns))
        query = f"select {selected} from {quoted(self.table)}"
        query += f" limit {into.limit}" if into.limit else ""
        try:
            with closing(_open_sqlite(self.file)) as source:
                into.batches(_columns(source.execute(query)))
        except (sqlite3.Error, UnicodeError) as error:
            raise LoadError(f"{self.file}: cannot be read: table {self.table}: {error}") from error


def database_tables(connection: duckdb.DuckDBPyConnection, file: Path) -> list[str]:
    """Return the names of the tables in a DuckDB or SQLite file.

    Raises
    ------
    LoadError
        If it is neither, or holds no table.
    """
    names = list(_sqlite_tables(file) if _is_sqlite(file) else _duckdb_tables(connection, file))
    if not names:
        raise LoadError(f"{file}: holds no table")
    return names


def table_part(connection: duckdb.DuckDBPyConnection, file: Path, table: str | None) -> Part:
    """Open one table of a DuckDB or SQLite file; the only one where none is named.

    Raises
    ------
    LoadError
        If the file is neither, or has no such table.
    """
    names = database_tables(connection, file)
    matching = [name for name in names if table is None or name.lower() == table.lower()]
    if len(matching) != 1:
        problem = f"has no table {table}" if table else "holds several tables; name one"
        raise LoadError(f"{file}: {problem}; its tables are {', '.join(names)}")
    if not _is_sqlite(file):
        schema, _, name = matching[0].rpartition(".")
        attached = _attached(connection, file)
        source = f"{attached}.{quoted(schema or 'main')}.{quoted(name)}"
        types, spelt = described(connection, source, file)
        return SqlPart(file, types, source=source, spelt=spelt)
    try:
        with closing(_open_sqlite(file)) as opened:
            cursor = opened.execute(f"select * from {quoted(matching[0])} limit 0")
            columns = [name for name, *_ in cursor.description]
    except (sqlite3.Error, UnicodeError) as error:
        raise LoadError(f"{file}: cannot be read: table {matching[0]}: {error}") from error
    refuse_repeated(columns, file)
    return SqlitePart(file, dict.fromkeys(columns, "VARCHAR"), table=matching[0])


def _is_sqlite(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return stream.read(len(_SQLITE)) == _SQLITE
    except OSError as error:
        raise LoadError(f"{file}: cannot be read: {error}") from error


def _open_sqlite(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)


def _sqlite_tables(file: Path) -> Iterator[str]:
    try:
        with closing(_open_sqlite(file)) as source:
            yield from [
                name
                for (name,) in source.execute(
                    "select name from sqlite_master where type in ('table', 'view') "
                    "and name not like 'sqlite_%' order by name"
                )
            ]
    except (sqlite3.Error, UnicodeError) as error:
        raise LoadError(f"{file}: cannot be read: {error}") from error


def _duckdb_tables(connection: duckdb.DuckDBPyConnection, file: Path) -> Iterator[str]:
    for schema, name in connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = $name "
        "union all "
        "select schema_name, view_name from duckdb_views() where database_name = $name "
        "and not internal order by all",
        {"name": _attached(connection, file)},
    ).fetchall():
        yield name if schema == "main" else f"{schema}.{name}"


def _attached(connection: duckdb.DuckDBPyConnection, file: Path) -> str:
    """Attach a DuckDB file unless it is, and return the name it has here."""
    if file.resolve() == warehouse.path():
        raise LoadError(f"{file}: is the warehouse itself")
    path = str(file.resolve())
    attached: dict[str, str] = dict(
        connection.execute("select path, database_name from duckdb_databases()").fetchall()
    )
    if path not in attached:
        attached[path] = f"source_{len(attached)}"
        try:
            connection.execute(
                f"attach {literal(path)} as {attached[path]} (type duckdb, read_only)"
            )
        except duckdb.Error as error:
            raise LoadError(
                f"{file}: is no DuckDB or SQLite file, or is in use: {first_lines(error)}"
            ) from error
    return attached[path]


def _columns(rows: sqlite3.Cursor) -> Iterator[Sequence[Sequence[str | None]]]:
    while batch := list(itertools.islice(rows, _BATCH)):
        yield [[_text(cell) for cell in column] for column in zip(*batch, strict=True)]


def _text(cell: object) -> str | None:
    if cell is None or cell == "":
        return None
    return cell.decode("latin-1") if isinstance(cell, bytes) else str(cell)
