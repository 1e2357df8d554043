"""Refuse rows that do not fit, or set them aside as text with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from core.sql import quoted
from load.find_files import shown
from load.parts import Part
from load.raw_tables import PROMOTIONS
from load.read_files import Staged
from load.staging import OUR, STAGED, LoadError, counted, scalar

# the rows set aside of all tables, in the scratch database
REJECTED = f"{STAGED}.main.rejected"
# where each row of a source of our columns stands in its staged table
ROW = quoted(OUR + "file_row")
_COLUMNS = (
    "table_name VARCHAR, file VARCHAR, sheet VARCHAR, row_number BIGINT, column_name VARCHAR, "
    "value VARCHAR, expected VARCHAR, row_text VARCHAR"
)


@dataclass(frozen=True)
class Misfit:
    """A check of a staged column: the SQL of the value, of what does not fit, what would."""

    column: str
    value: str
    condition: str
    expected: str


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the table of rows set aside."""
    connection.execute(f"create or replace table {REJECTED} ({_COLUMNS})")


def keep_bad_rows(
    connection: duckdb.DuckDBPyConnection, staged: Staged, name: str, path: Path
) -> int:
    """Write down the rows that had too few or too many cells; return their number."""
    rows = [
        (*_place(name, part, path), bad.row, None, None, bad.expected, bad.text)
        for part in staged.parts
        for bad in part.bad_rows
    ]
    _insert(connection, rows)
    return len(rows)


def check(
    connection: duckdb.DuckDBPyConnection,
    staged: Staged,
    name: str,
    misfits: Sequence[Misfit],
    path: Path,
    *,
    source: str,
    quarantine: bool,
) -> int:
    """Check every value; return the number of rows that were set aside.

    Parameters
    ----------
    source
        The SQL after `from` that has the staged columns and those made of them; each row's place
        in the staged table is its `our file_row`.

    Raises
    ------
    LoadError
        If a value does not fit and `quarantine` is off; the message names file, column, row,
        value and what is expected.
    """
    failing = _failing(connection, source, misfits)
    if not failing:
        return 0
    if not quarantine:
        misfit, rows, first = min(failing, key=lambda entry: entry[2])
        # of a plan there is no other part to go on with
        others = "" if name == PROMOTIONS.name else ", or load the other rows with --quarantine"
        said = _message(connection, staged, source, misfit, rows, first)
        raise LoadError(f"{said}; mend it{others}")
    before = _rows(connection, staged)
    for misfit, _, _ in failing:
        rejected = connection.execute(
            f"select read.{ROW}, value, cast(to_json(staged) as varchar) from (select {ROW}, "
            f"cast({misfit.value} as varchar) as value "
            f"from {source} where {misfit.condition}) as read "
            f"inner join {staged.table} as staged on read.{ROW} = staged.rowid order by read.{ROW}"
        ).fetchall()
        places = staged.places([row for row, *_ in rejected])
        _insert(
            connection,
            [
                (*_place(name, part, path), number, misfit.column, value, misfit.expected, text)
                for (part, number), (_, value, text) in zip(places, rejected, strict=True)
            ],
        )
    any_misfit = " or ".join(f"({misfit.condition})" for misfit, _, _ in failing)
    connection.execute(
        f"delete from {staged.table} where rowid in (select {ROW} from {source} where {any_misfit})"
    )
    return before - _rows(connection, staged)


def _failing(
    connection: duckdb.DuckDBPyConnection, source: str, misfits: Sequence[Misfit]
) -> list[tuple[Misfit, int, int]]:
    """Return the checks that fail, each with the number of its rows and the first of them."""
    if not misfits:
        return []
    counts = ", ".join(
        f"count(*) filter ({misfit.condition}), min({ROW}) filter ({misfit.condition})"
        for misfit in misfits
    )
    results = connection.execute(f"select {counts} from {source}").fetchall()[0]
    pairs = zip(results[::2], results[1::2], strict=True)
    return [(misfit, *pair) for misfit, pair in zip(misfits, pairs, strict=True) if pair[0]]


def _message(
    connection: duckdb.DuckDBPyConnection,
    staged: Staged,
    source: str,
    misfit: Misfit,
    rows: int,
    first: int,
) -> str:
    query = f"select cast({misfit.value} as varchar) from {source} where {ROW} = ?"
    value = scalar(connection, query, [first])
    ((part, number),) = staged.places([first])
    place = f"sheet {part.sheet}, row {number}" if part.sheet else f"row {number}"
    further = f" ({rows - 1:,} more such rows)" if rows > 1 else ""
    return (
        f"{part.file}: column {misfit.column}, {place}: {value!r} is not {misfit.expected}{further}"
    )


def _insert(connection: duckdb.DuckDBPyConnection, rows: Sequence[tuple[object, ...]]) -> None:
    if not rows:
        return
    columns = zip(*rows, strict=True)
    types = [pa.int64() if " BIGINT" in column else pa.string() for column in _COLUMNS.split(", ")]
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    names = [column.split()[0] for column in _COLUMNS.split(", ")]
    connection.register("_rejected", pa.Table.from_arrays(arrays, names=names))
    connection.execute(f"insert into {REJECTED} select * from _rejected").fetchall()
    connection.unregister("_rejected")


def _rows(connection: duckdb.DuckDBPyConnection, staged: Staged) -> int:
    return counted(connection, f"select count(*) from {staged.table}")


def _place(name: str, part: Part, path: Path) -> tuple[str, str, str | None]:
    return name, shown(part.file, path), part.sheet
