"""The layouts that need no mapping of one's own: each is a mapping in the folder `layouts`."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import duckdb

from load.file_format import Format
from load.find_files import DATABASES, find
from load.mapping import ORDER_LINES, Mapping, read_mapping
from load.raw_tables import HEADERS
from load.read_files import open_parts
from load.resolve_columns import columns_read
from load.staging import LoadError

_FOLDER = Path(__file__).with_name("layouts")
TABLES = "tables"
NAMES = tuple(sorted(file.stem for file in _FOLDER.glob("*.yml")))


@cache
def layout(name: str) -> Mapping:
    """Return a layout's mapping.

    Raises
    ------
    LoadError
        If there is no such layout.
    """
    if name not in NAMES:
        raise LoadError(f"unknown layout {name!r}; expected one of {', '.join(NAMES)}")
    return read_mapping(layout_file(name))


def layout_file(name: str) -> Path:
    """Return the file of a layout's mapping."""
    return _FOLDER / f"{name}.yml"


def layout_of(
    connection: duckdb.DuckDBPyConnection, path: Path, requested: str | None, scratch: Path
) -> str:
    """Return the name of the layout that is asked for, or the one that fits what lies at `path`.

    A layout fits if its files are there and have every column that it must read; of several that
    fit, the one that reads most columns is it.

    Raises
    ------
    LoadError
        If none fits, or two fit equally well.
    """
    if requested:
        layout(requested)
        return requested
    if not path.is_dir():
        files = find(path, None)
        if any(file.name.lower().endswith(DATABASES) for file in files):
            raise LoadError(f"{path}: a database needs a mapping; `--suggest` writes a first one")
    scores = {name: _columns_read(connection, path, name, scratch) for name in NAMES}
    best = max(scores.values())
    fitting = [name for name, score in scores.items() if score == best > 0]
    if len(fitting) > 1:
        raise LoadError(
            f"{path}: may be {' or '.join(fitting)}: state which, as in --layout {fitting[0]}"
        )
    if fitting:
        return fitting[0]
    if path.is_dir() and _has_tables(path):
        # one of them lacks what it needs, which the load says better
        return TABLES
    what = ""
    if not path.is_dir():
        columns = open_parts(connection, find(path, None)[:1], scratch, Format())[0].columns
        what = f"its columns ({', '.join(columns)}) fit"
    raise LoadError(
        f"{path}: {what or 'its files are of'} no known layout ({', '.join(NAMES)}); `--suggest` "
        "writes a first mapping for files of another shape"
    )


def _has_tables(folder: Path) -> bool:
    names = {entry.name.lower() for entry in folder.iterdir()}
    return any(names & set(table.file or ()) for table in layout(TABLES).tables.values())


def _columns_read(
    connection: duckdb.DuckDBPyConnection, path: Path, name: str, scratch: Path
) -> int:
    """Return how many columns of the files a layout reads; 0 where it does not fit."""
    mapping = layout(name)
    main = ORDER_LINES.name if mapping.order_lines else HEADERS.name
    table = mapping.tables[main]
    try:
        return columns_read(connection, path, main, table, scratch)
    except LoadError:
        return 0
