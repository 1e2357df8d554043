"""The layouts that need no mapping of one's own: each is a mapping in the folder `layouts`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import duckdb

from load.file_format import Format
from load.find_files import DATABASES, find
from load.mapping import FILLABLE, Mapping
from load.near_names import same_name
from load.read_files import open_parts
from load.read_mapping import read_mapping
from load.staging import LoadError

TABLES, ONLINE_RETAIL = "tables", "online_retail"
NAMES = (TABLES, ONLINE_RETAIL)
_FOLDER = Path(__file__).with_name("layouts")


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
    return read_mapping(_FOLDER / f"{name}.yml")


def layout_of(
    connection: duckdb.DuckDBPyConnection, path: Path, asked: str | None, scratch: Path
) -> str:
    """Return the name of the layout that is asked for, or that fits what lies at `path`.

    Raises
    ------
    LoadError
        If none fits.
    """
    if asked:
        layout(asked)
    is_folder = path.is_dir()
    files = [] if is_folder else find(path, None)
    if asked == TABLES and not is_folder:
        raise LoadError(f"{path}: the layout tables needs a folder, this is a file")
    if asked == ONLINE_RETAIL and is_folder:
        raise LoadError(f"{path}: the layout online_retail needs a file, this is a folder")
    if is_folder:
        return _of_folder(path)
    if not asked and path.name.lower().endswith(DATABASES):
        raise LoadError(f"{path}: a database needs a mapping; `--suggest` writes a first one")
    if not asked:
        _refuse_unknown(path, open_parts(connection, files[:1], scratch, Format())[0].columns)
    return ONLINE_RETAIL


def _of_folder(folder: Path) -> str:
    names = {one.name.lower() for one in folder.iterdir()}
    if not any(names & set(table.file or ()) for table in layout(TABLES).tables.values()):
        raise LoadError(
            f"{folder}: holds none of the four tables; expected customer_details, products, "
            "store_sales_header and store_sales_line_items as .csv or .parquet, or the path "
            "of a file; for files of another shape `--suggest` writes a first mapping"
        )
    return TABLES


def _refuse_unknown(path: Path, columns: Iterable[str]) -> None:
    """Refuse a file that has not even half of the columns of Online Retail."""
    names = list(columns)
    spellings = {
        tuple(rule.column)
        for rule in layout(ONLINE_RETAIL).order_lines.columns.values()
        if rule.column
    }
    found = sum(any(same_name(one, names) for one in spelt) for spelt in spellings)
    if found <= len(spellings) // 2:
        raise LoadError(
            f"{path}: its columns ({', '.join(names)}) fit no known layout; expected a folder "
            f"with the tables {', '.join(one for one in FILLABLE if one != 'order_lines')}, or a "
            "file with the columns of Online Retail; `--suggest` writes a first mapping"
        )
