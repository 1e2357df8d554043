"""What is sent to the API to do harm, and what that does: seconds, status, memory.

python -m benchmarks.abuses
"""

from __future__ import annotations

import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import typer

from benchmarks.measuring import RESULTS
from benchmarks.servers import free_port, running
from core import tables
from serve.web.strict_json import MOST_FIELDS

KB = 1024
# each is sent so often, and the fastest answer counts: a busy machine is slow with anything
TRIES = 3
LARGEST = 256 * KB
WHAT_IF = "/customers/C1/what-if"


def full(start: str, unit: str, end: str = "", size: int = LARGEST) -> bytes:
    """Return a body of the largest size, of one thing again and again."""
    return (start + unit * ((size - len(start) - len(end)) // len(unit)) + end).encode()


UNKNOWN = "{" + ", ".join(f'"k{n}": 1' for n in range(22_000)) + "}"
ABUSES = {
    "unknown keys": ("/predict", UNKNOWN.encode()[:LARGEST]),
    "as many unknown keys as are read": (
        "/predict",
        json.dumps({f"k{n}" * 60: 1 for n in range(MOST_FIELDS)}).encode(),
    ),
    "1 MB of unknown keys": ("/predict", full("{", '"k": 1, ', '"z": 1}', 1 << 20)),
    "50 MB of unknown keys": ("/predict", full("{", '"k": 1, ', '"z": 1}', 50 << 20)),
    "the same key": ("/predict", full("{", '"a": 1, ', '"a": 1}')),
    "lists in lists": ("/predict", b"[" * (LARGEST - 1)),
    "lists in lists that end": ("/predict", b"[" * 400 + b"]" * 400),
    "objects in objects": ("/predict", b'{"a":' * 300 + b"1" + b"}" * 300),
    "brackets in texts": ("/predict", full('{"a": "', "[{", '"}')),
    "escapes": ("/predict", full('{"a": "', '\\\\\\"', '"}')),
    "a text that does not end": ("/predict", full('{"a": "', "x")),
    "a number of many digits": ("/predict", full('{"a": ', "9", "}")),
    "an exponent": ("/predict", b'{"a": 1e999999999}'),
    "nothing but blanks": ("/predict", full("", " ")),
    "no UTF-8": ("/predict", b'{"a": "' + b"\xff" * 200_000 + b'"}'),
    "many numbers": (WHAT_IF, full("[", "0,", "0]")),
    "many changes": (WHAT_IF, full("[", '{"amount": 1}, ', '{"amount": 1}]')),
    "many bad changes": (WHAT_IF, json.dumps([{f"k{n}": n for n in range(90)}] * 100).encode()),
    "many ids": ("/totals", full('{"customer_ids": [', '"a",', '"a"]}')),
    "a long id": ("/totals", full('{"customer_ids": ["', "x", '"]}')),
    "a batch of many bad rows": ("/predict/batch", full("[", "{},", "{}]", 4 << 20)),
    "a batch of one long row": ("/predict/batch", full('[{"a": "', "x", '"}]', 4 << 20)),
    "a batch of blanks": ("/predict/batch", full("[", " ", "", 4 << 20)),
}


@contextmanager
def idle(folder: Path) -> Iterator[tuple[str, int]]:
    """Run an API without a warehouse; yield its address and the id of its process."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "serve/api.py", "--port", str(port)]
    nothing = {"WAREHOUSE_PATH": str(folder / "none.duckdb")}
    with running(command, url, folder / "log", nothing) as process:
        yield url, process.pid


def timed(
    url: str, method: str = "GET", path: str = "/livez", content: bytes | str | None = None
) -> tuple[float, httpx.Response]:
    """Return how many seconds an answer took, and the answer."""
    began = time.perf_counter()
    headers = {"content-type": "application/json"} if content else {}
    answer = httpx.request(method, url + path, content=content, headers=headers, timeout=60)
    return time.perf_counter() - began, answer


def bare(url: str) -> float:
    """Return the seconds of a request that does nothing, on this machine now."""
    return statistics.median(timed(url)[0] for _ in range(7))


def most_megabytes(process: int) -> float:
    """Return the most that a process has held at once."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.findall(r"VmHWM:\s*(\d+) kB", status)[0]) / 1024


def main() -> None:
    """Send each abuse, print what it did, and keep it in benchmarks/results/abuses.json."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch, idle(Path(scratch)) as (url, process):
        for what, (path, content) in ABUSES.items():
            # the peak begins anew
            Path(f"/proc/{process}/clear_refs").write_text("5")
            before = most_megabytes(process)
            tried = [timed(url, "POST", path, content) for _ in range(TRIES)]
            seconds, answer = min(tried, key=lambda found: found[0])
            rows.append(
                {
                    "abuse": what,
                    "route": path,
                    "kb": round(len(content) / KB),
                    "status": answer.status_code,
                    "ms": round(1000 * seconds),
                    "more_mb": round(most_megabytes(process) - before, 1),
                }
            )
        usual = bare(url)
    table = tables.new_table(f"Abuses; GET /livez takes {1000 * usual:.0f} ms", *rows[0])
    for row in rows:
        table.add_row(*map(str, row.values()))
    tables.wide_console().print(table)
    lines = ",\n".join(f"  {json.dumps(row)}" for row in rows)
    (RESULTS / "abuses.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    typer.run(main)
