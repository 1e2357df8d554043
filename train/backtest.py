"""Forecast the past as it was: fit, choose, calibrate at many as-of dates, each from its past.

python train/backtest.py [--folds 8] [--as-of DATE] [--seed N] [--quick]
    [--candidate my_module:make]
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from numpy.typing import NDArray
from rich.progress import Progress

import warehouse
from core.bar import bar
from core.doubt import evaluate_doubt
from core.expected_errors import expected_errors
from core.metrics import METRICS, Forecast, evaluation_table
from core.tables import metric_table, wide_console
from train import dataset
from train.backtesting import backtest_store, compare
from train.backtesting.bootstrap import metric_intervals
from train.backtesting.forecast_store import FoldForecasts
from train.backtesting.rolling import Rolling
from train.backtesting.skill import Worth, worth
from train.candidates.models import BASELINES, EVERYTHING, QUICK, RARELY_BEST, Effort
from train.candidates.own import load_own
from train.forecaster import Calibration, OutOfTime
from train.options import AsOf, Own, Quick, Seed

Values = NDArray[np.float64]

log = logging.getLogger(__name__)

# what was published: at each date the model chosen, and calibrated, on the dates before it
PUBLISHED = "as published"


@dataclass(frozen=True)
class BacktestResult:
    """What a backtest found.

    Attributes
    ----------
    days
        As-of dates forecast, oldest first.
    reused
        Those that an earlier run had left.
    tables
        By day: one row per model, one column per metric; `PUBLISHED` is the last model.
    chosen
        By day: the model that was published.
    worth
        Whether it is worth having.
    """

    days: tuple[dt.date, ...]
    reused: tuple[dt.date, ...]
    tables: Mapping[dt.date, pd.DataFrame]
    chosen: Mapping[dt.date, str]
    worth: Worth

    @property
    def mean(self) -> pd.DataFrame:
        """Mean of each metric over the days."""
        return mean_table(self.tables)


def backtest(
    as_of: dt.date | None = None,
    *,
    folds: int = 8,
    seed: int = 0,
    effort: Effort = EVERYTHING,
    own: Sequence[str] = (),
    progress: Progress | None = None,
) -> BacktestResult:
    """Forecast as of past days from what was known by each, and keep forecasts and metrics.

    A day that an earlier run forecast from the same data, features and candidates is not fitted
    again, so a run that was stopped goes on where it was.

    Parameters
    ----------
    as_of
        The day that counts as today; the mart's current as-of date by default.
    folds
        How many days at most, the newest whose label windows do not overlap.
    seed
        As in `train.learn.fit`.
    effort
        How much is spent on each date; what a fit tries decides what is published.
    own
        As in `train.learn.fit`.

    Raises
    ------
    HistoryError
        If there is too little history.
    CandidateError
        If a candidate of one's own cannot be used.
    """
    progress = progress or Progress(disable=True)
    own_candidates = load_own(own)
    with warehouse.connect(read_only=True) as connection:
        schedule = dataset.schedule(connection, as_of)
        if not warehouse.has_table(connection, "main", "backtest_dates"):
            raise warehouse.WarehouseError(
                f"{warehouse.path()} was built by an earlier version: run `make build`"
            )
    rolling = Rolling.of(schedule, effort, seed, own_candidates)
    days = tuple(reversed(schedule.latest_folds(folds)))
    kept = rolling.kept(days)
    task = progress.add_task("backtest", total=rolling.fits * (len(days) - len(kept)) + len(days))
    past_forecasts: list[Mapping[str, OutOfTime]] = []
    snapshots: dict[dt.date, FoldForecasts] = {}
    forecasts: dict[dt.date, dict[str, Forecast]] = {}
    tables: dict[dt.date, pd.DataFrame] = {}
    chosen: dict[dt.date, str] = {}
    rows_by_table: dict[str, dict[dt.date, pd.DataFrame]] = {
        name: {} for name in backtest_store.TABLES
    }
    progress.update(task, description=f"forecasting as of {days[0]}")
    for fold in rolling.forecast_all(days, lambda: progress.update(task, advance=1)):
        day, forecasts_of_day = fold.day, fold.forecasts
        # as a fit does: what was known by then, newest first
        older, skills = past_forecasts[::-1], list(tables.values())[::-1]
        # among those that a fit tries
        left_out = [PUBLISHED, *RARELY_BEST]
        in_a_fit = [table.drop(index=left_out, errors="ignore") for table in skills]
        chosen[day] = compare.choose(in_a_fit)[0]
        calibrated = compare.calibrated(forecasts_of_day.by_model, older)
        calibration = compare.calibration(chosen[day], older)
        raw = forecasts_of_day.by_model[chosen[day]]
        published = calibration.straighten(raw.spend, raw.probability)
        calibrated[PUBLISHED] = Forecast(
            published["predicted_30d_spend"],
            published["purchase_probability"],
            published["spend_p50"],
        )
        tables[day] = evaluation_table(forecasts_of_day.actual, calibrated)
        rows_by_table["backtest"][day] = _forecasts(forecasts_of_day, calibrated, published)
        rows_by_table["backtest_metrics"][day] = pd.concat(
            [
                metric_intervals(forecasts_of_day.actual, calibrated, BASELINES, seed=seed),
                _doubt_metrics(forecasts_of_day.actual, published, calibration),
            ]
        ).assign(customers=len(forecasts_of_day.actual))
        rows_by_table["backtest_dates"][day] = pd.DataFrame(
            [{"chosen": chosen[day], **calibration.doubt.columns(raw.level_variance)}]
        )
        past_forecasts.append(forecasts_of_day.by_model)
        snapshots[day], forecasts[day] = forecasts_of_day, calibrated
        progress.update(task, advance=1, description=f"forecast as of {day}")
    with warehouse.writer() as connection:
        backtest_store.write(connection, rows_by_table)
    mean = mean_table(tables)
    measured_worth = worth(mean, PUBLISHED, snapshots, forecasts, seed)
    return BacktestResult(days, tuple(kept), tables, chosen, measured_worth)


def mean_table(tables: Mapping[dt.date, pd.DataFrame]) -> pd.DataFrame:
    """Return the mean of each metric over the days."""
    return compare.mean_of(tables.values())


def _forecasts(
    forecasts_of_day: FoldForecasts,
    forecasts: Mapping[str, Forecast],
    published: Mapping[str, Values],
) -> pd.DataFrame:
    """Return one row per model and customer; `PUBLISHED` has intervals too."""
    common = {"customer_id": forecasts_of_day.customers, "actual": forecasts_of_day.actual}
    frames = [
        pd.DataFrame(
            common
            | {
                "model": name,
                "forecast": forecast.spend,
                "purchase_probability": forecast.probability,
            }
        )
        for name, forecast in forecasts.items()
        if name != PUBLISHED
    ]
    names = {"predicted_30d_spend": "forecast"}
    published_columns = {names.get(name, name): values for name, values in published.items()}
    return pd.concat(
        [*frames, pd.DataFrame(common | {"model": PUBLISHED} | published_columns)],
        ignore_index=True,
    )


def _doubt_metrics(
    actual: Values, published: Mapping[str, Values], calibration: Calibration
) -> pd.DataFrame:
    measured = evaluate_doubt(actual, published, calibration.quantiles(published))
    return pd.DataFrame(
        {"model": PUBLISHED, "metric": list(measured), "value": list(measured.values())}
    ).dropna()


@expected_errors()
def main(
    folds: Annotated[
        int, typer.Option("--folds", "--cuts", min=1, help="How many past days at most.")
    ] = 8,
    as_of: AsOf = None,
    seed: Seed = 0,
    quick: Quick = False,
    candidate: Own = None,
) -> None:
    """Forecast as of past days, each from what was known by then, and measure what came.

    Reads the feature mart (`make build` first); writes the tables backtest and backtest_metrics. A
    run that was stopped goes on where it was.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with bar() as progress:
        day = as_of.date() if as_of else None
        result = backtest(
            day,
            folds=folds,
            seed=seed,
            effort=QUICK if quick else EVERYTHING,
            own=candidate or (),
            progress=progress,
        )
    console = wide_console()
    by_day = pd.DataFrame({day: table.loc[PUBLISHED] for day, table in result.tables.items()}).T
    by_day.index = [f"{day}: {result.chosen[day]}" for day in by_day.index]
    console.print(
        metric_table("As published, by as-of date and model chosen", by_day[list(METRICS)])
    )
    title = f"Mean over {len(result.days)} as-of dates"
    console.print(metric_table(title, result.mean, {PUBLISHED}))
    console.print(str(result.worth))
    if len(result.days) < folds:
        log.info("the mart has labels for %d such dates only", len(result.days))


if __name__ == "__main__":
    typer.run(main)
