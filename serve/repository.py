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


def json_value(value: Any) -> Any:  # noqa: ANN401
    """Return a value of the warehouse as JSON can write it."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
