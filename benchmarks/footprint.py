"""What the API takes: disk of its packages, seconds until it is ready, memory.

python -m benchmarks.footprint [PYTHON ...]

Serves the warehouse once with the Python of each environment, as `pip install` of one of the locks
of deploy/ makes it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import httpx
import psutil
import typer

import warehouse
from benchmarks.measuring import RESULTS
from benchmarks.routes import every_route
from benchmarks.servers import free_port, running
from core import tables

REQUESTS = 1_000
PACKAGES = "import sysconfig; print(sysconfig.get_path('purelib'))"


def footprint(python: str, log: Path, warehouse_file: Path) -> dict[str, float]:
    """Serve a warehouse and ask all routes; return packages_mb, ready_s, start_mb, after_mb.

    Parameters
    ----------
    python
        The interpreter of an environment.
    """
    found = subprocess.run([python, "-c", PACKAGES], capture_output=True, text=True, check=True)
    sizes = [file.lstat().st_size for file in Path(found.stdout.strip()).rglob("*")]
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [python, "serve/api.py", "--port", str(port)]
    began = time.perf_counter()
    variables = {"WAREHOUSE_PATH": str(warehouse_file), "PYTHONPATH": str(warehouse.ROOT)}
    with running(command, f"{url}/readyz", log, variables) as process:
        ready = time.perf_counter() - began
        held = psutil.Process(process.pid)
        at_start = held.memory_info().rss
        with httpx.Client(base_url=url, timeout=60) as client:
            routes = every_route(client)
            for number in range(REQUESTS):
                routes[number % len(routes)].ask(client).raise_for_status()
        after = held.memory_info().rss
    return {
        "packages_mb": round(sum(sizes) / 1e6),
        "ready_s": round(ready, 1),
        "start_mb": round(at_start / 1e6),
        "after_mb": round(after / 1e6),
    }


def main(
    pythons: Annotated[list[str] | None, typer.Argument(help="Default: this one.")] = None,
) -> None:
    """Measure, print, and keep it in benchmarks/results/footprint.json."""
    rows = {}
    with tempfile.TemporaryDirectory() as scratch:
        for python in pythons or [sys.executable]:
            rows[Path(python).parent.parent.name] = footprint(
                python, Path(scratch) / "log", warehouse.path()
            )
    names = next(iter(rows.values()))
    table = tables.new_table(f"The API, after {REQUESTS:,} requests", "table", *names)
    for name, row in rows.items():
        table.add_row(name, *map(str, row.values()))
    tables.wide_console().print(table)
    (RESULTS / "footprint.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
