"""Forecasts of the past that need not be made again: those of candidates, before calibration.

They lie in main.candidate_forecasts under a name for all that they are made from. The newest three
of a date are kept, so that a quick trial costs nobody a whole backtest.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

import warehouse
from core.sql import literal
from train.dataset import CALENDAR_DAYS, CALENDAR_START
from train.forecaster import OutOfTime

KEPT = 3
# the columns of main.candidate_forecasts, as any SQL tool shows them
DESCRIBED = {
    "as_of_date": "The date that the forecast is as of.",
    "customer_id": "Canonical id of the customer.",
    "model": "Name of the candidate.",
    "forecast": "Spend of the horizon, before calibration.",
    "purchase_probability": "Probability of a purchase, before calibration.",
    "has_own_probability": "Whether the candidate knows a probability itself.",
    "level_variance": "Of the log of the shop's level ahead, as the candidate expected.",
    "actual": "What the customer spent.",
    "identity": "Hash of data, features, code and libraries that the forecast is made from.",
    "written_at": "When it was written.",
}


@dataclass(frozen=True)
class FoldForecasts:
    """What the candidates forecast as of one date.

    Attributes
    ----------
    customers
        Ids, in the order of all arrays.
    by_model
        Out-of-time forecasts of each candidate.
    identity
        Names what the forecasts were made from.
    """

    customers: NDArray[np.object_]
    by_model: Mapping[str, OutOfTime]
    identity: str

    @property
    def actual(self) -> NDArray[np.float64]:
        """What the customers spent."""
        return next(iter(self.by_model.values())).actual


def stored(
    connection: duckdb.DuckDBPyConnection, day: dt.date, identity: str
) -> FoldForecasts | None:
    """Read a date's forecasts; None where there are none of that name."""
    if not warehouse.has_table(connection, "main", "candidate_forecasts"):
        return None
    frame = connection.execute(
        """
        select model, customer_id, actual, forecast, purchase_probability, has_own_probability,
            level_variance
        from main.candidate_forecasts
        where as_of_date = ? and identity = ?
        order by model, customer_id
        """,
        [day, identity],
    ).df()
    if frame.empty:
        return None
    by_model = {
        str(model): OutOfTime(
            part["actual"].to_numpy(),
            part["forecast"].to_numpy(),
            part["purchase_probability"].to_numpy(),
            bool(part["has_own_probability"].iloc[0]),
            float(part["level_variance"].iloc[0]),
        )
        for model, part in frame.groupby("model", sort=False)
    }
    first = frame["model"] == frame["model"].iloc[0]
    return FoldForecasts(frame.loc[first, "customer_id"].to_numpy(), by_model, identity)


def write(connection: duckdb.DuckDBPyConnection, day: dt.date, snapshot: FoldForecasts) -> None:
    """Keep a date's forecasts, and the newest of those kept of it before."""
    frame = pd.concat(
        [
            pd.DataFrame(
                {
                    "customer_id": snapshot.customers,
                    "model": name,
                    "actual": forecast.actual,
                    "forecast": forecast.spend,
                    "purchase_probability": forecast.probability,
                    "has_own_probability": forecast.has_own,
                    "level_variance": forecast.level_variance,
                }
            )
            for name, forecast in snapshot.by_model.items()
        ],
        ignore_index=True,
    )
    with warehouse.transaction(connection):
        connection.execute(
            """
            create table if not exists main.candidate_forecasts (
                as_of_date date, customer_id varchar, model varchar, forecast double,
                purchase_probability double, has_own_probability boolean,
                level_variance double, actual double, identity varchar, written_at timestamp
            );
            comment on table main.candidate_forecasts is
                'Forecasts of the past before calibration. One row per date, customer and model.';
            -- a table of the version before
            alter table main.candidate_forecasts add column if not exists level_variance double;
            alter table main.candidate_forecasts drop column if exists season_known
            """
        )
        for column, words in DESCRIBED.items():
            connection.execute(
                f"comment on column main.candidate_forecasts.{column} is {literal(words)}"
            )
        connection.execute(
            """
            delete from main.candidate_forecasts
            -- a date off the calendar of the cuts is forecast once, as the newest
            where (as_of_date <> $day and (as_of_date - $start::date) % $step <> 0)
            or as_of_date = $day and identity not in (
                select identity from main.candidate_forecasts
                where as_of_date = $day and identity <> $identity
                group by identity
                order by max(written_at) desc, identity
                limit $others
            )
            """,
            {
                "day": day,
                "identity": snapshot.identity,
                "others": KEPT - 1,
                "start": CALENDAR_START,
                "step": CALENDAR_DAYS,
            },
        )
        connection.register("forecasts", frame)
        connection.execute(
            "insert into main.candidate_forecasts by name"
            " select *, ?::date as as_of_date, ? as identity, timezone('UTC', now()) as written_at"
            " from forecasts order by model, customer_id",
            [day, snapshot.identity],
        )
        connection.unregister("forecasts")
