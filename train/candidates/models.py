"""Every candidate as a scikit-learn estimator, from the baselines to the blend.

All take a frame of the contract's features and a target in money; all bring their own imputation,
scaling and encoding, so that none has an advantage by preparation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import Pipeline

import warehouse
from train.candidates import decomposition
from train.candidates.baselines import LastThirtyDays, MonthlyMean, SameDaysLastYear, YearlyMean
from train.candidates.bgnbd import BuyTillDie
from train.candidates.inference import predict_both
from train.candidates.level import Levelled, without_calendar
from train.candidates.own import OwnCandidate
from train.candidates.preprocessing import Columns, for_linear, for_trees
from train.candidates.quantiles import QuantileMean
from train.candidates.two_part import LevelRatio, TwoPart
from train.candidates.zero_inflated import LogNormalMean

Values = NDArray[np.float64]

BASELINES = ("last 30 days", "monthly mean", "yearly mean", "same days last year")
BLEND = "blend"
# they err on different customers: one weighs customers, one money, one knows each customer's rhythm
BLENDED = ("zero-inflated log-normal", "level ratio", "buy till you die")
# costly, and chosen at none of the dates of any shop tried: a backtest shows them, a fit does not
RARELY_BEST = ("gradient boosting", "quantiles", "two-part")
# GradientBoosting sorts every feature at every node, and a hundred coefficients need no more
# rows: these two learn from a sample
EXACT_TREE_ROWS = 6_000
LINEAR_ROWS = 20_000
# two other distributions of the amount, each with a classifier of its own that is the blended one's
# again: few rounds on a share of the rows cost a third of the time
OTHER_AMOUNT_SHARE = 1 / 3
# of a hundred scaled features that say much the same
RIDGE = 100.0


@dataclass(frozen=True)
class Effort:
    """How much a fit spends.

    Attributes
    ----------
    rows_read
        Rows of the mart that are read for one date; what a candidate does not learn customers from
        teaches it the season.
    rows
        Rows of them that a candidate learns customers from while it is compared.
    rows_published
        Rows that the chosen one learns customers from in the end: large ones are few, and a smaller
        sample misses some of them.
    validations
        Dates before the test on which the choice is made, at least.
    rounds, learning_rate, exact_rounds
        Of the boosted models.
    everything
        Whether `RARELY_BEST` are tried too.
    """

    rows_read: int = 150_000
    rows: int = 75_000
    rows_published: int = 120_000
    validations: int = 2
    rounds: int = 80
    learning_rate: float = 0.08
    exact_rounds: int = 60
    everything: bool = False

    def lighter(self) -> Effort:
        """Return half the rows: enough to rank candidates and to set levels."""
        return replace(self, rows_read=self.rows_read // 2, rows=self.rows // 2)


FULL = Effort()
EVERYTHING = replace(FULL, everything=True)
QUICK = Effort(
    rows_read=8_000,
    rows=8_000,
    rows_published=12_000,
    validations=1,
    rounds=20,
    learning_rate=0.25,
    exact_rounds=10,
)


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

    def opened(self, X: Columns) -> decomposition.Opened:
        """Open the estimator: see `train.candidates.decomposition`."""
        return decomposition.mean_of(
            [decomposition.open_up(member, X) for _, member in self.members_]
        )

    def level_variance(self, X: Columns) -> float:
        """Return the mean of what the members say: their levels are learned from the same sales."""
        return float(np.mean([member.level_variance(X) for _, member in self.members_]))

    def predict_both(self, X: Columns) -> tuple[Values, Values]:
        """Return the mean of the members' forecasts, and the probability of the first with one."""
        return blended([predict_both(member, X) for _, member in self.members_])

    def predict(self, X: Columns) -> Values:
        """Return the mean of the members' forecasts, none below zero."""
        return self.predict_both(X)[0]

    def predict_purchase(self, X: Columns) -> Values:
        """Return the probability of the first member that has one."""
        return self.predict_both(X)[1]


def blended(outputs: Sequence[tuple[Values, Values | None]]) -> tuple[Values, Values]:
    """Return mean spend, none below zero, and the first probability that a member has."""
    spend = np.mean([np.maximum(member_spend, 0.0) for member_spend, _ in outputs], axis=0)
    return spend, next(chance for _, chance in outputs if chance is not None)


def candidates(
    contract: warehouse.Contract,
    *,
    horizon_days: int = 30,
    seed: int = 0,
    effort: Effort = FULL,
    own: Mapping[str, OwnCandidate] = MappingProxyType({}),
) -> dict[str, BaseEstimator]:
    """Return every candidate by name, unfitted; blends come last.

    All that learn from customers do so without the calendar, and meet the season in the same way.
    """
    columns = (without_calendar(contract.numeric), contract.categorical)
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

    def seasonal(estimator: BaseEstimator, rows: int = effort.rows) -> Levelled:
        return Levelled(estimator, rows, seed)

    def boosted(loss: str, **changes: object) -> HistGradientBoostingRegressor:
        return HistGradientBoostingRegressor(loss=loss, **boosting | changes)

    def brisk(share: float) -> dict[str, object]:
        """Fewer rounds of longer steps."""
        rounds = max(round(effort.rounds * share), 1)
        return {"max_iter": rounds, "learning_rate": min(effort.learning_rate / share, 0.4)}

    def other_amount(amount: BaseEstimator) -> Levelled:
        classifier = HistGradientBoostingClassifier(**boosting | brisk(1 / 4))
        rows = round(effort.rows * OTHER_AMOUNT_SHARE)
        return seasonal(TwoPart(for_trees(*columns), buyers, classifier, amount), rows)

    def on_trees(model: BaseEstimator) -> Pipeline:
        return Pipeline([("prepare", for_trees(*columns)), ("model", model)])

    linear = Pipeline([("prepare", for_linear(*columns)), ("model", LinearRegression())])
    ridge = Pipeline([("prepare", for_linear(*columns, logs=True)), ("model", Ridge(RIDGE))])
    exact = GradientBoostingRegressor(
        n_estimators=effort.exact_rounds, max_features=0.4, random_state=seed
    )
    buyers = BuyTillDie(horizon_days, seed)
    log_normal = TwoPart(
        for_trees(*columns),
        buyers,
        HistGradientBoostingClassifier(**boosting),
        LogNormalMean(boosted("squared_error")),
    )
    quantile = boosted("quantile", quantile=0.5, **brisk(1 / 6) | {"max_leaf_nodes": 8})
    estimators: dict[str, BaseEstimator] = {
        "last 30 days": LastThirtyDays(),
        "monthly mean": MonthlyMean(),
        "yearly mean": YearlyMean(),
        "same days last year": SameDaysLastYear(),
        "linear regression": seasonal(linear, LINEAR_ROWS),
        "ridge on logs": seasonal(ridge, LINEAR_ROWS),
        "buy till you die": seasonal(buyers),
        # in plain money a Poisson loss can run away with one outlier; small trees on squares cannot
        "hist gradient boosting": seasonal(
            on_trees(boosted("squared_error", max_leaf_nodes=8)), effort.rows // 2
        ),
        "level ratio": seasonal(LevelRatio(on_trees(boosted("poisson")))),
    }
    if effort.everything:
        estimators["gradient boosting"] = seasonal(on_trees(exact), EXACT_TREE_ROWS)
        estimators["quantiles"] = other_amount(QuantileMean(quantile))
        estimators["two-part"] = other_amount(boosted("gamma", **brisk(1 / 4)))
    for name, candidate in own.items():
        estimators[name] = seasonal(_seeded(candidate.estimator, seed))
    estimators["zero-inflated log-normal"] = seasonal(log_normal)
    return estimators | {BLEND: Blend([(member, estimators[member]) for member in BLENDED])}


def _seeded(estimator: BaseEstimator, seed: int) -> BaseEstimator:
    """Return a copy in which everything random has a seed, where none was given."""
    seeded = clone(estimator)
    parameters = seeded.get_params()
    unseeded = [name for name in parameters if name.split("__")[-1] == "random_state"]
    return seeded.set_params(**{name: seed for name in unseeded if parameters[name] is None})
