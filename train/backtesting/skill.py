"""Whether a model is worth having, against the best forecast that anybody could make by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.metrics import Forecast
from train.backtesting.bootstrap import COVERAGE
from train.backtesting.compare import RANKED
from train.backtesting.forecast_store import FoldForecasts
from train.candidates.models import BASELINES
from train.registry.promotion import Pair, compare, log_errors


@dataclass(frozen=True)
class Worth:
    """How much larger a model's errors are than those of the best simple baseline, in logs.

    Attributes
    ----------
    baseline
        The one with the smallest errors.
    difference, low, high
        As `train.registry.promotion.compare` says, with the interval of a bootstrap of customers.
    dates
        How many as-of dates were measured.
    """

    baseline: str
    difference: float
    low: float
    high: float
    dates: int

    def __str__(self) -> str:
        """Say it in one sentence."""
        verdict = "worth it" if self.high < 0 else "not worth it"
        if self.low < 0 <= self.high:
            verdict = "not clearly worth it"
        word = "smaller" if self.difference < 0 else "larger"
        ends = sorted(-np.expm1([self.low, self.high]))
        return (
            f"The model is {verdict}: its errors are {abs(np.expm1(self.difference)):.1%} {word} "
            f"than those of the best simple baseline ({self.baseline}); with a chance of "
            f"{COVERAGE:.0%} {ends[0]:.1%} to {ends[1]:.1%} smaller. Errors are the mean over "
            f"RMSE, 1 - Gini, 1 - Spearman and decile error at {self.dates} dates."
        )


def worth(
    mean: pd.DataFrame,
    published: str,
    snapshots: Mapping[dt.date, FoldForecasts],
    forecasts: Mapping[dt.date, Mapping[str, Forecast]],
    seed: int = 0,
) -> Worth:
    """Compare what was published with the best simple baseline.

    Parameters
    ----------
    mean
        Mean metrics, a row per model.
    published
        Name of the row, and of the forecasts, to compare.
    snapshots, forecasts
        By as-of date: what happened, and what each model forecast.
    """
    measured = mean.loc[list(BASELINES), list(RANKED)]
    errors = [log_errors(row[None, :]).mean() for row in measured.to_numpy(dtype=float)]
    baseline = BASELINES[int(np.argmin(errors))]
    pairs = [
        Pair(
            snapshot.customers,
            snapshot.actual,
            forecasts[day][published].spend,
            forecasts[day][baseline].spend,
        )
        for day, snapshot in snapshots.items()
    ]
    return Worth(baseline, *compare(pairs, seed), len(pairs))
