"""The known calendar of the generated shop: intensity m(t), price index and promotions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

OPENS_AT, OPEN_HOURS = 8, 13
_ANCHOR = np.datetime64("2022-01-01")
# Monday to Sunday
_WEEKDAY = np.array([0.85, 0.82, 0.88, 0.95, 1.2, 1.4, 0.9])
_TREND_PER_YEAR = 0.04
_INFLATION_PER_YEAR = 0.03
_SCALE = 0.84  # brings the mean over the years near 1
_SHUT = 0.02  # not nought: cumulated intensity stays invertible on a shut day
# name, month, first day, days, factor on the intensity
_PROMOTIONS = (
    ("WINTER", 1, 7, 14, 1.35),
    ("SPRING", 4, 10, 10, 1.3),
    ("SUMMER", 7, 1, 14, 1.35),
    ("SCHOOL", 8, 25, 10, 1.25),
    ("BLACKWEEK", 11, 21, 9, 1.7),
)
# of those that come when the shop likes: one in each so many months
_MONTHS_APART = 2


@dataclass(frozen=True)
class Promotion:
    """Days on which more is bought: `intensity` is multiplied by a factor."""

    name: str
    start: date
    days: int
    factor: float


def every_year(year: int) -> list[Promotion]:
    """Return promotions that come on the same days of each year."""
    return [
        Promotion(f"{name}-{year}", date(year, month, day), days, factor)
        for name, month, day, days, factor in _PROMOTIONS
    ]


def on_any_days(year: int) -> list[Promotion]:
    """Return promotions of a year that no other year has: their days and factors are drawn."""
    rng = np.random.default_rng(year)
    return [
        Promotion(
            f"SALE-{year}-{month:02}",
            date(year, month, 1) + timedelta(int(rng.integers(0, 35))),
            int(rng.integers(7, 22)),
            round(float(rng.uniform(1.3, 2.2)), 2),
        )
        for month in range(1, 13, _MONTHS_APART)
    ]


@dataclass(frozen=True)
class Calendar:
    """Every whole day of a period and what is known about it.

    Attributes
    ----------
    start
        First day.
    intensity
        m, one value per day, about 1 on average; purchases come at rate `lambda * m`.
    price_index
        Factor on every basket, one value per day.
    promotion
        Index into `promotions` per day, -1 on days without one.
    promotions
        Those of the period.
    cumulated
        Integral of m from `start` to the start of each day; one value more than days.
    """

    start: np.datetime64
    intensity: np.ndarray
    price_index: np.ndarray
    promotion: np.ndarray
    promotions: tuple[Promotion, ...]
    cumulated: np.ndarray

    @property
    def days(self) -> int:
        """Number of days."""
        return len(self.intensity)

    def cumulated_at(self, time: np.ndarray) -> np.ndarray:
        """Return the integral of m up to `time` (days since start, with fraction)."""
        return np.interp(time, np.arange(self.days + 1), self.cumulated)

    def time_at(self, cumulated: np.ndarray) -> np.ndarray:
        """Return the time (days since start) at which the integral of m reaches a value."""
        return np.interp(cumulated, self.cumulated, np.arange(self.days + 1))

    def timestamps(self, time: np.ndarray) -> np.ndarray:
        """Return the clock time of moments given in days since start.

        The fraction of a day runs over the opening hours, so that a timestamp gives back the
        moment up to a second.
        """
        day = np.floor(time)
        seconds = np.floor((time - day) * OPEN_HOURS * 3600) + OPENS_AT * 3600
        return self._day(day) + seconds.astype("timedelta64[s]")

    def moments(self, timestamps: np.ndarray) -> np.ndarray:
        """Return the days since start of clock times; the inverse of `timestamps`."""
        seconds = (timestamps - self.start.astype("datetime64[s]")).astype("int64")
        day, second = np.divmod(seconds, 86400)
        return day + np.clip((second - OPENS_AT * 3600) / (OPEN_HOURS * 3600), 0, 1 - 1e-9)

    def _day(self, day: np.ndarray) -> np.ndarray:
        return (self.start + day.astype("timedelta64[D]")).astype("datetime64[s]")


def calendar(
    start: date, days: int, promoted: Callable[[int], list[Promotion]] = every_year
) -> Calendar:
    """Return the calendar of a period; a day's values depend on its date alone.

    Parameters
    ----------
    promoted
        Returns the promotions that begin in a year; they end in it too, and do not overlap.
    """
    first = np.datetime64(start)
    dates = first + np.arange(days)
    year_start = dates.astype("datetime64[Y]").astype("datetime64[D]")
    day_of_year = (dates - year_start).astype(int)
    weekday = (dates.astype("datetime64[D]").view("int64") + 3) % 7
    years = (dates - _ANCHOR).astype(int) / 365.25

    season = 1 + 0.08 * np.sin(2 * np.pi * (day_of_year - 100) / 365.25)
    # climbs from mid-November to the 23rd of December
    days_to_christmas = 357 - day_of_year
    christmas = 1 + 0.9 * np.exp(-(((days_to_christmas - 6) / 14) ** 2)) * (days_to_christmas > -2)
    intensity = _WEEKDAY[weekday] * season * christmas * (1 + _TREND_PER_YEAR) ** years * _SCALE

    promotion = np.full(days, -1)
    promotions: list[Promotion] = []
    for year in range(int(str(dates[0])[:4]), int(str(dates[-1])[:4]) + 1):
        for planned in promoted(year):
            begins = np.datetime64(planned.start)
            inside = (dates >= begins) & (dates < begins + planned.days)
            if inside.any():
                promotion[inside] = len(promotions)
                promotions.append(planned)
                intensity[inside] *= planned.factor
    month_day = np.char.partition(dates.astype(str), "-")[:, 2]
    intensity[np.isin(month_day, ["12-25", "01-01"])] = _SHUT

    month = dates.astype("datetime64[M]").astype(int) - _ANCHOR.astype("datetime64[M]").astype(int)
    return Calendar(
        start=first,
        intensity=intensity,
        price_index=(1 + _INFLATION_PER_YEAR) ** (month / 12),
        promotion=promotion,
        promotions=tuple(promotions),
        cumulated=np.concatenate([[0.0], np.cumsum(intensity)]),
    )
