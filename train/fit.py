"""Fit the forecast; it becomes the warehouse's champion unless it is worse than the present one.

python train/fit.py [--as-of DATE] [--seed N] [--quick] [--no-promote]
    [--candidate my_module:make] [--mlflow sqlite:///runs.db]
python train/fit.py --promote VERSION
python train/fit.py --rollback
python train/fit.py --trust VERSION
"""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import warehouse
from core.expected_errors import expected_errors
from core.tables import metric_table, wide_console
from train.learn import FitResult, fit
from train.options import AsOf, Own, Quick, Seed
from train.registry import card, tracking, versions
from train.registry.promotion import CHAMPION

__all__ = ["FitResult", "fit", "main"]

log = logging.getLogger(__name__)


class ScoringError(warehouse.ShopError):
    """The new champion has not scored; the message says what to do."""


def score_again() -> None:
    """Let the new champion make the stored forecasts, reasons and marts: `make score`.

    Those who serve answer with the model of the stored forecasts. Nothing is done where none are
    stored yet.

    Raises
    ------
    ScoringError
        If it fails; the version is the champion all the same.
    """
    # takes seconds to import, and the log for itself
    from core import dbt_runner

    with warehouse.connect(read_only=True) as connection:
        if not warehouse.has_table(connection, "main", "scoring_runs"):
            return
        [(runs,)] = connection.execute("select count(*) from main.scoring_runs").fetchall()
    if not runs:
        return
    # commands of rooms above this one, which import it
    for command in ("score.py", "explain.py"):
        if subprocess.run([sys.executable, warehouse.ROOT / "serve" / command]).returncode:
            raise ScoringError(f"serve/{command} failed, as above: mend that, then `make score`")
    dbt_runner.build(select=dbt_runner.WRITTEN_BY_PYTHON)
    log.info("the current date is scored anew with it")


@expected_errors()
def main(
    as_of: AsOf = None,
    seed: Seed = 0,
    quick: Quick = False,
    candidate: Own = None,
    no_promote: Annotated[
        bool,
        typer.Option(
            "--no-promote", help="Whatever it earns, leave the champion and the report as they are."
        ),
    ] = False,
    promote: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Fit nothing; make this version the champion."),
    ] = None,
    rollback: Annotated[
        bool,
        typer.Option(
            "--rollback", help="Fit nothing; make the version the champion that was it before."
        ),
    ] = False,
    no_score: Annotated[
        bool,
        typer.Option(
            "--no-score", help="With --promote or --rollback: leave the stored forecasts alone."
        ),
    ] = False,
    trust: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION",
            help="Fit nothing; let this version be used though it was not fitted here: it is code.",
        ),
    ] = None,
    mlflow: Annotated[
        str | None,
        typer.Option(
            metavar="URI",
            envvar="MLFLOW_TRACKING_URI",
            help="Log the fit as a run in this MLflow store too, like sqlite:///runs.db.",
        ),
    ] = None,
) -> None:
    """Fit the forecast of the next 30 days of spend.

    Reads the feature mart (`make build` first), compares all candidates out of time, saves the
    chosen one as a version under models/ and a report under reports/, both beside the warehouse.
    The version becomes the champion, which `serve/score.py` uses, unless it is worse than the
    present one beyond noise; then it is kept as a challenger. With --quick or --no-promote it
    always is, and its report lies apart, in reports/trial/.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if (promote is not None) + (trust is not None) + rollback + no_promote > 1:
        raise typer.BadParameter(
            "--promote, --rollback, --trust and --no-promote exclude each other"
        )
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    if trust is not None:
        log.info(card.accept(trust))
        return
    if promote is not None or rollback:
        log.info(versions.roll_back() if promote is None else versions.promote(promote))
        if not no_score:
            score_again()
        return
    # opened before the fit: what is missing shows at once
    tracker = tracking.Tracker(mlflow) if mlflow else None
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        day = as_of.date() if as_of else None
        result = fit(
            day,
            seed=seed,
            quick=quick,
            promote=not no_promote,
            own=candidate or (),
            progress=progress,
        )
    run = tracker.log(result.folder, result.verdict, result.report) if tracker else None
    title = f"Models on the {warehouse.HORIZON_DAYS} days from {result.test}, chosen before them"
    wide_console().print(metric_table(title, result.evaluation, {result.chosen}))
    log.info("chosen: %s, fitted on %d rows", result.chosen, result.rows)
    log.info("model:  %s", result.folder)
    log.info("report: %s", result.report)
    if run:
        log.info("run:    %s in %s", run, tracking.without_password(mlflow or ""))
    if result.verdict.status == CHAMPION:
        log.info("%s is the champion: %s", result.version, result.verdict.reason)
    else:
        log.info("%s is kept as a challenger: %s", result.version, result.verdict.reason)
        log.info("to use it all the same: python train/fit.py --promote %s", result.version)


if __name__ == "__main__":
    typer.run(main)
