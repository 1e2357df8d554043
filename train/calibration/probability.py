"""What out-of-time forecasts teach about a model's probability."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

Values = NDArray[np.float64]


class PurchaseCalibrator:
    """Straighten purchase probabilities: a logistic curve over their log odds (Platt 1999)."""

    def fit(self, probability: Values, bought: NDArray[np.bool_]) -> PurchaseCalibrator:
        """Learn on out-of-time rows; without both kinds of customer, change nothing."""
        self.slope_, self.intercept_ = 1.0, 0.0
        if bought.any() and not bought.all() and np.ptp(probability) > 0:
            curve = LogisticRegression(C=1e6).fit(_log_odds(probability)[:, None], bought)
            # a negative slope would turn the ranking round
            if curve.coef_[0, 0] > 0:
                self.slope_ = float(curve.coef_[0, 0])
                self.intercept_ = float(curve.intercept_[0])
        return self

    def predict(self, probability: Values) -> Values:
        """Return calibrated probabilities."""
        calibrated: Values = expit(self.intercept_ + self.slope_ * _log_odds(probability))
        return calibrated


def _log_odds(probability: Values) -> Values:
    return logit(np.clip(probability, 1e-6, 1 - 1e-6))
