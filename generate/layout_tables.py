"""The layout `tables`: a folder with one CSV or Parquet file per raw table."""

from __future__ import annotations

import logging
from pathlib import Path

import duckdb

from generate.parse_columns import typed
from generate.raw_tables import TABLES, Table
from generate.read_files import LoadError, stage

log = logging.getLogger(__name__)

_SUFFIXES = (".csv", ".csv.gz", ".parquet")


def matches(folder: Path) -> bool:
    """Return whether the folder holds a file named after one of the raw tables."""
    return any(_files(folder, table) for table in TABLES)


def _files(folder: Path, table: Table) -> list[Path]:
    names = {table.name + suffix for suffix in _SUFFIXES}
    return sorted(file for file in folder.iterdir() if file.name.lower() in names)


def stage_tables(connection: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, str]:
    """Stage the four raw tables from a folder.

    Returns
    -------
    dict[str, str]
        For each raw table the name of its staged table.

    Raises
    ------
    LoadError
        If a table has no file or two, or a file does not fit.
    """
    return {table.name: _stage_table(connection, folder, table) for table in TABLES}


def _stage_table(connection: duckdb.DuckDBPyConnection, folder: Path, table: Table) -> str:
    files = _files(folder, table)
    if len(files) != 1:
        found = " and ".join(file.name for file in files) or "none"
        expected = " or ".join(table.name + suffix for suffix in _SUFFIXES)
        raise LoadError(f"{folder}: expected one file {expected}, found {found}")
    file = files[0]
    columns = {name.lower(): name for name in stage(connection, file, "file_rows")}
    selected = []
    filled = []
    for column in table.columns:
        if column.name in columns:
            cast = typed(connection, "file_rows", columns.pop(column.name), column.data_type, file)
        elif column.required:
            required = ", ".join(one.name for one in table.columns if one.required)
            raise LoadError(
                f"{file}: the required column {column.name} is missing; "
                f"{table.name} needs {required}"
            )
        else:
            filled.append(column.name)
            cast = f"cast(null as {column.data_type})"
        selected.append(f"{cast} as {column.name}")
    if filled:
        log.info("%s: no column %s; left empty", file.name, ", ".join(filled))
    if columns:
        log.info("%s: not used: column %s", file.name, ", ".join(columns.values()))
    staged = f"staged_{table.name}"
    connection.execute(
        f"create or replace table {staged} as "
        f"select {', '.join(selected)} from file_rows order by _row"
    )
    return staged
