"""The stage of a history: its days, the days that windows begin and end on, and its raw rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from load.raw_tables import PROMOTIONS, TABLES

Row = dict[str, object]
Tables = dict[str, list[Row]]

COLUMNS = {table.name: [column.name for column in table.columns] for table in (*TABLES, PROMOTIONS)}
LATTICE_ANCHOR = date(2000, 1, 1)
LATTICE_DAYS = 30
# days before an as-of date at which some window begins or ends, and their neighbours
EDGES = (0, 1, 2, 7, 8, 14, 15, 30, 31, 60, 61, 90, 91, 120, 121, 180, 181)
EDGES += (330, 331, 335, 336, 360, 361, 365, 366, 390, 391, 395, 396)


@dataclass(frozen=True)
class World:
    """The days of a history, and the dice that it is drawn with."""

    rng: Random
    first_day: date
    last_day: date
    busy_days: list[date]

    @property
    def loaded_at(self) -> datetime:
        """When everything is loaded: in the night after the last day."""
        return datetime.combine(self.last_day + timedelta(1), time(3))

    def chance(self, share: float) -> bool:
        """Throw the dice."""
        return self.rng.random() < share

    def inside(self, day: date) -> date:
        """Bring a day into the history."""
        return min(max(day, self.first_day), self.last_day)

    def any_day(self) -> date:
        """Return some day of the history."""
        return self.first_day + timedelta(
            self.rng.randint(0, (self.last_day - self.first_day).days)
        )

    def lattice_day(self) -> date:
        """Return some as-of date of the lattice."""
        days = (self.any_day() - LATTICE_ANCHOR).days
        return LATTICE_ANCHOR + timedelta(days - days % LATTICE_DAYS)

    def event_day(self) -> date:
        """Return a day for an order: on the edge of a window, with many others, or any."""
        kind = self.rng.random()
        if kind < 0.45:
            return self.inside(self.lattice_day() - timedelta(self.rng.choice(EDGES)))
        return self.rng.choice(self.busy_days) if kind < 0.55 else self.any_day()

    def later_day(self, day: date) -> date:
        """Return a day on which something of an earlier day became known, close by or far away."""
        kind = self.rng.random()
        if kind < 0.35:
            return self.inside(day + timedelta(self.rng.randint(1, 5)))
        if kind < 0.6:
            return self.inside(max(day, self.lattice_day() - timedelta(self.rng.choice((0, 1)))))
        return self.inside(day + timedelta(self.rng.randint(1, 400)))

    def moment(self, day: date) -> datetime:
        """Return a time of a day; a few times only, so that some rows are recorded at once."""
        return datetime.combine(day, time(self.rng.choice((0, 9, 9, 12, 18, 23)), 0))


def new_world(rng: Random) -> World:
    """Draw how long the history is, and the days on which many buy."""
    first_day = date(2020, 1, 1) + timedelta(rng.randint(0, 900))
    last_day = first_day + timedelta(rng.randint(365, 1095))
    busy_days = [
        first_day + timedelta(rng.randint(0, (last_day - first_day).days)) for _ in "12345"
    ]
    return World(rng, first_day, last_day, busy_days)


def raw_row(table: str, **values: object) -> Row:
    """Return a row of a raw table; what is not stated is null."""
    return {**dict.fromkeys([*COLUMNS[table], "_loaded_at"]), **values}


def spelt_otherwise(world: World, text: str | None) -> str | None:
    """Return an id as another system writes it; it means the same."""
    if text is None:
        return None
    forms = [text.lower(), f" {text}", f"{text} "]
    if text.isdigit():
        forms += [f"00{text}", f"{text}.0"]
    return world.rng.choice(forms)
