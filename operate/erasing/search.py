"""Look for people in the tables of a warehouse and in files, decompressed where they are packed.

DuckDB packs texts, so that bytes alone prove little: each text column of each table is asked, too.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

import warehouse
from core.sql import literal, path_literal, quoted
from operate.erasing.people import CUSTOMER, Column, People, id_columns

# in a packed file, shorter ones are found by chance
PACKED_SIGNS = 7
DATABASE, PARQUET, MODEL = ".duckdb", ".parquet", ".joblib"
PACKED = (DATABASE, PARQUET, MODEL, ".wal", ".png", ".msgpack", ".gz")
# a text within a list or a map counts, too
_TEXTS = ("VARCHAR", "JSON", "ENUM")


@dataclass
class Searched:
    """What was searched, and where something was found.

    Attributes
    ----------
    files, columns
        How many.
    hits
        Where, in words that do not repeat what was found.
    """

    files: int = 0
    columns: int = 0
    hits: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return one readable line."""
        return f"{len(self.hits)} hits in {self.files:,} files and {self.columns:,} columns"


def text_columns(connection: duckdb.DuckDBPyConnection, *, nested: bool = False) -> list[Column]:
    """Return the columns of stored tables that hold texts.

    Parameters
    ----------
    nested
        Those with lists or maps of texts, too.
    """
    rows = connection.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns()"
        " inner join duckdb_tables() using (database_name, schema_name, table_name)"
        " where database_name = current_database() order by schema_name, table_name, column_index"
    ).fetchall()
    return [
        Column(schema, table, name)
        for schema, table, name, kind in rows
        if any(text in kind for text in _TEXTS)
        and (nested or (kind.startswith(_TEXTS) and not kind.endswith("]")))
    ]


def in_tables(
    connection: duckdb.DuckDBPyConnection, people: People, ids: Sequence[Column]
) -> Searched:
    """Ask each column of each table for the people.

    Parameters
    ----------
    ids
        Columns that hold ids of customers: asked for short ids and mere numbers, too.
    """
    asked: dict[Column, list[str]] = {}
    pattern = literal(people.pattern())
    for column in text_columns(connection, nested=True):
        asked.setdefault(column, []).append(
            f"regexp_matches(cast({column.sql} as varchar), {pattern})"
        )
    for column in ids:
        asked.setdefault(column, []).append(people.is_meant_by(column.sql))
    by_table: dict[str, list[Column]] = {}
    for column in asked:
        by_table.setdefault(column.relation, []).append(column)
    found = Searched(columns=len(asked))
    for relation, columns in by_table.items():
        counts = ", ".join(f"count(*) filter ({' or '.join(asked[each])})" for each in columns)
        [row] = connection.execute(f"select {counts} from {relation}").fetchall()
        found.hits += [
            f"{rows:,} rows of {each.schema}.{each.table}, column {each.name}"
            for each, rows in zip(columns, row, strict=True)
            if rows
        ]
    return found


def in_files(files: Iterable[Path], people: People, *, all_ids: bool = False) -> Searched:
    """Look into files of any kind; nobody may have a database among them open."""
    found = Searched()
    for file in files:
        found.files += 1
        if names(file, people, all_ids=all_ids):
            found.hits.append(str(file))
    return found


def names(file: Path, people: People, *, all_ids: bool = False) -> bool:
    """Return whether a file names one of the people.

    Parameters
    ----------
    all_ids
        In texts also by short ids and mere numbers.
    """
    content = file.read_bytes()
    if file.suffix == PARQUET and _in_parquet(file, people):
        return True
    if file.suffix in PACKED or b"\0" in content[:4096]:
        chance = _chance_hits(file) if file.suffix == DATABASE else None
        return any(_packed(part, people, chance) for part in (content, *_unpacked(file, content)))
    return re.search(people.pattern(all_ids=all_ids).encode(), content) is not None


def _packed(
    content: bytes, people: People, is_by_chance: Callable[[str], bool] | None = None
) -> bool:
    """Return whether bytes hold a long word of theirs, wherever it begins."""
    for word in sorted(people.words | people.distinct_ids):
        if len(word) < PACKED_SIGNS or word.encode() not in content:
            continue
        if is_by_chance is None or not is_by_chance(word):
            return True
    return False


def _chance_hits(file: Path) -> Callable[[str], bool]:
    """Return what tells whether a longer text of a database holds a word that is not a word there.

    The town of New Josephinemouth is nobody whose name is Josephine.
    """

    def is_by_chance(word: str) -> bool:
        whole = rf"(^|\W){re.escape(word)}($|\W)"
        with duckdb.connect(str(file), read_only=True) as connection:
            for column in text_columns(connection, nested=True):
                text = f"cast({column.sql} as varchar)"
                [(within, alone)] = connection.execute(
                    f"select count(*) filter (contains({text}, $word)),"
                    f" count(*) filter (regexp_matches({text}, $whole)) from {column.relation}",
                    {"word": word, "whole": whole},
                ).fetchall()
                if within and not alone:
                    return True
        return False

    return is_by_chance


def _unpacked(file: Path, content: bytes) -> list[bytes]:
    if file.suffix != MODEL:
        return []
    try:
        return [zlib.decompress(content)]
    except zlib.error:
        return []


def _in_parquet(file: Path, people: People) -> bool:
    with duckdb.connect() as connection:
        source = f"read_parquet({path_literal(file)}, hive_partitioning = false)"
        described = connection.execute(f"describe select * from {source}").fetchall()
        asked = ["false"]
        for name, kind, *_ in described:
            text = f"cast({quoted(name)} as varchar)"
            if name.lower() == CUSTOMER:
                asked.append(people.is_meant_by(quoted(name)))
            if any(each in kind for each in _TEXTS):
                asked.append(f"regexp_matches({text}, {literal(people.pattern())})")
        [(found,)] = connection.execute(
            f"select coalesce(bool_or({' or '.join(asked)}), false) from {source}"
        ).fetchall()
    return bool(found)


def files_under(folder: Path) -> list[Path]:
    """Return all files in a folder and below, links left out; none where there is no folder."""
    if not folder.is_dir() or folder.is_symlink():
        return []
    return sorted(file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())


def whole(folder: Path, people: People, ids: Sequence[str]) -> Searched:
    """Search a folder that holds a warehouse: its tables, and all files."""
    with warehouse.connect(read_only=True) as connection:
        found = in_tables(connection, people, id_columns(connection, ids))
    in_all = in_files(files_under(folder), people)
    return Searched(in_all.files, found.columns, [*found.hits, *in_all.hits])
