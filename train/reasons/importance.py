"""What the forecast rests on: how much worse it gets when one feature is shuffled."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_limits

from core.metrics import normalised_gini
from train.candidates.inference import JOBS, predict_both
from train.dataset import Rows

SAMPLE_ROWS = 1_500
AT_A_TIME = 12


def permutation_importance(estimator: BaseEstimator, test: Rows, *, seed: int = 0) -> pd.Series:
    """Shuffle one feature at a time on out-of-time rows.

    The measure is the normalised Gini: unlike R2 it does not hang on a few huge customers.

    Returns
    -------
    Series
        Loss of Gini by feature, largest first.
    """
    random = np.random.default_rng(seed)
    keep = np.sort(random.permutation(len(test))[:SAMPLE_ROWS])
    X, y = test.X.iloc[keep].reset_index(drop=True), test.y[keep]
    unshuffled = normalised_gini(y, _predict(estimator, X))
    losses: dict[str, float] = {}
    names = list(X.columns)
    for start in range(0, len(names), AT_A_TIME):
        # several shuffled copies in one call: a pipeline's call costs more than its rows
        part = names[start : start + AT_A_TIME]
        copies = [
            X.assign(**{name: X[name].to_numpy()[random.permutation(len(X))]}) for name in part
        ]
        forecasts = _predict(estimator, pd.concat(copies, ignore_index=True)).reshape(len(part), -1)
        for name, forecast in zip(part, forecasts, strict=True):
            losses[name] = unshuffled - normalised_gini(y, forecast)
    return pd.Series(losses, name="importance").sort_values(ascending=False, kind="stable")


def _predict(estimator: BaseEstimator, X: pd.DataFrame) -> np.ndarray:
    with threadpool_limits(limits=1):
        return predict_both(estimator, X, jobs=JOBS)[0]
