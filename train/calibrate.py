"""What out-of-time forecasts teach about a model: its level, its probability, its doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import t as student
from sklearn.linear_model import LogisticRegression

Values = NDArray[np.float64]

# Share of a snapshot's (log) error in the total that is expected to repeat in the next one: a
# regression of each on the one before gives .53 on Online Retail II 2009-2010 (seven pairs, an
# autumn that rises); less is taken, as in a shop without a trend such errors are chance
LEVEL_MEMORY = 1 / 3
# a level off by more says that the model is broken, not that the season moved
LEVEL_LIMIT = 1.5
# doubt in a total that never vanishes, however well few snapshots happened to fit
SMALLEST_TOTAL_ERROR = 0.02

LEVEL_BINS = 8
FEWEST_PER_BIN = 100
QUANTILES = np.linspace(0.005, 0.995, 199)


def shop_level(actual_totals: Sequence[float], forecast_totals: Sequence[float]) -> float:
    """Return the factor that brings totals to the level of the newest months.

    Parameters
    ----------
    actual_totals, forecast_totals
        Totals of out-of-time snapshots, newest first.

    Returns
    -------
    float
        The newest snapshot's actual over forecast, drawn to 1: forecasts of the month after it
        are off in the same direction, but by less, as they have learned from that month. 1 where
        nothing was sold or forecast.
    """
    if not actual_totals or actual_totals[0] <= 0 or forecast_totals[0] <= 0:
        return 1.0
    ratio = np.clip(actual_totals[0] / forecast_totals[0], 1 / LEVEL_LIMIT, LEVEL_LIMIT)
    return float(ratio**LEVEL_MEMORY)


def total_spread(
    actual_totals: Sequence[float], forecast_totals: Sequence[float], coverage: float = 0.8
) -> float:
    """Return the factor by which a total may lie above or below its forecast.

    The errors of one month share their cause (season, weather, a campaign), so a total does not
    profit from many customers: its doubt is that between snapshots. With the few out-of-time
    snapshots at hand their log errors are taken as normal around zero, and Student's t pays for
    their small number.

    Returns
    -------
    float
        At least 1: the interval is `[total / factor, total * factor]`. Infinite without any
        out-of-time snapshot.
    """
    logs = [
        np.log(actual / forecast)
        for actual, forecast in zip(actual_totals, forecast_totals, strict=True)
        if actual > 0 and forecast > 0
    ]
    if not logs:
        return float("inf")
    scale = max(float(np.sqrt(np.mean(np.square(logs)))), SMALLEST_TOTAL_ERROR)
    return float(np.exp(student.ppf(0.5 + coverage / 2, len(logs)) * scale))


class PurchaseCalibrator:
    """Straighten purchase probabilities: a logistic curve over their log odds (Platt 1999)."""

    def fit(self, probability: Values, bought: NDArray[np.bool_]) -> PurchaseCalibrator:
        """Learn the curve on out-of-time rows; without both kinds of customer, change nothing."""
        self.slope_, self.intercept_ = 1.0, 0.0
        if bought.any() and not bought.all() and np.ptp(probability) > 0:
            curve = LogisticRegression(C=1e6).fit(_log_odds(probability)[:, None], bought)
            # a negative slope would turn the ranking round: then only the level is right
            if curve.coef_[0, 0] > 0:
                self.slope_ = float(curve.coef_[0, 0])
                self.intercept_ = float(curve.intercept_[0])
        return self

    def predict(self, probability: Values) -> Values:
        """Return calibrated probabilities."""
        return expit(self.intercept_ + self.slope_ * _log_odds(probability))


def _log_odds(probability: Values) -> Values:
    return logit(np.clip(probability, 1e-6, 1 - 1e-6))


@dataclass
class AmountSpread:
    """How buyers' spend spreads around the amount expected of them.

    Spend given a purchase is `forecast / probability` times a ratio whose distribution is that of
    out-of-time buyers of a similar expected amount. With the chance of no purchase beside it, each
    quantile of spend follows, and is zero as long as the chance of no purchase reaches it.
    """

    borders: Values
    ratios: NDArray[np.float64]  # (bins, quantiles)

    @classmethod
    def fit(cls, spend: Values, probability: Values, actual: Values) -> AmountSpread:
        """Learn the ratios on out-of-time rows; with no buyers the spread is nil."""
        bought = actual > 0
        expected = _given_purchase(spend, probability)[bought]
        ratio = actual[bought] / np.maximum(expected, 1e-9)
        bins = int(np.clip(len(ratio) // FEWEST_PER_BIN, 1, LEVEL_BINS))
        if not len(ratio):
            return cls.none()
        borders = np.quantile(expected, np.linspace(0, 1, bins + 1)[1:-1])
        where = np.searchsorted(borders, expected)
        # a bin can be empty when many customers share one expected amount
        ratios = [
            np.quantile(ratio[where == number] if (where == number).any() else ratio, QUANTILES)
            for number in range(bins)
        ]
        return cls(borders, np.array(ratios))

    @classmethod
    def none(cls) -> AmountSpread:
        """Return a spread of nil: buyers spend what is expected of them."""
        return cls(np.array([]), np.ones((1, len(QUANTILES))))

    def quantile(self, spend: Values, probability: Values, level: float) -> Values:
        """Return the `level` quantile of spend, shape (rows,), never below zero."""
        probability = np.clip(probability, 1e-9, 1.0)
        among_buyers = (level - (1 - probability)) / probability
        expected = _given_purchase(spend, probability)
        where = np.searchsorted(self.borders, expected)
        ratio = np.empty(len(spend))
        for number, ratios in enumerate(self.ratios):
            rows = where == number
            ratio[rows] = np.interp(among_buyers[rows], QUANTILES, ratios)
        return np.where(among_buyers > 0, ratio * expected, 0.0)


def _given_purchase(spend: Values, probability: Values) -> Values:
    return spend / np.clip(probability, 1e-3, 1.0)
