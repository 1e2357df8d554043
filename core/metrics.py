"""How good a forecast is: every metric by one definition, for every model alike.

A column is judged by its own score: a mean by RMSE, R2, order and sums, a median by MAE and WAPE
(the mean is not the number with the smallest absolute error), a probability by Brier and AUC.

Undefined values are NaN, never a crash:

- all actuals zero: WAPE, R2, Gini, Spearman, top-10 % capture, decile error, sum ratio and AUC have
  nothing to be measured against;
- a constant forecast has no order, so no Spearman (its Gini and capture are those of chance);
- under ten rows there is no top 10 %;
- MAE and WAPE need a median, Brier a probability, AUC any score and both kinds of customer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Values = NDArray[np.float64]

# ties in a forecast fall at random, but the same way in every run
TIE_SEED = 0

# metric -> (what it says in plain words, where the best value lies)
EXPLAINED: dict[str, tuple[str, str]] = {
    "mae": ("average error of the typical value (the median), in money", "0"),
    "wape": ("sum of the typical value's errors as a share of what was really spent", "0"),
    "rmse": ("typical error in money, where large errors weigh more", "0"),
    "r2": ("share of the differences between customers that is explained", "1"),
    "gini": ("how well the big spenders come first (1 = perfect order, 0 = chance)", "1"),
    "spearman": ("how well the whole ranking agrees with what happened", "1"),
    "top10_capture": ("share of the money that the 10 % ranked highest spent", "1"),
    "decile_error": ("how far the sums are off in ten groups from low to high forecast", "0"),
    "sum_ratio": ("forecast total over actual total", "1"),
    "auc": ("chance that a buyer is ranked above a non-buyer", "1"),
    "brier": ("squared error of the purchase probability", "0"),
}
METRICS = tuple(EXPLAINED)
BEST_VALUE = {name: float(best) for name, (_, best) in EXPLAINED.items()}


@dataclass(frozen=True)
class Forecast:
    """What one model says of the test rows; all shape (rows,).

    Attributes
    ----------
    spend
        Expected spend, money. Below zero counts as zero.
    probability
        Of a purchase, if the model has one; else the spend is the score of the AUC.
    median
        The typical value, if the model has one. A simple baseline's one number stands for both.
    """

    spend: Values
    probability: Values | None = None
    median: Values | None = None


class Measured:
    """Forecasts of the same rows, sorted once, measured for any number of copies of each row.

    A bootstrap draws rows again and again, and most of the cost of measuring is sorting: a row that
    is drawn several times is counted several times where it stands, at a twentieth of the cost.

    Parameters
    ----------
    actual
        Spend that happened, shape (rows,).
    forecasts
        Of the same rows.
    metrics
        Names of `METRICS` to measure.
    """

    def __init__(
        self, actual: Values, forecasts: Sequence[Forecast], metrics: Sequence[str] = METRICS
    ) -> None:
        shuffled = _shuffled(len(actual))
        self._actual = actual
        self._bought = actual > 0
        self._best = _Descending(actual, actual, shuffled)
        self._level = _levels(actual)
        self._metrics = tuple(metrics)
        self._forecasts = [_Forecast(actual, forecast, shuffled) for forecast in forecasts]

    def measure(self, times: Values | None = None) -> Values:
        """Return the metrics where each row stands so many times; once by default.

        Returns
        -------
        ndarray
            Shape (forecasts, metrics).
        """
        if times is None:
            times = np.ones(len(self._actual))
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


def decile_of(forecast: Values) -> NDArray[np.int64]:
    """Number the rows 0 (lowest forecast) to 9 by tenths of their rank, ties in row order."""
    last_rank = max(len(forecast) - 1, 1)
    rank = np.empty(len(forecast), dtype=np.int64)
    rank[np.argsort(forecast, kind="stable")] = np.arange(len(forecast))
    # a rank on the border of two tenths belongs to the lower one; whole numbers, so no rounding
    return np.maximum(-(-rank * 10 // last_rank) - 1, 0)


def deciles(actual: Values, forecast: Values) -> pd.DataFrame:
    """Sum forecast and actual by tenth of the forecast.

    Returns
    -------
    DataFrame
        One row per decile (1 = lowest): customers, forecast, actual, all sums.
    """
    order = _shuffled(len(actual))
    frame = pd.DataFrame({"forecast": forecast[order], "actual": actual[order]})
    grouped = frame.groupby(decile_of(frame["forecast"].to_numpy()) + 1)
    sums = grouped.sum().assign(customers=grouped.size())
    return sums.rename_axis("decile").reset_index()[["decile", "customers", "forecast", "actual"]]


def evaluate(actual: Values, forecast: Forecast) -> dict[str, float]:
    """Measure one forecast.

    Parameters
    ----------
    actual
        Spend that happened, shape (rows,), not negative.

    Returns
    -------
    dict
        Every name of `METRICS`; NaN where the module's docstring says so.

    Raises
    ------
    ValueError
        If there are no rows, lengths differ, or a value is not finite.
    """
    actual = np.asarray(actual, dtype=np.float64)
    checked = Forecast(
        **{
            name: _checked(values, actual, name)
            for name, values in vars(forecast).items()
            if values is not None
        }
    )
    [measured] = Measured(actual, [checked]).measure()
    return dict(zip(METRICS, measured.tolist(), strict=True))


def normalised_gini(actual: Values, forecast: Values) -> float:
    """Return the area under the capture curve over chance, as a share of the best possible."""
    [[gini]] = Measured(actual, [Forecast(forecast)], ["gini"]).measure()
    return float(gini)


def spearman(actual: Values, forecast: Values) -> float:
    """Return the rank correlation; NaN where either side is constant."""
    once = np.ones(len(actual))
    return _correlation(_ranks(_levels(actual), once), _ranks(_levels(forecast), once), once)


def evaluation_table(actual: Values, forecasts: Mapping[str, Forecast]) -> pd.DataFrame:
    """Measure every model on the same rows: one row per model, one column per metric."""
    rows = {name: evaluate(actual, forecast) for name, forecast in forecasts.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(METRICS)).rename_axis("model")


def metric_text(name: str, value: float | None) -> str:
    """Return a metric as it is printed everywhere: money with one decimal, `-` where undefined."""
    if value is None or np.isnan(value):
        return "-"
    return f"{value:,.1f}" if name in ("mae", "rmse") else f"{value:.3f}"


def _shuffled(rows: int) -> NDArray[np.int64]:
    return np.random.default_rng(TIE_SEED).permutation(rows)


def _checked(values: Values, actual: Values, what: str) -> Values:
    values = np.asarray(values, dtype=np.float64)
    if len(actual) == 0:
        raise ValueError("there are no rows to evaluate")
    if values.shape != actual.shape:
        raise ValueError(f"{what} has shape {values.shape}, the actuals have {actual.shape}")
    if not np.isfinite(values).all() or not np.isfinite(actual).all():
        raise ValueError(f"{what} and actuals must be finite")
    return values


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
        self._spend, self._square = spend, error**2
        median = forecast.median
        self._distance = None if median is None else np.abs(np.maximum(median, 0.0) - actual)
        self._highest = _Descending(actual, spend, shuffled)
        self._level = _levels(spend)
        self._lowest = shuffled[np.argsort(spend[shuffled], kind="stable")]
        self._error = error[self._lowest]
        chance = forecast.probability
        self._score = _levels(forecast.spend if chance is None else chance)
        self._miss = None if chance is None else (chance - (actual > 0)) ** 2

    def mae(self, drawing: _Drawing) -> float:
        return self._share(drawing, self._distance, drawing.rows)

    def wape(self, drawing: _Drawing) -> float:
        return self._share(drawing, self._distance, drawing.total)

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
        # how many rows lie in the lowest tenth, the two lowest, ...: see `decile_of`
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
        return self._share(drawing, self._miss, drawing.rows)

    @staticmethod
    def _share(drawing: _Drawing, part: Values | None, total: float) -> float:
        return float("nan") if part is None else _ratio(float(drawing.times @ part), total)


def _ratio(part: float, total: float) -> float:
    return float(part / total) if total > 0 else float("nan")


def _levels(values: Values) -> NDArray[np.int64]:
    return np.unique(values, return_inverse=True)[1]


def _ranks(level: NDArray[np.int64], times: Values) -> Values:
    """Return ranks around their mean; equal values share the middle of theirs."""
    size = np.bincount(level, weights=times)
    middle: Values = np.cumsum(size) - (size + times.sum()) / 2
    return middle[level]


def _correlation(ranks: Values, other_ranks: Values, times: Values) -> float:
    weighted = times * ranks
    spread = (weighted @ ranks) * ((times * other_ranks) @ other_ranks)
    return float(weighted @ other_ranks / np.sqrt(spread)) if spread > 0 else float("nan")
