"""Score the customers of a sharded mart under Spark, and write its table `predictions`.

python shards/score.py --out FOLDER --master 'local[2]'
"""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import duckdb
import typer

import warehouse
from core.expected_errors import expected_errors
from serve.score import ScoreResult, Scores, predict_date, score
from shards import manifest
from shards.layout import Layout
from train.registry import artefact as artefacts


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
    ScoreError, train.registry.artefact.ArtefactError, warehouse.WarehouseError
        As `serve.score.score` does.
    """
    place = Layout(folder.resolve())

    def predict(
        _connection: duckdb.DuckDBPyConnection, champion: artefacts.Artefact, day: date
    ) -> Scores:
        from shards import spark

        tables = manifest.files_of(place)
        of_the_day = [_shard(file) for file in tables["feat_customers"] if f"={day}/" in file]
        shards = sorted({shard for shard in of_the_day if shard is not None})
        # of one manifest, whatever a build publishes meanwhile
        tasks = [
            (
                place.warehouse,
                champion.folder,
                day,
                {
                    table: [file for file in files if _shard(file) in (None, shard)]
                    for table, files in tables.items()
                },
            )
            for shard in shards
        ]
        with spark.session(master) as session:
            rows = session.sparkContext.parallelize(tasks, len(tasks))
            scored = rows.map(_predict_shard).collect()
        return Scores.joined(scored)

    with warehouse.in_warehouse(place.warehouse):
        return score(as_of, predict)


def _shard(file: str) -> int | None:
    """Return the shard of a file of the mart; None where it is of all."""
    match = re.search(r"/shard=(\d+)/", file)
    return int(match[1]) if match else None


def _predict_shard(task: tuple[Path, Path, date, dict[str, list[str]]]) -> Scores:
    file, folder, day, tables = task
    with warehouse.in_warehouse(file), duckdb.connect() as connection:
        manifest.lay_views(connection, tables)
        return predict_date(connection, artefacts.load(folder, first_use=True), day)


@expected_errors()
def main(
    out: Annotated[Path, typer.Option(help="Folder that shards/build.py wrote.")],
    master: Annotated[str, typer.Option(help="Spark: its master.")] = "local[2]",
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="A date of the mart. Default: the current one."),
    ] = None,
) -> None:
    """Score every customer of a sharded mart."""
    result = score_shards(out, master, as_of.date() if as_of else None)
    typer.echo(
        f"{result.customers:,} customers scored as of {result.as_of} with {result.model_version}: "
        f"{result.expected_revenue:,.2f} expected in the next 30 days"
    )


if __name__ == "__main__":
    typer.run(main)
