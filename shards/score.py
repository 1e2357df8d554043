"""Score the customers of a sharded mart under Spark, and write its table `predictions`.

python shards/score.py --out FOLDER --master 'local[2]'
"""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import duckdb
import pandas as pd
import typer

import warehouse
from serve.predictions import ScoreError
from serve.score import ScoreResult, predict_date, score
from shards import layout, manifest
from shards.layout import Layout
from train import artefact as artefacts


def score_shards(folder: Path, master: str, as_of: date | None = None) -> ScoreResult:
    """Score a date with the champion of the folder's warehouse, a task of Spark for each shard.

    Every task reads its shard's Parquet with DuckDB and forecasts as `serve.score` does, with the
    same artefact and checks: the same bits, whoever runs it.

    Parameters
    ----------
    folder
        What `shards/build.py` wrote; a model has been fitted in its `mart.duckdb`.
    master
        Spark's master.
    as_of
        A date that the mart holds; the current one by default.

    Raises
    ------
    ScoreError, train.artefact.ArtefactError, warehouse.WarehouseError
        As `serve.score.score` does.
    """
    place = Layout(folder.resolve())

    def predict(
        _connection: duckdb.DuckDBPyConnection, champion: artefacts.Artefact, day: date
    ) -> pd.DataFrame:
        from shards import spark

        files = layout.get(place.manifest)["tables"]["feat_customers"]
        shards = sorted(
            {int(file.split("/shard=")[1].split("/")[0]) for file in files if f"={day}/" in file}
        )
        with spark.session(master) as session:
            tasks = [(place, champion.folder, day, shard) for shard in shards]
            rows = session.sparkContext.parallelize(tasks, len(tasks))
            scored = rows.map(_predict_shard).collect()
        return pd.concat(scored, ignore_index=True)

    with warehouse.in_warehouse(place.warehouse):
        return score(as_of, predict)


def _predict_shard(task: tuple[Layout, Path, date, int]) -> pd.DataFrame:
    place, folder, day, shard = task
    with warehouse.in_warehouse(place.warehouse), duckdb.connect() as connection:
        manifest.lay_views(connection, place, shard)
        return predict_date(connection, artefacts.load(folder), day)


def main(
    out: Annotated[Path, typer.Option(help="Folder that shards/build.py wrote.")],
    master: Annotated[str, typer.Option(help="Spark: its master.")] = "local[2]",
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="A date of the mart. Default: the current one."),
    ] = None,
) -> None:
    """Score every customer of a sharded mart."""
    try:
        result = score_shards(out, master, as_of.date() if as_of else None)
    except (ScoreError, artefacts.ArtefactError, warehouse.WarehouseError) as error:
        typer.echo(f"score: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(
        f"{result.customers:,} customers scored as of {result.as_of} with {result.model_version}: "
        f"{result.expected_revenue:,.2f} expected in the next 30 days"
    )


if __name__ == "__main__":
    typer.run(main)
