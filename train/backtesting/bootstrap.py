"""How sure a metric is: the same customers drawn again and again, for all models alike."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from core.metrics import BEST_VALUE, METRICS, Forecast, Measured

Values = NDArray[np.float64]

REPLICATES = 100
COVERAGE = 0.9
# the quantiles between which `COVERAGE` of the draws lie
TAILS = ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2)


def drawings(customers: int, replicates: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Draw as many customers as there are, with replacement, again and again: their positions."""
    rng = np.random.default_rng(seed)
    for _ in range(replicates):
        yield rng.integers(0, customers, customers)


def metric_intervals(
    actual: Values,
    forecasts: Mapping[str, Forecast],
    baselines: Collection[str],
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure models on one snapshot, with bootstrap intervals (Efron 1979, percentiles).

    Customers are drawn with replacement, the same ones for every model, so that the difference
    between two models has an interval of its own, much narrower than those of the two. The month
    itself is not drawn again: what another month would bring shows between snapshots only.

    Parameters
    ----------
    actual
        Spend that happened, shape (rows,).
    forecasts
        By model.
    baselines
        The models that a difference is taken to: for each metric the best of them.

    Returns
    -------
    DataFrame
        One row per model and metric: model, metric, value, low, high, best_baseline, difference,
        difference_low, difference_high. An interval holds `COVERAGE` of the draws. A difference is
        value minus that of the best baseline;
        null where no baseline has the metric.
    """
    snapshot = Measured(actual, list(forecasts.values()))
    measured = snapshot.measure()
    # products this small are split over threads at a loss, and on a busy core wait for each other
    with threadpool_limits(limits=1):
        draws = np.stack(
            [
                snapshot.measure(np.bincount(rows, minlength=len(actual)).astype(np.float64))
                for rows in drawings(len(actual), replicates, seed)
            ]
        )
    names = list(forecasts)
    rivals = [names.index(name) for name in baselines]
    records = []
    for column, metric in enumerate(METRICS):
        distance = np.abs(measured[rivals, column] - BEST_VALUE[metric])
        # no baseline knows a probability
        best = None if np.isnan(distance).all() else rivals[int(np.nanargmin(distance))]
        for row, name in enumerate(names):
            value, drawn = measured[row, column], draws[:, row, column]
            if np.isnan(value):
                continue
            record = [name, metric, value, *np.nanquantile(drawn, TAILS)]
            if best is None:
                record += [None, np.nan, np.nan, np.nan]
            else:
                apart = np.nanquantile(drawn - draws[:, best, column], TAILS)
                record += [names[best], value - measured[best, column], *apart]
            records.append(record)
    columns = ["model", "metric", "value", "low", "high", "best_baseline"]
    columns += ["difference", "difference_low", "difference_high"]
    return pd.DataFrame.from_records(records, columns=columns)
