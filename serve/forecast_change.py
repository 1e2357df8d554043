"""Why the total forecast is not what it was: the rows of `forecast_changes` for one as-of date.

Both totals are the present champion's, of the newest date that it learned from and of the scored
date, each from the mart's rows of the date, as known by then: neither another model nor facts that
came late are in the change.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb
import numpy as np
import pandas as pd
from rich.progress import Progress

import warehouse
from serve.predictions import MART
from train.reasons.change import Change
from train.registry.artefact import Artefact

BATCH_ROWS = 50_000
NEW, GONE = "new customers", "customers gone"


def forecast_change(
    connection: duckdb.DuckDBPyConnection, champion: Artefact, day: date, progress: Progress
) -> pd.DataFrame:
    """Split the change of the total forecast since the newest date that the champion learned from.

    Parameters
    ----------
    connection
        Open on a warehouse whose mart holds the day.
    day
        The as-of date of the later forecast.

    Returns
    -------
    DataFrame
        compared_with (the earlier date), part (`NEW`, `GONE` or a driver of
        `train.reasons.change`), customers, forecast_then, forecast_now, change; the last three in
        money, the forecasts those of all customers that the part is of. Changes add up to that of
        the total.
        No rows where the mart holds no date before the day that the champion learned from.
    """
    then = _newest_learned(connection, champion, day)
    columns = ["compared_with", "part", "customers", "forecast_then", "forecast_now", "change"]
    if then is None:
        return pd.DataFrame(columns=columns)
    contract = warehouse.contract()
    new, gone = _of_one(connection, day, then), _of_one(connection, then, day)
    task = progress.add_task(f"Comparing {day} with {then}", total=None)
    change = Change(champion.forecaster, contract, _sample(connection, then))
    changes, sums, stayed = np.zeros(len(change.drivers)), np.zeros(2), 0
    for before, after in _of_both(connection, then, day):
        of_drivers, *totals = change.split(before, after)
        changes += of_drivers
        sums += totals
        stayed += len(before)
        progress.advance(task, len(before))
    total_new, total_gone = change.total(new), change.total(gone)
    rows = [
        (NEW, len(new), 0.0, total_new, total_new),
        (GONE, len(gone), total_gone, 0.0, -total_gone),
        *(
            (driver, stayed, *sums, money)
            for driver, money in zip(change.drivers, changes, strict=True)
        ),
    ]
    return pd.DataFrame([(then, *row) for row in rows], columns=columns)


def _newest_learned(
    connection: duckdb.DuckDBPyConnection, champion: Artefact, day: date
) -> date | None:
    # a date whose days ahead had ended by then: no day is in the recent past of both
    [(newest,)] = connection.execute(
        f"""
        select max(as_of_date) from {MART}
        where as_of_date <= $day::date - $horizon::int
            and list_contains($learned::date[], as_of_date)
        """,
        {
            "day": day,
            "horizon": champion.card["horizon_days"],
            "learned": champion.card["training_as_of_dates"],
        },
    ).fetchall()
    return newest


def _of_both(
    connection: duckdb.DuckDBPyConnection, then: date, day: date
) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yield the features of customers who are in both dates, at each; a customer's rows agree."""
    selected, width = warehouse.contract().selected("mart"), len(warehouse.contract().features)
    rows = connection.sql(
        f"""
        with before as (
            select mart.customer_id, {selected} from {MART} as mart where as_of_date = $then
        )
        select before.* exclude (customer_id), {selected}
        from {MART} as mart
        inner join before on mart.customer_id = before.customer_id
        where mart.as_of_date = $day
        order by mart.customer_id
        """,
        params={"then": then, "day": day},
    )
    for record_batch in rows.to_arrow_reader(BATCH_ROWS):
        both = record_batch.to_pandas()
        yield both.iloc[:, :width], both.iloc[:, width:]


def _of_one(connection: duckdb.DuckDBPyConnection, day: date, other: date) -> pd.DataFrame:
    """Return the features of customers whom only the first date has."""
    return connection.execute(
        f"""
        select {warehouse.contract().selected("mart")}
        from {MART} as mart
        anti join (from {MART} where as_of_date = $other) as others
            on mart.customer_id = others.customer_id
        where as_of_date = $day
        order by mart.customer_id
        """,
        {"day": day, "other": other},
    ).df()


def _sample(connection: duckdb.DuckDBPyConnection, day: date) -> pd.DataFrame:
    return connection.execute(
        f"""
        select {warehouse.contract().selected("mart")} from {MART} as mart
        where as_of_date = ?
        order by customer_id
        limit 1
        """,
        [day],
    ).df()
