"""Every candidate as a scikit-learn estimator, from the baselines to the blend.

All take a frame of the contract's features and a target in money; all bring their own imputation,
scaling and encoding, so that none has an advantage by preparation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline

import warehouse
from train.baselines import LastThirtyDays, MonthlyMean, YearlyMean
from train.transform import for_linear, for_trees
from train.two_part import LevelRatio, TwoPart

Values = NDArray[np.float64]

BASELINES = ("last 30 days", "monthly mean", "yearly mean")
BLEND = "blend"
# different losses err on different customers, and a plain mean has no trend to get wrong
BLENDED = ("level ratio", "two-part", "hist gradient boosting", "yearly mean")
# GradientBoosting sorts every feature at every node, and a hundred coefficients need no more
# rows: these two learn from a sample
EXACT_TREE_ROWS = 10_000
LINEAR_ROWS = 20_000


@dataclass(frozen=True)
class Effort:
    """How much a fit spends on each boosted model."""

    rounds: int = 80
    learning_rate: float = 0.08
    exact_rounds: int = 60


FULL = Effort()
QUICK = Effort(rounds=30, learning_rate=0.18, exact_rounds=20)


class RowSample(RegressorMixin, BaseEstimator):
    """Fit an estimator on a fixed random sample of the rows.

    Parameters
    ----------
    estimator
        What to fit.
    rows
        How many rows at most.
    random_state
        Seed of the sample.
    """

    def __init__(self, estimator: BaseEstimator, rows: int, random_state: int = 0) -> None:
        self.estimator = estimator
        self.rows = rows
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y: Values, sample_weight: object = None) -> RowSample:
        """Draw the sample and fit."""
        self.n_features_in_ = X.shape[1]
        draw = np.random.default_rng(self.random_state).permutation(len(X))[: self.rows]
        rows = np.sort(draw)
        self.estimator_ = clone(self.estimator).fit(X.iloc[rows], np.asarray(y)[rows])
        return self

    def predict(self, X: pd.DataFrame) -> Values:
        """Return the estimator's forecast."""
        return self.estimator_.predict(X)


class Blend(RegressorMixin, BaseEstimator):
    """The mean of several candidates with fixed weights.

    Weights are not learned: with the few independent months a shop has, equal weights do better
    than estimated ones (Bates and Granger 1969; Smith and Wallis 2009).

    Parameters
    ----------
    members
        (name, estimator) pairs; at least one has `predict_purchase`.
    """

    def __init__(self, members: Sequence[tuple[str, BaseEstimator]]) -> None:
        self.members = members

    def fit(self, X: pd.DataFrame, y: Values, sample_weight: object = None) -> Blend:
        """Fit every member."""
        return self.adopt({name: clone(member).fit(X, y) for name, member in self.members})

    def adopt(self, fitted: Mapping[str, BaseEstimator]) -> Blend:
        """Take members that are fitted already, by name."""
        self.members_ = [(name, fitted[name]) for name, _ in self.members]
        return self

    def predict(self, X: pd.DataFrame) -> Values:
        """Return the mean of the members' forecasts, none below zero."""
        return np.mean([np.maximum(m.predict(X), 0.0) for _, m in self.members_], axis=0)

    def predict_purchase(self, X: pd.DataFrame) -> Values:
        """Return the mean probability of the members that have one."""
        able = [member for _, member in self.members_ if hasattr(member, "predict_purchase")]
        return np.mean([member.predict_purchase(X) for member in able], axis=0)


def candidates(
    contract: warehouse.Contract, *, seed: int = 0, effort: Effort = FULL
) -> dict[str, BaseEstimator]:
    """Return every candidate by name, unfitted; blends come last."""
    columns = (contract.numeric, contract.categorical)
    boosting = {
        "max_iter": effort.rounds,
        "learning_rate": effort.learning_rate,
        "max_leaf_nodes": 15,
        "min_samples_leaf": 60,
        "l2_regularization": 1.0,
        "max_features": 0.4,
        "early_stopping": False,
        "random_state": seed,
    }

    def boosted(loss: str, **changes: object) -> Pipeline:
        model = HistGradientBoostingRegressor(loss=loss, **boosting | changes)
        return Pipeline([("prepare", for_trees(*columns)), ("model", model)])

    exact = GradientBoostingRegressor(
        n_estimators=effort.exact_rounds, max_features=0.4, random_state=seed
    )
    classifier = Pipeline(
        [
            ("prepare", for_trees(*columns)),
            ("model", HistGradientBoostingClassifier(**boosting)),
        ]
    )
    found: dict[str, BaseEstimator] = {
        "last 30 days": LastThirtyDays(),
        "monthly mean": MonthlyMean(),
        "yearly mean": YearlyMean(),
        "linear regression": RowSample(
            Pipeline([("prepare", for_linear(*columns)), ("model", LinearRegression())]),
            LINEAR_ROWS,
            seed,
        ),
        "gradient boosting": RowSample(
            Pipeline([("prepare", for_trees(*columns)), ("model", exact)]),
            EXACT_TREE_ROWS,
            seed,
        ),
        # in plain money a Poisson loss can run away with one outlier; small trees on squares cannot
        "hist gradient boosting": boosted("squared_error", max_leaf_nodes=8),
        "level ratio": LevelRatio(boosted("poisson")),
        "two-part": TwoPart(classifier, boosted("gamma")),
    }
    return found | {BLEND: Blend([(member, found[member]) for member in BLENDED])}
