"""The scratch database in which files are read and checked before the warehouse changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

import warehouse
from core.sql import literal

# the name under which both the scratch database and the warehouse know the staged tables
STAGED = "incoming_files"
INCOMING = f"{STAGED}.main"
# how what is ours is called beside a file's columns, which may have one of the same name
OUR = "our "
# of DuckDB itself; a file of any size must load beside other work, what does not fit is spilled
MEMORY = "4GB"


class LoadError(warehouse.ShopError):
    """A file does not fit; the message names it and says what is expected."""


class NoFileError(LoadError):
    """A file that a mapping names is not there."""


class NoRowsError(LoadError):
    """There are columns, but no rows below them."""


@contextmanager
def scratch_database(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a scratch database that reads nothing but what it is told and downloads nothing."""
    with duckdb.connect() as connection:
        connection.execute("set autoinstall_known_extensions = false")
        connection.execute("set autoload_known_extensions = false")
        connection.execute("set python_enable_replacements = false")
        # moments with a zone mean the same day on every machine
        connection.execute("set timezone = 'UTC'")
        limit(connection, folder)
        connection.execute(f"attach {literal(str(staged_file(folder)))} as {STAGED}")
        connection.execute(f"use {STAGED}")
        yield connection


def limit(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Bound the memory of a connection's database; what does not fit goes to `folder`."""
    connection.execute(f"set memory_limit = '{MEMORY}'")
    connection.execute(f"set temp_directory = {literal(str(folder))}")


def staged_file(folder: Path) -> Path:
    """Return the file of the scratch database."""
    return folder / "staged.duckdb"


def first_lines(error: Exception) -> str:
    """Return what an error says, without the advice that follows."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:3])


def scalar(connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[object] = ()) -> Any:  # noqa: ANN401
    """Return the one value that a query yields."""
    # all rows are fetched: a result left open keeps the connection from registering tables
    return connection.execute(query, list(values)).fetchall()[0][0]


def counted(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """Return the one whole number that a query yields."""
    number: int = scalar(connection, query)
    return number


def make(connection: duckdb.DuckDBPyConnection, name: str, query: str) -> str:
    """Make a staged table of a query; return how it is called."""
    # of two tables of one name the staged file's has another prefix
    connection.execute(f"create or replace table {INCOMING}.{name} as {query}")
    return f"{INCOMING}.{name}"
