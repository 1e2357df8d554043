"""Intervals that cover four in five customers at every level of the forecast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.calibration.spread import AmountSpread, RowSpread

Values = NDArray[np.float64]

COVERAGE = 0.8
# part of what is not covered that lies below an interval which does not begin at zero
BELOW = 0.1
LEVEL_BINS = 10
FEWEST_PER_BIN = 150
# nominal levels of the upper end that are tried; the spread's own is COVERAGE
LEVELS = np.linspace(0.6, 0.98, 39)


@dataclass
class LevelIntervals:
    """The upper ends of intervals, moved until they covered out of time (split conformal).

    Scores are the nominal levels at which the spread puts what happened (Chernozhukov, Wuethrich
    and Zhu 2021, distributional conformal prediction), taken within bins of the forecast (Mondrian
    bins, Vovk 2003), so that small and large customers are covered alike.

    A customer who buys nothing with a chance of four in five has the interval [0, 0]; with more
    than one in ten, [0, x]; else an interval between the spread's tenths.

    Attributes
    ----------
    borders
        Of the forecast, money.
    levels
        Nominal level of the upper end by bin.
    """

    borders: Values
    levels: Values

    @classmethod
    def none(cls) -> LevelIntervals:
        """Return the spread's own levels."""
        return cls(np.array([]), np.array([COVERAGE]))

    @classmethod
    def fit(
        cls, spread: AmountSpread, spend: Values, probability: Values, actual: Values
    ) -> LevelIntervals:
        """Learn the levels on out-of-time rows, all arrays of shape (rows,)."""
        # whoever has no other interval than [0, 0] tells nothing of the others' upper ends
        able = probability > 1 - LEVELS[-1]
        spend, probability, actual = spend[able], probability[able], actual[able]
        bins = int(np.clip(len(spend) // FEWEST_PER_BIN, 0, LEVEL_BINS))
        if not bins:
            return cls.none()
        borders = np.unique(np.quantile(spend, np.linspace(0, 1, bins + 1)[1:-1]))
        where = np.searchsorted(borders, spend)
        rows = spread.of(spend, probability)
        covered = np.stack([_covers(rows, actual, level) for level in LEVELS])
        levels = [_level(covered[:, where == number]) for number in range(len(borders) + 1)]
        return cls(borders, np.array(levels))

    def bounds(self, rows: RowSpread) -> tuple[Values, Values]:
        """Return both ends of the interval, money, shape (rows,), never below zero."""
        return _bounds(rows, self.levels[np.searchsorted(self.borders, rows.spend)])


def _bounds(rows: RowSpread, level: Values | float) -> tuple[Values, Values]:
    low = rows.quantile(BELOW)
    # what an interval leaves out below, it takes in above
    above = np.minimum(level + np.where(low > 0, BELOW, 0.0), 1.0)
    return low, np.maximum(rows.quantile(above), low)


def _covers(rows: RowSpread, actual: Values, level: float) -> Values:
    """Return 1 where the interval covers, 0 where not, NaN where it is [0, 0]."""
    low, high = _bounds(rows, level)
    return np.where(high > 0, ((actual >= low) & (actual <= high)).astype(float), np.nan)


def _level(covered: Values) -> float:
    """Return the level whose coverage comes nearest, of an array (levels, rows)."""
    finite = np.isfinite(covered)
    enough = finite.sum(axis=1) >= FEWEST_PER_BIN / 3
    if not enough.any():
        return COVERAGE
    share = np.nansum(covered, axis=1) / np.maximum(finite.sum(axis=1), 1)
    return float(LEVELS[np.argmin(np.where(enough, np.abs(share - COVERAGE), np.inf))])
