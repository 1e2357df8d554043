"""Find what each column of ours is read from: a column of the files, or SQL over them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import duckdb

from core.sql import quoted
from load.expressions import Expression, UnknownNameError, parse
from load.find_files import find
from load.joined import joined
from load.mapping import FILLABLE, ORDER_LINES, STANDS_FOR, OrderLines, TableMapping, entries
from load.near_names import did_you_mean, plain, same_name
from load.read_files import open_parts
from load.staging import LoadError

log = logging.getLogger(__name__)

# the share of what a layout reads that a file must have to be taken for it
_LIKE = 0.7
ORDER_AMOUNT = "order_amount"


def columns_read(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    name: str,
    table: TableMapping,
    scratch: Path,
) -> int:
    """Return how many columns of its files a table of a layout reads.

    Raises
    ------
    LoadError
        If a file or a column that it must read is missing.
    """
    files = find(path, table.file)
    parts = open_parts(connection, files[:1], scratch, table.format, table.table)
    theirs = joined(connection, path, table, parts, scratch).columns
    expressions = resolved(connection, theirs, str(files[0]), name, table, True)
    read = set().union(*(expression.columns for expression in expressions.values()))
    # a file that shares the common words alone is another shop's own
    wanted = [key for key in entries(name, table) if key not in STANDS_FOR]
    is_like = not table.columns or sum(key in expressions for key in wanted) >= _LIKE * len(wanted)
    tells_rows = any("status" in plain(column) for column in theirs if column not in read)
    if not is_like or (tells_rows and not table.where):
        raise LoadError(f"{files[0]}: is not like the layout")
    return len(read)


def resolved(
    connection: duckdb.DuckDBPyConnection,
    theirs: Mapping[str, str],
    file: str,
    name: str,
    table: TableMapping,
    is_layout: bool,
) -> dict[str, Expression]:
    """Return what each column of ours is read from, in an order in which each can be read."""
    types = FILLABLE[name].types
    wanted = dict(entries(name, table))
    if table.where:
        wanted["where"] = table.where
    if isinstance(table, OrderLines) and table.order_amount:
        wanted[ORDER_AMOUNT] = table.order_amount
    required = {column.name for column in FILLABLE[name].columns if column.required}
    required |= {"where", ORDER_AMOUNT, "transaction_date", "line_item_amount"}
    expressions: dict[str, Expression] = {}
    missing: list[str] = []
    for key, listed in wanted.items():
        ours = {other: types[other] for other in wanted if other in types and other != key}
        error: LoadError | None = None
        for text in listed:
            try:
                expressions[key] = _expression(connection, text, theirs, ours)
                break
            except LoadError as failure:
                error = error or failure
        else:
            is_optional = not table.columns or is_layout
            if is_optional and key not in required:
                missing.append(key)
                continue
            raise _unreadable(file, key, name, listed, theirs, error, key in required)
    # what a column that is missing is made of is missing too
    while lost := [
        key for key, expression in expressions.items() if expression.ours & set(missing)
    ]:
        for key in lost:
            if key in required:
                part = next(iter(expressions[key].ours & set(missing)))
                raise _unreadable(file, part, name, wanted[part], theirs, None, True)
            del expressions[key]
        missing += lost
    shown = [key for key in missing if not key.endswith("_text")]
    if shown and name != ORDER_LINES.name:
        log.info("%s: no column %s; left empty", Path(file).name, ", ".join(shown))
    try:
        order = list(
            TopologicalSorter(
                {key: expression.ours for key, expression in expressions.items()}
            ).static_order()
        )
    except CycleError as cycle:
        raise LoadError(
            f"{file}: columns are made of each other: {' of '.join(cycle.args[1])}"
        ) from cycle
    return {key: expressions[key] for key in order}


def _expression(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    theirs: Mapping[str, str],
    ours: Mapping[str, str],
) -> Expression:
    if column := same_name(text.strip(), theirs):
        return Expression(quoted(column), {column})
    return parse(connection, text, theirs, ours)


def _unreadable(
    file: str,
    key: str,
    name: str,
    listed: Sequence[str],
    theirs: Iterable[str],
    error: LoadError | None,
    is_required: bool,
) -> LoadError:
    named = " or ".join(listed)
    what = "required column" if is_required else "column"
    plain = all(text.replace("_", " ").replace(" ", "").isalnum() for text in listed)
    unknown = error.name if isinstance(error, UnknownNameError) else None
    if unknown or plain:
        looked = named if plain or not unknown else unknown
        near = next(
            (hint for text in (*listed, unknown or "") if (hint := did_you_mean(text, theirs))), ""
        )
        return LoadError(
            f"{file}: the {what} {looked} is missing (it is {key} of {name}){near}; the file has "
            f"{', '.join(theirs)}"
        )
    return LoadError(f"{file}: {key} of {name}: {error}; the file has {', '.join(theirs)}")
