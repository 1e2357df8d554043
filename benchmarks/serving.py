"""How many requests a second one worker of the API answers, beside a bare route in the same run.

python -m benchmarks.serving [--seconds 10]

The bare route reads the same body and gives it back. The server has a core of its own, the load
generator (`hey`, a package of Debian) the others. Serves the warehouse with its champion.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import psutil
import typer
from fastapi import FastAPI

from benchmarks.measuring import RESULTS
from benchmarks.servers import free_port, running
from core import tables

CONNECTIONS = 32
WHAT_IFS = 4
EVERYWHERE = os.sched_getaffinity(0)
MODULE = "benchmarks.serving"

bare = FastAPI()


@bare.get("/")
async def alive() -> dict[str, str]:
    """Answer once it serves."""
    return {}


@bare.post("/echo")
async def echo(body: dict[str, Any]) -> dict[str, Any]:
    """Give a body back."""
    return body


def load(
    url: str, seconds: int, body: Path | None = None, connections: int = CONNECTIONS
) -> dict[str, float]:
    """Send requests without a pause; return requests per second, p50_ms, p99_ms.

    Raises
    ------
    RuntimeError
        If one was not answered with 200.
    """
    send = ["-m", "POST", "-T", "application/json", "-D", str(body)] if body else []
    command = ["hey", "-z", f"{seconds}s", "-c", str(connections), "-o", "csv", *send, url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = list(csv.DictReader(done.stdout.splitlines()))
    others = {row["status-code"] for row in rows} - {"200"}
    if others or not rows:
        raise RuntimeError(f"{url} answered {', '.join(others) or 'nothing'}: {done.stderr}")
    took = [1000 * float(row["response-time"]) for row in rows]
    cuts = statistics.quantiles(took, n=100)
    return {
        "per_second": round(len(took) / seconds, 1),
        "p50_ms": round(cuts[49], 2),
        "p99_ms": round(cuts[98], 2),
    }


def _alone(process: subprocess.Popen[bytes]) -> None:
    """Give a server one core, and the load generator what is left."""
    first, *others = sorted(EVERYWHERE)
    psutil.Process(process.pid).cpu_affinity([first])
    os.sched_setaffinity(0, others or [first])


def main(
    seconds: Annotated[int, typer.Option(min=1, help="How long each route is asked.")] = 10,
) -> None:
    """Measure predict, look-up and what-if beside the bare route."""
    if not shutil.which("hey"):
        raise typer.BadParameter("the load generator is missing: apt-get install hey")
    port, bare_port = free_port(), free_port()
    url, bare_url = (f"http://127.0.0.1:{each}" for each in (port, bare_port))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        body, change = folder / "body.json", folder / "change.json"
        change.write_text('[{"amount": 80.0}]')
        api = [sys.executable, "serve/api.py", "--port", str(port)]
        echoing = [sys.executable, "-m", "uvicorn", f"{MODULE}:bare", "--port", str(bare_port)]
        found: dict[str, dict[str, float]] = {}
        with running(api, f"{url}/readyz", folder / "api", {}) as process:
            page = httpx.get(f"{url}/customers", params={"limit": 1}).json()
            customer = f"{url}/customers/{quote(page['customers'][0]['customer_id'], safe='')}"
            features = httpx.get(customer).json()["features"]
            body.write_text(httpx.Request("POST", url, json=features).content.decode())
            _alone(process)
            found["predict"] = load(f"{url}/predict", seconds, body)
            found["look-up"] = load(customer, seconds)
            found["what-if"] = load(f"{customer}/what-if", seconds, change, WHAT_IFS)
            os.sched_setaffinity(0, EVERYWHERE)
        command = [*echoing, "--no-access-log", "--log-level", "warning"]
        with running(command, bare_url, folder / "bare", {}) as process:
            _alone(process)
            found["bare"] = load(f"{bare_url}/echo", seconds, body)
            os.sched_setaffinity(0, EVERYWHERE)
    table = tables.new_table("Serving", "route", "per second", "of bare", "p50 ms", "p99 ms")
    for name, measured in found.items():
        measured["of_bare"] = round(measured["per_second"] / found["bare"]["per_second"], 3)
        columns = ("per_second", "of_bare", "p50_ms", "p99_ms")
        table.add_row(name, *(f"{measured[column]:,.2f}" for column in columns))
    tables.wide_console().print(table)
    (RESULTS / "serving.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
