"""What the main job has to say at the end, read from the warehouse."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import duckdb
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

import warehouse
from core.metrics import EXPLAINED
from core.tables import HEADERS, metric_table, new_table
from operate import achievable
from serve import month
from train.registry import artefact
from train.registry.promotion import beside_best_baseline, by_merit

TOP_CUSTOMERS = 10
NAMED_CUSTOMERS = 3


def show(console: Console, seconds: Mapping[str, float], *, verbose: bool = False) -> None:
    """Print the answer, and where to look next.

    Parameters
    ----------
    seconds
        Seconds by step, in order.
    verbose
        Also print rows by table and rule, all models with a legend, top customers, and each step's
        time.
    """
    model = artefact.champion()
    with warehouse.connect(read_only=True) as connection:
        evaluation, test, chosen = _evaluation(connection)
        console.print()
        for line in revenue_lines(connection):
            console.print(line)
        _worth(console, evaluation, test, chosen)
        shares = _shares(connection, console, evaluation, test)
        if shares is not None:
            _possible(connection, console, shares, test, model)
        _drift(connection, console)
        _gate(connection, console)
        if verbose:
            console.print(_rows(connection))
            console.print(_rules(connection))
            title = (
                f"Models on the {warehouse.HORIZON_DAYS} days from {test}, which none has seen, "
                "the best first"
            )
            console.print(metric_table(title, evaluation, {chosen}))
            for name, (meaning, best) in EXPLAINED.items():
                console.print(f"  {HEADERS.get(name, name):<14} {meaning}; best: {best}")
            console.print()
            if shares is not None:
                _achievable(connection, console, shares, test, chosen)
            console.print(_top_customers(connection))
    _places(console, model)
    _times(console, seconds, verbose=verbose)


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
    rows = rows.set_index("model")
    return by_merit(rows), test, chosen


def _worth(console: Console, evaluation: pd.DataFrame, test: dt.date, chosen: str) -> None:
    """Say how the model did beside the best simple baseline."""
    baseline, ratio = beside_best_baseline(evaluation, chosen)
    word = "smaller" if ratio < 1 else "larger"
    console.print(
        f"Is the model worth it? On the {warehouse.HORIZON_DAYS} days from {test}, which it had "
        f"not seen, its errors were [bold]{abs(1 - ratio):.0%} {word}[/bold] than those of "
        f"the best simple baseline ({baseline}). `make backtest` asks the same of eight dates."
    )


def _shares(
    connection: duckdb.DuckDBPyConnection,
    console: Console,
    evaluation: pd.DataFrame,
    test: dt.date,
) -> pd.DataFrame | None:
    """Return how much of what is possible each model reached; None where that is not known."""
    if not achievable.is_known(connection):
        return None
    try:
        return achievable.shares(connection, evaluation, test)
    except achievable.UnknownTruthError as error:
        console.print(f"How much is possible is not known: {error}.")
        return None


def _possible(
    connection: duckdb.DuckDBPyConnection,
    console: Console,
    shares: pd.DataFrame,
    test: dt.date,
    model: artefact.Artefact,
) -> None:
    """Say how much of what is possible the model reached, and how much of that is luck."""
    share = shares["skill_share"][model.card["chosen"]]
    forecasts = model.evidence()
    if not np.isfinite(share) or forecasts is None:
        return
    low, high = achievable.share_interval(connection, forecasts, test)
    console.print(
        f"It reached [bold]{share:.0%} of what is possible[/bold]: its R2 beside that of the best "
        f"forecast that can be computed for a generated shop. The luck of one month is in it, even "
        f"above 100 %: with customers drawn anew, nine of ten times {low:.0%} to {high:.0%}."
    )


def _drift(connection: duckdb.DuckDBPyConnection, console: Console) -> None:
    """Say in one line what has moved beyond its limits since the model learned; else nothing."""
    unusual = connection.execute(
        """
        select message, money_explained, compared_with
        from marts.forecast_drift
        where is_unusual
        order by unusual_place
        """
    ).fetchall()
    if unusual:
        message, money, then = unusual[0]
        others = f"; {len(unusual) - 1} more" if len(unusual) > 1 else ""
        console.print(
            f"Unusual since {then}: {message}; {money:+,.0f} of the forecast{others} "
            "(marts.forecast_drift)."
        )


def _gate(connection: duckdb.DuckDBPyConnection, console: Console) -> None:
    """Say in one line what was stopped."""
    [(rows, money, repaired)] = connection.execute(
        """
        select
            coalesce(sum(rows) filter (where outcome = 'quarantined'), 0),
            coalesce(sum(money) filter (where outcome = 'quarantined'), 0),
            coalesce(sum(rows) filter (where outcome = 'repaired'), 0)
        from marts.data_quality
        """
    ).fetchall()
    console.print(
        f"Stopped at the gate: {rows:,} rows worth {money:,.0f} (marts.quarantine says why); "
        f"repaired: {repaired:,} (marts.data_quality).\n"
    )


def _achievable(
    connection: duckdb.DuckDBPyConnection,
    console: Console,
    shares: pd.DataFrame,
    test: dt.date,
    chosen: str,
) -> None:
    """Say how much of what is possible all models reach; the truth of this shop is known."""
    table = new_table(
        "Share of the achievable: the truth of a generated shop is known",
        *("model", "R2", "of what is possible", "AUC", "of what is possible"),
    )
    for model, row in shares.sort_values("skill_share", ascending=False).iterrows():
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


def revenue_lines(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Say what the shop may expect beside what came in before, and of whom most: a line each."""
    totals = {
        kind: (as_of, customers, f"{total:,.0f}", _interval(low, high))
        for kind, as_of, customers, total, low, high in connection.execute(
            """
            select set_kind, as_of_date, customers, expected_spend, total_low, total_high
            from marts.total_forecasts
            where set_kind in ('all', 'newcomers', 'whole shop')
            qualify as_of_date = max(as_of_date) over ()
            """
        ).fetchall()
    }
    as_of, customers, *of_known = totals["all"]
    [(buyers,)] = connection.execute(
        "select sum(purchase_probability) from marts.customer_predictions"
    ).fetchall()
    [(horizon, last)] = connection.execute(
        """
        select horizon_days, as_of_date + horizon_days - 1
        from intermediate.int_snapshots_scheduled
        where is_current
        """
    ).fetchall()
    days = f"the {horizon} days {as_of} to {last}"
    if "whole shop" in totals:
        of_shop, of_newcomers = totals["whole shop"][2:], totals["newcomers"][2:]
        lines = [
            f"Expected revenue of {days}: {', '.join(of_shop)}.",
            f"Known customers: {', '.join(of_known)}.",
            f"Newcomers, whom nobody knows yet: {', '.join(of_newcomers)}.",
        ]
    else:
        lines = [f"Expected revenue of {days}, known customers: {', '.join(of_known)}."]
    named = connection.execute(
        """
        select customer_id, predicted_30d_spend
        from marts.customer_predictions
        order by predicted_30d_spend desc, customer_id
        limit ?
        """,
        [NAMED_CUSTOMERS],
    ).fetchall()
    most = ", ".join(f"{name} ({expected:,.0f})" for name, expected in named)
    return [
        *lines,
        f"Before: {_revenue_before(connection, horizon)}.",
        f"{buyers:,.0f} of {customers:,} customers are expected to buy, most of all {most}; "
        "each with reasons: marts.customer_predictions.",
    ]


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "no past month tells how sure that is"
    return f"with a chance of 80 % between {low:,.0f} and {high:,.0f}"


def _revenue_before(connection: duckdb.DuckDBPyConnection, horizon: int) -> str:
    """Say what came in in the days before an as-of date, and in the same days a year ago."""
    last, year_ago = month.before(connection)
    text = f"{last or 0:,.0f} in the last {horizon} days"
    if year_ago is not None:
        text += f", {year_ago:,.0f} in the same days a year ago"
    return text


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


def _times(console: Console, seconds: Mapping[str, float], *, verbose: bool) -> None:
    if verbose:
        console.print("[bold]Time[/bold]")
        for step, duration in seconds.items():
            console.print(f"  {duration:7.1f} s  {step}", soft_wrap=True)
    console.print(f"  {sum(seconds.values()):7.1f} s  in all")
