"""A folder that receives a shop's files night by night: what is new in it, in the order of days."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

import warehouse
from core.scratch import scratch
from load import ledger
from load.find_files import SUFFIXES, ZIP
from load.mapping import Mapping
from load.staging import LoadError

# a day in a name, as in orders_2024-11-02.csv, 20241102.parquet or 2024_11_02/orders.csv
_DAY = re.compile(r"(?<!\d)(20\d\d)[-_.]?(\d\d)[-_.]?(\d\d)(?!\d)")
# a mapping that lies in the folder is the one of its files
MAPPING = "mapping.yml"


@dataclass(frozen=True)
class Batch:
    """The new files of one day.

    Attributes
    ----------
    day
        The day in their names, on which their rows became known; None where there is none.
    files
        In order of their names.
    """

    day: date | None
    files: tuple[Path, ...]


def new_batches(
    folder: Path, mapping: Mapping | None, loaded: frozenset[str], *, before: date | None = None
) -> list[Batch]:
    """Return what a folder, and those in it, hold beyond what is loaded.

    Parameters
    ----------
    mapping
        Where it names files, others are none of the shop's. None: all of a kind that can be read.
    loaded
        sha256 of the files that are loaded; `hashes_of` reads them.
    before
        Only files of days before it; all by default.

    Returns
    -------
    list of Batch
        In order of days; the files without one come last.

    Raises
    ------
    LoadError
        If the folder is missing.
    """
    if not folder.is_dir():
        raise LoadError(f"{folder}: no such folder")
    files: dict[date | None, list[Path]] = defaultdict(list)
    for file in sorted(folder.rglob("*")):
        if not _is_of_shop(file, folder, mapping):
            continue
        day = day_of(file.relative_to(folder))
        if before and day and day >= before:
            continue
        if ledger.fingerprint(file, file.name).sha256 not in loaded:
            files[day].append(file)
    days = sorted(day for day in files if day)
    return [Batch(day, tuple(files[day])) for day in (*days, None) if day in files]


def hashes_of(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Return sha256 of all files that are in the raw tables."""
    if not warehouse.has_table(connection, "raw", "loads"):
        return frozenset()
    rows = connection.execute("select sha256 from raw.loads where sha256 is not null").fetchall()
    return frozenset(sha256 for (sha256,) in rows)


def day_of(place: Path) -> date | None:
    """Return the day in a file's name, else the one in the name of a folder that it is in."""
    for name in reversed(place.parts):
        for year, month, day in _DAY.findall(name):
            try:
                return date(int(year), int(month), int(day))
            except ValueError:
                # digits that are no day
                continue
    return None


@contextmanager
def as_folder(batch: Batch) -> Iterator[Path]:
    """Show the files of a batch as what a load takes: one file, or a folder of several.

    Raises
    ------
    LoadError
        If two have the same name: which one counts cannot be told.
    """
    with scratch() as view:
        for file in batch.files:
            link = view / file.name
            if link.is_symlink():
                same = " and ".join(str(each) for each in batch.files if each.name == file.name)
                raise LoadError(f"{same} are of one day under one name: give each another name")
            link.symlink_to(file.resolve())
        yield view


def _is_of_shop(file: Path, folder: Path, mapping: Mapping | None) -> bool:
    place = file.relative_to(folder)
    # what is hidden is no file of the shop, or not complete yet
    if any(part.startswith(".") for part in place.parts) or not file.is_file():
        return False
    name = file.name.lower()
    patterns = _patterns(mapping)
    if patterns is None:
        return name.endswith((*SUFFIXES, ZIP))
    return name.endswith(ZIP) or any(
        Path(name).match(Path(pattern).name.lower()) for pattern in patterns
    )


def _patterns(mapping: Mapping | None) -> list[str] | None:
    """Return all names of files that a mapping has, None where it takes any."""
    if mapping is None:
        return None
    patterns: list[str] = []
    for table in mapping.tables.values():
        if table.file is None:
            return None
        patterns += [*table.file, *(name for join in table.join for name in join.file)]
    return patterns
