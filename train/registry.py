"""What a fit leaves in the warehouse: its figures, what it learned from, the champion's name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import duckdb
import pandas as pd

from train.evaluation import METRICS


def write(
    connection: duckdb.DuckDBPyConnection,
    *,
    version: str,
    sha256: str,
    as_of: dt.date,
    evaluation: pd.DataFrame,
    test: dt.date,
    chosen: str,
    importance: pd.Series,
    trained_on: Sequence[dt.date],
) -> None:
    """Write the evaluation of a version and make it the champion, in one transaction.

    The same version written again replaces itself. Importance and training dates are kept of the
    champion only; `feature_catalog` shows them.
    """
    metric_columns = ", ".join(f"{name} double" for name in METRICS)
    marks = ", ".join("?" for _ in range(4 + len(METRICS)))
    connection.execute("begin")
    try:
        connection.execute(
            f"""
            create table if not exists main.model_evaluation (
                model_version varchar, model varchar, test_as_of_date date,
                {metric_columns}, is_chosen boolean
            )
            """
        )
        connection.execute(
            """
            create table if not exists main.model_registry (
                version varchar, as_of_date date, sha256 varchar, fitted_at timestamp,
                status varchar
            )
            """
        )
        connection.execute("delete from main.model_evaluation where model_version = ?", [version])
        for model, metrics in evaluation[list(METRICS)].iterrows():
            values = [None if pd.isna(value) else float(value) for value in metrics]
            connection.execute(
                f"insert into main.model_evaluation values ({marks})",
                [version, model, test, *values, model == chosen],
            )
        connection.execute("delete from main.model_registry where version = ?", [version])
        connection.execute("update main.model_registry set status = 'former'")
        connection.execute(
            "insert into main.model_registry values (?, ?, ?, timezone('UTC', now()), 'champion')",
            [version, as_of, sha256],
        )
        _describe(connection, version, importance, trained_on)
        connection.execute("commit")
    except duckdb.Error:
        connection.execute("rollback")
        raise


def _describe(
    connection: duckdb.DuckDBPyConnection,
    version: str,
    importance: pd.Series,
    trained_on: Sequence[dt.date],
) -> None:
    connection.execute(
        """
        create or replace table main.feature_importance as
        select
            unnest($features::varchar[]) as feature,
            unnest($losses::double[]) as importance,
            $version as model_version,
            timezone('UTC', now()) as fitted_at
        """,
        {
            "features": [str(name) for name in importance.index],
            "losses": [float(loss) for loss in importance],
            "version": version,
        },
    )
    connection.execute(
        """
        create or replace table main.training_dates as
        select
            unnest($days::date[]) as as_of_date,
            $version as model_version,
            timezone('UTC', now()) as fitted_at
        """,
        {"days": list(trained_on), "version": version},
    )
