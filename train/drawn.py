"""Metrics of forecasts for customers drawn with replacement, without sorting each drawing anew.

`train.evaluation.evaluate` on the drawn rows says the same at twenty times the cost, most of which
is sorting; here a row that is drawn several times is counted several times where it stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from train.bootstrap import TAILS, drawings
from train.evaluation import TIE_SEED

Values = NDArray[np.float64]

MEASURED = ("wape", "rmse", "gini", "spearman", "decile_error")


class Drawn:
    """Forecasts of one snapshot, sorted once.

    Parameters
    ----------
    actual
        Spend that happened, shape (rows,).
    forecasts
        Spend that was forecast, each of the same shape. Below zero counts as zero.
    """

    def __init__(self, actual: Values, forecasts: Sequence[Values]) -> None:
        # ties fall as they do in `evaluate`
        shuffled = np.random.default_rng(TIE_SEED).permutation(len(actual))
        self._actual = actual
        self._best = _Descending(actual, actual, shuffled)
        self._level = _levels(actual)
        self._forecasts = [
            _Forecast(actual, np.maximum(forecast, 0.0), shuffled) for forecast in forecasts
        ]

    def measure(self, times: Values) -> Values:
        """Return `MEASURED` where each row stands so many times.

        Returns
        -------
        ndarray
            Shape (forecasts, metrics); NaN where nothing was spent, or a side has no order.
        """
        rows, total = times.sum(), times @ self._actual
        if total <= 0:
            return np.full((len(self._forecasts), len(MEASURED)), np.nan)
        best = self._best.capture_area(times)
        ranked = _ranks(self._level, times)
        return np.array(
            [
                [
                    times @ one.distance / total,
                    np.sqrt(times @ one.square / rows),
                    one.highest.capture_area(times) / best if best > 0 else np.nan,
                    _correlation(ranked, _ranks(one.level, times), times),
                    np.abs(one.decile_errors(times)).sum() / total,
                ]
                for one in self._forecasts
            ]
        )


def intervals(
    actual: Values, forecasts: Mapping[str, Values], *, replicates: int, seed: int = 0
) -> pd.DataFrame:
    """Measure forecasts of one snapshot, with bootstrap intervals.

    Returns
    -------
    DataFrame
        One row per forecast and metric of `MEASURED`: model, metric, value, low, high; the interval
        holds `train.bootstrap.COVERAGE` of the drawings of customers.
    """
    snapshot = Drawn(actual, list(forecasts.values()))
    whole = snapshot.measure(np.ones(len(actual)))
    drawn = [
        snapshot.measure(np.bincount(chosen, minlength=len(actual)).astype(np.float64))
        for chosen in drawings(len(actual), replicates, seed)
    ]
    low, high = np.nanquantile(drawn, TAILS, axis=0)
    return pd.DataFrame(
        [
            (model, metric, whole[row, column], low[row, column], high[row, column])
            for row, model in enumerate(forecasts)
            for column, metric in enumerate(MEASURED)
        ],
        columns=["model", "metric", "value", "low", "high"],
    )


class _Descending:
    """Spend in the order of a forecast, highest first."""

    def __init__(self, actual: Values, by: Values, shuffled: NDArray[np.int64]) -> None:
        self._order = shuffled[np.argsort(-by[shuffled], kind="stable")]
        self._actual = actual[self._order]

    def capture_area(self, times: Values) -> float:
        times = times[self._order]
        gained = times * self._actual
        captured = np.cumsum(gained)
        # a row that stands k times adds its spend once, twice, ... k times to what was captured
        area = times @ captured - gained @ (times - 1) / 2
        return float(area / captured[-1] / times.sum() - 0.5)


class _Forecast:
    """What of a forecast does not hang on who is drawn."""

    def __init__(self, actual: Values, spend: Values, shuffled: NDArray[np.int64]) -> None:
        error = spend - actual
        self.distance, self.square = np.abs(error), error**2
        self.highest = _Descending(actual, spend, shuffled)
        self.level = _levels(spend)
        self._lowest = shuffled[np.argsort(spend[shuffled], kind="stable")]
        self._error = error[self._lowest]

    def decile_errors(self, times: Values) -> Values:
        times = times[self._lowest]
        stand, sums = np.cumsum(times), np.cumsum(times * self._error)
        # how many rows lie in the lowest tenth, the two lowest, ...: see `evaluation.decile_of`
        until = np.arange(1, 11) * (stand[-1] - 1) // 10 + 1
        place = np.searchsorted(stand, until)
        # a row whose copies lie on both sides of a border counts on each with those that do
        return np.diff(sums[place] - (stand[place] - until) * self._error[place], prepend=0.0)


def _levels(values: Values) -> NDArray[np.int64]:
    return np.unique(values, return_inverse=True)[1]


def _ranks(level: NDArray[np.int64], times: Values) -> Values:
    """Return ranks around their mean; equal values share the middle of theirs."""
    size = np.bincount(level, weights=times)
    return (np.cumsum(size) - (size + times.sum()) / 2)[level]


def _correlation(one: Values, other: Values, times: Values) -> float:
    weighted = times * one
    spread = (weighted @ one) * ((times * other) @ other)
    return float(weighted @ other / np.sqrt(spread)) if spread > 0 else float("nan")
