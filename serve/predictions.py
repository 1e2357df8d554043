"""The one place that writes the table `predictions`: a date's rows change all at once."""

from __future__ import annotations

import time
from datetime import date

import duckdb
import pandas as pd

import warehouse

MART = f"features.{warehouse.FEATURE_MART}"
COLUMNS = ("predicted_30d_spend", "purchase_probability", "spend_p10", "spend_p50", "spend_p90")
# readers hold the file for milliseconds; a writer waits for them this long
ATTEMPTS, PAUSE = 40, 0.25


class ScoreError(RuntimeError):
    """The as-of date cannot be scored; the message says what to do."""


def replace(scores: pd.DataFrame, day: date) -> int:
    """Put scores in the place of an as-of date's rows, in one transaction.

    Parameters
    ----------
    scores
        as_of_date, customer_id, COLUMNS, model_version, scored_at; one row per customer of the
        mart's population on that date.
    day
        The as-of date. The rows of other dates stay.

    Returns
    -------
    int
        How many rows of that date there were before.

    Raises
    ------
    ScoreError
        If the rows are not exactly the population; the table is then as it was.
    """
    with _writer() as connection:
        connection.register("scores", scores)
        connection.execute("begin transaction")
        try:
            replaced = connection.execute(
                "delete from main.predictions where as_of_date = ?", [day]
            ).fetchone()[0]
            names = f"as_of_date, customer_id, {', '.join(COLUMNS)}, model_version, scored_at"
            connection.execute(
                f"insert into main.predictions ({names}) "
                f"select {names} from scores order by customer_id"
            )
            _check_population(connection, day)
            connection.execute("commit")
        except BaseException:
            connection.execute("rollback")
            raise
        return replaced


def _writer() -> duckdb.DuckDBPyConnection:
    for _ in range(ATTEMPTS - 1):
        try:
            return warehouse.connect()
        except warehouse.WarehouseError:
            time.sleep(PAUSE)
    return warehouse.connect()


def _check_population(connection: duckdb.DuckDBPyConnection, day: date) -> None:
    """Refuse a run that has not exactly one row for each customer of the population."""
    twice, missing, strange = connection.execute(
        f"""
        with predicted as (
            select customer_id, count(*) as n from main.predictions
            where as_of_date = $day group by all
        ),
        population as (select customer_id from {MART} where as_of_date = $day)
        select
            count(*) filter (predicted.n > 1),
            count(*) filter (predicted.customer_id is null),
            count(*) filter (population.customer_id is null)
        from predicted
        full join population on predicted.customer_id = population.customer_id
        """,
        {"day": day},
    ).fetchone()
    if twice or missing or strange:
        raise ScoreError(
            f"of the customers of {day}, {twice} would have several scores, {missing} none, and "
            f"{strange} scored ones are not in the mart. Nothing was written; the mart changed "
            "meanwhile, or its key is broken: run `make build`, then score again"
        )
