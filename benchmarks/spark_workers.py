"""What a second worker brings: shards under Spark with one task at a time, and with two.

python -m benchmarks.spark_workers [--size m] [--shards 8]

Each task has one core to itself. The compute part is what the tasks take; the split before them and
the sums between them are shown apart.
"""

from __future__ import annotations

import json
import re
import shutil
from typing import Annotated

import duckdb
import typer
from rich.console import Console

from benchmarks.feature_runs import SHARDS, Shop
from benchmarks.measuring import RESULTS, Size
from shards.placing import KEYS, WHOLE

FILE = RESULTS / "spark_workers.json"
PHASE = re.compile(r"phase \d: \d+ shards built in ([\d.]+) s")


def _export(shop: Shop) -> None:
    """Write the raw tables as Parquet, as Spark reads them."""
    raw = shop.folder / "raw"
    raw.mkdir(exist_ok=True)
    with duckdb.connect(str(shop.warehouse), read_only=True) as connection:
        connection.execute("set preserve_insertion_order = false")
        for table in [*WHOLE, *KEYS]:
            connection.execute(f"copy raw.{table} to '{raw / table}.parquet'")


def _build(shop: Shop, workers: int, shards: int) -> dict[str, float]:
    """Build all under Spark in a new folder, and measure it."""
    out = shop.folder / "spark"
    shutil.rmtree(out, ignore_errors=True)
    options = ["--engine", "spark", "--master", f"local[{workers}]"]
    options += ["--raw", str(shop.folder / "raw"), "--out", str(out)]
    measured = shop.build_in_shards(*options, shards=shards)
    # of a JVM, which nobody waits for, the CPU is not known
    measured.pop("cpu_s")
    tasks_s = sum(float(found) for found in PHASE.findall(shop.shards_log.read_text()))
    shutil.rmtree(out)
    return {"workers": workers, **measured, "tasks_s": round(tasks_s, 1)}


def main(
    size: Annotated[Size, typer.Option(help="Of the generated shop.")] = Size.m,
    shards: Annotated[int, typer.Option(help="How many parts.", min=2)] = SHARDS,
) -> None:
    """Build with one worker, then with two, and compare."""
    shop = Shop(size)
    shop.folder.mkdir(parents=True, exist_ok=True)
    shop.generate()
    _export(shop)
    runs = [_build(shop, workers, shards) for workers in (1, 2)]
    one, two = runs
    efficiency = round(one["tasks_s"] / two["tasks_s"] / 2, 3)
    result = {"size": str(size), "shards": shards, "runs": runs, "efficiency": efficiency}
    FILE.write_text(json.dumps(result, indent=1) + "\n")
    Console().print(result)


if __name__ == "__main__":
    typer.run(main)
