"""Spend and purchase probability of one estimator in one pass over the rows."""

from __future__ import annotations

import os

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_limits

from train.candidates.own import CandidateError
from train.candidates.preprocessing import Columns, Features

Values = NDArray[np.float64]

# trees go over all rows of a call one after the other: so many rows stay in a core's cache, which
# takes half of the time
BLOCK_ROWS = 8_192
# estimators fitted, or blocks forecast, at a time: a third would only wait, and needs its memory
JOBS = min(2, os.cpu_count() or 1)


def predict_both(
    estimator: BaseEstimator, X: Columns, *, jobs: int = 1
) -> tuple[Values, Values | None]:
    """Return expected spend and purchase probability, both shape (rows,).

    An estimator with a `predict_both` of its own prepares its rows once for the two. The
    probability is None where the estimator has none.

    Parameters
    ----------
    jobs
        How many blocks of rows are forecast at a time.
    """
    if len(X) <= BLOCK_ROWS:
        return _predict_block(estimator, X)
    blocks = blocks_of(X)
    if jobs > 1:
        pool = Parallel(n_jobs=jobs, prefer="threads")
        outputs = pool(delayed(_predict_alone)(estimator, block) for block in blocks)
    else:
        outputs = [_predict_block(estimator, block) for block in blocks]
    spend = np.concatenate([block_spend for block_spend, _ in outputs])
    if outputs[0][1] is None:
        return spend, None
    return spend, np.concatenate([chance for _, chance in outputs])


def rows_of(X: Columns, rows: slice | NDArray[np.int64]) -> Columns:
    """Return some rows."""
    return X.take(rows) if isinstance(X, Features) else X.iloc[rows]


def blocks_of(X: Columns) -> list[Columns]:
    """Return the rows in blocks that a core's cache holds."""
    return [rows_of(X, slice(at, at + BLOCK_ROWS)) for at in range(0, len(X), BLOCK_ROWS)]


def _predict_alone(estimator: BaseEstimator, X: Columns) -> tuple[Values, Values | None]:
    # OpenMP has a limit of its own in every thread
    with threadpool_limits(limits=1):
        return _predict_block(estimator, X)


def _predict_block(estimator: BaseEstimator, X: Columns) -> tuple[Values, Values | None]:
    # not `isinstance`: on a single row a protocol's takes as long as a tree
    if hasattr(estimator, "predict_both"):
        return estimator.predict_both(X)
    chance = estimator.predict_purchase(X) if hasattr(estimator, "predict_purchase") else None
    spend = estimator.predict(X)
    if np.shape(spend) != (len(X),):
        raise CandidateError(
            f"predict() of {type(estimator).__name__} returns an array of shape {np.shape(spend)} "
            f"for {len(X):,} rows: one number for each is wanted"
        )
    return spend, chance
