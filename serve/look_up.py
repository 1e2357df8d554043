"""What an open warehouse says of one customer, of many, and of a list of them.

An id may be spelt in any way that the loader accepts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import duckdb

from core.ids import canonical
from serve import repository
from serve.predictions import MART
from train.forecaster import COLUMNS

# customers that are asked for one by one
IDS = "select unnest($ids::varchar[]) as customer_id"
REASON = ("driver", "effect", "sentence")
LISTED = (
    *("customer_id", "segment_id", "region", "loyalty_tier", "is_cold_start", "orders_lifetime"),
    *("net_spend_lifetime", "last_order_date", "predicted_30d_spend", "purchase_probability"),
    *("spend_p10", "spend_p50", "spend_p90", "spend_low", "spend_high", "spend_decile", "reasons"),
)
Sort = Literal[
    "-predicted_30d_spend",
    "predicted_30d_spend",
    "-purchase_probability",
    "purchase_probability",
    "customer_id",
]


@dataclass(frozen=True)
class Wanted:
    """Which customers to list; None is any."""

    segment: str | None = None
    region: str | None = None
    min_expected: float | None = None
    sort: Sort = "-predicted_30d_spend"
    limit: int = 100
    # of the last customer of the page before: the value that is sorted by, and the id
    after: tuple[float | str, str] | None = None


def customer(
    connection: duckdb.DuckDBPyConnection, customer_id: str, day: date
) -> dict[str, Any] | None:
    """Return a customer's newest prediction and the mart's row of that as-of date.

    A customer who was never scored comes with the newest row of the mart and no prediction.

    Parameters
    ----------
    day
        The current as-of date.

    Returns
    -------
    dict or None
        customer_id, as_of_date, prediction, reasons, average_spend, features; None where nobody has
        that id.
    """
    # most ids come as the warehouse spells them
    return _customer(connection, customer_id, day) or _customer(
        connection, spelt(connection, customer_id), day
    )


def _customer(
    connection: duckdb.DuckDBPyConnection, customer_id: str, day: date
) -> dict[str, Any] | None:
    predictions = _rows(
        connection,
        f"""select as_of_date, {", ".join(COLUMNS)}, model_version, scored_at
        from main.predictions where customer_id = ? and as_of_date <= ?
        order by as_of_date desc limit 1""",
        [customer_id, day],
    )
    prediction = predictions[0] if predictions else None
    scored_at = prediction.pop("scored_at") if prediction else None
    as_of = prediction["as_of_date"] if prediction else day
    row = features(connection, customer_id, as_of)
    if row is None and prediction is None:
        return None
    reasons = []
    if prediction:
        # those of another model, or of an earlier scoring, explain another forecast
        reasons = _rows(
            connection,
            f"""select {", ".join(REASON)}, average_spend from main.prediction_reasons
            where customer_id = ? and as_of_date = ? and model_version = ? and explained_at >= ?
            order by place""",
            [customer_id, as_of, prediction["model_version"], scored_at],
        )
    return {
        "customer_id": customer_id,
        "as_of_date": as_of,
        "prediction": prediction,
        "reasons": [{name: reason[name] for name in REASON} for reason in reasons] or None,
        "average_spend": reasons[0]["average_spend"] if reasons else None,
        "features": row,
    }


def features(
    connection: duckdb.DuckDBPyConnection, customer_id: str, day: date
) -> dict[str, Any] | None:
    """Return the mart's row of a customer on an as-of date, None where it has none."""
    rows = _rows(
        connection,
        f"""select {", ".join(repository.contract().features)} from {MART}
        where customer_id = ? and as_of_date = ?""",
        [customer_id, day],
    )
    return rows[0] if rows else None


def spelt(connection: duckdb.DuckDBPyConnection, customer_id: str) -> str:
    """Return an id in the one spelling that the warehouse has, a blank one as it is."""
    [(found,)] = connection.execute(
        f"select {canonical('id')} from (select ?::varchar as id)", [customer_id]
    ).fetchall()
    return customer_id if found is None else found


def page(connection: duckdb.DuckDBPyConnection, wanted: Wanted) -> list[dict[str, Any]]:
    """Return the customers of the newest forecast that are wanted, `LISTED` of each, in order."""
    column, descends = sorted_by(wanted.sort), wanted.sort.startswith("-")
    conditions, values = ["true"], []
    for condition, value in (
        ("segment_id = ?", wanted.segment),
        ("region = ?", wanted.region),
        ("predicted_30d_spend >= ?", wanted.min_expected),
    ):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    if wanted.after:
        value, last = wanted.after
        conditions.append(
            f"({column} {'<' if descends else '>'} ? or {column} = ? and customer_id > ?)"
        )
        values += [value, value, last]
    return _rows(
        connection,
        f"""select {", ".join(LISTED)} from marts.customer_predictions
        where {" and ".join(conditions)}
        order by {column}{" desc" if descends else ""}, customer_id limit ?""",
        [*values, wanted.limit],
    )


def sorted_by(sort: Sort) -> str:
    """Return the column that a list is sorted by; with a minus the largest comes first."""
    return sort.removeprefix("-")


def total_of(
    connection: duckdb.DuckDBPyConnection, asked: str, values: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return what the customers of a list will spend together, by the newest forecast.

    Parameters
    ----------
    asked
        SQL that selects their customer_id, in any spelling; `IDS` those of a list.
    values
        Its parameters.

    Returns
    -------
    dict or None
        as_of_date, customers, unknown, expected_spend, total_low, total_high; None before the first
        forecast.
    """
    # of this connection alone: the warehouse stays as it is
    connection.execute(f"create or replace temp table asked as {asked}", values)
    rows = _rows(
        connection,
        f"""select
            totals.as_of_date,
            totals.customers,
            (select count(distinct {canonical("customer_id")}) from asked) - totals.customers
                as unknown,
            totals.expected_spend,
            totals.total_low,
            totals.total_high
        from marts.total_of_customers('asked') as totals
        where as_of_date = (select any_value(as_of_date) from marts.customer_predictions)""",
        [],
    )
    return rows[0] if rows else None


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, values: Sequence[Any]
) -> list[dict[str, Any]]:
    cursor = connection.execute(query, values)
    names = [column[0] for column in cursor.description]
    return [
        dict(zip(names, map(repository.json_value, row), strict=True)) for row in cursor.fetchall()
    ]
