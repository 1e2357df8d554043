"""The one place that writes `predictions` and `scoring_runs`: a date changes all at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import duckdb
import pandas as pd

import warehouse
from train.forecaster import COLUMNS

MART = f"features.{warehouse.FEATURE_MART}"


class ScoreError(warehouse.ShopError):
    """The as-of date cannot be scored; the message says what to do."""


def replace(
    scores: pd.DataFrame,
    day: date,
    doubt: Mapping[str, float],
    expected: pd.DataFrame,
    horizon_days: int,
    carried_on: Mapping[str, Sequence[pd.DataFrame]],
) -> int:
    """Put scores in the place of an as-of date's rows, in one transaction, and keep them for ever.

    Parameters
    ----------
    scores
        as_of_date, customer_id, COLUMNS, model_version, scored_at; one row per customer of the
        mart's population on that date.
    day
        The as-of date. The rows of other dates stay.
    doubt
        What is known of totals: month_doubt, part_doubt, chance_doubt.
    expected
        What the run expects of itself: metric, expected, low, high.
    horizon_days
        How many days the scores are of.
    carried_on
        By table, what else is kept of the date, in parts without date, model_version and scored_at:
        its rows there are replaced too.

    Returns
    -------
    int
        How many rows of that date there were before.

    Raises
    ------
    ScoreError
        If the rows are not exactly the population; the table is then as it was.
    """
    with warehouse.writer() as connection:
        connection.register("scores", scores)
        with warehouse.transaction(connection):
            [(replaced,)] = connection.execute(
                "delete from main.predictions where as_of_date = ?", [day]
            ).fetchall()
            names = f"as_of_date, customer_id, {', '.join(COLUMNS)}, model_version, scored_at"
            connection.execute(
                f"insert into main.predictions ({names}) "
                f"select {names} from scores order by customer_id"
            )
            _check_population(connection, day)
            connection.execute("delete from main.scoring_runs where as_of_date = ?", [day])
            connection.execute(
                """
                insert into main.scoring_runs by name
                select
                    $day::date as as_of_date,
                    $month_doubt as month_doubt,
                    $part_doubt as part_doubt,
                    $chance_doubt as chance_doubt,
                    any_value(model_version) as model_version,
                    max(scored_at) as scored_at
                from scores
                """,
                {"day": day, **doubt},
            )
            _publish(connection, expected, horizon_days)
            if warehouse.has_table(connection, "main", "generation"):
                # by hand, after a night: the file is not what that night published any more
                connection.execute(
                    """
                    update main.generation
                    set model_version = (select any_value(model_version) from scores),
                        created_at = (select max(scored_at) from scores)
                    where as_of_date = ?
                    """,
                    [day],
                )
            for name, parts in carried_on.items():
                connection.execute(f"delete from main.{name} where as_of_date = ?", [day])
                for part in parts:
                    connection.register("carried_on", part)
                    connection.execute(
                        f"""
                        insert into main.{name} by name
                        select carried_on.*, run.as_of_date, run.model_version, run.scored_at
                        from carried_on
                        cross join main.scoring_runs as run
                        where run.as_of_date = ?
                        """,
                        [day],
                    )
                    connection.unregister("carried_on")
        return replaced


def _publish(
    connection: duckdb.DuckDBPyConnection, expected: pd.DataFrame, horizon_days: int
) -> None:
    """Add the scores to what was ever published, if they are not what the date has already."""
    values = ", ".join(["customer_id", *COLUMNS[1:]])
    connection.execute(
        f"""
        create temp table new_run as
        select
            (select coalesce(max(run_id), 0) + 1 from main.published_forecasts) as run_id,
            as_of_date, {horizon_days}::integer as horizon_days,
            predicted_30d_spend as predicted_spend, {values}, model_version,
            scored_at as published_at
        from scores
        """
    )
    names = f"customer_id, predicted_spend, {', '.join(COLUMNS[1:])}, model_version, horizon_days"
    [(known,)] = connection.execute(
        f"""
        with newest as (
            select * from main.published_forecasts
            where run_id = (
                select max(run_id) from main.published_forecasts
                where as_of_date = (select any_value(as_of_date) from new_run)
            )
        )
        select
            (select (count(*), sum(hash({names}))) from newest)
            is not distinct from (select (count(*), sum(hash({names}))) from new_run)
        """
    ).fetchall()
    if not known:
        connection.execute(
            "insert into main.published_forecasts by name from new_run order by customer_id"
        )
        connection.register("expected_scores_of_run", expected)
        connection.execute(
            """
            insert into main.expected_scores by name
            select
                (select any_value(run_id) from new_run) as run_id,
                expected_scores_of_run.*,
                (select any_value(published_at) from new_run) as published_at
            from expected_scores_of_run
            """
        )
    connection.execute("drop table new_run")


def _check_population(connection: duckdb.DuckDBPyConnection, day: date) -> None:
    """Refuse a run that has not exactly one row for each customer of the population."""
    [(twice, missing, strange)] = connection.execute(
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
    ).fetchall()
    if twice or missing or strange:
        raise ScoreError(
            f"of the customers of {day}, {twice} would have several scores, {missing} none, and "
            f"{strange} scored ones are not in the mart. Nothing was written; the mart changed "
            "meanwhile, or its key is broken: run `make build`, then score again"
        )
