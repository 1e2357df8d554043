"""What a night loads: the new files of a folder, day by day."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import warehouse
from load import ledger
from load.inbox import MAPPING, Batch, News, Received, as_folder, names_of, news
from load.layout import NAMES, layout
from load.loader import load
from load.mapping import Mapping, read_mapping
from load.raw_tables import now
from load.staging import LoadError

# of what is said of a file, what may be a person's: a line of it, values, addresses
_LINES = re.compile(r"(Original Line:|\n\s*for example).*?(?=\n\S|$)", re.DOTALL)
_VALUES = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"|\S+@\S+")
# so many files that nobody reads are named
_NAMED = 5


@dataclass(frozen=True)
class Files:
    """Where a shop's files come in, and how they are read.

    Attributes
    ----------
    data
        The folder; None loads nothing.
    as_of
        Do as if the night were the one before this day: files of days before it alone.
    """

    data: Path | None = None
    mapping: Path | None = None
    layout: str | None = None
    timezone: str | None = None
    quarantine: bool = False
    as_of: date | None = None

    def tonight(self) -> date:
        """Return the day that is taken for today: on the shop's clock, unless it is given."""
        if self.as_of:
            return self.as_of
        zone = self.timezone or warehouse.UTC
        if not self.timezone and warehouse.path().exists():
            with warehouse.connect(read_only=True) as connection:
                zone = warehouse.shop_timezone(connection)
        return datetime.now(ZoneInfo(zone)).date()

    def news(self) -> News:
        """Return what is new in the folder."""
        if self.data is None:
            return News([], {}, [])
        seen = Received({}, frozenset())
        if warehouse.path().exists():
            with warehouse.connect(read_only=True) as connection:
                seen = Received.of(connection)
        return news(self.data, self._reading()[2], seen, self._last_day())

    def load(self, batch: Batch) -> int:
        """Load the files of a day, the first ones of a shop as all that there is; return the rows.

        Raises
        ------
        load.staging.LoadError
            If they do not fit; the message names the file, column and row, and no value.
        """
        if self.data is None:
            raise LoadError("no --data is given")
        mapping_file, layout_name, mapping = self._reading()
        with as_folder(batch, self.data, names_of(mapping)) as shown:
            view = Path(next(iter(shown))).parent
            # a format is found from the columns of a file, where none is known yet
            alone = mapping is None and len(shown) == 1
            try:
                summary = load(
                    Path(next(iter(shown))) if alone else view,
                    layout_name,
                    mapping=mapping_file,
                    append=is_loaded(),
                    known_on=batch.day or self._last_day(),
                    timezone=self.timezone,
                    quarantine=self.quarantine,
                    again=True,
                )
            except LoadError as error:
                message = str(error)
                for name, file in shown.items():
                    message = message.replace(name, str(file))
                message = message.replace(str(view), str(self.data))
                raise LoadError(without_values(message)) from error
        receive(list(batch.files.values()))
        return 0 if summary.unchanged else sum(summary.rows.values())

    def _last_day(self) -> date:
        return self.tonight() - timedelta(1) if self.as_of else self.tonight()

    def _reading(self) -> tuple[Path | None, str | None, Mapping | None]:
        """Return the mapping's file or the layout's name, and what it says; None as yet unknown."""
        file = self.mapping
        if not file and not self.layout and self.data and (self.data / MAPPING).is_file():
            file = self.data / MAPPING
        if file:
            return file, None, read_mapping(file)
        name = self.layout
        if not name and warehouse.path().exists():
            # as the newest load was read, where that was a format known by name
            with warehouse.connect(read_only=True) as connection:
                newest = ledger.newest_layout(connection)
            name = newest if newest in NAMES else None
        return None, name, layout(name) if name else None


def receive(files: Sequence[ledger.LoadedFile]) -> None:
    """Note files as dealt with."""
    if files:
        with warehouse.writer() as connection, warehouse.transaction(connection):
            ledger.receive(connection, files, now())


def is_loaded() -> bool:
    """Return whether the warehouse holds a shop."""
    if not warehouse.path().exists():
        return False
    with warehouse.connect(read_only=True) as connection:
        return warehouse.has_table(connection, "raw", "store_sales_header")


def left(found: News) -> list[str]:
    """Say which files are not loaded, and why: once of those that nobody reads."""
    said = []
    if found.unread:
        said.append(f"not read, as no mapping names them: {_listed(list(found.unread))}")
    if found.ahead:
        said.append(f"left for the day in their name, which is to come: {_listed(found.ahead)}")
    return said


def without_values(message: str) -> str:
    """Return what is said of files or rows without what stands in them, as it may be a person's."""
    return _VALUES.sub("'...'", _LINES.sub("", message)).strip()


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
