"""Forecasts without learning: what any better model has to beat."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin

from train.candidates.preprocessing import Columns


class LastThirtyDays(RegressorMixin, BaseEstimator):
    """The next 30 days are like the last."""

    def fit(
        self, X: pd.DataFrame, y: NDArray[np.float64], sample_weight: object = None
    ) -> LastThirtyDays:
        """Learn nothing."""
        self.n_features_in_ = X.shape[1]
        return self

    def predict(self, X: Columns) -> NDArray[np.float64]:
        """Return `spend_30d`."""
        return np.asarray(X["spend_30d"], dtype=np.float64)


class MonthlyMean(RegressorMixin, BaseEstimator):
    """Net spend so far, spread evenly over the history of the shop.

    Over the shop's days, not the customer's: a customer who came last week with one large order is
    no monthly customer. The longest tenure seen stands for the length of the history.
    """

    def fit(
        self, X: pd.DataFrame, y: NDArray[np.float64], sample_weight: object = None
    ) -> MonthlyMean:
        """Learn how long the shop's history is."""
        self.n_features_in_ = X.shape[1]
        self.history_days_ = max(float(np.nanmax(np.asarray(X["tenure_days"]))), 30.0)
        return self

    def predict(self, X: Columns) -> NDArray[np.float64]:
        """Return net spend per 30 days of history, never below zero."""
        days = np.maximum(np.asarray(X["tenure_days"], dtype=np.float64), self.history_days_)
        return np.maximum(np.asarray(X["net_spend_lifetime"], dtype=np.float64) / days * 30, 0.0)


class YearlyMean(MonthlyMean):
    """Net spend of the last 360 days per month: the monthly mean without what is long past."""

    def predict(self, X: Columns) -> NDArray[np.float64]:
        """Return net spend per 30 days of the last 360, never below zero."""
        net = np.asarray(X["spend_360d"]) - np.asarray(X["returns_360d"])
        days = np.clip(np.asarray(X["tenure_days"]), min(self.history_days_, 360.0), 360.0)
        return np.maximum(net / days * 30, 0.0)


class SameDaysLastYear(LastThirtyDays):
    """The days ahead are like the same days a year ago."""

    def predict(self, X: Columns) -> NDArray[np.float64]:
        """Return `spend_336_365d`."""
        return np.asarray(X["spend_336_365d"], dtype=np.float64)
