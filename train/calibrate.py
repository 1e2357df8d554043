"""What out-of-time forecasts teach about a model: its level and its probability."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

Values = NDArray[np.float64]

# Share of a snapshot's (log) error in the total that is expected to repeat in the next one: a
# regression of each on the one before gives .53 on Online Retail II 2009-2010 (seven pairs, an
# autumn that rises); less is taken, as in a shop without a trend such errors are chance
LEVEL_MEMORY = 1 / 3
# The same of the rate at which purchases come. Expected calibration error out of time, mean over
# the dates of a backtest, with 0, 1/3, .6 and 1: .041, .036, .032, .030 on Online Retail II
# 2009-2010, .0097, .0096, .0097, .0100 on a generated shop
BUYERS_MEMORY = 0.5
# a level off by more says that the model is broken, not that the season moved
LEVEL_LIMIT = 1.5


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


class PurchaseCalibrator:
    """Straighten purchase probabilities: a logistic curve over their log odds (Platt 1999).

    The curve is that of several months; the rate at which purchases come is then brought towards
    the level of the newest one, `1 - (1 - p) ** level`, as in a Poisson process.
    """

    def fit(
        self, probability: Values, bought: NDArray[np.bool_], newest: int | None = None
    ) -> PurchaseCalibrator:
        """Learn on out-of-time rows; without both kinds of customer, change nothing.

        Parameters
        ----------
        newest
            How many rows, from the first on, are those of the newest month; all by default.
        """
        self.slope_, self.intercept_, self.level_ = 1.0, 0.0, 1.0
        if bought.any() and not bought.all() and np.ptp(probability) > 0:
            curve = LogisticRegression(C=1e6).fit(_log_odds(probability)[:, None], bought)
            # a negative slope would turn the ranking round: then only the level is right
            if curve.coef_[0, 0] > 0:
                self.slope_ = float(curve.coef_[0, 0])
                self.intercept_ = float(curve.intercept_[0])
        buyers, expected = bought[:newest].sum(), self.predict(probability)[:newest].sum()
        if buyers and not bought[:newest].all():
            ratio = np.clip(buyers / expected, 1 / LEVEL_LIMIT, LEVEL_LIMIT)
            self.level_ = float(ratio**BUYERS_MEMORY)
        return self

    def predict(self, probability: Values) -> Values:
        """Return calibrated probabilities."""
        chance = expit(self.intercept_ + self.slope_ * _log_odds(probability))
        return 1 - (1 - chance) ** self.level_


def _log_odds(probability: Values) -> Values:
    return logit(np.clip(probability, 1e-6, 1 - 1e-6))
