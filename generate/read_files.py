"""Read one file, whatever its format, into a table with row numbers."""

from __future__ import annotations

import csv
import gzip
import zlib
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa
from python_calamine import CalamineError, CalamineWorkbook

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".txt", ".parquet", ".xlsx", ".xls")
_HEAD_BYTES = 1 << 16
_DELIMITERS = ",;\t|"
_EXACT = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "DECIMAL", "DATE", "TIMESTAMP")


class LoadError(Exception):
    """A file does not fit; the message names it and says what is expected."""


def connect(file: Path) -> duckdb.DuckDBPyConnection:
    """Open a staging database that reads nothing but what it is told and downloads nothing."""
    connection = duckdb.connect(str(file))
    connection.execute("set autoinstall_known_extensions = false")
    connection.execute("set autoload_known_extensions = false")
    connection.execute("set python_enable_replacements = false")
    # moments with a zone mean the same day on every machine
    connection.execute("set timezone = 'UTC'")
    return connection


def stage(connection: duckdb.DuckDBPyConnection, file: Path, table: str) -> list[str]:
    """Read `file` into `table`: `_row` (row number in the file) and its columns, mostly as text.

    Rows are counted as a spreadsheet or editor shows them: the header is row 1. Several sheets
    of a workbook are stacked; `_sheet` then names the sheet (elsewhere it is null).

    Returns
    -------
    list[str]
        The column names as the file spells them, without blanks around them.

    Raises
    ------
    LoadError
        If the file is missing, empty, has no rows, or is not what its name says.
    """
    if not file.is_file():
        raise LoadError(f"{file}: no such file")
    if file.stat().st_size == 0:
        raise LoadError(f"{file}: the file is empty")
    name = file.name.lower()
    try:
        if name.endswith(".parquet"):
            _stage_parquet(connection, file, table)
        elif name.endswith((".xlsx", ".xls")):
            _stage_workbook(connection, file, table)
        elif name.endswith(SUFFIXES):
            _stage_csv(connection, file, table)
        else:
            raise LoadError(f"{file}: unknown kind of file; expected one of {' '.join(SUFFIXES)}")
    except duckdb.Error as error:
        raise LoadError(f"{file}: cannot be read: {first_lines(error)}") from error
    rows = connection.execute(f"select count(*) from {table}").fetchone()
    if not rows or rows[0] == 0:
        raise LoadError(f"{file}: has no rows below its header")
    described = connection.execute(f"describe {table}").fetchall()
    return [row[0] for row in described if row[0] not in ("_row", "_sheet")]


def quoted(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return `text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def first_lines(error: duckdb.Error) -> str:
    """Return what an error says, without the advice that follows."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:3])


def _stage_parquet(connection: duckdb.DuckDBPyConnection, file: Path, table: str) -> None:
    source = f"read_parquet({literal(str(file))})"
    described = connection.execute(f"describe select * from {source}").fetchall()
    _refuse_repeated([name for name, *_ in described], file)
    columns = [
        f"{_staged(quoted(name), data_type)} as {quoted(name.strip())}"
        for name, data_type, *_ in described
    ]
    _create(connection, table, columns, source)


def _staged(column: str, data_type: str) -> str:
    """Return what is staged of a Parquet column: dates and exact numbers as they are, else text."""
    if data_type.startswith(_EXACT):
        return column
    text = f"nullif(cast({column} as varchar), '')"
    # NaN is a data frame's word for a missing number; DuckDB 2.0 folds isnan() to false by a
    # Parquet file's statistics, so ask the text
    return f"nullif({text}, 'nan')" if data_type in ("DOUBLE", "FLOAT") else text


def _create(
    connection: duckdb.DuckDBPyConnection, table: str, columns: list[str], source: str
) -> None:
    connection.execute(
        f"create or replace table {table} as select row_number() over () + 1 as _row, "
        f"cast(null as varchar) as _sheet, {', '.join(columns)} from {source}"
    )


def _stage_csv(connection: duckdb.DuckDBPyConnection, file: Path, table: str) -> None:
    encoding, names, delimiter = _csv_header(file)
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    source = (
        f"read_csv({literal(str(file))}, auto_detect = false, header = true, "
        f"delim = {literal(delimiter)}, quote = '\"', escape = '\"', encoding = '{encoding}', "
        f"columns = {{{columns}}})"
    )
    selected = [f"nullif({quoted(name)}, '') as {quoted(name)}" for name in names]
    try:
        _create(connection, table, selected, source)
    except duckdb.Error as error:
        # the head of a file may be ASCII and a name further down not
        if encoding != "utf-8" or "not utf-8" not in str(error):
            raise
        _create(connection, table, selected, source.replace("'utf-8'", "'latin-1'"))


def _csv_header(file: Path) -> tuple[str, list[str], str]:
    """Return the encoding, the column names and the delimiter of a CSV file."""
    try:
        with gzip.open(file) if file.name.endswith(".gz") else file.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise LoadError(f"{file}: cannot be read: {error}") from error
    if b"\0" in head:
        raise LoadError(f"{file}: is no text file; expected comma-separated values in UTF-8")
    try:
        # cut at a line's end, so that no character is cut in half
        text, encoding = head[: head.rfind(b"\n") + 1 or None].decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        text, encoding = head.decode("latin-1"), "latin-1"
    first = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first.count)
    names = [
        name.strip() for name in next(csv.reader([first.strip("\r")], delimiter=delimiter), [])
    ]
    if not any(names):
        raise LoadError(f"{file}: row 1 is blank; expected the column names")
    names = [name or f"column {number}" for number, name in enumerate(names, 1)]
    _refuse_repeated(names, file)
    return encoding, names, delimiter


def _refuse_repeated(names: list[str], file: Path) -> None:
    seen: set[str] = set()
    for name in (name.strip().lower() for name in names):
        if name in seen:
            raise LoadError(f"{file}: the column {name} appears twice")
        seen.add(name)


def _stage_workbook(connection: duckdb.DuckDBPyConnection, file: Path, table: str) -> None:
    try:
        workbook = CalamineWorkbook.from_path(file)
        sheets = [(name, workbook.get_sheet_by_name(name)) for name in workbook.sheet_names]
        stacked = [
            content
            for name, sheet in sheets
            if (content := _sheet(file, name, sheet.to_python(skip_empty_area=False))) is not None
        ]
    except CalamineError as error:
        raise LoadError(f"{file}: cannot be read as a workbook: {error}") from error
    if not stacked:
        raise LoadError(f"{file}: no sheet has rows below its header")
    for content in stacked[1:]:
        if content.schema != stacked[0].schema:
            raise LoadError(f"{file}: its sheets have different columns; expected the same in each")
    connection.register("_workbook", pa.concat_tables(stacked))
    connection.execute(f"create or replace table {table} as select * from _workbook")
    connection.unregister("_workbook")


def _sheet(file: Path, sheet: str, rows: list[list[object]]) -> pa.Table | None:
    """Return a sheet as columns of text, or None when it holds nothing below its header."""
    if len(rows) < 2:
        return None
    names = [str(name).strip() or f"column {number}" for number, name in enumerate(rows[0], 1)]
    _refuse_repeated(names, file)
    kept = [number for number, row in enumerate(rows[1:], 2) if any(cell != "" for cell in row)]
    columns = {"_row": pa.array(kept, pa.int64()), "_sheet": pa.array([sheet] * len(kept))}
    for position, name in enumerate(names):
        cells = [_cell_text(rows[number - 1][position]) for number in kept]
        columns[name] = pa.array(cells, pa.string())
    return pa.table(columns)


def _cell_text(cell: object) -> str | None:
    if cell == "":
        return None
    if isinstance(cell, float) and cell.is_integer():
        # a workbook knows no whole numbers: 85048.0 is the code 85048
        return str(int(cell))
    return cell.isoformat(" ") if isinstance(cell, datetime) else str(cell)
