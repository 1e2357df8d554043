"""How much of what is possible a model reaches, where the truth is known.

The best forecast of a generated shop is sent through the same evaluation as every model, on the
same customers. A model's share of the achievable is its skill over that of the best forecast:
R2 over R2, where the mean forecast has 0, and AUC above chance over AUC above chance. One test
snapshot has luck in it: a share a little above 100 % is possible.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

import warehouse
from core.metrics import Forecast, Measured, evaluate
from generate.shop.optimum import HORIZON
from train.backtesting.bootstrap import REPLICATES, TAILS, drawings
from train.dataset import LABELS

BEST, MEAN = "best possible", "mean of all"


class UnknownTruthError(warehouse.ShopError):
    """The truth of the test snapshot is not in the warehouse; the message says how to add it."""


def is_known(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether the shop in the warehouse was generated, so that its truth is known."""
    return warehouse.has_table(connection, "truth", "expected_spend")


def shares(
    connection: duckdb.DuckDBPyConnection, evaluation: pd.DataFrame, test: dt.date
) -> pd.DataFrame:
    """Measure the best forecast on a test snapshot, and every model against it.

    Parameters
    ----------
    evaluation
        One row per model, with the columns `r2` and `auc`.
    test
        The test snapshot.

    Returns
    -------
    DataFrame
        The models, `MEAN` and `BEST`, with r2, skill_share, auc, auc_share; shares are 1 for the
        best forecast and 0 for the mean. NaN where nobody bought, and where luck has it that the
        best forecast is no better than the mean, as may be in a small shop.

    Raises
    ------
    UnknownTruthError
        If the best forecast at the test snapshot is not known of every customer, or is of another
        horizon than the labels.
    """
    horizon = connection.execute(
        "select max(horizon_days) from intermediate.int_snapshots_scheduled"
    ).fetchall()[0][0]
    if horizon != HORIZON:
        raise UnknownTruthError(
            f"the labels are sums of {horizon} days, the truth is known of {HORIZON}"
        )
    rows = connection.execute(
        f"""
        select
            labels.target_30d_spend::double as actual,
            truth.expected_30d_spend as spend,
            truth.purchase_probability as probability
        from {LABELS} as labels
        left join truth.expected_spend as truth using (as_of_date, customer_id)
        where labels.as_of_date = ?
        order by labels.customer_id
        """,
        [test],
    ).fetchnumpy()
    missing = np.ma.count_masked(rows["spend"])
    if missing or not len(rows["actual"]):
        raise UnknownTruthError(
            f"truth.expected_spend lacks {missing:,} of {len(rows['actual']):,} customers at "
            f"{test}: run `python generate/truth.py {test}`"
        )
    actual = np.asarray(rows["actual"])
    references = {
        BEST: Forecast(np.asarray(rows["spend"]), np.asarray(rows["probability"])),
        MEAN: Forecast(np.full(len(actual), actual.mean())),
    }
    measured = pd.DataFrame(
        {name: evaluate(actual, forecast) for name, forecast in references.items()}
    ).T
    table = pd.concat([evaluation[["r2", "auc"]], measured[["r2", "auc"]]])
    best_auc = table["auc"][BEST]
    return pd.DataFrame(
        {
            "r2": table["r2"],
            "skill_share": _share(table["r2"], table["r2"][BEST]),
            "auc": table["auc"],
            "auc_share": _share(table["auc"] - 0.5, best_auc - 0.5),
        }
    )


def share_interval(
    connection: duckdb.DuckDBPyConnection, forecasts: pd.DataFrame, test: dt.date
) -> tuple[float, float]:
    """Return what a model's share of the possible R2 would be with customers drawn anew.

    Parameters
    ----------
    forecasts
        Its out-of-time forecasts, as `train.registry.promotion.evidence` keeps them.

    Returns
    -------
    low, high
        Nine of ten drawings lie between them (bootstrap of customers, Efron 1979).
    """
    truth = connection.execute(
        "select customer_id, expected_30d_spend from truth.expected_spend where as_of_date = ?",
        [test],
    ).df()
    rows = forecasts[forecasts["as_of_date"] == pd.Timestamp(test)].merge(truth, on="customer_id")
    model, best = (Forecast(rows[name].to_numpy()) for name in ("forecast", "expected_30d_spend"))
    measured = Measured(rows["actual"].to_numpy(), [model, best], ("r2",))
    reached = []
    for chosen in drawings(len(rows), REPLICATES, seed=0):
        times = np.bincount(chosen, minlength=len(rows)).astype(np.float64)
        [[own], [possible]] = measured.measure(times)
        reached.append(own / possible if possible > 0 else np.nan)
    low, high = np.nanquantile(reached, TAILS)
    return float(low), float(high)


def _share(reached: pd.Series, possible: float) -> pd.Series:
    """Return what is reached over what is possible; NaN where that is nothing."""
    return reached / (possible if possible > 0 else np.nan)


@dataclass(frozen=True)
class FloorEffect:
    """What the floor at 0 of the target changes, as the best forecast knows no floor.

    Either sum is of the cleaned facts, in which outliers are capped.

    Attributes
    ----------
    added_share
        Sum that the floor adds to the target, as a share of the sum without it.
    r2, r2_without
        R2 of the best forecast against the target, and against net spend without the floor.
    """

    added_share: float
    r2: float
    r2_without: float


def floor_effect(connection: duckdb.DuckDBPyConnection, test: dt.date) -> FloorEffect:
    """Measure the floor on a test snapshot; customers with more returns than purchases meet it."""
    rows = connection.execute(
        f"""
        with net as (
            select labels.customer_id, sum(days.spend - days.returned) as spend
            from {LABELS} as labels
            inner join intermediate.int_snapshots_scheduled as snapshots using (as_of_date)
            inner join intermediate.int_customer_days_summed as days
                on days.customer_id = labels.customer_id
                and days.event_date between labels.as_of_date
                and labels.as_of_date + (snapshots.horizon_days - 1)
            where labels.as_of_date = $test
            group by all
        )
        select
            labels.target_30d_spend::double as target,
            coalesce(net.spend, 0)::double as net,
            truth.expected_30d_spend as best
        from {LABELS} as labels
        inner join truth.expected_spend as truth using (as_of_date, customer_id)
        left join net using (customer_id)
        where labels.as_of_date = $test
        """,
        {"test": test},
    ).df()
    target, net, best = (rows[name].to_numpy() for name in ("target", "net", "best"))
    return FloorEffect(
        added_share=float(target.sum() / net.sum() - 1),
        r2=evaluate(target, Forecast(best))["r2"],
        r2_without=float(1 - ((net - best) ** 2).sum() / ((net - net.mean()) ** 2).sum()),
    )
