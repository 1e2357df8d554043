"""Fit every candidate at several folds in time, measure them all, choose one by a stated rule."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone
from threadpoolctl import threadpool_limits

from core.metrics import Forecast, evaluation_table
from train.candidates.inference import JOBS, predict_both
from train.candidates.level import Levelled
from train.candidates.models import BASELINES, BLEND, Blend, blended
from train.candidates.own import CandidateError
from train.dataset import Rows
from train.forecaster import Calibration, OutOfTime, level_variance

Values = NDArray[np.float64]
T = TypeVar("T")

# what the choice ranks by, and whether more is better
RANKED = {"rmse": False, "gini": True, "spearman": True, "decile_error": False}
SUM_RATIO_LIMITS = (0.9, 1.1)
# Mean ranks on few months are noisy: on two, another model must be better than the steadiest by
# this share of the number of models, more on one, and less by the square root of their number on
# more. At .07, and no more than that on one, a backtest of the generated shop published at its
# second date a model with an R2 of .218, where the blend has .352 and the best possible one .422
MARGIN = 0.1
# so many months before a forecast tell of its level, its probabilities and its doubt
CALIBRATION_MONTHS = 6

# a candidate whose probability stands in for those that have none
PURCHASE_MODEL = "zero-inflated log-normal"


@dataclass(frozen=True)
class FoldFit:
    """All candidates at one snapshot, fitted on what had matured by its day; by name."""

    fitted: dict[str, BaseEstimator]
    out_of_time: dict[str, OutOfTime]


def fit_all(tasks: Sequence[tuple[BaseEstimator, Rows]]) -> Iterator[BaseEstimator]:
    """Fit fresh copies side by side, each in one thread; yield them in order."""
    yield from _side_by_side(_fit_in_one_thread, tasks)


def fit_folds(
    folds: Sequence[tuple[Rows, Rows]],
    candidates: Mapping[str, BaseEstimator],
    done: Callable[[], None] = lambda: None,
) -> list[FoldFit]:
    """Fit all candidates for some snapshots and let them forecast these.

    Parameters
    ----------
    folds
        For each snapshot the rows to learn from, all of which had matured by its day, and its own.
    done
        Called once per fitted estimator.
    """
    alone = [name for name, candidate in candidates.items() if not isinstance(candidate, Blend)]
    # the last take longest: begun first, they leave no core idle in the end
    tasks = [(number, name) for name in alone[::-1] for number in range(len(folds))]
    results = _side_by_side(
        _fit_and_forecast, [(candidates[name], *folds[number]) for number, name in tasks]
    )
    results_by_fold: list[dict[str, tuple[BaseEstimator, Values, Values | None]]] = [
        {} for _ in folds
    ]
    for (number, name), result in zip(tasks, results, strict=True):
        _check_usable(name, result[1], result[2])
        results_by_fold[number][name] = result
        done()
    return [
        _fold_fit(results_of_fold, candidates, test)
        for results_of_fold, (_, test) in zip(results_by_fold, folds, strict=True)
    ]


def _side_by_side(work: Callable[..., T], tasks: Sequence[tuple]) -> Iterator[T]:
    """Do `JOBS` tasks at a time; yield what they return, in order.

    Boosting splits work this small over threads at a loss, and waits in vain for a busy core;
    different estimators share the cores instead.
    """
    # Some limits hold for the whole process: lifted by the task that ends first, they would let the
    # others split their sums, which changes last bits. So they stand around all tasks.
    with threadpool_limits(limits=1):
        pool = Parallel(n_jobs=JOBS, prefer="threads", return_as="generator")
        yield from pool(delayed(work)(*task) for task in tasks)


def _check_usable(name: str, spend: Values, chance: Values | None) -> None:
    """Refuse forecasts that would only fail later, and without the candidate's name."""
    if not np.isfinite(spend).all():
        raise CandidateError(f"candidate {name}: predict() returns numbers that are not finite")
    if chance is not None and not ((chance >= 0) & (chance <= 1)).all():
        raise CandidateError(
            f"candidate {name}: predict_purchase() returns what is no probability, not in [0, 1]"
        )


def _fit_in_one_thread(estimator: BaseEstimator, rows: Rows) -> BaseEstimator:
    # OpenMP has a limit of its own in every thread
    with threadpool_limits(limits=1):
        return _fit(estimator, rows)


def _fit_and_forecast(
    estimator: BaseEstimator, past: Rows, test: Rows
) -> tuple[BaseEstimator, Values, Values | None]:
    with threadpool_limits(limits=1):
        fitted = _fit(estimator, past)
        return fitted, *predict_both(fitted, test.X)


def _fit(estimator: BaseEstimator, rows: Rows) -> BaseEstimator:
    if isinstance(estimator, Levelled):
        return clone(estimator).fit(rows.X, rows.y, totals=rows.totals)
    return clone(estimator).fit(rows.X, rows.y)


def _fold_fit(
    results: Mapping[str, tuple[BaseEstimator, Values, Values | None]],
    candidates: Mapping[str, BaseEstimator],
    test: Rows,
) -> FoldFit:
    fitted = {name: result[0] for name, result in results.items()}
    outputs = {name: result[1:] for name, result in results.items()}
    for name, candidate in candidates.items():
        if isinstance(candidate, Blend):
            # a blend adopts its members: they are fitted, and forecast, once
            fitted[name] = clone(candidate).adopt(fitted)
            outputs[name] = blended([outputs[member] for member, _ in candidate.members])
    common_chance = outputs[PURCHASE_MODEL][1]
    assert common_chance is not None  # the purchase model is there to forecast it
    out_of_time = {}
    for name in candidates:
        spend, own = outputs[name]
        chance = common_chance if own is None else own
        variance = level_variance(fitted[name], test.X)
        out_of_time[name] = OutOfTime(test.y, spend, chance, own is not None, variance)
    return FoldFit(fitted, out_of_time)


def purchase_model(fitted: Mapping[str, BaseEstimator], name: str) -> BaseEstimator:
    """Return what knows the purchase probability beside a candidate: itself, if it can."""
    # not `isinstance` of the protocol, which asks the class: a wrapper has it if its estimator does
    return fitted[name if hasattr(fitted[name], "predict_purchase") else PURCHASE_MODEL]


def calibration(
    name: str, older: Sequence[Mapping[str, OutOfTime]], *, doubt: bool = True
) -> Calibration:
    """Return what a candidate's forecasts at older folds teach."""
    past = [forecasts[name] for forecasts in older[:CALIBRATION_MONTHS]]
    return Calibration.learn(past, doubt=doubt)


def calibrated(
    out_of_time: Mapping[str, OutOfTime], older: Sequence[Mapping[str, OutOfTime]]
) -> dict[str, Forecast]:
    """Return what all candidates would have published at a fold, straightened by older folds alone.

    Baselines stand as they are: their one number is their mean and their median. They and
    candidates that know no probability of their own get none: their AUC is that of their spend.
    """
    forecasts = {}
    for name, forecast in out_of_time.items():
        spend = np.maximum(forecast.spend, 0.0)
        if name in BASELINES:
            forecasts[name] = Forecast(spend, median=spend)
            continue
        learned = calibration(name, older, doubt=False)
        chance = learned.purchase.predict(forecast.probability)
        median = learned.spread.of(spend, chance).quantile(0.5)
        forecasts[name] = Forecast(spend, chance if forecast.has_own else None, median)
    return forecasts


def evaluate_fold(
    out_of_time: Mapping[str, OutOfTime], older: Sequence[Mapping[str, OutOfTime]]
) -> pd.DataFrame:
    """Measure all candidates at one fold, each straightened by the older folds alone."""
    actual = next(iter(out_of_time.values())).actual
    return evaluation_table(actual, calibrated(out_of_time, older))


def mean_of(tables: Collection[pd.DataFrame]) -> pd.DataFrame:
    """Return the mean of each cell over tables with the same rows and columns."""
    total = sum(tables)
    assert isinstance(total, pd.DataFrame)  # of no table it is 0
    return total / len(tables)


def choose(validations: Sequence[pd.DataFrame], default: str = BLEND) -> tuple[str, pd.DataFrame]:
    """Choose by the mean rank over `RANKED` on the validation folds.

    Parameters
    ----------
    validations
        Evaluation tables of the folds before the test; the test has no say.
    default
        The choice where there is no validation, or nothing is better by more than the margin.

    Returns
    -------
    tuple
        The name, and per model its mean metrics, mean rank, and whether it was eligible: sum ratio
        on average inside `SUM_RATIO_LIMITS`, or inside them around the median model's. A season
        that all models miss alike tells nothing of one of them. Anyone is, if no model is.
    """
    if not validations:
        return default, pd.DataFrame()
    mean = mean_of(validations)
    ranks = [
        table[list(RANKED)]
        .rank(ascending=False)
        .where(pd.Series(RANKED), table[list(RANKED)].rank(ascending=True), axis=1)
        for table in validations
    ]
    # an undefined metric tells the models apart for none of them, so it counts as the last rank
    worst = float(len(mean))
    mean["mean_rank"] = sum(rank.fillna(worst).mean(axis=1) for rank in ranks) / len(ranks)
    ratio = mean["sum_ratio"]
    inside = ratio.between(*SUM_RATIO_LIMITS)
    inside |= (ratio / ratio.median()).between(*SUM_RATIO_LIMITS)
    mean["eligible"] = inside if inside.any() else True
    ranked = mean.loc[mean["eligible"], "mean_rank"]
    margin = MARGIN * len(mean) * (2 / len(validations)) ** 0.5
    if default in ranked and ranked[default] - ranked.min() <= margin:
        return default, mean
    return str(ranked.idxmin()), mean
