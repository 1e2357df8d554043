"""The probability model of buyers as an estimator, and as features for others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin

from train.candidates.bgnbd_likelihood import BetaGeometric, GammaGamma
from train.candidates.decomposition import Opened, of_numbers
from train.candidates.preprocessing import Columns, once, without_nulls
from train.candidates.row_sample import sample_of

Values = NDArray[np.float64]

# four parameters of each model need no more customers
SAMPLE_ROWS = 20_000
# without so many returning customers there is nothing to fit
FEWEST_RETURNING = 20
SMALLEST = 1e-3
# what a summary is made of
FEATURES = (
    "active_days_lifetime",
    "days_since_first_order",
    "days_since_last_order",
    "spend_lifetime",
)
# the features that the columns of `transform` come closest to, and that of the order value
MADE_OF = (
    "active_days_lifetime",
    "active_days_lifetime",
    "avg_order_value_lifetime",
    "days_since_last_order",
)
VALUE_MADE_OF = "avg_order_value_lifetime"


@dataclass(frozen=True)
class Summaries:
    """What the probability models know of each customer; all shape (rows,).

    Attributes
    ----------
    has_bought
        The others have no summary: the models start with the first purchase.
    orders
        Days with a purchase.
    frequency, recency, age
        As in `train.candidates.bgnbd_likelihood`; zero for who never bought.
    value
        Mean spend of a day with a purchase, money.
    """

    has_bought: NDArray[np.bool_]
    orders: Values
    frequency: Values
    recency: Values
    age: Values
    value: Values

    @classmethod
    def of(cls, X: Columns) -> Summaries:
        """Take them from features of the mart."""
        return once(cls._of, X)

    @classmethod
    def _of(cls, X: Columns) -> Summaries:
        orders = without_nulls(X["active_days_lifetime"])
        has_bought = orders > 0
        age = without_nulls(X["days_since_first_order"])
        last = without_nulls(X["days_since_last_order"])
        spend = without_nulls(X["spend_lifetime"])
        return cls(
            has_bought=has_bought,
            orders=orders,
            frequency=np.maximum(orders - 1, 0.0),
            recency=np.where(has_bought, np.maximum(age - last, 0.0), 0.0),
            age=np.where(has_bought, age, 0.0),
            value=np.maximum(spend / np.maximum(orders, 1.0), 0.0),
        )


class BuyTillDie(RegressorMixin, BaseEstimator):
    """Expected purchases (BG/NBD) times expected value (Gamma-Gamma).

    The two are fitted to the summaries of all rows alike: snapshots of one customer count as
    customers (a composite likelihood). Who never bought gets the mean of those who never had.

    Parameters
    ----------
    horizon_days
        Length of the forecast window.
    random_state
        Seed of the sample that is fitted.
    """

    def __init__(self, horizon_days: int, random_state: int = 0) -> None:
        self.horizon_days = horizon_days
        self.random_state = random_state

    def fit(self, X: pd.DataFrame, y: Values, sample_weight: object = None) -> BuyTillDie:
        """Find the most likely parameters; with too few buyers all of them are alike."""
        self.n_features_in_ = X.shape[1]
        y = np.asarray(y, dtype=np.float64)
        rows = sample_of(len(X), SAMPLE_ROWS, self.random_state)
        summaries = Summaries.of(X.iloc[rows])
        self.purchases_, self.values_ = None, None
        buyers = summaries.has_bought & (summaries.value > 0)
        if (summaries.frequency > 0).sum() >= FEWEST_RETURNING:
            self.purchases_ = BetaGeometric.fit(
                summaries.frequency[buyers], summaries.recency[buyers], summaries.age[buyers]
            )
            self.values_ = GammaGamma.fit(summaries.orders[buyers], summaries.value[buyers])
        has_bought = Summaries.of(X).has_bought
        groups = {"bought": has_bought, "never": ~has_bought}
        self.mean_ = {
            name: float(y[who].mean()) if who.any() else 0.0 for name, who in groups.items()
        }
        self.share_ = {
            name: float((y[who] > 0).mean()) if who.any() else 0.0 for name, who in groups.items()
        }
        return self

    def predict(self, X: Columns) -> Values:
        """Return expected spend."""
        summaries = Summaries.of(X)
        if self.purchases_ is None:
            return np.where(summaries.has_bought, self.mean_["bought"], self.mean_["never"])
        spend = self._expected_purchases(summaries) * self._expected_value(summaries)
        return np.where(summaries.has_bought, spend, self.mean_["never"])

    def opened(self, X: Columns) -> Opened:
        """Open the estimator: see `train.candidates.decomposition`."""
        return of_numbers(
            FEATURES,
            lambda rows: np.column_stack(
                [np.asarray(rows[name], dtype=np.float64) for name in FEATURES]
            ),
            lambda columns: self.predict(pd.DataFrame(columns, columns=list(FEATURES))),
        )

    def predict_purchase(self, X: Columns) -> Values:
        """Return the probability of a purchase."""
        return self._chance(Summaries.of(X))

    def order_value(self, X: Columns) -> Values:
        """Return the expected value of a purchase; the mean one for who never bought."""
        return self._expected_value(Summaries.of(X))

    def transform(self, X: Columns) -> Values:
        """Return logs of expected purchases, chance to buy, order value and chance to be alive."""
        summaries = Summaries.of(X)
        columns = [self._expected_purchases(summaries), self._chance(summaries)]
        columns += [self._expected_value(summaries), self._alive(summaries)]
        return np.log(np.column_stack(columns) + SMALLEST)

    def alive(self, X: Columns) -> Values:
        """Return the probability of being still a customer; 0 for who never bought."""
        return self._alive(Summaries.of(X))

    def chance_until(self, summaries: Summaries, days: Values | float) -> Values:
        """Return the probability of a purchase in the next days; of who never bought, in 30."""
        if self.purchases_ is None:
            return np.where(summaries.has_bought, self.share_["bought"], self.share_["never"])
        chance = self.purchases_.buys(days, summaries.frequency, summaries.recency, summaries.age)
        return np.where(summaries.has_bought, chance, self.share_["never"])

    def purchases_until(self, summaries: Summaries, days: Sequence[float]) -> Values:
        """Return the expected number of purchases in the next days; 0 for who never bought.

        Shape (rows, lengths), of as many lengths as there are in `days`.
        """
        if self.purchases_ is None:
            return np.zeros((len(summaries.orders), len(days)))
        made = self.purchases_.purchases(
            np.array(days, dtype=np.float64),
            *(summaries.frequency, summaries.recency, summaries.age),
        )
        # the series is exact to 1e-9 of a purchase, not to its sign
        return np.where(summaries.has_bought[:, None], np.maximum(made, 0.0), 0.0)

    def _chance(self, summaries: Summaries) -> Values:
        return self.chance_until(summaries, self.horizon_days)

    def _expected_purchases(self, summaries: Summaries) -> Values:
        return self.purchases_until(summaries, [self.horizon_days])[:, 0]

    def _expected_value(self, summaries: Summaries) -> Values:
        if self.values_ is None:
            return summaries.value
        orders = np.where(summaries.has_bought, summaries.orders, 0.0)
        return self.values_.expected_value(orders, summaries.value)

    def _alive(self, summaries: Summaries) -> Values:
        if self.purchases_ is None:
            return np.zeros(len(summaries.orders))
        alive = self.purchases_.alive(summaries.frequency, summaries.recency, summaries.age)
        return np.where(summaries.has_bought, alive, 0.0)
