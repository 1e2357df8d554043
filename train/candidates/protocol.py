"""What an estimator must meet to be a candidate: scikit-learn's `fit` and `predict`, and no more.

What else it can do is found by its methods' names: `predict_purchase` where it knows who buys,
`predict_both` where one pass over the rows gives both, `opened` where reasons can look inside
(otherwise its forecasts are asked for, feature by feature), `level_variance` where it knows how
sure the total of a month is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from train.candidates.decomposition import Opened
    from train.candidates.preprocessing import Columns

Values = NDArray[np.float64]


@runtime_checkable
class Candidate(Protocol):
    """An estimator of spend, as scikit-learn's regressors are; `sklearn.base.clone` copies it."""

    def fit(self, X: pd.DataFrame, y: Values) -> Candidate:
        """Learn from rows of the mart.

        Parameters
        ----------
        X
            The features of the contract, numbers as float64 with NaN, categories as text with None.
        y
            Spend of the horizon's days, shape (rows,), not negative.
        """

    def predict(self, X: pd.DataFrame) -> Values:
        """Return expected spend, shape (rows,); below zero counts as zero."""


class PredictsPurchase(Candidate, Protocol):
    """A candidate that knows who buys.

    To be asked with `hasattr`, not `isinstance`, which looks at the class: a wrapper's has the
    method even where the estimator inside knows nothing of it.
    """

    def predict_purchase(self, X: pd.DataFrame) -> Values:
        """Return the probability of a purchase in the horizon, shape (rows,), in [0, 1]."""


@runtime_checkable
class PredictsBoth(Candidate, Protocol):
    """A candidate that prepares its rows once for spend and probability."""

    def predict_both(self, X: pd.DataFrame) -> tuple[Values, Values | None]:
        """Return what `predict` and `predict_purchase` return; None where it knows no chance."""


@runtime_checkable
class KnowsLevel(Candidate, Protocol):
    """A candidate that learns how much all customers buy more, or less, in the days ahead."""

    def level_variance(self, X: Columns) -> float:
        """Return the variance of the log of the shop's level in the days ahead of rows of a date.

        What single customers do by chance is not in it.
        """


@runtime_checkable
class Opens(Candidate, Protocol):
    """A candidate that shows reasons what it is made of."""

    def opened(self, X: Columns) -> Opened:
        """Return its trees and numbers; `X` names its features, its rows do not matter."""
