"""The amount by its quantiles: no shape of the distribution is assumed up to the highest of them.

Quantiles fitted one by one may cross; sorted, they are nearer to the true ones (Chernozhukov,
Fernandez-Val, Galichon 2010, "Quantile and probability curves without crossing", Econometrica
78(3)).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone

Values = NDArray[np.float64]

LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)
# the mean beyond the highest quantile, as a multiple of it: at least one, and a longer tail than
# the largest (a Pareto tail with exponent 1.1) has no mean to speak of
TAIL_LIMITS = (1.0, 11.0)


class QuantileMean(RegressorMixin, BaseEstimator):
    """The mean of a positive variable as the integral of its quantile function.

    Between the levels the function is a line, and below the lowest a line from zero. Beyond the
    highest nothing is seen of it: the mean there is a multiple of the highest quantile, the one
    multiple with which the sum of all means is the sum of what was learned from. Who varies more
    gets more of it.

    Parameters
    ----------
    regressor
        Has a parameter `quantile`; learns the log, whose quantiles are the logs of the quantiles.
    levels
        Of the quantiles, rising, above 0 and below 1.
    """

    def __init__(self, regressor: BaseEstimator, levels: Sequence[float] = LEVELS) -> None:
        self.regressor = regressor
        self.levels = levels

    def fit(self, X: Values, y: Values, sample_weight: object = None) -> QuantileMean:
        """Fit one regressor per level, then the tail.

        Parameters
        ----------
        X
            Features, shape (rows, features).
        y
            Above zero, shape (rows,).
        """
        self.n_features_in_ = X.shape[1]
        y = np.asarray(y, dtype=np.float64)
        logs = np.log(y)
        self.range_ = float(logs.min()), float(logs.max())
        self.regressors_ = [
            clone(self.regressor).set_params(quantile=level).fit(X, logs) for level in self.levels
        ]
        quantiles = self.predict_quantiles(X)
        beyond = (1 - self.levels[-1]) * quantiles[:, -1]
        unseen = y.sum() - integral(self.levels, quantiles).sum()
        self.tail_ = float(np.clip(unseen / beyond.sum(), *TAIL_LIMITS))
        return self

    def members(self) -> list[BaseEstimator]:
        """Return the fitted regressors that the mean is made of: one per level."""
        return self.regressors_

    def predict_quantiles(self, X: Values) -> Values:
        """Return the quantiles in rising order, shape (rows, levels)."""
        return self._quantiles([regressor.predict(X) for regressor in self.regressors_])

    def _quantiles(self, logs: Sequence[Values]) -> Values:
        return np.exp(np.clip(np.sort(np.column_stack(logs), axis=1), *self.range_))

    def predict(self, X: Values) -> Values:
        """Return the mean."""
        return self.combine([regressor.predict(X) for regressor in self.regressors_])

    def combine(self, outputs: Sequence[Values]) -> Values:
        """Return the mean, given the outputs of the members."""
        quantiles = self._quantiles(outputs)
        beyond = (1 - self.levels[-1]) * quantiles[:, -1]
        return integral(self.levels, quantiles) + self.tail_ * beyond


def integral(levels: Sequence[float], quantiles: Values) -> Values:
    """Integrate quantile functions from 0 to the highest level.

    Parameters
    ----------
    levels
        Rising.
    quantiles
        Of positive variables, shape (rows, levels).

    Returns
    -------
    Values
        Shape (rows,).
    """
    at = np.concatenate([[0.0], levels])
    return np.trapezoid(np.column_stack([np.zeros(len(quantiles)), quantiles]), at, axis=1)
