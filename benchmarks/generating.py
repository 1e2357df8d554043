"""What generating and loading shops of growing size takes: time, processor time, peak memory.

python benchmarks/generating.py [--size s --size m --size l]
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import duckdb
import psutil
import typer
from rich.console import Console

import warehouse
from generate.raw_tables import TABLES
from run import summary

WORK = warehouse.ROOT / "benchmarks" / "work"
RESULTS = warehouse.ROOT / "benchmarks" / "results" / "generate.json"
SIZES = {"s": 20_000, "m": 200_000, "l": 2_000_000}
Size = StrEnum("Size", list(SIZES))
SAMPLE_SECONDS = 0.25


def measure(command: list[str], environment: dict[str, str]) -> dict[str, float]:
    """Run a command and measure it with all processes that it starts.

    Returns
    -------
    dict
        wall_s, cpu_s, and peak_mb: the highest sum of what the processes held at one moment,
        pages that they share counted once.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **environment}, cwd=warehouse.ROOT)
    peak = 0
    while process.poll() is None:
        peak = max(peak, _held(process.pid))
        time.sleep(SAMPLE_SECONDS)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise typer.Exit(process.returncode)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": round(wall, 1), "cpu_s": round(cpu, 1), "peak_mb": round(peak / 1e6)}


def _held(pid: int) -> int:
    """Return the bytes that a process and its children hold."""
    total = 0
    try:
        root = psutil.Process(pid)
        processes = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in processes:
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total


def export(file: Path, folder: Path) -> None:
    """Write the raw tables of a warehouse as CSV."""
    folder.mkdir(parents=True)
    with duckdb.connect(str(file), read_only=True) as connection:
        for table in TABLES:
            columns = ", ".join(column.name for column in table.columns)
            connection.execute(
                f"copy (select {columns} from raw.{table.name}) to '{folder / table.name}.csv'"
                " (format csv, header)"
            )


def bench(size: str) -> list[dict[str, object]]:
    """Generate a shop, and load it again from CSV files."""
    folder = WORK / f"generate-{size}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environment = {"WAREHOUSE_PATH": str(folder / "generated.duckdb")}
    command = [sys.executable, "generate/synthetic.py", "--customers", str(SIZES[size])]
    generated = measure(command, environment)
    rows = [{"task": "generate", "size": size, **generated, **_counts(folder / "generated.duckdb")}]
    export(folder / "generated.duckdb", folder / "files")
    (folder / "generated.duckdb").unlink()
    environment = {"WAREHOUSE_PATH": str(folder / "loaded.duckdb")}
    loaded = measure([sys.executable, "generate/load.py", str(folder / "files")], environment)
    rows.append({"task": "load csv", "size": size, **loaded, **_counts(folder / "loaded.duckdb")})
    shutil.rmtree(folder)
    return rows


def _counts(file: Path) -> dict[str, int]:
    with duckdb.connect(str(file), read_only=True) as connection:
        tables = {"customers": "customer_details", "headers": "store_sales_header"}
        tables["lines"] = "store_sales_line_items"
        return {
            name: connection.execute(f"select count(*) from raw.{table}").fetchall()[0][0]
            for name, table in tables.items()
        }


def main(
    size: Annotated[
        list[Size] | None, typer.Option(help="s (20,000 customers), m (10 x), l (100 x).")
    ] = None,
) -> None:
    """Measure, print a table, and keep it in benchmarks/results/generate.json."""
    console = Console(width=max(110, Console().width))
    rows = []
    for one in size or list(SIZES):
        rows += bench(one)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    # what was measured of other sizes stays
    before = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    measured = {row["size"] for row in rows}
    rows = [*rows, *(row for row in before if row["size"] not in measured)]
    rows.sort(key=lambda row: list(SIZES).index(str(row["size"])))
    RESULTS.write_text("[\n" + ",\n".join(f"  {json.dumps(row)}" for row in rows) + "\n]\n")
    table = summary.new_table("Generating and loading", *rows[0])
    for row in rows:
        table.add_row(*(f"{v:,}" if isinstance(v, int | float) else str(v) for v in row.values()))
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
