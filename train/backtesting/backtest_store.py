"""Where a backtest lies: forecasts as they would have been published, and what was measured.

main.backtest has the forecasts, main.backtest_metrics the metrics, main.backtest_dates the model
chosen at each date and the doubt in totals. dbt creates all three.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import duckdb
import pandas as pd

import warehouse

TABLES = ("backtest", "backtest_metrics", "backtest_dates")


def write(
    connection: duckdb.DuckDBPyConnection,
    rows_by_table: Mapping[str, Mapping[dt.date, pd.DataFrame]],
) -> None:
    """Put a backtest in the place of an earlier one, whole or not at all.

    Parameters
    ----------
    rows_by_table
        By table of `TABLES` and as-of date: rows with the table's columns but `as_of_date` and
        `written_at`.
    """
    with warehouse.transaction(connection):
        for table in TABLES:
            connection.execute(f"delete from main.{table}")
            for day, frame in rows_by_table[table].items():
                connection.register("found", frame)
                connection.execute(
                    f"insert into main.{table} by name select *, ?::date as as_of_date,"
                    " timezone('UTC', now()) as written_at from found",
                    [day],
                )
                connection.unregister("found")
