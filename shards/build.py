"""Build the mart in shards: bounded memory on one machine, or many machines under Spark.

python shards/build.py --shards 8
python shards/build.py --engine spark --master 'local[2]' --raw FOLDER --out FOLDER --shards 8
python shards/build.py --engine spark --master spark://host --raw s3://bucket/raw --out FOLDER
"""

from __future__ import annotations

import json
import logging
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

import warehouse
from core.expected_errors import expected_errors
from shards.phases import Settings

log = logging.getLogger(__name__)


class Engine(StrEnum):
    """Who runs the shards."""

    local = "local"
    spark = "spark"


@expected_errors()
def main(
    shards: Annotated[int, typer.Option(help="How many parts.", min=1)] = 8,
    engine: Annotated[Engine, typer.Option(help="Who runs them.")] = Engine.local,
    out: Annotated[Path | None, typer.Option(help="Folder that all who work can reach.")] = None,
    raw: Annotated[
        str | None,
        typer.Option(
            help="Spark: a folder of Parquet per table, or s3://bucket/prefix, gs://, az://."
        ),
    ] = None,
    master: Annotated[str | None, typer.Option(help="Spark: its master; local[2].")] = None,
    variables: Annotated[str, typer.Option("--vars", help="dbt's variables, as JSON.")] = "{}",
    run_only: Annotated[bool, typer.Option(help="Leave the tests out.")] = False,
) -> None:
    """Build the mart in shards."""
    # dbt has set a handler when it was imported
    logging.basicConfig(level=logging.INFO, format="%(message)s", force=True)
    settings = Settings(tuple(sorted(json.loads(variables).items())), run_only)
    folder = out or warehouse.path().parent / "shards-of-the-mart"
    if engine is Engine.spark:
        if raw is None:
            raise typer.BadParameter("Spark reads a folder of Parquet: give --raw")
        from shards import spark

        started = spark.build(raw, folder, shards, settings, master or "local[2]")
    else:
        if raw or master:
            raise typer.BadParameter("--raw and --master are for --engine spark")
        from shards import gather, local

        started = local.build(folder, shards, settings)
        gather.gather(folder, settings)
    log.info("%s of %s shards had something to do; %s", started, shards, folder / "manifest.json")


if __name__ == "__main__":
    typer.run(main)
