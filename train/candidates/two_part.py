"""Whether a customer buys, times how much: two questions with different answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.dummy import DummyClassifier, DummyRegressor

from train.candidates import decomposition
from train.candidates.bgnbd import MADE_OF, VALUE_MADE_OF
from train.candidates.preprocessing import Columns, own_level
from train.candidates.tree_patterns import TreePatterns

Values = NDArray[np.float64]

# fewer buyers, or fewer customers of one kind, teach a boosted tree nothing
FEWEST_TO_LEARN = 50
# no customer's orders are expected to be smaller than this share of the buyers' mean amount
SMALLEST_SHARE = 0.2
# the feature that a customer's own level comes closest to
LEVEL_MADE_OF = "spend_lifetime"


class TwoPart(RegressorMixin, BaseEstimator):
    """Expected spend = P(purchase) x expected amount given a purchase.

    The amount is learned as a ratio to the order value that the customer's own history lets expect,
    so that one tree serves small and large customers; a gamma loss on the ratio bears its heavy
    tail. Beside the features, both parts see what the probability model of buyers makes of them.

    Parameters
    ----------
    prepare
        Transformer of the features.
    buyers
        `BuyTillDie`, for its order value and its features.
    classifier, amount
        Estimators of the prepared features.
    """

    def __init__(
        self,
        prepare: BaseEstimator,
        buyers: BaseEstimator,
        classifier: BaseEstimator,
        amount: BaseEstimator,
    ) -> None:
        self.prepare = prepare
        self.buyers = buyers
        self.classifier = classifier
        self.amount = amount

    def fit(self, X: pd.DataFrame, y: Values, sample_weight: object = None) -> TwoPart:
        """Fit the classifier on all rows, the amount on buyers."""
        self.n_features_in_ = X.shape[1]
        y = np.asarray(y, dtype=np.float64)
        bought = y > 0
        self.prepare_ = clone(self.prepare).fit(X)
        self.buyers_ = clone(self.buyers).fit(X, y)
        prepared = self._prepared(X)
        enough = min(bought.sum(), (~bought).sum()) >= FEWEST_TO_LEARN
        classifier = self.classifier if enough else DummyClassifier(strategy="prior")
        self.classifier_ = clone(classifier).fit(prepared, bought)
        amount = self.amount if bought.sum() >= FEWEST_TO_LEARN else DummyRegressor()
        self.smallest_ = (
            max(SMALLEST_SHARE * float(y[bought].mean()), 1e-9) if bought.any() else 1.0
        )
        if bought.any():
            ratio = y[bought] / self._order_value(X[bought])
            self.amount_ = clone(amount).fit(prepared[bought], ratio)
        else:
            self.amount_ = DummyRegressor(strategy="constant", constant=0.0).fit(prepared, y)
        return self

    def opened(self, X: Columns) -> decomposition.Opened:
        """Open the estimator: see `train.candidates.decomposition`."""
        names = [*decomposition.prepared_features(self.prepare_), *MADE_OF]
        amount = self.amount_
        members = amount.members() if hasattr(amount, "members") else [amount]
        read = [TreePatterns.of(model) for model in (self.classifier_, *members)]
        trees = [tree for tree in read if tree is not None]
        if len(trees) < len(read):
            # too few buyers to grow trees
            return decomposition.of_numbers(
                [*names, VALUE_MADE_OF],
                lambda rows: np.column_stack([self._prepared(rows), self._order_value(rows)]),
                lambda columns: self._both(columns[:, :-1], columns[:, -1])[0],
            )

        def parts(rows: Columns) -> decomposition.Parts:
            prepared = self._prepared(rows)
            answers = [tree.answers(prepared) for tree in trees]
            return decomposition.Parts(answers, self._order_value(rows)[None, :])

        def combine(outputs: Sequence[Values], numbers: Values) -> Values:
            ratio = amount.combine(outputs[1:]) if hasattr(amount, "combine") else outputs[1]
            return outputs[0] * np.maximum(ratio * numbers[0], 0.0)

        return decomposition.Opened(
            tuple(trees), (names,) * len(trees), (VALUE_MADE_OF,), parts, combine
        )

    def predict_both(self, X: Columns) -> tuple[Values, Values]:
        """Return expected spend and the probability that it is above zero, both shape (rows,)."""
        return self._both(self._prepared(X), self._order_value(X))

    def predict_purchase(self, X: Columns) -> Values:
        """Return the probability that spend is above zero."""
        return self._chance(self._prepared(X))

    def predict(self, X: Columns) -> Values:
        """Return expected spend."""
        return self.predict_both(X)[0]

    def _both(self, prepared: Values, order_value: Values) -> tuple[Values, Values]:
        chance = self._chance(prepared)
        amount = self.amount_.predict(prepared) * order_value
        return chance * np.maximum(amount, 0.0), chance

    def _prepared(self, X: Columns) -> Values:
        return np.column_stack([self.prepare_.transform(X), self.buyers_.transform(X)])

    def _chance(self, prepared: Values) -> Values:
        classes = list(self.classifier_.classes_)
        if True not in classes:
            return np.zeros(len(prepared))
        return self.classifier_.predict_proba(prepared)[:, classes.index(True)]

    def _order_value(self, X: Columns) -> Values:
        return np.maximum(self.buyers_.order_value(X), self.smallest_)


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

    def opened(self, X: Columns) -> decomposition.Opened:
        """Open the estimator: see `train.candidates.decomposition`."""
        return decomposition.times(
            decomposition.open_up(self.ratio_, X), LEVEL_MADE_OF, self._level
        )

    def predict(self, X: Columns) -> Values:
        """Return expected spend."""
        return self.ratio_.predict(X) * self._level(X)

    def _level(self, X: Columns) -> Values:
        return own_level(X, self.prior_per_day_, self.prior_days)
