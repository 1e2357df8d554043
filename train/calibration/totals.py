"""How far the total of any set of customers strays from its forecast.

The errors of one month share their cause (season, weather, a campaign), so a total does not profit
from many customers as a sum of independent errors would. Three kinds of doubt are added. That of
the month, which all sets share, and that of the set, as a model may be off for one part of the shop
and make up for it in another, are shares of the total; chance is the customers' own variances.
How far a month may stray is what the level of the shop leaves open (`train.candidates.level`: much
before a first Christmas), times how much farther past months did stray than it had left open.
The formula of the interval is SQL, once: the macros `total_doubt`, `total_low`, `total_high`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

from core.metrics import decile_of
from train.calibration.intervals import COVERAGE

Values = NDArray[np.float64]

# doubt in a month that never vanishes, however well few snapshots happened to fit
SMALLEST_MONTH_ERROR = 0.02
# of a candidate that knows none: what months of the shops of `make bench-level` have
USUAL_VARIANCE = 0.12**2
# so many months that strayed as far as their level left open are believed in beforehand
PRIOR_MONTHS = 4


@dataclass(frozen=True)
class PastMonth:
    """What was published for one snapshot and what happened; arrays of shape (rows,), money.

    Attributes
    ----------
    level_variance
        Of the log of the shop's level, as it was expected.
    """

    actual: Values
    forecast: Values
    deviation: Values
    level_variance: float = USUAL_VARIANCE


@dataclass(frozen=True)
class TotalDoubt:
    """The doubt in totals, from out-of-time snapshots.

    Attributes
    ----------
    month
        Multiple of the standard deviation of the level's log that half the width, in logs, of the
        80 % interval of what all sets share is. Few snapshots are paid for by Student's t.
    part
        Half the width, in logs, of what is a set's own.
    chance
        Multiple of a sum's standard deviation.
    """

    month: float = float(student.ppf(0.5 + COVERAGE / 2, PRIOR_MONTHS))
    part: float = 0.0
    chance: float = float(norm.ppf(0.5 + COVERAGE / 2))

    def columns(self, level_variance: float) -> dict[str, float]:
        """Return them as the columns that the warehouse keeps, for a month with that variance."""
        return {
            "month_doubt": self.month * np.sqrt(max(level_variance, SMALLEST_MONTH_ERROR**2)),
            "part_doubt": self.part,
            "chance_doubt": self.chance,
        }

    @classmethod
    def learn(cls, months: Sequence[PastMonth]) -> TotalDoubt:
        """Take the errors of all customers for the month's, those of tenths for a set's own."""
        with_sales = [past for past in months if past.actual.sum() > 0 and past.forecast.sum() > 0]
        if not with_sales:
            return cls()
        # squared errors over those that the level left open
        strayed = [
            max(np.log(past.actual.sum() / past.forecast.sum()) ** 2 - _noise(past), 0.0)
            / max(past.level_variance, SMALLEST_MONTH_ERROR**2)
            for past in with_sales
        ]
        weight = PRIOR_MONTHS + len(strayed)
        farther = np.sqrt((PRIOR_MONTHS + sum(strayed)) / weight)
        surplus, scale = np.sum([_between(past) for past in with_sales], axis=0)
        part = np.sqrt(max(surplus / scale, 0.0)) if scale > 0 else 0.0
        wide = student.ppf(0.5 + COVERAGE / 2, weight)
        return cls(float(wide * farther), float(cls.chance * part))


def _noise(month: PastMonth) -> float:
    """Return the variance that chance alone gives to the log of the total's error."""
    return float(np.square(month.deviation).sum() / month.forecast.sum() ** 2)


def _between(month: PastMonth) -> tuple[float, float]:
    """Return numerator and denominator of the variance between tenths of the forecast.

    The relative errors of tenths, each with its own chance, are a random-effects model; the moment
    estimator is that of DerSimonian and Laird (1986).
    """
    tenth = decile_of(month.forecast)
    forecast = np.bincount(tenth, month.forecast, minlength=10)
    variance = np.bincount(tenth, np.square(month.deviation), minlength=10)
    usable = (forecast > 0) & (variance > 0)
    if usable.sum() < 2:
        return 0.0, 0.0
    error = np.bincount(tenth, month.actual, minlength=10)[usable] / forecast[usable]
    weight = forecast[usable] ** 2 / variance[usable]
    mean = np.average(error, weights=weight)
    surplus = weight @ np.square(error - mean) - (usable.sum() - 1)
    return float(surplus), float(weight.sum() - np.square(weight).sum() / weight.sum())
