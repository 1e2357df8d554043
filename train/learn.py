"""Learn from the feature mart: compare, choose, refit, save, report.

python train/fit.py [--as-of DATE] [--seed N] [--quick] [--no-promote] [--candidate my_module:make]
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pandas as pd
from rich.progress import Progress
from sklearn.base import BaseEstimator

import warehouse
from core.doubt import evaluate_doubt
from core.metrics import Forecast
from pages import report
from train import dataset, horizons, leak_alarm
from train.backtesting import compare
from train.backtesting.bootstrap import metric_intervals
from train.backtesting.forecast_store import FoldForecasts
from train.backtesting.rolling import FittedFold, Fold, Rolling
from train.candidates.level import Levelled
from train.candidates.models import BASELINES, FULL, QUICK, Blend, candidates
from train.candidates.own import hashes_of, load_own
from train.forecaster import Forecaster
from train.horizons import Horizons
from train.reasons.importance import permutation_importance
from train.registry import artefact, promotion, versions

REPLICATES = 60
# where the report of a fit lies that may not become the champion: published ones stay as they are
TRIAL = "trial"


@dataclass(frozen=True)
class FitResult:
    """What a fit made, for whoever prints a summary.

    Attributes
    ----------
    version, folder
        The saved artefact.
    chosen
        Name of the chosen candidate.
    evaluation
        One row per model, one column per metric, on the test snapshot.
    choice
        Mean metrics and ranks on the validation snapshots; empty without one.
    as_of, test, trained_on
        Day of the fit, the test snapshot, snapshots of the refit.
    rows
        Rows of the refit.
    importance
        Loss of Gini per feature when its values are shuffled on the test, largest first.
    verdict
        Whether it became the champion, and why.
    report
        The HTML page; that of a trial lies apart from the published one.
    """

    version: str
    folder: Path
    chosen: str
    evaluation: pd.DataFrame
    choice: pd.DataFrame
    as_of: dt.date
    test: dt.date
    trained_on: tuple[dt.date, ...]
    rows: int
    importance: pd.Series
    verdict: promotion.Verdict
    report: Path


def fit(
    as_of: dt.date | None = None,
    *,
    seed: int = 0,
    quick: bool = False,
    promote: bool = True,
    own: Sequence[str] = (),
    progress: Progress | None = None,
) -> FitResult:
    """Fit a model on the feature mart; the champion, unless it is worse than the present one.

    Parameters
    ----------
    as_of
        The day that counts as today: labels whose window ended later are not used. The mart's
        current as-of date by default.
    seed
        Seed of everything random; the same mart and seed give the same model to the last bit. A
        backtest in between adds dates to choose and calibrate on, which may give another one.
    quick
        A sample of the rows and few boosting rounds, to try things out; never the champion.
    promote
        Whether it may become the champion; else, as if quick, nothing that is published changes.
    own
        Candidates that are no part of the project: see `train.candidates.own.load_own`.
    progress
        A running rich progress bar to report to.

    Raises
    ------
    HistoryError
        If there is too little history.
    LeakError
        If a feature knows the future.
    CandidateError
        If a candidate of one's own cannot be used.
    """
    progress = progress or Progress(disable=True)
    barred = _barred(quick, promote)
    contract = warehouse.contract()
    effort = QUICK if quick else FULL
    own_candidates = load_own(own)
    with warehouse.connect(read_only=True) as connection:
        schedule = dataset.schedule(connection, as_of)
        drift = _drift(connection)
    rolling = Rolling.of(schedule, effort, seed, own_candidates)
    folds = schedule.latest_folds(1 + effort.validations)
    bar = progress.add_task("leak alarm", total=rolling.fits * len(folds) + 3)

    def check_rows(past: dataset.Rows, test: dataset.Rows) -> None:
        _check_purchases(past, folds[0])
        leak_alarm.check_leakage(past, test, contract.numeric, contract.categorical, seed)
        progress.update(bar, description="comparing the candidates")

    newest, older = _gather(rolling, folds, lambda: progress.update(bar, advance=1), check_rows)
    rolled = [newest, *older]
    by_fold = [fold.forecasts.by_model for fold in rolled]
    tables = [
        compare.evaluate_fold(forecasts, by_fold[i + 1 :]) for i, forecasts in enumerate(by_fold)
    ]
    chosen, choice = compare.choose(tables[1:])

    progress.update(bar, description=f"refitting {chosen} on all labels")
    with warehouse.connect(read_only=True) as connection:
        learned = dataset.read(
            connection, contract, schedule.labelled, limit=effort.rows_published, seed=seed
        )
    fingerprint = dataset.joint_fingerprint(rolling.fingerprints, schedule.labelled)
    all_rows = replace(effort, rows=effort.rows_published)
    final = candidates(
        contract,
        horizon_days=schedule.horizon,
        seed=seed,
        effort=all_rows,
        own=own_candidates,
    )
    refitted = _refit(final, chosen, learned)
    spend, purchase = refitted[chosen], compare.purchase_model(refitted, chosen)
    columns = (contract.numeric, contract.categorical)
    forecaster = Forecaster(spend, purchase, compare.calibration(chosen, by_fold), *columns)
    progress.update(bar, description="learning the longer horizons")
    # it holds a process of buyers, whichever was chosen
    buyers = refitted[compare.PURCHASE_MODEL]
    forecaster.horizons = _learn_horizons(forecaster, buyers, learned, schedule, seed)

    progress.update(bar, advance=1, description="importance of the features")
    tested = Forecaster(
        newest.fitted[chosen],
        compare.purchase_model(newest.fitted, chosen),
        compare.calibration(chosen, by_fold[1:]),
        *columns,
    )
    importance = permutation_importance(tested.spend, newest.test, seed=seed)

    progress.update(bar, advance=1, description="saving")
    parameters = {
        "seed": seed,
        "quick": quick,
        "chosen": chosen,
        "row_limit": effort.rows_published,
        "rows_compared": effort.rows,
    }
    if own_candidates:
        parameters["candidates"] = hashes_of(own_candidates)
    # what it was chosen and calibrated on is part of what it is
    past = {str(fold.day): fold.forecasts.identity for fold in rolled}
    identity = {"data": fingerprint, "contract": contract.hash, "past": past, **parameters}
    version = artefact.version_name(schedule.as_of, identity)
    card = {
        "version": version,
        "as_of": schedule.as_of,
        "horizon_days": schedule.horizon,
        "longer_horizons": {str(days): basis for days, basis in forecaster.horizons.basis.items()},
        "test_as_of_date": folds[0],
        "validation_as_of_dates": [fold.day for fold in rolled[1:]],
        "training_as_of_dates": list(schedule.labelled),
        "training_rows": len(learned),
        "data_fingerprint": fingerprint,
        "parameters": parameters,
        "chosen": chosen,
        "metrics": _for_json(tables[0]),
        "importance": {str(name): float(loss) for name, loss in importance.items()},
        "limits": [
            "a forecast for customers known on its as-of date; sales to later ones are not in it",
            f"longer horizons than {schedule.horizon} days carry its forecast on, as "
            "predictions_by_horizon says of each: learned, or extended by the process alone",
        ],
    }
    # the dates that the next fit will look at too
    snapshots = {fold.day: fold.forecasts for fold in rolled[: len(folds)]}
    tried = {
        day: compare.calibrated({chosen: forecasts[chosen]}, by_fold[i + 1 :])[chosen]
        for i, (day, forecasts) in enumerate(zip(snapshots, by_fold, strict=False))
    }
    proof = promotion.evidence(snapshots, tried)
    baseline, error_ratio = promotion.beside_best_baseline(tables[0], chosen)
    verdict = promotion.evaluate_challenger(
        version, proof, rolling.rows_of, contract, seed, barred=barred
    )
    folder = artefact.save(
        forecaster,
        card,
        contract,
        golden_rows=newest.test.X,
        evidence=proof,
        source=own_candidates[chosen].source if chosen in own_candidates else None,
    )
    saved = artefact.read_card(folder)
    with warehouse.writer() as connection:
        versions.enter(connection, saved, verdict)
    actual, forecast = newest.test.y, tested.predict(newest.test.X)
    published = {str(name): forecast[name].to_numpy() for name in forecast}
    page = report.write(
        report.Story(
            card=saved,
            status=f"{verdict.status} ({verdict.reason})",
            baseline=baseline,
            error_ratio=error_ratio,
            evaluation=promotion.by_merit(tables[0]),
            intervals=_intervals(newest.forecasts, chosen, forecast, tables[0], seed),
            history=pd.DataFrame(
                {fold.day: table.loc[chosen] for fold, table in zip(rolled, tables, strict=True)}
            ).T,
            doubt=evaluate_doubt(actual, published, tested.calibration.quantiles(published)),
            actual=actual,
            forecast=forecast,
            importance=importance,
            drivers={column.name: column.driver for column in contract.columns},
            drift=drift,
        ),
        warehouse.reports_dir() / (TRIAL if barred else ""),
    )
    progress.update(bar, advance=1, description="fitted")
    return FitResult(
        version=version,
        folder=folder,
        chosen=chosen,
        evaluation=tables[0],
        choice=choice,
        as_of=schedule.as_of,
        test=folds[0],
        trained_on=schedule.labelled,
        rows=len(learned),
        importance=importance,
        verdict=verdict,
        report=page,
    )


def _drift(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """Return what has moved since the model before this one learned, by `marts.forecast_drift`."""
    columns = "as_of_date, compared_with, dimension, member, money_explained, message"
    if not warehouse.has_table(connection, "marts", "forecast_drift"):
        return pd.DataFrame(columns=columns.split(", "))
    return connection.execute(
        f"""
        select {columns} from marts.forecast_drift
        where dimension = 'forecast' or is_unusual
        order by unusual_place nulls last, abs(money_explained) desc, member
        """
    ).df()


def _learn_horizons(
    forecaster: Forecaster,
    buyers: Levelled,
    learned: dataset.Rows,
    schedule: dataset.Schedule,
    seed: int,
) -> Horizons:
    rows = horizons.sample(learned, seed)
    with warehouse.connect(read_only=True) as connection:
        happened = horizons.read_windows(connection, rows, schedule.labelled)
    published = forecaster.predict(rows.X)
    return Horizons.learn(
        buyers,
        rows,
        published["predicted_30d_spend"].to_numpy(),
        published["purchase_probability"].to_numpy(),
        happened,
        (forecaster.calibration.spread, forecaster.calibration.intervals),
    )


def _barred(quick: bool, promote: bool) -> str | None:
    """Return why a fit may not become the champion, whatever it earns."""
    if quick:
        return "a quick fit never becomes the champion, fit without --quick for one that may"
    return None if promote else "--no-promote was asked for"


def _gather(
    rolling: Rolling,
    folds: Sequence[dt.date],
    done: Callable[[], None],
    check: Callable[[dataset.Rows, dataset.Rows], None],
) -> tuple[FittedFold, list[Fold]]:
    """Return the test, and the dates before it, newest first.

    Those before it are forecasts that a backtest has left, or made with less effort.
    """
    everything = rolling.schedule.latest_folds(len(rolling.schedule.labelled))
    lighter = rolling.lighter()
    [newest] = rolling.forecast(folds[:1], done, check)
    kept = lighter.kept(everything[1:]) | rolling.kept(everything[1:])
    missing = [day for day in folds[1:] if day not in kept]
    made = lighter.forecast(missing, done) if missing else []
    kept |= {fold.day: fold.forecasts for fold in made}
    older = itertools.takewhile(kept.__contains__, everything[1:])
    return newest, [Fold(day, kept[day]) for day in older]


def _intervals(
    snapshot: FoldForecasts,
    chosen: str,
    forecast: pd.DataFrame,
    evaluation: pd.DataFrame,
    seed: int,
) -> pd.DataFrame:
    """Measure the chosen model and the simple baseline with the best order, with intervals."""
    best = str(evaluation.loc[list(BASELINES), "gini"].fillna(0).idxmax())
    forecasts = {
        chosen: Forecast(
            forecast["predicted_30d_spend"].to_numpy(),
            forecast["purchase_probability"].to_numpy(),
            forecast["spend_p50"].to_numpy(),
        ),
        best: Forecast(snapshot.by_model[best].spend, median=snapshot.by_model[best].spend),
    }
    measured = metric_intervals(
        snapshot.actual, forecasts, [best], replicates=REPLICATES, seed=seed
    )
    return measured[measured["metric"].isin(compare.RANKED)]


def _check_purchases(past: dataset.Rows, fold: dt.date) -> None:
    if not (past.y > 0).any():
        raise dataset.nothing_bought(f"in the label windows before {fold}")


def _refit(
    models: dict[str, BaseEstimator], chosen: str, rows: dataset.Rows
) -> dict[str, BaseEstimator]:
    """Fit the chosen model, and the one that knows the purchase probability, on all labels."""
    candidate = models[chosen]
    blended = isinstance(candidate, Blend)
    members = [name for name, _ in candidate.members] if blended else [chosen]
    needed = list(dict.fromkeys([*members, compare.PURCHASE_MODEL]))
    results = compare.fit_all([(models[name], rows) for name in needed])
    fitted = dict(zip(needed, results, strict=True))
    if blended:
        fitted[chosen] = candidate.adopt(fitted)
    return fitted


def _for_json(table: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    with_nulls = table.astype(object).where(table.notna(), None)
    return {str(name): dict(row) for name, row in with_nulls.iterrows()}
