"""The season ahead, learned apart from the customers.

A tree that may see the calendar learns few months from many rows: it takes one month's chance for a
season, and cannot go beyond the months it knows. So customers are learned without the calendar, and
the months by two numbers: how the shop's total departs from that ordinary forecast, as a function
of how busy the days ahead were a year ago (`shop_season_ratio`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.metaestimators import available_if

from train.candidates import decomposition
from train.candidates.inference import predict_both
from train.candidates.protocol import PredictsPurchase
from train.candidates.row_sample import sample_of

Values = NDArray[np.float64]

RATIO = "shop_season_ratio"
# features that are the same for every customer of a snapshot
CALENDAR_PREFIXES = ("ahead_", "shop_")

# Prior of log level = start + slope * log ratio: this year's season is last year's. With the months
# at hand (some 35 on the generated shop) the data outweigh it; with six they move it by half.
START, START_SPREAD = 0.0, 0.3
SLOPE, SLOPE_SPREAD = 1.0, 0.15
# how far one month's total strays for other reasons, in logs
MONTH_NOISE = 0.1
FEWEST_MONTHS = 6


def without_calendar(names: Sequence[str]) -> list[str]:
    """Return the features that tell customers apart, not months."""
    return [name for name in names if not name.startswith(CALENDAR_PREFIXES)]


class SeasonLevel:
    """The level of a month over an ordinary one: a regression over months, with a prior."""

    def fit(self, ratio: Values, log_level: Values, usual: float = 1.0) -> SeasonLevel:
        """Learn from one value per month; with too few, all months are ordinary.

        Parameters
        ----------
        ratio
            `shop_season_ratio` of each month, NaN in the shop's first year.
        log_level
            Log of what happened over the ordinary forecast.
        usual
            Level of an ordinary month, and of one whose season is not known.
        """
        self.usual_ = usual
        usable = np.isfinite(log_level) & (ratio > 0)
        self.start_, self.slope_ = np.log(usual), 0.0
        if usable.sum() >= FEWEST_MONTHS:
            months = np.column_stack([np.ones(usable.sum()), np.log(ratio[usable])])
            precision = np.diag([START_SPREAD**-2, SLOPE_SPREAD**-2])
            weight = MONTH_NOISE**-2
            self.start_, self.slope_ = np.linalg.solve(
                weight * months.T @ months + precision,
                weight * months.T @ log_level[usable] + precision @ [START, SLOPE],
            )
        return self

    def factor(self, ratio: Values) -> Values:
        """Return the level, the usual one where last year is not known."""
        has_ratio = ratio > 0
        logs = np.log(np.where(has_ratio, ratio, 1.0))
        return np.where(has_ratio, np.exp(self.start_ + self.slope_ * logs), self.usual_)


def _learns_purchases(wrapper: Seasonal) -> bool:
    return isinstance(wrapper.estimator, PredictsPurchase)


class Seasonal(RegressorMixin, BaseEstimator):
    """An estimator of ordinary months, brought to the level of the season ahead.

    Spend is multiplied by the level. A chance to buy follows the same rule for the rate at which
    purchases come: `1 - (1 - p) ** level`, with a level of its own, as in a Poisson process.

    Parameters
    ----------
    estimator
        Learns spend, and purchases if it has `predict_purchase`; should not see the calendar.
    rows
        It learns from so many rows at most; the months' totals are taken over all rows given.
    random_state
        Seed of the sample.
    """

    def __init__(self, estimator: BaseEstimator, rows: int, random_state: int = 0) -> None:
        self.estimator = estimator
        self.rows = rows
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y: Values, sample_weight: object = None) -> Seasonal:
        """Fit the estimator, then the levels of the months over its forecasts."""
        self.n_features_in_ = X.shape[1]
        y = np.asarray(y, dtype=np.float64)
        sample = sample_of(len(X), self.rows, self.random_state)
        self.estimator_ = clone(self.estimator).fit(X.iloc[sample], y[sample])
        month, ratio = _months(X)
        spend, chance = predict_both(self.estimator_, X)
        ordinary = np.maximum(spend, 0.0)
        # a loss on ratios keeps the mean ratio right, not the sum of money (Wuethrich 2020)
        usual = y.sum() / ordinary.sum() if y.sum() > 0 and ordinary.sum() > 0 else 1.0
        self.spend_level_ = SeasonLevel().fit(ratio, _log_ratio(month, y, ordinary), usual)
        if chance is not None:
            self.purchase_level_ = SeasonLevel().fit(ratio, _log_rates(month, y > 0, chance))
        return self

    def opened(self, X: pd.DataFrame) -> decomposition.Opened:
        """Open the estimator: see `train.candidates.decomposition`."""
        return decomposition.times(
            decomposition.open_up(self.estimator_, X),
            RATIO,
            lambda rows: self.spend_level_.factor(_ratio(rows)),
        )

    def predict_both(self, X: pd.DataFrame) -> tuple[Values, Values | None]:
        """Return expected spend, and the probability of a purchase where it is learned."""
        spend, chance = predict_both(self.estimator_, X)
        ratio = _ratio(X)
        spend = spend * self.spend_level_.factor(ratio)
        if chance is None:
            return spend, None
        return spend, 1 - (1 - np.clip(chance, 0.0, 1.0)) ** self.purchase_level_.factor(ratio)

    def predict(self, X: pd.DataFrame) -> Values:
        """Return expected spend."""
        return self.predict_both(X)[0]

    @available_if(_learns_purchases)
    def predict_purchase(self, X: pd.DataFrame) -> Values:
        """Return the probability of a purchase."""
        chance = self.predict_both(X)[1]
        assert chance is not None  # or the method were not there
        return chance


def _ratio(X: pd.DataFrame) -> Values:
    return X[RATIO].to_numpy(dtype=np.float64)


def _months(X: pd.DataFrame) -> tuple[NDArray[np.int64], Values]:
    """Number the snapshots, told apart by what all rows of one share; return each one's ratio."""
    shared = [name for name in X.columns if name.startswith(CALENDAR_PREFIXES)]
    groups = X.groupby(shared, dropna=False, sort=True)
    month = np.asarray(groups.ngroup(), dtype=np.int64)
    _, first = np.unique(month, return_index=True)
    return month, _ratio(X.iloc[first])


def _log_ratio(month: NDArray[np.int64], actual: Values, forecast: Values) -> Values:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(np.bincount(month, actual) / np.bincount(month, forecast))


def _log_rates(month: NDArray[np.int64], bought: NDArray[np.bool_], chance: Values) -> Values:
    """Return per month the log level of the rates at which its buyers are as many as there were."""
    rate = -np.log1p(-np.clip(chance, 0.0, 1 - 1e-9))
    log_levels = np.full(month.max() + 1, np.nan)
    for number in range(len(log_levels)):
        rates, buyers = rate[month == number], bought[month == number].sum()

        def surplus(log_level: float, rates: Values = rates, buyers: int = buyers) -> float:
            return float((1 - np.exp(-rates * np.exp(log_level))).sum() - buyers)

        # no level brings about no buyers, or only buyers
        if surplus(-5.0) < 0 < surplus(5.0):
            log_levels[number] = brentq(surplus, -5.0, 5.0, xtol=1e-6)
    return log_levels
