"""What out-of-time forecasts teach about a model: its level and its probability."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

Values = NDArray[np.float64]

# In a shop's first year the season is not known, and the error of a snapshot's total is mostly the
# season itself: so much of the newest one (in logs) is expected to repeat. A regression of each on
# the one before gives .53 on Online Retail II 2009-2010; 0, 1/3, .5, .7 leave a decile error of
# .208, .173, .162, .149 there at an RMSE of 681.3, 679.4, 679.2, 679.9
SEASON_MEMORY = 0.5
# Where last year tells the season, what is left is a lasting part (growth that no tree has seen)
# and chance: exponential smoothing finds the first. Weights 0, 1/3, .5, .7 of the newest month
# leave a decile error of .070, .061, .061, .062 on a generated shop
SMOOTHING = 1 / 3
# The same of the rate at which purchases come. Expected calibration error out of time, mean over
# the dates of a backtest, with 0, 1/3, .6 and 1: .041, .036, .032, .030 on Online Retail II
# 2009-2010, .0097, .0096, .0097, .0100 on a generated shop
BUYERS_MEMORY = 0.5
# a level off by more says that the model is broken, not that the season moved
LEVEL_LIMIT = 1.5


def shop_level(
    actual_totals: Sequence[float],
    forecast_totals: Sequence[float],
    season_known: Sequence[bool],
) -> float:
    """Return the factor that brings totals to the level of the newest months.

    Parameters
    ----------
    actual_totals, forecast_totals
        Totals of out-of-time snapshots, newest first.
    season_known
        Whether the forecasts of each knew how busy its days were a year before.

    Returns
    -------
    float
        Part of the newest snapshot's actual over forecast where no season was known, else the
        smoothed one of all snapshots with a known season. 1 where nothing was sold or forecast.
    """
    errors = [
        np.clip(np.log(actual / forecast), -np.log(LEVEL_LIMIT), np.log(LEVEL_LIMIT))
        if actual > 0 and forecast > 0
        else 0.0
        for actual, forecast in zip(actual_totals, forecast_totals, strict=True)
    ]
    if not errors:
        return 1.0
    if not season_known[0]:
        return float(np.exp(SEASON_MEMORY * errors[0]))
    level = 0.0
    for error, has_season in reversed(list(zip(errors, season_known, strict=True))):
        level += SMOOTHING * (error - level) if has_season else 0.0
    return float(np.exp(level))


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
