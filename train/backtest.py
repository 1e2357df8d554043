"""Forecast the past as it was: fit, choose, calibrate at many as-of dates, each from its past.

python train/backtest.py [--cuts 8] [--as-of DATE] [--seed N] [--quick]
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.progress import Progress

import warehouse
from run.bar import bar
from run.tables import metric_table, wide_console
from train import artefact, backtest_store, compare, dataset
from train.bootstrap import metric_intervals
from train.evaluation import METRICS, evaluation_table
from train.forecast import OutOfTime
from train.models import BASELINES, FULL, QUICK, Blend, Effort, candidates
from train.options import Quick, Seed

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
    """

    days: tuple[dt.date, ...]
    reused: tuple[dt.date, ...]
    tables: Mapping[dt.date, pd.DataFrame]
    chosen: Mapping[dt.date, str]

    @property
    def mean(self) -> pd.DataFrame:
        """Mean of each metric over the days."""
        return sum(self.tables.values()) / len(self.tables)

    def verdict(self) -> str:
        """Say in one sentence whether the model is worth it, against the best simple baseline."""
        mean = self.mean
        best = mean.loc[list(BASELINES), "rmse"].idxmin()
        gains = [f"{metric} {_gain(mean, best, metric):+.1%}" for metric in ("wape", "rmse")]
        wins = sum(
            bool(table.loc[PUBLISHED, "rmse"] < table.loc[best, "rmse"])
            for table in self.tables.values()
        )
        worth = "worth it" if wins * 2 > len(self.days) else "not worth it"
        return (
            f"The model is {worth}: against the best simple baseline ({best}) its errors are "
            f"{' and '.join(gains)}, its gini {mean.loc[PUBLISHED, 'gini']:.3f} against "
            f"{mean.loc[best, 'gini']:.3f}; its RMSE was smaller at {wins} of {len(self.days)} "
            "dates."
        )


def _gain(mean: pd.DataFrame, baseline: str, metric: str) -> float:
    return float(mean.loc[PUBLISHED, metric] / mean.loc[baseline, metric] - 1)


def backtest(
    as_of: dt.date | None = None,
    *,
    cuts: int = 8,
    seed: int = 0,
    quick: bool = False,
    progress: Progress | None = None,
) -> BacktestResult:
    """Forecast as of past days from what was known by each, and keep forecasts and metrics.

    A day that an earlier run forecast from the same data, features and candidates is not fitted
    again, so a run that was stopped goes on where it was.

    Parameters
    ----------
    as_of
        The day that counts as today; the mart's current as-of date by default.
    cuts
        How many days at most, the newest whose label windows do not overlap.
    seed, quick
        As in `train.learn.fit`.

    Raises
    ------
    HistoryError
        If there is too little history.
    """
    progress = progress or Progress(disable=True)
    contract = warehouse.contract()
    effort = QUICK if quick else FULL
    with warehouse.connect(read_only=True) as connection:
        schedule = dataset.schedule(connection, as_of)
        days = tuple(reversed(schedule.latest_cuts(cuts)))
        models = candidates(contract, horizon_days=schedule.horizon, seed=seed, effort=effort)
        known = dataset.fingerprints(connection, contract, schedule.labelled)
        common = {"contract": contract.hash, "seed": seed, **_made_by(effort)}
        identities = {
            day: artefact.version_name(
                day,
                common
                | {"data": dataset.joint_fingerprint(known, [*schedule.known_before(day), day])},
            )
            for day in days
        }
        found = {day: backtest_store.stored(connection, day, identities[day]) for day in days}
    reused = tuple(day for day in days if found[day])
    alone = sum(not isinstance(model, Blend) for model in models.values())
    task = progress.add_task("backtest", total=alone * (len(days) - len(reused)) + len(days))
    said: dict[dt.date, Mapping[str, OutOfTime]] = {}
    tables, measured, chosen = {}, {}, {}
    for number, day in enumerate(days):
        progress.update(task, description=f"forecasting as of {day}")
        snapshot = found[day]
        if snapshot is None:
            # what a fit on that day would have read, so no later row has a say in the sample
            past = schedule.known_before(day)
            with warehouse.connect(read_only=True) as connection:
                rows = dataset.read(
                    connection,
                    contract,
                    [*past, day],
                    limit=effort.rows_read,
                    whole=[day],
                    seed=seed,
                )
            [cut] = compare.fit_cuts(
                rows,
                {day: rows.sample().at(past)},
                models,
                lambda: progress.update(task, advance=1),
            )
            snapshot = backtest_store.Snapshot(rows.at([day]).customer_id, cut.out_of_time)
        # in the order of the candidates, which settles ties of the choice
        said[day] = {name: snapshot.said[name] for name in models}
        # as a fit does: the newest dates before it, newest first
        older = [said[one] for one in reversed(days[:number])][: 1 + dataset.VALIDATIONS]
        chosen[day] = _choice([tables[one] for one in reversed(days[:number])])
        published = compare.straightened(said[day], older)
        published[PUBLISHED] = published[chosen[day]]
        actual = next(iter(said[day].values())).actual
        with warehouse.connect() as connection:
            backtest_store.write(connection, day, identities[day], snapshot, published)
        tables[day] = evaluation_table(actual, published)
        measured[day] = metric_intervals(actual, published, BASELINES, seed=seed).assign(
            customers=len(actual)
        )
        progress.update(task, advance=1)
    with warehouse.connect() as connection:
        backtest_store.write_metrics(connection, measured)
    return BacktestResult(days, reused, tables, chosen)


def _choice(older: Sequence[pd.DataFrame]) -> str:
    models = [table.drop(index=PUBLISHED) for table in older[: dataset.VALIDATIONS]]
    return compare.choose(models)[0]


def _made_by(effort: Effort) -> dict[str, object]:
    """Return what tells the candidates of one day from those of another: effort and code."""
    code = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        code.update(file.read_bytes())
    return {"effort": asdict(effort), "code": code.hexdigest()}


def main(
    cuts: Annotated[int, typer.Option(min=1, help="How many past days at most.")] = 8,
    as_of: Annotated[
        dt.datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="As if this day were today (default: the mart's)."),
    ] = None,
    seed: Seed = 0,
    quick: Quick = False,
) -> None:
    """Forecast as of past days, each from what was known by then, and measure what came.

    Reads the feature mart (`make build` first); writes the tables backtest and backtest_metrics. A
    run that was stopped goes on where it was.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        with bar() as progress:
            day = as_of.date() if as_of else None
            result = backtest(day, cuts=cuts, seed=seed, quick=quick, progress=progress)
    except (warehouse.WarehouseError, dataset.HistoryError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from error
    console = wide_console()
    by_day = pd.DataFrame({day: table.loc[PUBLISHED] for day, table in result.tables.items()}).T
    by_day.index = [f"{day}: {result.chosen[day]}" for day in by_day.index]
    console.print(
        metric_table("As published, by as-of date and model chosen", by_day[list(METRICS)])
    )
    title = f"Mean over {len(result.days)} as-of dates"
    console.print(metric_table(title, result.mean, {PUBLISHED}))
    console.print(result.verdict())
    if len(result.days) < cuts:
        log.info("the mart has labels for %d such dates only", len(result.days))


if __name__ == "__main__":
    typer.run(main)
