"""What is kept of another shop when raw tables are replaced: forecasts, history and plan go."""

from __future__ import annotations

import logging

import duckdb

import warehouse

log = logging.getLogger(__name__)

# as lenient as any cleaning of ids: what differs only in blanks, case, zeros or '.0' is the same
SAME_ID = r"ltrim(regexp_replace(upper(trim(customer_id)), '\.0+$', ''), '0')"


# what was forecast, explained and measured of its customers
OF_THE_SHOP = (
    "scoring_runs",
    "prediction_reasons",
    "forecast_changes",
    "backtest",
    "backtest_dates",
    "backtest_metrics",
    "candidate_forecasts",
)


def remove_history_and_plan_of_another_shop(
    connection: duckdb.DuckDBPyConnection, *, is_generated: bool
) -> None:
    """Drop the schema `history` and the plan of promotions when new tables are another shop's."""
    is_remembered = warehouse.has_table(connection, "history", "customer_history")
    if not is_generated:
        if not is_remembered:
            return
        _, of_this_shop = _shared_customers(connection, "history.customer_history")
        if of_this_shop:
            return
    connection.execute("drop table if exists raw.planned_promotions")
    if is_remembered:
        connection.execute("drop schema history cascade")
        log.info("removed the history of customers and products: the new tables are another shop's")


def remove_forecasts_of_another_shop(connection: duckdb.DuckDBPyConnection) -> int:
    """Delete the rows of `predictions` when none of their customers is in the new tables."""
    if not warehouse.has_table(connection, "main", "predictions"):
        return 0
    forecasts, of_this_shop = _shared_customers(connection, "main.predictions")
    if not forecasts or of_this_shop:
        return 0
    connection.execute("delete from main.predictions")
    for table in OF_THE_SHOP:
        if warehouse.has_table(connection, "main", table):
            connection.execute(f"delete from main.{table}")
    # nor is its model one that a fit on this shop should be held against
    if warehouse.has_table(connection, "main", "model_registry"):
        connection.execute(
            "update main.model_registry set status = 'former' where status = 'champion'"
        )
    log.warning(
        "removed %s forecasts from predictions: none of their customers is in the new tables",
        f"{forecasts:,}",
    )
    return forecasts


def _shared_customers(connection: duckdb.DuckDBPyConnection, table: str) -> tuple[int, int]:
    """Return the rows of a table, and those of them whose customer is in the raw tables."""
    [counts] = connection.execute(
        f"""
        with known as (
            select {SAME_ID} as id from raw.customer_details
            union
            select {SAME_ID} as id from raw.store_sales_header
        ),
        remembered as (
            select {SAME_ID} as id from {table}
        )
        select count(*), count(known.id) from remembered left join known using (id)
        """
    ).fetchall()
    return counts
