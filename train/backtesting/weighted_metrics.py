"""Metrics of forecasts for customers drawn with replacement, without sorting each drawing anew.

`core.metrics.evaluate` on the drawn rows says the same at twenty times the cost, most of which
is sorting; here a row that is drawn several times is counted several times where it stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.metrics import METRICS, TIE_SEED, Forecast

Values = NDArray[np.float64]


class Drawn:
    """Forecasts of one snapshot, sorted once.

    Parameters
    ----------
    actual
        Spend that happened, shape (rows,).
    forecasts
        What was forecast of the same rows. Spend below zero counts as zero.
    metrics
        Names of `core.metrics.METRICS` to measure.
    """

    def __init__(
        self, actual: Values, forecasts: Sequence[Forecast], metrics: Sequence[str] = METRICS
    ) -> None:
        # ties fall as they do in `evaluate`
        shuffled = np.random.default_rng(TIE_SEED).permutation(len(actual))
        self._actual = actual
        self._bought = actual > 0
        self._best = _Descending(actual, actual, shuffled)
        self._level = _levels(actual)
        self._metrics = tuple(metrics)
        self._forecasts = [_Forecast(actual, forecast, shuffled) for forecast in forecasts]

    def measure(self, times: Values) -> Values:
        """Return the metrics where each row stands so many times.

        Returns
        -------
        ndarray
            Shape (forecasts, metrics); NaN where `evaluate` has none.
        """
        drawing = _Drawing(
            times,
            rows=float(times.sum()),
            total=float(times @ self._actual),
            square=float(times @ self._actual**2),
            bought=times * self._bought,
            best_area=self._best.capture_area(times),
            ranks=_ranks(self._level, times),
        )
        return np.array(
            [
                [getattr(forecast, name)(drawing) for name in self._metrics]
                for forecast in self._forecasts
            ]
        )


@dataclass(frozen=True)
class _Drawing:
    """What all forecasts have in common in one drawing."""

    times: Values
    rows: float
    total: float
    square: float
    bought: Values
    best_area: float
    ranks: Values


class _Descending:
    """Spend in the order of a forecast, highest first."""

    def __init__(self, actual: Values, by: Values, shuffled: NDArray[np.int64]) -> None:
        self._order = shuffled[np.argsort(-by[shuffled], kind="stable")]
        self._actual = actual[self._order]

    def capture_area(self, times: Values) -> float:
        times = times[self._order]
        gained = times * self._actual
        captured = np.cumsum(gained)
        if captured[-1] <= 0:
            return float("nan")
        # a row that stands k times adds its spend once, twice, ... k times to what was captured
        area = times @ captured - gained @ (times - 1) / 2
        return float(area / captured[-1] / times.sum() - 0.5)

    def captured(self, times: Values, rows: int) -> float:
        """Return the spend of so many rows, the highest."""
        times = times[self._order]
        stand = np.cumsum(times)
        place = int(np.searchsorted(stand, rows))
        with_last = float(times[: place + 1] @ self._actual[: place + 1])
        return with_last - float((stand[place] - rows) * self._actual[place])


class _Forecast:
    """One forecast, with what does not hang on who is drawn; each metric is a method."""

    def __init__(self, actual: Values, forecast: Forecast, shuffled: NDArray[np.int64]) -> None:
        spend = np.maximum(forecast.spend, 0.0)
        error = spend - actual
        self._spend, self._distance, self._square = spend, np.abs(error), error**2
        self._highest = _Descending(actual, spend, shuffled)
        self._level = _levels(spend)
        self._lowest = shuffled[np.argsort(spend[shuffled], kind="stable")]
        self._error = error[self._lowest]
        chance = forecast.probability
        self._score = _levels(forecast.spend if chance is None else chance)
        self._miss = None if chance is None else (chance - (actual > 0)) ** 2

    def mae(self, drawing: _Drawing) -> float:
        return float(drawing.times @ self._distance / drawing.rows)

    def wape(self, drawing: _Drawing) -> float:
        return _ratio(float(drawing.times @ self._distance), drawing.total)

    def rmse(self, drawing: _Drawing) -> float:
        return float(np.sqrt(drawing.times @ self._square / drawing.rows))

    def r2(self, drawing: _Drawing) -> float:
        spread = drawing.square - drawing.total**2 / drawing.rows
        return 1 - _ratio(float(drawing.times @ self._square), spread)

    def gini(self, drawing: _Drawing) -> float:
        return _ratio(self._highest.capture_area(drawing.times), drawing.best_area)

    def spearman(self, drawing: _Drawing) -> float:
        return _correlation(drawing.ranks, _ranks(self._level, drawing.times), drawing.times)

    def top10_capture(self, drawing: _Drawing) -> float:
        tenth = int(drawing.rows) // 10
        captured = self._highest.captured(drawing.times, tenth) if tenth else float("nan")
        return _ratio(captured, drawing.total)

    def decile_error(self, drawing: _Drawing) -> float:
        times = drawing.times[self._lowest]
        stand, sums = np.cumsum(times), np.cumsum(times * self._error)
        # how many rows lie in the lowest tenth, the two lowest, ...: see `evaluation.decile_of`
        until = np.arange(1, 11) * (stand[-1] - 1) // 10 + 1
        place = np.searchsorted(stand, until)
        # a row whose copies lie on both sides of a border counts on each with those that do
        errors = np.diff(sums[place] - (stand[place] - until) * self._error[place], prepend=0.0)
        return _ratio(np.abs(errors).sum(), drawing.total)

    def sum_ratio(self, drawing: _Drawing) -> float:
        return _ratio(float(drawing.times @ self._spend), drawing.total)

    def auc(self, drawing: _Drawing) -> float:
        # the mean rank of buyers above that of all (Mann and Whitney 1947)
        buyers = drawing.bought.sum()
        above = float(drawing.bought @ _ranks(self._score, drawing.times))
        return 0.5 + _ratio(above, buyers * (drawing.rows - buyers))

    def brier(self, drawing: _Drawing) -> float:
        if self._miss is None:
            return float("nan")
        return _ratio(float(drawing.times @ self._miss), drawing.rows)


def _ratio(part: float, total: float) -> float:
    return float(part / total) if total > 0 else float("nan")


def _levels(values: Values) -> NDArray[np.int64]:
    return np.unique(values, return_inverse=True)[1]


def _ranks(level: NDArray[np.int64], times: Values) -> Values:
    """Return ranks around their mean; equal values share the middle of theirs."""
    size = np.bincount(level, weights=times)
    return (np.cumsum(size) - (size + times.sum()) / 2)[level]


def _correlation(ranks: Values, other_ranks: Values, times: Values) -> float:
    weighted = times * ranks
    spread = (weighted @ ranks) * ((times * other_ranks) @ other_ranks)
    return float(weighted @ other_ranks / np.sqrt(spread)) if spread > 0 else float("nan")
