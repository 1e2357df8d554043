"""The amount as a log-normal variable: the second half of a zero-inflated log-normal forecast.

Wang, Liu, Miao (2019), "A deep probabilistic model for customer lifetime value prediction",
arXiv:1912.07753: spend is zero with probability 1 - p(x), else log-normal, so its mean is
`p(x) * exp(mu(x) + sigma(x)**2 / 2)`. Their loss is the sum of a classifier's and of the normal
one of log amounts; with trees instead of shared layers the two have no parameter in common, so
`TwoPart` fits them one by one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, RegressorMixin, clone

Values = NDArray[np.float64]

# the variance is learned for so many levels of the median
LEVELS = 5
# a level's own variance counts as much as this many observations of the variance of all
PRIOR_ROWS = 100.0
# logs further than so many deviations from what was expected count as just so far: one order
# entered in the wrong currency must not raise all forecasts
FARTHEST = 4.0
# exp(sigma ** 2 / 2) is 7.4 at this sigma: a wider spread is no log-normal one
WIDEST = 2.0


class LogNormalMean(RegressorMixin, BaseEstimator):
    """The mean of a log-normal variable, `exp(mu + sigma ** 2 / 2)`.

    Parameters
    ----------
    regressor
        Learns mu, the mean of the log, by least squares (the most likely value whatever sigma is).
    levels
        Groups of equal size, by mu, that each have a sigma of their own; 1 for one sigma for all.
    """

    def __init__(self, regressor: BaseEstimator, levels: int = LEVELS) -> None:
        self.regressor = regressor
        self.levels = levels

    def fit(self, X: Values, y: Values, sample_weight: object = None) -> LogNormalMean:
        """Fit mu, then sigma on what it leaves.

        Parameters
        ----------
        X
            Features, shape (rows, features).
        y
            What is log-normal, above zero, shape (rows,).
        """
        self.n_features_in_ = X.shape[1]
        logs = np.log(np.asarray(y, dtype=np.float64))
        self.range_ = float(logs.min()), float(logs.max())
        self.regressor_ = clone(self.regressor).fit(X, logs)
        mu = self._kept(self.regressor_.predict(X))
        square = _without_outliers(logs - mu) ** 2
        shares = np.arange(1, self.levels) / self.levels
        self.borders_ = np.unique(np.quantile(mu, shares))
        level = np.searchsorted(self.borders_, mu)
        rows = np.bincount(level, minlength=len(self.borders_) + 1)
        total = np.bincount(level, square, minlength=len(rows))
        variance = (total + PRIOR_ROWS * square.mean()) / (rows + PRIOR_ROWS)
        self.sigma_ = np.minimum(np.sqrt(variance), WIDEST)
        return self

    def members(self) -> list[BaseEstimator]:
        """Return the fitted regressors that the mean is made of: one, of mu."""
        return [self.regressor_]

    def combine(self, outputs: Sequence[Values]) -> Values:
        """Return the mean, given the outputs of the members."""
        mu = self._kept(outputs[0])
        sigma = self.sigma_[np.searchsorted(self.borders_, mu)]
        return np.exp(mu + sigma**2 / 2)

    def predict(self, X: Values) -> Values:
        """Return the mean."""
        return self.combine([self.regressor_.predict(X)])

    def _kept(self, mu: Values) -> Values:
        # a sum of trees may leave the range of what it learned, and exp would make much of it
        return np.clip(mu, *self.range_)


def _without_outliers(residual: Values) -> Values:
    """Draw residuals in to `FARTHEST` deviations, these taken from the middle half of the logs."""
    low, high = np.quantile(residual, [0.25, 0.75])
    deviation = (high - low) / 1.349
    return np.clip(residual, -FARTHEST * deviation, FARTHEST * deviation)
