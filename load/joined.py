"""Columns of files beside: order lines here, their dates and customers there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from core.sql import quoted
from load.find_files import find
from load.mapping import Join, TableMapping
from load.near_names import did_you_mean, same_name
from load.parts import Part, staged_type
from load.read_files import Staged, open_parts, stage
from load.staging import STAGED, LoadError, NoFileError


@dataclass
class Joined:
    """The columns of a table and of the files beside it; `keys` are those that rows meet by."""

    connection: duckdb.DuckDBPyConnection
    columns: dict[str, str]
    keys: set[str] = field(default_factory=set)
    beside: list[tuple[Sequence[Part], dict[str, str], list[str], bool]] = field(
        default_factory=list
    )

    def stage(self, staged: Staged, wanted: Sequence[str] | None) -> Staged:
        """Return the staged table with the columns of the files beside, its rows in their order."""
        for number, (parts, keys, columns, is_optional) in enumerate(self.beside, 1):
            read = [name for name in columns if wanted is None or name in wanted]
            other = stage(self.connection, parts, f"beside_{number}", [*keys.values(), *read])
            _refuse_repeated(self.connection, other, list(keys.values()))
            on = " and ".join(
                f"trim(cast(rows_here.{quoted(mine)} as varchar)) = "
                f"trim(cast(beside.{quoted(theirs)} as varchar))"
                for mine, theirs in keys.items()
            )
            table = f"{STAGED}.main.{quoted(f'joined_{number}')}"
            taken = "".join(f", beside.{quoted(name)}" for name in read)
            self.connection.execute(
                f"create or replace table {table} as select rows_here.*{taken} "
                f"from {staged.table} as rows_here left join {other.table} as beside on {on} "
                "order by rows_here.rowid"
            )
            if not is_optional:
                self._refuse_alone(staged, other, on, keys)
            further = {name: other.columns[name] for name in read}
            staged = Staged(table, staged.columns | further, staged.parts, staged.starts)
        return staged

    def _refuse_alone(self, staged: Staged, other: Staged, on: str, keys: dict[str, str]) -> None:
        """Refuse rows that meet none in the file beside: their date or customer would be blank."""
        alone, first = self.connection.execute(
            f"select count(*), min(rows_here.rowid) from {staged.table} as rows_here "
            f"anti join {other.table} as beside on {on}"
        ).fetchall()[0]
        if alone:
            ((part, number),) = staged.places([first])
            raise LoadError(
                f"{part.file}: {alone:,} rows meet no row of {other.name} by {', '.join(keys)}, "
                f"first row {number}: are the keys written alike? `optional: true` lets them be "
                "alone"
            )


def joined(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    table: TableMapping,
    parts: Sequence[Part],
    scratch: Path,
) -> Joined:
    """Open the files that a table's rows are joined with.

    Raises
    ------
    LoadError
        If one is missing that is not optional, or has no such key.
    """
    result = Joined(
        connection, {name: staged_type(kind) for name, kind in parts[0].columns.items()}
    )
    folder = path if path.is_dir() else path.parent
    for join in table.join:
        try:
            files = find(folder, join.file)
        except NoFileError:
            if join.optional:
                continue
            raise
        other = open_parts(connection, files, scratch, join.format, join.table)
        keys = _keys(join, result.columns, other[0])
        further = {
            name: staged_type(kind)
            for name, kind in other[0].columns.items()
            if same_name(name, result.columns) is None
        }
        result.beside.append((other, keys, list(further), join.optional))
        result.columns |= further
        result.keys |= set(keys)
    return result


def _keys(join: Join, own_columns: dict[str, str], part: Part) -> dict[str, str]:
    keys = {}
    for name in join.by:
        mine, theirs = same_name(name, own_columns), same_name(name, part.columns)
        if mine is None or theirs is None:
            columns = part.columns if mine else own_columns
            raise LoadError(
                f"{part.file}: the column {name} that rows are joined on is missing "
                f"{'in it' if mine else 'in the file that it is joined to'}"
                f"{did_you_mean(name, columns)}"
            )
        keys[mine] = theirs
    return keys


def _refuse_repeated(
    connection: duckdb.DuckDBPyConnection, other: Staged, keys: Sequence[str]
) -> None:
    named = ", ".join(map(quoted, keys))
    filled = " and ".join(f"{quoted(key)} is not null" for key in keys)
    doubled = connection.execute(
        f"select {named} from {other.table} where {filled} group by all having count(*) > 1 limit 1"
    ).fetchall()
    if doubled:
        raise LoadError(
            f"{other.name}: {', '.join(keys)} {', '.join(map(str, doubled[0]))} is there more than "
            "once; a row that met two of it would count twice"
        )
