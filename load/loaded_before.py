"""Whether files are in the raw tables already, so that loading them would change nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping as Mapping_
from datetime import datetime
from pathlib import Path

import duckdb

import warehouse
from load import ledger
from load.another_shop import remove_forecasts_of_another_shop
from load.find_files import find, shown
from load.mapping import Mapping
from load.raw_tables import TABLES, Summary
from load.staging import LoadError, NoFileError


def fingerprints(path: Path, mapping: Mapping, *, may_lack: bool) -> dict[Path, ledger.LoadedFile]:
    """Return what the ledger will say of each file that a mapping reads.

    Parameters
    ----------
    may_lack
        A night may bring a part of the tables alone.
    """
    files: dict[Path, None] = {}
    folder = path if path.is_dir() else path.parent
    for table in mapping.tables.values():
        for place, names, is_optional in (
            (path, table.file, may_lack),
            *((folder, join.file, join.optional or may_lack) for join in table.join),
        ):
            try:
                files |= dict.fromkeys(find(place, names))
            except NoFileError:
                if not is_optional:
                    raise
    if not files:
        raise LoadError(f"{path}: holds none of the files that the mapping names")
    return {file: ledger.fingerprint(file, shown(file, path)) for file in files}


def refuse_twice(files: Mapping_[Path, ledger.LoadedFile]) -> None:
    """Refuse files with rows that are the same to the byte: each would count.

    Raises
    ------
    LoadError
        If there are two.
    """
    by_hash: dict[str, Path] = {}
    for file, fingerprint in files.items():
        if fingerprint.rows and (same := by_hash.setdefault(fingerprint.sha256, file)) != file:
            raise LoadError(f"{same} and {file.name} are the same file twice: leave one out")


def is_loaded(
    connection: duckdb.DuckDBPyConnection, entry: ledger.Entry, *, quarantine: bool
) -> bool:
    """Return whether these files, read in this way, are what is there, or a part of it.

    To replace all by them changes nothing if they are all there is; to append them changes
    nothing if they are among it.
    """
    if not all(warehouse.has_table(connection, "raw", table.name) for table in TABLES):
        return False
    there = ledger.loaded(connection)
    # what was set aside then would be refused now
    if not quarantine and any(rejected for *_, rejected in there):
        return False
    # counted: a file that is there twice is not the same as once
    wanted = Counter((file.sha256, entry.layout_hash) for file in entry.files)
    loaded = Counter((sha256, layout_hash) for sha256, layout_hash, *_ in there)
    if entry.mode == ledger.APPEND:
        return wanted.keys() <= loaded.keys()
    return wanted == loaded and all(mode == ledger.REPLACE for _, _, mode, _ in there)


def unchanged(connection: duckdb.DuckDBPyConnection) -> Summary:
    """Return what is there, for a load that changes nothing of it."""
    rows, loaded_at = {}, datetime.min
    for table in TABLES:
        query = f"select count(*), max(_loaded_at) from raw.{table.name}"
        rows[table.name], loaded = connection.execute(query).fetchall()[0]
        loaded_at = max(loaded_at, loaded or loaded_at)
    # forecasts may have come from elsewhere since
    removed = remove_forecasts_of_another_shop(connection)
    return Summary(rows, loaded_at, removed, unchanged=True)
