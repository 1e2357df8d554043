"""A folder that receives a shop's files night by night: what is new in it, in the order of days."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

import warehouse
from core.scratch import scratch
from load import ledger
from load.find_files import SUFFIXES, ZIP
from load.mapping import Mapping as FileMapping
from load.staging import LoadError

# a day in a name, as in orders_2024-11-02.csv, 20241102.parquet or 2024_11_02/orders.csv
_DAY = re.compile(r"(?<!\d)(20\d\d)[-_.]?(\d\d)[-_.]?(\d\d)(?!\d)")
# what parts it from the rest of the name
_WITH_SIGN = re.compile(rf"[-_. ]?{_DAY.pattern}")
# a mapping that lies in the folder is the one of its files
MAPPING = "mapping.yml"


class InboxError(warehouse.ShopError):
    """The folder cannot be read; the message says why."""


@dataclass(frozen=True)
class Batch:
    """The new files of one day.

    Attributes
    ----------
    day
        The last day in their names, on which their rows became known; None where there is none.
    files
        By their place in the folder, in order.
    """

    day: date | None
    files: Mapping[str, ledger.LoadedFile]


@dataclass(frozen=True)
class News:
    """What a folder holds beyond what was received.

    Attributes
    ----------
    batches
        In order of days; files without one come last.
    unread
        Files of kinds that can be read, and which the mapping does not name.
    ahead
        Files of days to come, left for their night.
    """

    batches: list[Batch]
    unread: Mapping[str, ledger.LoadedFile]
    ahead: list[str]


def news(folder: Path, mapping: FileMapping | None, seen: Received, until: date) -> News:
    """Look for new files in a folder and those in it.

    Parameters
    ----------
    mapping
        Where it names files, others are none of the shop's. None: all of a kind that can be read.
    seen
        What was received before.
    until
        The last day that has come.

    Raises
    ------
    InboxError
        If the folder is missing.
    """
    if not folder.is_dir():
        raise InboxError(f"{folder}: no such folder; is its disk there?")
    wanted = names_of(mapping)
    batches: dict[date | None, dict[str, ledger.LoadedFile]] = defaultdict(dict)
    unread, ahead = {}, []
    for file in sorted(folder.rglob("*")):
        place = file.relative_to(folder)
        # what is hidden is no file of the shop, or not complete yet
        if any(part.startswith(".") for part in place.parts) or not _can_be_read(file):
            continue
        found = ledger.fingerprint(file, str(place))
        if seen.has(found):
            continue
        day = day_of(place)
        if day and day > until:
            ahead.append(str(place))
        elif _shown_name(file.name, wanted) is None:
            unread[str(place)] = found
        else:
            batches[day][str(place)] = found
    days = [*sorted(day for day in batches if day), *([None] if None in batches else [])]
    return News([Batch(day, batches[day]) for day in days], unread, ahead)


@dataclass(frozen=True)
class Received:
    """Which files were received: of each place the newest bytes, and all bytes that were loaded."""

    by_place: Mapping[str, str]
    loaded: frozenset[str]

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection) -> Received:
        """Read what the warehouse knows."""
        if not warehouse.has_table(connection, "raw", "loads"):
            return cls({}, frozenset())
        loaded = connection.execute("select distinct sha256 from raw.loads").fetchall()
        by_place = []
        if warehouse.has_table(connection, "raw", "received"):
            by_place = connection.execute(
                "select file, arg_max(sha256, received_at) from raw.received group by file"
            ).fetchall()
        return cls(dict(by_place), frozenset(sha256 for (sha256,) in loaded))

    def has(self, file: ledger.LoadedFile) -> bool:
        """Return whether a file is what lay at its place before, or was loaded from elsewhere."""
        before = self.by_place.get(file.name)
        return file.sha256 in self.loaded if before is None else before == file.sha256


def day_of(place: Path) -> date | None:
    """Return the last day in a file's name, else in the name of a folder that it is in."""
    for name in reversed(place.parts):
        for year, month, day in reversed(_DAY.findall(name)):
            try:
                return date(int(year), int(month), int(day))
            except ValueError:
                # digits that are no day
                continue
    return None


@contextmanager
def as_folder(batch: Batch, folder: Path, names: list[str] | None) -> Iterator[dict[str, Path]]:
    """Show the files of a batch in a folder of their own, under names that a mapping knows.

    Yields
    ------
    dict
        By the name there, the file: links beside each other.

    Raises
    ------
    LoadError
        If two have the same name: which one counts cannot be told.
    """
    with scratch() as view:
        shown: dict[str, Path] = {}
        for place in batch.files:
            file = folder / place
            name = _shown_name(file.name, names) or file.name
            if name in shown:
                raise LoadError(
                    f"{shown[name]} and {file} are of one day under one name: give each another"
                )
            shown[name] = file
            (view / name).symlink_to(file.resolve())
        yield {str(view / name): file for name, file in shown.items()}


def names_of(mapping: FileMapping | None) -> list[str] | None:
    """Return all names of files that a mapping has, None where it takes any."""
    if mapping is None:
        return None
    names: list[str] = []
    for table in mapping.tables.values():
        if table.file is None:
            return None
        names += [*table.file, *(name for join in table.join for name in join.file)]
    return names


def _can_be_read(file: Path) -> bool:
    return file.name.lower().endswith((*SUFFIXES, ZIP)) and file.is_file()


def _shown_name(name: str, wanted: list[str] | None) -> str | None:
    """Return a file's name, without the day where only so it is wanted; None if it never is."""
    if wanted is None or name.lower().endswith(ZIP):
        return name
    for candidate in (name, _WITH_SIGN.sub("", name)):
        if any(Path(candidate.lower()).match(Path(pattern.lower()).name) for pattern in wanted):
            return candidate
    return None
