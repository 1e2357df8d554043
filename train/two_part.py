"""Whether a customer buys, times how much: two questions with different answers."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.dummy import DummyClassifier, DummyRegressor

from train.transform import own_level, own_order_value

Values = NDArray[np.float64]

# fewer buyers, or fewer customers of one kind, teach a boosted tree nothing
FEWEST_TO_LEARN = 50


class TwoPart(RegressorMixin, BaseEstimator):
    """Expected spend = P(purchase) x expected amount given a purchase.

    The amount is learned as a ratio to the customer's own mean order value, so that one tree serves
    small and large customers; a gamma loss on the ratio bears its heavy tail.

    Parameters
    ----------
    classifier, amount
        Pipelines whose last step is called `model` and takes `sample_weight`.
    """

    def __init__(self, classifier: BaseEstimator, amount: BaseEstimator) -> None:
        self.classifier = classifier
        self.amount = amount

    def fit(self, X: pd.DataFrame, y: Values, sample_weight: object = None) -> TwoPart:
        """Fit the classifier on all rows, the amount on buyers."""
        self.n_features_in_ = X.shape[1]
        bought = np.asarray(y) > 0
        enough = min(bought.sum(), (~bought).sum()) >= FEWEST_TO_LEARN
        classifier = self.classifier if enough else DummyClassifier(strategy="prior")
        self.classifier_ = clone(classifier).fit(X, bought)
        buyers = X[bought]
        orders = buyers["orders_lifetime"].sum()
        self.prior_ = max(float(buyers["spend_lifetime"].sum() / orders), 1e-9) if orders else 1.0
        amount = self.amount if bought.sum() >= FEWEST_TO_LEARN else DummyRegressor()
        if bought.any():
            value = own_order_value(buyers, self.prior_)
            self.amount_ = clone(amount).fit(buyers, np.asarray(y)[bought] / value)
        else:
            self.amount_ = DummyRegressor(strategy="constant", constant=0.0).fit(X, y)
        return self

    def predict_purchase(self, X: pd.DataFrame) -> Values:
        """Return the probability that spend is above zero, shape (rows,)."""
        classes = list(self.classifier_.classes_)
        if True not in classes:
            return np.zeros(len(X))
        return self.classifier_.predict_proba(X)[:, classes.index(True)]

    def predict(self, X: pd.DataFrame) -> Values:
        """Return expected spend."""
        amount = self.amount_.predict(X) * own_order_value(X, self.prior_)
        return self.predict_purchase(X) * np.maximum(amount, 0.0)


class LevelRatio(RegressorMixin, BaseEstimator):
    """Expected spend as a multiple of the customer's own level.

    The tree learns the ratio of the target to the level, weighted by the level: the sum of
    weighted ratios is the sum of money, so a Poisson loss keeps the totals right, while customers
    of any size share one tree.

    Parameters
    ----------
    ratio
        Pipeline whose last step is called `model` and takes `sample_weight`.
    prior_days
        Days of history that the shop's mean level is worth against the customer's own.
    """

    def __init__(self, ratio: BaseEstimator, prior_days: float = 60.0) -> None:
        self.ratio = ratio
        self.prior_days = prior_days

    def fit(self, X: pd.DataFrame, y: Values, sample_weight: object = None) -> LevelRatio:
        """Fit the ratio with the level as weight."""
        self.n_features_in_ = X.shape[1]
        y = np.asarray(y, dtype=np.float64)
        days = X["tenure_days"].sum()
        self.prior_per_day_ = max(float(X["spend_lifetime"].sum() / max(days, 1.0)), 1e-6)
        level = own_level(X, self.prior_per_day_, self.prior_days)
        if y.sum() <= 0:
            self.ratio_ = DummyRegressor(strategy="constant", constant=0.0).fit(X, y)
        else:
            weight = {"model__sample_weight": level / level.mean()}
            self.ratio_ = clone(self.ratio).fit(X, y / level, **weight)
        return self

    def predict(self, X: pd.DataFrame) -> Values:
        """Return expected spend."""
        level = own_level(X, self.prior_per_day_, self.prior_days)
        return self.ratio_.predict(X) * level
