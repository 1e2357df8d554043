"""Where a backtest lies: forecasts and metrics in the warehouse, one snapshot at a time.

main.backtest has the forecasts, with those before calibration beside them, so that a snapshot that
is there need not be fitted again; main.backtest_metrics what was measured. dbt creates both.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from train.evaluation import Forecast
from train.forecast import OutOfTime


@dataclass(frozen=True)
class Snapshot:
    """What the candidates said of one snapshot, before calibration.

    Attributes
    ----------
    customers
        Ids, in the order of all arrays.
    said
        By model.
    """

    customers: NDArray[np.object_]
    said: Mapping[str, OutOfTime]


def stored(connection: duckdb.DuckDBPyConnection, day: dt.date, identity: str) -> Snapshot | None:
    """Read a snapshot; None if it is not there, or was made of other data or models."""
    frame = connection.execute(
        """
        select model, customer_id, actual, raw_forecast, raw_probability, has_own_probability
        from main.backtest
        where as_of_date = ? and identity = ?
        order by model, customer_id
        """,
        [day, identity],
    ).df()
    if frame.empty:
        return None
    said = {
        str(model): OutOfTime(
            part["actual"].to_numpy(),
            part["raw_forecast"].to_numpy(),
            part["raw_probability"].to_numpy(),
            bool(part["has_own_probability"].iloc[0]),
        )
        for model, part in frame.groupby("model", sort=False)
    }
    first = frame["model"] == frame["model"].iloc[0]
    return Snapshot(frame.loc[first, "customer_id"].to_numpy(), said)


def write(
    connection: duckdb.DuckDBPyConnection,
    day: dt.date,
    identity: str,
    snapshot: Snapshot,
    published: Mapping[str, Forecast],
) -> None:
    """Put a snapshot's forecasts in the place of earlier ones, in one transaction.

    Parameters
    ----------
    published
        What each model would have published on the day; a probability only if it has its own.
    """
    frame = pd.concat(
        [
            pd.DataFrame(
                {
                    "customer_id": snapshot.customers,
                    "model": name,
                    "forecast": published[name].spend,
                    "purchase_probability": published[name].probability,
                    "actual": said.actual,
                    "raw_forecast": said.spend,
                    "raw_probability": said.probability,
                    "has_own_probability": said.has_own,
                }
            )
            for name, said in snapshot.said.items()
        ],
        ignore_index=True,
    )
    connection.execute("begin")
    try:
        connection.execute("delete from main.backtest where as_of_date = ?", [day])
        connection.register("forecasts", frame)
        connection.execute(
            "insert into main.backtest by name"
            " select *, ?::date as as_of_date, ? as identity from forecasts"
            " order by model, customer_id",
            [day, identity],
        )
        connection.execute("commit")
    except duckdb.Error:
        connection.execute("rollback")
        raise
    finally:
        connection.unregister("forecasts")


def write_metrics(
    connection: duckdb.DuckDBPyConnection, measured: Mapping[dt.date, pd.DataFrame]
) -> None:
    """Replace all metrics by those of some snapshots; forecasts of other snapshots go too."""
    connection.execute("begin")
    try:
        connection.execute(
            "delete from main.backtest where as_of_date not in (select unnest(?::date[]))",
            [list(measured)],
        )
        connection.execute("delete from main.backtest_metrics")
        for day, frame in measured.items():
            connection.register("measured", frame)
            connection.execute(
                "insert into main.backtest_metrics by name select *, ?::date as as_of_date,"
                " timezone('UTC', now()) as written_at from measured",
                [day],
            )
            connection.unregister("measured")
        connection.execute("commit")
    except duckdb.Error:
        connection.execute("rollback")
        raise
