"""Whether a new fit becomes the champion: not if it is worse than the present one beyond noise.

Both are held against what happened at the same as-of dates, for the same customers, by forecasts
that had not learned from them: each version keeps its own as evidence, and a champion forecasts the
dates that came after its fit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import warehouse
from core.metrics import BEST_VALUE, Forecast, Measured
from train.backtesting.bootstrap import COVERAGE, TAILS, drawings
from train.backtesting.compare import RANKED
from train.backtesting.forecast_store import FoldForecasts
from train.candidates.models import BASELINES
from train.dataset import Rows
from train.forecaster import COLUMNS
from train.registry import artefact

CHAMPION, CHALLENGER, FORMER = "champion", "challenger", "former"

# more customers change little, and cost seconds
MOST_CUSTOMERS = 20_000
REPLICATES = 200
# of a date forecast long ago, so many customers must be there and have spent the same as now
SAME_SHARE = 0.95
# an error nearer to perfection counts as this much, or its logarithm would say it all
LEAST_ERROR = 1e-6


@dataclass(frozen=True)
class Verdict:
    """Which status a new fit has earned, and why, in one sentence."""

    status: str
    reason: str


SAME = Verdict(CHAMPION, "the same version as the champion")


@dataclass(frozen=True)
class Pair:
    """What happened at one as-of date, and what both versions had forecast, by customer."""

    customers: NDArray[np.object_]
    actual: NDArray[np.float64]
    new: NDArray[np.float64]
    old: NDArray[np.float64]


def evidence(
    snapshots: Mapping[dt.date, FoldForecasts], published: Mapping[dt.date, Forecast]
) -> pd.DataFrame:
    """Return out-of-time forecasts as a version keeps them.

    Parameters
    ----------
    snapshots
        By as-of date, the customers and what they spent.
    published
        By as-of date, what the chosen candidate would have published of them.

    Returns
    -------
    DataFrame
        as_of_date, customer_id, actual, forecast, purchase_probability (NaN where the candidate has
        none); at most `MOST_CUSTOMERS` a date, the same ones in every fit.
    """
    parts = []
    for day, forecast in published.items():
        snapshot = snapshots[day]
        # by a hash of the id: a customer who is in the sample of one fit is in that of the next
        hashed = pd.util.hash_array(snapshot.customers, categorize=False)
        keep = np.sort(np.argsort(hashed, kind="stable")[:MOST_CUSTOMERS])
        chance = forecast.probability
        parts.append(
            pd.DataFrame(
                {
                    "as_of_date": pd.Timestamp(day),
                    "customer_id": snapshot.customers[keep],
                    "actual": snapshot.actual[keep],
                    "forecast": forecast.spend[keep],
                    "purchase_probability": np.nan if chance is None else chance[keep],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def evaluate_challenger(
    version: str,
    proof: pd.DataFrame,
    rows: Callable[[dt.date], Rows],
    contract: warehouse.Contract,
    seed: int = 0,
    *,
    barred: str | None = None,
) -> Verdict:
    """Compare a new fit with the champion, before it is saved.

    Parameters
    ----------
    proof
        Its `evidence`.
    rows
        Reads the rows of an as-of date in it.
    barred
        Why it may not become the champion whatever it earns, if so; what is the champion already
        stays it.
    """
    earned = _earned(version, proof, rows, contract, seed)
    if barred is None or earned == SAME:
        return earned
    return Verdict(CHALLENGER, f"{barred}; {earned.reason}")


def _earned(
    version: str,
    proof: pd.DataFrame,
    rows: Callable[[dt.date], Rows],
    contract: warehouse.Contract,
    seed: int,
) -> Verdict:
    try:
        champion = artefact.champion(contract)
    except artefact.ArtefactError as error:
        return Verdict(CHAMPION, f"nothing to compare it with: {error.what}")
    if champion.version == version:
        return SAME
    pairs = {}
    for day, new in proof.groupby(proof["as_of_date"]):
        try:
            pair = _pair(champion, day.date(), new, rows)
        except _AnotherShop:
            return Verdict(
                CHAMPION,
                f"nothing to compare it with: what {champion.version} saw on {day.date()} is "
                "another shop's",
            )
        if pair is not None:
            pairs[day.date()] = pair
    if not pairs:
        return Verdict(
            CHALLENGER,
            f"nothing to compare it with, so {champion.version} stays the champion: no as-of date "
            "on which it was tested has an out-of-time forecast of that one",
        )
    difference, low, high = compare(list(pairs.values()), seed)
    worse = low > 0
    return Verdict(
        CHALLENGER if worse else CHAMPION,
        f"{'' if worse else 'not '}worse than {champion.version} beyond noise: D = "
        f"{difference:+.4f} ({COVERAGE:.0%} interval {low:+.4f} to {high:+.4f}; mean log ratio of "
        f"errors, above 0 is worse) at {', '.join(map(str, pairs))}",
    )


def compare(
    pairs: Sequence[Pair], seed: int = 0, replicates: int = REPLICATES
) -> tuple[float, float, float]:
    """Measure how much larger the new version's errors are, with a bootstrap interval.

    D is the mean of log(new / old) over RMSE, 1 - Gini, 1 - Spearman and decile error, each
    averaged over the dates. Customers are drawn with replacement, each with all its dates and with
    both forecasts: what is common to the two does not blur their difference.

    Returns
    -------
    tuple
        D, and the ends of the interval that holds `COVERAGE` of the draws.
    """
    everyone = np.unique(np.concatenate([pair.customers for pair in pairs]))
    places = [np.searchsorted(everyone, pair.customers) for pair in pairs]
    snapshots = [
        Measured(pair.actual, [Forecast(pair.new), Forecast(pair.old)], list(RANKED))
        for pair in pairs
    ]

    def difference(times: NDArray[np.float64]) -> float:
        measured = np.array(
            [
                snapshot.measure(times[place])
                for snapshot, place in zip(snapshots, places, strict=True)
            ]
        )
        # a date on which nobody drawn bought anything tells nothing
        measured = measured[~np.isnan(measured[:, 0, 0])]
        if not len(measured):
            return float("nan")
        new, old = log_errors(measured)
        return float(np.mean(new - old))

    # products this small are split over threads at a loss, and on a busy core wait for each other
    with threadpool_limits(limits=1):
        drawn = [
            difference(np.bincount(chosen, minlength=len(everyone)).astype(np.float64))
            for chosen in drawings(len(everyone), replicates, seed)
        ]
        overall = difference(np.ones(len(everyone)))
    low, high = np.nanquantile(drawn, TAILS)
    return overall, float(low), float(high)


def log_errors(measured: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return logs of the mean distance from the best values.

    Parameters
    ----------
    measured
        Metrics of `RANKED` by date, shape (dates, ..., metrics); dates are averaged.
    """
    best = np.array([BEST_VALUE[name] for name in RANKED])
    # a forecast without any order ranks as chance does
    errors = np.abs(np.nan_to_num(measured) - best).mean(axis=0)
    return np.log(np.maximum(errors, LEAST_ERROR))


def log_error_of_models(evaluation: pd.DataFrame) -> pd.Series:
    """Return the mean log error of each model of a table of metrics, as a choice weighs it."""
    rows = evaluation[list(RANKED)].to_numpy(float)
    return pd.Series([log_errors(row[None, :]).mean() for row in rows], index=evaluation.index)


def by_merit(evaluation: pd.DataFrame) -> pd.DataFrame:
    """Return a table of metrics with the best model first, as a choice weighs them."""
    return evaluation.loc[log_error_of_models(evaluation).sort_values(kind="stable").index]


def beside_best_baseline(evaluation: pd.DataFrame, chosen: str) -> tuple[str, float]:
    """Return the best simple baseline, and the errors of the chosen model over its errors."""
    errors = log_error_of_models(evaluation)
    baseline = str(errors[list(BASELINES)].idxmin())
    return baseline, float(np.exp(errors[chosen] - errors[baseline]))


class _AnotherShop(Exception):
    """Two versions saw the customers of one date do different things."""


def _pair(
    champion: artefact.Artefact, day: dt.date, new: pd.DataFrame, rows: Callable[[dt.date], Rows]
) -> Pair | None:
    """Return both forecasts of a date; None where the champion has none out of time."""
    if not (new["actual"] > 0).any():
        return None
    if dt.date.fromisoformat(champion.card["as_of"]) <= day:
        # it learned from windows that had ended before the day
        snapshot = rows(day)
        snapshot = snapshot.take(np.flatnonzero(np.isin(snapshot.customer_id, new["customer_id"])))
        old_forecasts = pd.DataFrame(
            {
                "customer_id": snapshot.customer_id,
                "old": champion.predict(snapshot.X)[COLUMNS[0]].to_numpy(),
            }
        )
        joined = new.merge(old_forecasts, on="customer_id")
    else:
        kept = champion.evidence()
        if kept is None:
            return None
        kept = kept[kept["as_of_date"] == pd.Timestamp(day)]
        joined = new.merge(kept, on="customer_id", suffixes=("", "_then"))
        if kept.empty:
            return None
        if not _same_shop(new, kept, joined):
            raise _AnotherShop
        joined = joined.rename(columns={"forecast_then": "old"})
    return Pair(
        joined["customer_id"].to_numpy(dtype=object),
        joined["actual"].to_numpy(),
        joined["forecast"].to_numpy(),
        joined["old"].to_numpy(),
    )


def _same_shop(new: pd.DataFrame, kept: pd.DataFrame, joined: pd.DataFrame) -> bool:
    """Return whether two versions saw the same customers do the same on a date.

    Another shop may have the same ids. Most customers buy nothing in any shop: buyers decide.
    """
    # a quick fit was tested on a sample of them
    if len(joined) < SAME_SHARE * min(len(new), len(kept)):
        return False
    bought = joined[(joined["actual"] > 0) | (joined["actual_then"] > 0)]
    if bought.empty:
        return False
    return bool(np.isclose(bought["actual"], bought["actual_then"]).mean() >= SAME_SHARE)
