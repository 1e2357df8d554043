"""Read files of any format into one staged table, and know which row came from where."""

from __future__ import annotations

import bisect
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from core.sql import path_literal, quoted
from load.file_format import Format
from load.find_files import DATABASES, JSONS, SUFFIXES, TEXTS, WORKBOOKS
from load.parts import Into, JsonPart, Part, SqlPart, described, staged_type
from load.read_csv import text_part
from load.read_database import table_part
from load.read_workbook import sheet_parts
from load.staging import STAGED, LoadError, NoRowsError, counted, first_lines, scalar


@dataclass
class Staged:
    """A staged table: its columns and types, and which rows came from which part."""

    table: str
    columns: dict[str, str]
    parts: list[Part]
    starts: list[int]

    @property
    def files(self) -> list[Path]:
        """The files, each once."""
        return list(dict.fromkeys(part.file for part in self.parts))

    @property
    def name(self) -> str:
        """What messages call the whole."""
        files = self.files
        return str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"

    def rows_by_file(self, connection: duckdb.DuckDBPyConnection) -> dict[Path, int]:
        """Return the number of rows that each file gave; what was set aside does not count."""
        rows = dict.fromkeys(self.files, 0)
        for start, end, part in zip(self.starts, self._ends, self.parts, strict=True):
            rows[part.file] += scalar(
                connection,
                f"select count(*) from {self.table} where rowid >= ? and rowid < ?",
                [start, end],
            )
        return rows

    @property
    def _ends(self) -> list[int]:
        return [*self.starts[1:], 1 << 62]

    def places(self, rows: Sequence[int]) -> list[tuple[Part, int]]:
        """Return the part and the row number in it of staged rows, by their rowid, in order."""
        places: list[tuple[Part, int]] = []
        for start, end, part in zip(self.starts, self._ends, self.parts, strict=True):
            own = rows[bisect.bisect_left(rows, start) : bisect.bisect_left(rows, end)]
            if own:
                numbers = part.rows_of([row - start for row in own])
                places += [(part, number) for number in numbers]
        return places


def open_parts(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    scratch: Path,
    stated: Format,
    table: str | None = None,
) -> list[Part]:
    """Open files and find their columns, without reading their rows.

    Parameters
    ----------
    scratch
        A folder for copies of files that must be decoded first.
    table
        The table of a database, the sheet of a workbook.

    Raises
    ------
    LoadError
        If a file is missing, empty, or is not what its name says.
    """
    parts: list[Part] = []
    for file in files:
        try:
            parts += _open(connection, file, scratch, stated, table)
        except duckdb.Error as error:
            raise LoadError(f"{file}: cannot be read: {first_lines(error)}") from error
        except OSError as error:
            raise LoadError(f"{file}: cannot be read: {error}") from error
    return parts


def _open(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    scratch: Path,
    stated: Format,
    table: str | None,
) -> Sequence[Part]:
    if not file.is_file():
        raise LoadError(f"{file}: no such file")
    if any("\ud800" <= sign <= "\udfff" for sign in str(file)):
        # DuckDB ends with a bare RuntimeError
        raise LoadError(f"{str(file)!a}: its name is no UTF-8; rename it")
    if file.stat().st_size == 0:
        raise LoadError(f"{file}: the file is empty")
    name = file.name.lower()
    if name.endswith(WORKBOOKS):
        return sheet_parts(file, table, stated)
    if name.endswith(DATABASES):
        return [table_part(connection, file, table)]
    if name.endswith(".parquet"):
        source = f"read_parquet({path_literal(file)}, hive_partitioning = false)"
        types, spelt = described(connection, source, file)
        return [SqlPart(file, types, source=source, spelt=spelt, first_row=2)]
    if name.endswith(JSONS):
        # one level: what lies deeper stays JSON, which SQL in a mapping can open
        source = (
            f"read_json({path_literal(file)}, maximum_depth = 1, sample_size = -1, "
            "maximum_object_size = 104857600, hive_partitioning = false)"
        )
        types, spelt = described(connection, source, file)
        return [JsonPart(file, types, source=source, spelt=spelt)]
    if name.endswith(TEXTS):
        with tempfile.NamedTemporaryFile(dir=scratch, suffix=".csv", delete=False) as copy:
            return [text_part(file, stated, Path(copy.name))]
    raise LoadError(f"{file}: unknown kind of file; expected one of {' '.join(SUFFIXES)}")


def stage(
    connection: duckdb.DuckDBPyConnection,
    parts: Sequence[Part],
    name: str,
    wanted: Sequence[str] | None = None,
    *,
    limit: int | None = None,
    quarantine: bool = False,
    may_be_empty: bool = False,
) -> Staged:
    """Read parts into one table of the scratch database, one after another.

    Parameters
    ----------
    name
        The table's name.
    wanted
        The columns to read; None reads all of them.
    may_be_empty
        A quiet night has a header and no rows.

    Raises
    ------
    LoadError
        If the parts have different columns, no rows (`NoRowsError`), or cannot be read.
    """
    columns = {
        column: _common_type(parts, column)
        for column in parts[0].columns
        # of a staged table it is the place of a row
        if (wanted is None and column.lower() != "rowid") or (wanted and column in wanted)
    }
    _refuse_different_columns(parts)
    table = f"{STAGED}.main.{quoted(name)}"
    defined = ", ".join(f"{quoted(column)} {kind}" for column, kind in columns.items())
    connection.execute(f"create or replace table {table} ({defined})")
    staged = Staged(table, columns, list(parts), [])
    into = Into(connection, table, columns, limit, quarantine)
    for part in parts:
        staged.starts.append(_next_row(connection, table))
        try:
            part.insert(into)
        except duckdb.Error as error:
            raise LoadError(f"{part.file}: cannot be read: {first_lines(error)}") from error
    has_rows = _next_row(connection, table) or any(part.bad_rows for part in parts)
    if not has_rows and not may_be_empty:
        raise NoRowsError(f"{staged.name}: has no rows below its header")
    return staged


def _next_row(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return counted(connection, f"select coalesce(max(rowid) + 1, 0) from {table}")


def _common_type(parts: Sequence[Part], column: str) -> str:
    types = {staged_type(part.columns.get(column, "VARCHAR")) for part in parts}
    return types.pop() if len(types) == 1 else "VARCHAR"


def _refuse_different_columns(parts: Sequence[Part]) -> None:
    first = parts[0]
    for part in parts[1:]:
        missing = [name for name in first.columns if name not in part.columns]
        further = [name for name in part.columns if name not in first.columns]
        if not missing and not further:
            continue
        if part.file == first.file:
            raise LoadError(
                f"{part.file}: its sheets {first.sheet} and {part.sheet} have different columns: "
                "name one in a mapping, as in table: " + str(first.sheet)
            )
        differs = f"lacks the column {', '.join(missing)}" if missing else ""
        differs += " and " if missing and further else ""
        differs += f"has the further column {', '.join(further)}" if further else ""
        raise LoadError(f"{part.file}: {differs}, unlike {first.file.name}; files are stacked")
