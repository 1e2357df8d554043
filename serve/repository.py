"""What the warehouse holds for those who serve; every call opens, reads and closes."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import duckdb
import pandas as pd

import warehouse
from serve.predictions import MART
from train.forecaster import COLUMNS

REASON = ("driver", "effect", "sentence")


@cache
def contract() -> warehouse.Contract:
    """Return the feature contract; a process that serves reads it once."""
    return warehouse.contract()


@contextmanager
def reading() -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the warehouse for one read.

    Raises
    ------
    warehouse.WarehouseError
        If the file is missing or held by a writer, a table is not built yet, or the mart is of
        another horizon than forecasts are.
    """
    with warehouse.connect(read_only=True) as connection:
        warehouse.horizon(connection)
        with built_or_error():
            yield connection


@contextmanager
def built_or_error() -> Iterator[None]:
    """Say that the warehouse is not built yet where a query misses a table or a column of it."""
    try:
        yield
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise warehouse.WarehouseError(
            f"{warehouse.path()} is not built yet: run `make build` ({str(error).splitlines()[0]})",
            "the warehouse is not built yet: run `make build`",
        ) from error


def current_date(connection: duckdb.DuckDBPyConnection) -> date:
    """Return the current as-of date of an open warehouse.

    Raises
    ------
    warehouse.WarehouseError
        If there is none, as before the first sale.
    """
    row = connection.execute(
        "select as_of_date from intermediate.int_snapshots_scheduled where is_current"
    ).fetchone()
    if row is None:
        raise warehouse.WarehouseError(
            "the warehouse has no current as-of date: load sales, then run `make build`"
        )
    return row[0]


def customer(customer_id: str) -> dict[str, Any] | None:
    """Return a customer's newest prediction and the mart's row of that as-of date.

    A customer who was never scored comes with the newest row of the mart and no prediction.

    Returns
    -------
    dict or None
        customer_id, as_of_date, prediction, reasons, average_spend, features; None where nobody has
        that id.
    """
    columns = contract().features
    with reading() as connection:
        prediction = _first(
            connection,
            f"""select as_of_date, {", ".join(COLUMNS)}, model_version
            from main.predictions where customer_id = $customer_id and as_of_date <= (
                select as_of_date from intermediate.int_snapshots_scheduled where is_current
            )
            order by as_of_date desc limit 1""",
            {"customer_id": customer_id},
        )
        row = _first(
            connection,
            f"""select as_of_date, {", ".join(columns)} from {MART}
            where customer_id = $customer_id and as_of_date = coalesce(
                $as_of::date,
                (select as_of_date from intermediate.int_snapshots_scheduled where is_current)
            )""",
            {
                "customer_id": customer_id,
                "as_of": prediction["as_of_date"] if prediction else None,
            },
        )
        reasons = _reasons(connection, customer_id, prediction) if prediction else []
    newest = row or prediction
    if newest is None:
        return None
    return {
        "customer_id": customer_id,
        "as_of_date": newest["as_of_date"],
        "prediction": prediction,
        "reasons": [{name: reason[name] for name in REASON} for reason in reasons] or None,
        "average_spend": reasons[0]["average_spend"] if reasons else None,
        "features": row and {name: row[name] for name in columns},
    }


def _reasons(
    connection: duckdb.DuckDBPyConnection, customer_id: str, prediction: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the reasons for a prediction, the largest effect first; none of another model's."""
    cursor = connection.execute(
        f"""select {", ".join(REASON)}, average_spend from main.prediction_reasons
        where customer_id = $customer_id and as_of_date = $as_of_date
            and model_version = $model_version and explained_at >= (
                select scored_at from main.predictions
                where customer_id = $customer_id and as_of_date = $as_of_date
            )
        order by place""",
        {"customer_id": customer_id}
        | {name: prediction[name] for name in ("as_of_date", "model_version")},
    )
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def customer_ids(begins_with: str = "", limit: int = 50) -> list[str]:
    """Return ids that begin with a text, the highest expected spend first, an exact match before.

    Before the first scoring run the ids come from the mart, in order.
    """
    with reading() as connection:
        rows = connection.execute(
            f"""
            with current_date_of_mart as (
                select as_of_date from intermediate.int_snapshots_scheduled where is_current
            )
            select mart.customer_id
            from {MART} as mart
            inner join current_date_of_mart using (as_of_date)
            left join main.predictions as predictions using (as_of_date, customer_id)
            where starts_with(mart.customer_id, $begins_with)
            order by
                mart.customer_id = $begins_with desc,
                predictions.predicted_30d_spend desc nulls last,
                mart.customer_id
            limit $limit
            """,
            {"begins_with": begins_with, "limit": limit},
        ).fetchall()
    return [row[0] for row in rows]


def categories(limit: int = 200) -> dict[str, list[str]]:
    """Return the values of each categorical feature on the current as-of date, commonest first."""
    values: dict[str, list[str]] = {}
    with reading() as connection:
        for name in contract().categorical:
            rows = connection.execute(
                f"""select {name} from {MART}
                where {name} is not null and as_of_date = (
                    select as_of_date from intermediate.int_snapshots_scheduled where is_current
                )
                group by {name} order by count(*) desc, {name} limit $limit""",
                {"limit": limit},
            ).fetchall()
            values[name] = [row[0] for row in rows]
    return values


def frame(query: str, parameters: dict[str, Any] | None = None) -> pd.DataFrame:
    """Return the rows of a query on the warehouse."""
    with reading() as connection:
        return connection.execute(query, parameters).df()


def _first(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, Any]
) -> dict[str, Any] | None:
    cursor = connection.execute(query, parameters)
    names = [column[0] for column in cursor.description]
    row = cursor.fetchone()
    if row is None:
        return None
    return {name: json_value(value) for name, value in zip(names, row, strict=True)}


def json_value(value: Any) -> Any:  # noqa: ANN401
    """Return a value of the warehouse as JSON can write it."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
