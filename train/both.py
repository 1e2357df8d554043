"""Spend and purchase probability of one estimator in one pass over the rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

Values = NDArray[np.float64]

# trees go over all rows of a call one after the other: so many rows stay in a core's cache, which
# takes half of the time
BLOCK_ROWS = 8_192


def predict_both(estimator: BaseEstimator, X: pd.DataFrame) -> tuple[Values, Values | None]:
    """Return expected spend and purchase probability, both shape (rows,).

    An estimator with a `predict_both` of its own prepares its rows once for the two. The
    probability is None where the estimator has none.
    """
    blocks = [
        _predict_block(estimator, X.iloc[start : start + BLOCK_ROWS])
        for start in range(0, max(len(X), 1), BLOCK_ROWS)
    ]
    spend = np.concatenate([block[0] for block in blocks])
    if blocks[0][1] is None:
        return spend, None
    return spend, np.concatenate([block[1] for block in blocks])


def _predict_block(estimator: BaseEstimator, X: pd.DataFrame) -> tuple[Values, Values | None]:
    if hasattr(estimator, "predict_both"):
        return estimator.predict_both(X)
    chance = estimator.predict_purchase(X) if hasattr(estimator, "predict_purchase") else None
    return estimator.predict(X), chance
