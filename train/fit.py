"""Fit the forecast and make it the warehouse's champion.

python train/fit.py [--as-of DATE] [--seed N] [--quick]
"""

from __future__ import annotations

import datetime as dt
import logging
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import warehouse
from run.tables import metric_table, wide_console
from train import artefact, dataset, leak_alarm
from train.learn import FitResult, fit
from train.options import Quick, Seed

__all__ = ["FitResult", "fit", "main"]

log = logging.getLogger(__name__)


def main(
    as_of: Annotated[
        dt.datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"], help="Learn as if this day were today (default: the mart's)."
        ),
    ] = None,
    seed: Seed = 0,
    quick: Quick = False,
) -> None:
    """Fit the forecast of the next 30 days of spend and make it the warehouse's champion.

    Reads the feature mart (`make build` first), compares all candidates out of time, saves the
    chosen one as a version under models/ and a report under reports/, both beside the warehouse.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    try:
        with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
            day = as_of.date() if as_of else None
            result = fit(day, seed=seed, quick=quick, progress=progress)
    except (
        warehouse.WarehouseError,
        dataset.HistoryError,
        leak_alarm.LeakError,
        artefact.ArtefactError,
    ) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from error
    title = f"Models on the 30 days from {result.test}, chosen before them"
    wide_console().print(metric_table(title, result.evaluation, {result.chosen}))
    log.info("chosen: %s, fitted on %d rows", result.chosen, result.rows)
    log.info("model:  %s", result.folder)
    log.info("report: %s", result.report)


if __name__ == "__main__":
    typer.run(main)
