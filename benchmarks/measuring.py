"""What the benchmarks share: sizes of shops, how a command is measured, where results are kept."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import time
from enum import StrEnum
from pathlib import Path

import psutil
import typer

import warehouse

WORK = warehouse.ROOT / "benchmarks" / "work"
RESULTS = warehouse.ROOT / "benchmarks" / "results"
SIZES = {"s": 20_000, "m": 200_000, "l": 2_000_000}
Size = StrEnum("Size", list(SIZES))
SAMPLE_SECONDS = 0.25


def measure(
    command: list[str], environment: dict[str, str], output: Path | None = None
) -> dict[str, float]:
    """Run a command and measure it with all processes that it starts.

    Parameters
    ----------
    output
        A file for what the command prints; by default it is shown.

    Returns
    -------
    dict
        wall_s, cpu_s, and peak_mb: the highest sum of what the processes held at one moment,
        pages that they share counted once.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    with open(output or os.devnull, "w") as file:
        process = subprocess.Popen(
            command,
            env={**os.environ, **environment},
            cwd=warehouse.ROOT,
            stdout=file if output else None,
            stderr=file if output else None,
        )
        peak = 0
        while process.poll() is None:
            peak = max(peak, _held(process.pid))
            time.sleep(SAMPLE_SECONDS)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        if output:
            typer.echo(output.read_text(), err=True)
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


def keep(rows: list[dict[str, object]], file: Path) -> None:
    """Write results as JSON, a row to a line; what was measured of other sizes before stays."""
    file.parent.mkdir(parents=True, exist_ok=True)
    before = json.loads(file.read_text()) if file.exists() else []
    measured = {row["size"] for row in rows}
    rows = [*rows, *(row for row in before if row["size"] not in measured)]
    rows.sort(key=lambda row: list(SIZES).index(str(row["size"])))
    file.write_text("[\n" + ",\n".join(f"  {json.dumps(row)}" for row in rows) + "\n]\n")
