"""Write why each forecast differs from the average one, and why their total has changed: the tables
`prediction_reasons` and `forecast_changes`.

python serve/explain.py [--as-of DATE] [--top N]
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import typer
from rich.progress import Progress

import warehouse
from core.bar import bar
from core.expected_errors import expected_errors
from core.sql import path_literal
from serve.forecast_change import forecast_change
from serve.predictions import MART, ScoreError
from train.reasons.explainer import Explainer, sentences
from train.registry import artefact as artefacts

BATCH_ROWS = 50_000
# the customers to compare with are chosen from so many
SAMPLE_ROWS = 20_000
# of the largest effects, so many are put in words
SENTENCES = 3
# a forecast repeats but for the order in which a sum is taken
TOLERANCE = 1e-7
SCHEMA = pa.schema(
    {
        "customer_id": pa.string(),
        "driver": pa.string(),
        "effect": pa.float64(),
        "place": pa.int32(),
        "sentence": pa.string(),
    }
)


@dataclass(frozen=True)
class ExplainResult:
    """What a run wrote."""

    as_of: date
    customers: int
    average: float


def explain(
    as_of: date | None = None, top: int | None = None, progress: Progress | None = None
) -> ExplainResult:
    """Explain the stored forecasts of one as-of date, and how their total came about.

    Parameters
    ----------
    as_of
        A date that was scored; the current as-of date by default.
    top
        Only so many customers, those with the highest forecasts.

    Raises
    ------
    ScoreError
        If the date was not scored, or not with the present champion.
    train.registry.artefact.ArtefactError
        If there is no model, or it does not fit the mart.
    """
    progress = progress or Progress(disable=True)
    champion = artefacts.champion()
    contract = warehouse.contract()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "reasons.parquet"
        with warehouse.connect(read_only=True) as connection:
            day, scored, average = _scored(connection, as_of, champion.version)
            sample = _sample(connection, contract, day)
            if sample.empty:
                raise _left_the_mart(day, scored)
            explainer = Explainer(champion.forecaster, contract, sample, average)
            customers = min(top or scored, scored)
            task = progress.add_task(f"Explaining {day}", total=customers)
            explained = 0
            with pq.ParquetWriter(file, SCHEMA) as out:
                for batch in _batches(connection, contract, day, customers):
                    out.write_table(_reasons(explainer, contract, batch))
                    explained += len(batch)
                    progress.advance(task, len(batch))
        if explained < customers:
            raise _left_the_mart(day, customers - explained)
        with warehouse.connect(read_only=True) as connection:
            change = forecast_change(connection, champion, day, progress)
        _write(file, change, day, champion.version, average)
    return ExplainResult(day, customers, average)


def _scored(
    connection: duckdb.DuckDBPyConnection, as_of: date | None, version: str
) -> tuple[date, int, float]:
    """Return the day, how many customers it was scored for, and their mean forecast."""
    row = connection.execute(
        """
        select as_of_date, count(*), avg(predicted_30d_spend), count_if(model_version <> $version)
        from main.predictions
        where as_of_date = coalesce(
            $as_of,
            (select as_of_date from intermediate.int_snapshots_scheduled where is_current)
        )
        group by all
        """,
        {"as_of": as_of, "version": version},
    ).fetchone()
    if row is None:
        raise ScoreError(
            f"{as_of or 'the current as-of date'} is not scored: run `python serve/score.py`"
        )
    day, customers, average, strange = row
    if strange:
        raise ScoreError(
            f"the forecasts of {day} are not those of {version}, the model in use: run "
            f"`python serve/score.py --as-of {day}`, then explain again"
        )
    return day, customers, average


def _left_the_mart(day: date, customers: int) -> ScoreError:
    return ScoreError(
        f"{customers:,} customers scored on {day} have no row of that date in the mart any more, "
        "so their forecasts cannot be explained: score and explain a date that it holds"
    )


def _sample(
    connection: duckdb.DuckDBPyConnection, contract: warehouse.Contract, day: date
) -> pd.DataFrame:
    return connection.execute(
        f"""
        select {contract.selected("mart")} from {MART} as mart
        where as_of_date = ?
        order by hash(customer_id), customer_id
        limit ?
        """,
        [day, SAMPLE_ROWS],
    ).df()


def _batches(
    connection: duckdb.DuckDBPyConnection, contract: warehouse.Contract, day: date, customers: int
) -> Iterator[pd.DataFrame]:
    """Yield features and forecast of the customers with the highest forecasts, in batches."""
    rows = connection.sql(
        f"""
        select
            mart.customer_id, predictions.predicted_30d_spend, {contract.selected("mart")}
        from {MART} as mart
        inner join main.predictions as predictions using (as_of_date, customer_id)
        where as_of_date = $day
        order by predicted_30d_spend desc, customer_id
        limit $customers
        """,
        params={"day": day, "customers": customers},
    )
    for record_batch in rows.to_arrow_reader(BATCH_ROWS):
        yield record_batch.to_pandas()


def _reasons(explainer: Explainer, contract: warehouse.Contract, batch: pd.DataFrame) -> pa.Table:
    """Return one row per customer and driver, in the order of the batch."""
    effects = explainer.effects(batch)
    forecast = batch["predicted_30d_spend"].to_numpy(dtype=np.float64)
    apart = np.abs(effects.sum(axis=1) + explainer.compared.average - forecast)
    if (apart > TOLERANCE * np.maximum(forecast, 1.0)).any():
        raise ScoreError(
            f"the forecast of {batch['customer_id'].iloc[int(apart.argmax())]} is not what the "
            "model says of its row in the mart, which has changed since: run "
            "`python serve/score.py`, then explain again"
        )
    order = np.argsort(-np.abs(effects), axis=1, kind="stable")
    texts_by_customer = sentences(contract, batch, explainer.drivers, effects, order[:, :SENTENCES])
    drivers = np.array(explainer.drivers)
    rows, width = order.shape
    return pa.table(
        {
            "customer_id": np.repeat(batch["customer_id"].to_numpy(), width),
            "driver": drivers[order].ravel(),
            "effect": np.take_along_axis(effects, order, axis=1).ravel(),
            "place": np.tile(np.arange(1, width + 1), rows),
            "sentence": [
                text
                for texts in texts_by_customer
                for text in texts + [None] * (width - len(texts))
            ],
        },
        schema=SCHEMA,
    )


def _write(file: Path, change: pd.DataFrame, day: date, version: str, average: float) -> None:
    with warehouse.writer() as connection, warehouse.transaction(connection):
        for table in ("prediction_reasons", "forecast_changes"):
            connection.execute(f"delete from main.{table} where as_of_date = ?", [day])
        connection.execute(
            f"""
            insert into main.prediction_reasons by name
            select
                *,
                $day::date as as_of_date,
                $average as average_spend,
                $version as model_version,
                timezone('UTC', now()) as explained_at
            from read_parquet({path_literal(file)})
            """,
            {"day": day, "average": average, "version": version},
        )
        connection.register("change", change)
        connection.execute(
            """
            insert into main.forecast_changes by name
            select
                *,
                $day::date as as_of_date,
                $version as model_version,
                timezone('UTC', now()) as explained_at
            from change
            """,
            {"day": day, "version": version},
        )


@expected_errors()
def main(
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="A scored date. Default: the current one."),
    ] = None,
    top: Annotated[
        int | None, typer.Option(min=1, help="Only so many customers, the highest forecasts.")
    ] = None,
) -> None:
    """Write why each forecast differs from the average one: the table `prediction_reasons`.

    And why the total is not what it was at the newest date that the model learned from: the
    table `forecast_changes`.

    The rows of the same as-of date are replaced; those of other dates stay.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with bar() as progress:
        result = explain(as_of.date() if as_of else None, top, progress)
    typer.echo(
        f"{result.customers:,} forecasts of {result.as_of} explained against the average of "
        f"{result.average:,.2f}"
    )


if __name__ == "__main__":
    typer.run(main)
