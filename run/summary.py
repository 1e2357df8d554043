"""What the main job has to say at the end, read from the warehouse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import duckdb
import pandas as pd
from rich.console import Console
from rich.table import Table

import warehouse
from run import achievable
from run.tables import metric_table, new_table
from train import artefact

TOP_CUSTOMERS = 10


def show(console: Console, seconds: Mapping[str, float]) -> None:
    """Print rows by table and rule, the evaluation, the revenue ahead, top customers, places.

    Parameters
    ----------
    seconds
        Seconds by step, in order.
    """
    model = artefact.champion()
    with warehouse.connect(read_only=True) as connection:
        console.print()
        console.print(_rows(connection))
        console.print(_rules(connection))
        evaluation, test, chosen = _evaluation(connection)
        title = f"Models on the 30 days from {test}, which none has seen"
        console.print(metric_table(title, evaluation, {chosen}))
        if achievable.is_known(connection):
            _achievable(connection, console, evaluation, test, chosen)
        _revenue(connection, console)
        console.print(_top_customers(connection))
    _places(console, model)
    _times(console, seconds)


def _rows(connection: duckdb.DuckDBPyConnection) -> Table:
    table = new_table(
        "Rows", "table", "in", "kept", "superseded", "duplicates", "quarantined", "repaired"
    )
    for name, *counts in connection.execute(
        """
        select
            table_name,
            sum(rows) filter (where outcome in ('kept', 'superseded', 'duplicate', 'quarantined')),
            sum(rows) filter (where outcome = 'kept'),
            sum(rows) filter (where outcome = 'superseded'),
            sum(rows) filter (where outcome = 'duplicate'),
            sum(rows) filter (where outcome = 'quarantined'),
            sum(rows) filter (where outcome = 'repaired')
        from marts.data_quality
        group by all
        order by all
        """
    ).fetchall():
        table.add_row(name, *(f"{count or 0:,.0f}" for count in counts))
    return table


def _rules(connection: duckdb.DuckDBPyConnection) -> Table:
    table = new_table("Cleaning, by rule", "table", "outcome", "rule", "rows", "money", "share")
    for name, outcome, rule, rows, money, share in connection.execute(
        """
        select table_name, outcome, rule, rows, money, share
        from marts.data_quality
        where outcome <> 'kept'
        order by table_name, outcome, rows desc, rule
        """
    ).fetchall():
        table.add_row(name, outcome, rule, f"{rows:,}", f"{money:,.0f}", f"{share:.2%}")
    return table


def _evaluation(connection: duckdb.DuckDBPyConnection) -> tuple[pd.DataFrame, dt.date, str]:
    """Return the metrics of each model, the test snapshot, and the chosen model."""
    rows = connection.execute(
        """
        select evaluation.* exclude (model_version, fitted_at)
        from main.model_evaluation as evaluation
        inner join main.model_registry as registry
            on evaluation.model_version = registry.version
        where registry.status = 'champion'
        """
    ).df()
    test = pd.Timestamp(rows.pop("test_as_of_date").iloc[0]).date()
    chosen = rows.loc[rows.pop("is_chosen"), "model"].iloc[0]
    return rows.set_index("model"), test, chosen


def _achievable(
    connection: duckdb.DuckDBPyConnection,
    console: Console,
    evaluation: pd.DataFrame,
    test: dt.date,
    chosen: str,
) -> None:
    """Say how much of what is possible the models reach; the truth of this shop is known."""
    try:
        shares = achievable.shares(connection, evaluation, test)
    except achievable.UnknownTruthError as error:
        console.print(f"How much is possible is not known: {error}\n")
        return
    table = new_table(
        "Share of the achievable: the truth of a generated shop is known",
        *("model", "R2", "of what is possible", "AUC", "of what is possible"),
    )
    for model, row in shares.sort_values("skill_share").iterrows():
        cells = [f"{row['r2']:.3f}", f"{row['skill_share']:.1%}"]
        cells += [f"{row['auc']:.3f}", f"{row['auc_share']:.1%}"]
        style = "bold" if model == chosen else ""
        table.add_row(f"{model} (chosen)" if model == chosen else str(model), *cells, style=style)
    console.print(table)
    reached = shares.loc[chosen]
    if reached.isna().any():
        console.print(
            "On this snapshot luck outweighs what can be known: the best possible forecast does no "
            "better than the mean of all, so nothing can be said of shares.\n"
        )
        return
    console.print(
        f"The chosen model reaches [bold]{reached['skill_share']:.1%} of what is possible[/bold] "
        f"in spend (R2), {reached['auc_share']:.1%} in who buys (AUC)."
    )
    floor = achievable.floor_effect(connection, test)
    console.print(
        f"The floor at 0 of the target adds {floor.added_share:.2%} to its sum; without it the "
        f"best forecast has R2 {floor.r2_without:.3f}.\n"
    )


def _revenue(connection: duckdb.DuckDBPyConnection, console: Console) -> None:
    as_of, customers, total, low, high = connection.execute(
        """
        select as_of_date, customers, expected_spend, total_low, total_high
        from marts.total_forecasts
        where set_kind = 'all'
        order by as_of_date desc
        limit 1
        """
    ).fetchone()
    [(buyers,)] = connection.execute(
        "select sum(purchase_probability) from marts.customer_predictions"
    ).fetchall()
    interval = (
        "no past month tells how sure that is"
        if high is None
        else f"with a chance of 80 % between {low:,.0f} and {high:,.0f}"
    )
    horizon, last = connection.execute(
        """
        select horizon_days, as_of_date + horizon_days - 1
        from intermediate.int_snapshots_scheduled
        where is_current
        """
    ).fetchone()
    console.print(
        f"Expected revenue of the {horizon} days {as_of} to {last}: [bold]{total:,.0f}[/bold], "
        f"{interval}; {buyers:,.0f} of {customers:,} customers are expected to buy.\n"
    )


def _top_customers(connection: duckdb.DuckDBPyConnection) -> Table:
    table = new_table(
        f"The {TOP_CUSTOMERS} customers with the highest forecast",
        *("customer", "expected", "low", "high", "buys", "orders so far", "last order"),
    )
    for name, expected, low, high, buys, orders, last in connection.execute(
        """
        select
            customer_id, predicted_30d_spend, spend_low, spend_high, purchase_probability,
            orders_lifetime, last_order_date
        from marts.customer_predictions
        order by predicted_30d_spend desc, customer_id
        limit ?
        """,
        [TOP_CUSTOMERS],
    ).fetchall():
        money = (f"{value:,.0f}" for value in (expected, low, high))
        table.add_row(name, *money, f"{buys:.0%}", f"{orders:,}", str(last or "never"))
    return table


def _places(console: Console, model: artefact.Artefact) -> None:
    console.print("[bold]Where things lie[/bold]")
    for what, where in {
        "warehouse": warehouse.path(),
        "forecasts": "table main.predictions; with the customer: marts.customer_predictions",
        "rejected rows": "marts.quarantine; counts and money: marts.data_quality",
        "model": warehouse.models_dir() / model.version,
        "report": warehouse.reports_dir() / "report.html",
        "documentation": warehouse.DBT_PROJECT / "target" / "static_index.html",
        "API, app": "make api, then make app",
    }.items():
        console.print(f"  {what:<14} {where}", soft_wrap=True)
    console.print()


def _times(console: Console, seconds: Mapping[str, float]) -> None:
    console.print("[bold]Time[/bold]")
    for step, duration in seconds.items():
        console.print(f"  {duration:7.1f} s  {step}", soft_wrap=True)
    console.print(f"  {sum(seconds.values()):7.1f} s  in all")
