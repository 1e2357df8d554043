"""Read one table of a mapping: stage its files, check each value, say it in our columns."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from load.find_files import find
from load.mapping import FILLABLE, ORDER_LINES, Rule, TableMapping, rules
from load.near_names import did_you_mean, same_name
from load.our_columns import OurColumns
from load.parts import Part
from load.quarantine import check, keep_bad_rows
from load.read_files import open_parts, stage
from load.staging import LoadError, literal, quoted

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Read:
    """One table as read: the SQL after `from` that yields its columns, and where it is from."""

    name: str
    source: str
    rows_by_file: dict[Path, int]
    rejected: int


def read_table(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    name: str,
    table: TableMapping,
    scratch: Path,
    *,
    quarantine: bool = False,
) -> Read:
    """Stage one table of a mapping.

    Parameters
    ----------
    path
        The file, folder or glob that the user gave.
    name
        The table: a raw table's name or `order_lines`.
    scratch
        A folder for copies of files that must be decoded first.
    quarantine
        Set rows aside that do not fit, instead of refusing them all.

    Raises
    ------
    LoadError
        If a column is missing, or a value does not fit; the message says where.
    """
    files = find(path, table.file)
    parts = open_parts(connection, files, scratch, table.format, table.table)
    made = rules(name, table)
    theirs = _resolved(parts[0], name, made)
    tells_returns = _tells_returns(parts[0], table)
    needed = {*theirs.values(), tells_returns}
    # what is set aside is kept whole, so all of it must be read
    wanted = None if quarantine else [one for one in parts[0].columns if one in needed]
    _say_what_is_unused(parts[0], name, made, theirs, needed)
    staged = stage(connection, parts, f"file_{name}", wanted, quarantine=quarantine)
    is_return = _is_return(table, tells_returns) if tells_returns else None
    ours = OurColumns(connection, staged, name, made, theirs, table.format, is_return)
    rejected = keep_bad_rows(connection, staged, name, path)
    rejected += check(connection, staged, name, ours.misfits, path, quarantine=quarantine)
    counts = staged.rows_by_file(connection)
    if not sum(counts.values()):
        raise LoadError(f"{staged.name}: none of its rows fits, so nothing is loaded")
    source = _complete(ours.source, name, made)
    return Read(name, source, counts, rejected)


def _resolved(part: Part, name: str, made: Mapping[str, Rule]) -> dict[str, str | None]:
    """Return the file's column for each of ours that is read; None for an optional one."""
    found: dict[str, str | None] = {}
    for key, rule in made.items():
        if rule.column is None:
            continue
        names = (same_name(one, part.columns) for one in rule.column)
        found[key] = next((one for one in names if one), None)
        if found[key] is None and not rule.optional:
            required = any(one.name == key and one.required for one in FILLABLE[name].columns)
            raise _missing(
                part, rule.column, f"it is {key} of {name}", "required column" * required
            )
    return found


def _missing(part: Part, wanted: list[str], why: str, what: str = "") -> LoadError:
    named = " or ".join(wanted)
    near = next((hint for one in wanted if (hint := did_you_mean(one, part.columns))), "")
    return LoadError(
        f"{part.file}: the {what or 'column'} {named} is missing ({why}){near}; "
        f"the file has {', '.join(part.columns)}"
    )


def _tells_returns(part: Part, table: TableMapping) -> str | None:
    if table.returns is None:
        return None
    name = same_name(table.returns.column, part.columns)
    if name is None:
        raise _missing(part, [table.returns.column], "it tells returns")
    return name


def _is_return(table: TableMapping, column: str) -> str:
    text = f"trim(cast({quoted(column)} as varchar))"
    if table.returns.prefix:
        return f"starts_with({text}, {literal(table.returns.prefix)})"
    listed = ", ".join(literal(one.strip().lower()) for one in table.returns.values or ())
    return f"lower({text}) in ({listed})"


def _say_what_is_unused(
    part: Part,
    name: str,
    made: Mapping[str, Rule],
    theirs: Mapping[str, str | None],
    needed: set[str | None],
) -> None:
    # what a generated shop says instead of a date or number, no shop of one's own needs
    empty = [
        key for key in made if key in theirs and theirs[key] is None and not key.endswith("_text")
    ]
    unused = [one for one in part.columns if one not in needed]
    if empty and name != ORDER_LINES.name:
        log.info("%s: no column %s; left empty", part.file.name, ", ".join(empty))
    if unused:
        log.info("%s: not used: column %s", part.file.name, ", ".join(unused))


def _complete(source: str, name: str, made: Mapping[str, Rule]) -> str:
    """Return a source that has all columns of its table, empty where the mapping has none."""
    columns = [
        one.name if one.name in made else f"cast(null as {one.data_type}) as {one.name}"
        for one in FILLABLE[name].columns
    ]
    return f"(select {', '.join(columns)} from {source})"
