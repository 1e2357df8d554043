"""How one customer's spend spreads around its forecast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

LEVEL_BINS = 8
FEWEST_PER_BIN = 100
SMALLEST_SHARE = 1e-4
LARGEST_RATIO = 50.0
QUANTILES = np.linspace(0.005, 0.995, 199)
# the quantiles that are published, rising
PUBLISHED = {"spend_p10": 0.1, "spend_p50": 0.5, "spend_p90": 0.9}


@dataclass
class AmountSpread:
    """How buyers' spend spreads around the amount expected of them.

    Spend given a purchase is `forecast / probability` times a ratio whose distribution is that of
    out-of-time buyers of a similar expected amount. With the chance of no purchase beside it, each
    quantile of spend follows, and is zero as long as the chance of no purchase reaches it.
    """

    borders: Values
    ratios: NDArray[np.float64]  # (bins, quantiles)
    squares: Values  # mean squared ratio, (bins,)

    @classmethod
    def fit(cls, spend: Values, probability: Values, actual: Values) -> AmountSpread:
        """Learn the ratios on out-of-time rows; with no buyers the spread is nil."""
        given = _given_purchase(spend, probability)
        # a forecast of nothing has no ratio, and one of next to nothing would outweigh all others
        bought = (actual > 0) & (given > SMALLEST_SHARE * actual.mean())
        expected = given[bought]
        ratio = np.minimum(actual[bought] / expected, LARGEST_RATIO)
        bins = int(np.clip(len(ratio) // FEWEST_PER_BIN, 1, LEVEL_BINS))
        if not len(ratio):
            return cls.none()
        borders = np.quantile(expected, np.linspace(0, 1, bins + 1)[1:-1])
        where = np.searchsorted(borders, expected)
        # a bin can be empty when many customers share one expected amount
        inside = [
            ratio[where == number] if (where == number).any() else ratio for number in range(bins)
        ]
        return cls(
            borders,
            np.array([np.quantile(ratios, QUANTILES) for ratios in inside]),
            np.array([np.square(ratios).mean() for ratios in inside]),
        )

    @classmethod
    def none(cls) -> AmountSpread:
        """Return a spread of nil: buyers spend what is expected of them."""
        return cls(np.array([]), np.ones((1, len(QUANTILES))), np.ones(1))

    def of(self, spend: Values, probability: Values) -> RowSpread:
        """Return the spread of some rows, from their forecast and chance to buy."""
        return RowSpread(self, spend, probability)


class RowSpread:
    """How the spend of some rows spreads: see `AmountSpread.of`.

    Attributes
    ----------
    spend
        As forecast, shape (rows,).
    """

    def __init__(self, spread: AmountSpread, spend: Values, probability: Values) -> None:
        self.spend = spend
        self._chance = np.clip(probability, 1e-9, 1.0)
        self._expected = _given_purchase(spend, self._chance)
        self._spread = spread
        self._bin = np.searchsorted(spread.borders, self._expected)
        self._bins = np.unique(self._bin).tolist()

    def quantile(self, level: Values | float) -> Values:
        """Return the `level` quantile of spend, money, shape (rows,), never below zero."""
        among_buyers = (level - (1 - self._chance)) / self._chance
        ratios = self._spread.ratios
        if len(self._bins) == 1:
            ratio = np.interp(among_buyers, QUANTILES, ratios[self._bins[0]])
        else:
            ratio = np.empty(len(among_buyers))
            for number in self._bins:
                rows = self._bin == number
                ratio[rows] = np.interp(among_buyers[rows], QUANTILES, ratios[number])
        return np.where(among_buyers > 0, ratio * self._expected, 0.0)

    def published(self) -> dict[str, Values]:
        """Return the quantiles of `PUBLISHED`, money, shape (rows,) each, none below the last."""
        columns: dict[str, Values] = {}
        floor: Values | float = 0.0
        for name, level in PUBLISHED.items():
            floor = columns[name] = np.maximum(floor, self.quantile(level))
        return columns

    def deviation(self) -> Values:
        """Return the standard deviation of spend, money, shape (rows,)."""
        squares = self._spread.squares[self._bin]
        variance = self._chance * squares * self._expected**2 - self.spend**2
        return np.sqrt(np.maximum(variance, 0.0))


def _given_purchase(spend: Values, probability: Values) -> Values:
    return spend / np.clip(probability, 1e-3, 1.0)
