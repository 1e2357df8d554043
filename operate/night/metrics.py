"""The last run in the words of Prometheus, for the textfile collector of its node exporter."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import duckdb
from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from operate.night.ledger import Run, Step, now

# by name: help, and SQL that yields one number; nulls are left out
FROM_WAREHOUSE = {
    "shop_data_age_days": (
        "Days from the newest order to the day of the run.",
        "select date_diff('day', max(transaction_date)::date, ?::date)"
        " from raw.store_sales_header where transaction_date < ?::date + 1",
    ),
    "shop_model_age_days": (
        "Days from the as-of date of the champion's fit to the day of the run.",
        "select date_diff('day', max(as_of_date), ?::date) from main.model_registry"
        " where status = 'champion' and as_of_date <= ?::date",
    ),
    "shop_quarantined_money_share": (
        "Share of all money that is quarantined.",
        "select sum(money_share) from marts.data_quality where outcome = 'quarantined'",
    ),
    "shop_expected_revenue": (
        "Expected spend of known customers in the next 30 days.",
        "select sum(predicted_30d_spend) from marts.customer_predictions",
    ),
    "shop_alarms": ("Alarms that hold now.", "select count(*) from marts.alarms"),
}


def values_of(connection: duckdb.DuckDBPyConnection, night: object) -> dict[str, float]:
    """Read what is measured in the warehouse."""
    values = {}
    for name, (_, query) in FROM_WAREHOUSE.items():
        [(value,)] = connection.execute(query, [night] * query.count("?")).fetchall()
        if value is not None:
            values[name] = float(value)
    return values


def write(file: Path, run: Run, steps: list[Step], values: dict[str, float]) -> None:
    """Write the metrics of a run, whole or not at all.

    Parameters
    ----------
    values
        What `values_of` read; empty of a run that came to no forecasts.
    """
    registry = CollectorRegistry()

    def gauge(name: str, what: str, value: float, **labels: str) -> None:
        known = gauges.get(name)
        if known is None:
            known = gauges[name] = Gauge(name, what, list(labels), registry=registry)
        (known.labels(**labels) if labels else known).set(value)

    gauges: dict[str, Gauge] = {}
    ended = run.ended_at or now()
    seconds = (ended - run.started_at).total_seconds()
    gauge("shop_run_exit_code", "How the last run ended, 0 is well.", run.exit_code or 0)
    gauge("shop_run_seconds", "Seconds that the last run took.", seconds)
    gauge(
        "shop_run_ended_timestamp_seconds",
        "When the last run ended.",
        ended.replace(tzinfo=UTC).timestamp(),
    )
    if run.generation is not None:
        gauge("shop_generation", "The generation that the last run published.", run.generation)
    for step in steps:
        if step.ended_at:
            took = (step.ended_at - step.started_at).total_seconds()
            gauge("shop_step_seconds", "Seconds that a step took.", took, step=step.step)
        if step.rows is not None:
            gauge("shop_step_rows", "Rows that a step dealt with.", step.rows, step=step.step)
    for name, value in values.items():
        gauge(name, FROM_WAREHOUSE[name][0], value)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_to_textfile(str(file), registry)
