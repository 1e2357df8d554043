"""Nights in a row, some of them killed, beside readers who never wait: `make soak`.

python -m benchmarks.soak [--customers 5000] [--nights 50] [--kills 10]

A shop receives a day's files each night. Meanwhile run the API, the app, a reader that holds the
file open all the time and one that opens it anew each time. No request may fail, none may mix
generations, and all that a night acknowledged must be there at the end.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import duckdb
import httpx
import typer

import warehouse
from benchmarks import night_files
from benchmarks.measuring import RESULTS, WORK
from benchmarks.servers import free_port, running
from core.generations import Generations
from generate.shop.plan import Plan

FILE = RESULTS / "soak.json"
NIGHTLY = (sys.executable, "operate/nightly.py")
# published, or published with warnings
DONE = (0, 10)
# a second apart, as somebody at a shell opens it
PAUSE = 1.0


@dataclass
class Seen:
    """What the readers saw; written by one thread each, read at the end."""

    requests: int = 0
    queries: int = 0
    pages: int = 0
    failures: list[str] = field(default_factory=list)
    # by generation: its as-of date and model, as each reader found them
    told: dict[int | None, set[tuple[str, str]]] = field(default_factory=dict)
    # by reader, the generations in the order in which it met them
    order: dict[str, list[int]] = field(default_factory=dict)

    def meet(self, reader: str, generation: int | None, as_of: object, version: str) -> None:
        """Note which generation a reader was answered from, and what was said of it."""
        self.told.setdefault(generation, set()).add((str(as_of), version))
        met = self.order.setdefault(reader, [])
        if not met or met[-1] != (generation or 0):
            met.append(generation or 0)

    @property
    def mixed(self) -> dict[int | None, set[tuple[str, str]]]:
        """Generations of which readers were told several things."""
        return {number: told for number, told in self.told.items() if len(told) > 1}

    @property
    def backwards(self) -> dict[str, list[int]]:
        """Readers who met an older generation after a newer one."""
        return {reader: met for reader, met in self.order.items() if met != sorted(met)}


@dataclass(frozen=True)
class Outcome:
    """How a soak went."""

    nights: int
    killed: int
    exit_codes: dict[int, int]
    requests: int
    queries: int
    pages: int
    failures: list[str]
    mixed: int
    backwards: int
    generations: int
    orders_lost: int
    first_bytes: int
    last_bytes: int
    seconds: float

    @property
    def is_clean(self) -> bool:
        """Whether nothing failed, mixed or was lost."""
        return not (self.failures or self.mixed or self.backwards or self.orders_lost)


def soak(
    place: Path, inbox: Path, days: list[date], kills: int, *, seed: int = 1, pause: float = PAUSE
) -> Outcome:
    """Play a night per day beside readers; the warehouse in `folder` has forecasts already.

    Parameters
    ----------
    place
        The warehouse, which has a champion and forecasts.
    inbox
        Receives the files; the nights look at those of days before their own.
    days
        The days whose files are new; the night after each is played.
    kills
        So many nights are killed at a random moment, and played again.
    pause
        Seconds between two openings of the file.
    """
    moments = random.Random(seed)
    doomed = set(moments.sample(range(len(days)), kills))
    # before the first night nobody knows how long one takes; few take less than this
    seen, codes, took, killed = Seen(), Counter(), 15.0, 0
    started = time.perf_counter()
    first_bytes = place.stat().st_size
    with ExitStack() as stack:
        stack.enter_context(_readers(place, seen, pause))
        for number, day in enumerate(days):
            night = [*NIGHTLY, "--data", str(inbox), "--as-of", str(day + timedelta(1)), "--json"]
            if number in doomed:
                killed += _kill(night, place, moments.uniform(0, took))
            begun = time.perf_counter()
            done = subprocess.run(
                night, cwd=warehouse.ROOT, env=_environment(place), capture_output=True, text=True
            )
            took = time.perf_counter() - begun
            codes[done.returncode] += 1
            if done.returncode not in DONE:
                seen.failures.append(f"night of {day}: {done.stdout}{done.stderr}"[-2_000:])
            typer.echo(
                f"{day}: {done.returncode}, {took:.0f} s, {seen.requests:,} requests, "
                f"{seen.queries:,} queries, {len(seen.failures)} failures"
            )
    generations = Generations(place)
    return Outcome(
        nights=len(days),
        killed=killed,
        exit_codes=dict(codes),
        requests=seen.requests,
        queries=seen.queries,
        pages=seen.pages,
        failures=seen.failures,
        mixed=len(seen.mixed),
        backwards=len(seen.backwards),
        generations=len([number for number in seen.told if number]),
        orders_lost=_orders_lost(inbox, place),
        first_bytes=first_bytes,
        last_bytes=generations.size(),
        seconds=time.perf_counter() - started,
    )


def _environment(place: Path) -> dict[str, str]:
    return {**os.environ, "WAREHOUSE_PATH": str(place)}


def _kill(night: list[str], place: Path, after: float) -> bool:
    """Start a night and end it, and all that it started, without a warning, if it still runs."""
    with subprocess.Popen(
        night,
        cwd=warehouse.ROOT,
        env=_environment(place),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return True
    return False


@contextmanager
def _readers(place: Path, seen: Seen, pause: float) -> Iterator[None]:
    """Serve and read the warehouse while the block runs."""
    stop = threading.Event()
    log = place.parent / "logs"
    log.mkdir(exist_ok=True)
    port, app_port = free_port(), free_port()
    api, app = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{app_port}"
    variables = {"WAREHOUSE_PATH": str(place), "API_URL": api}
    streamlit = [sys.executable, "-m", "streamlit", "run", "serve/app.py"]
    with (
        running([sys.executable, "serve/api.py", "--port", str(port)], api, log / "api", variables),
        running(
            [*streamlit, "--server.port", str(app_port)],
            f"{app}/_stcore/health",
            log / "app",
            variables,
        ),
        duckdb.connect(str(place), read_only=True) as held,
    ):
        customer = _some_customer(held)
        jobs: dict[str, Callable[[], None]] = {
            "api": lambda: _ask(api, customer, seen, stop),
            "app": lambda: _visit(app, seen, stop),
            "opens anew": lambda: _open_anew(place, seen, stop, pause),
            "held": lambda: _hold(held, seen, stop, pause),
        }
        threads = [threading.Thread(target=job, name=name) for name, job in jobs.items()]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()


def _ask(api: str, customer: str, seen: Seen, stop: threading.Event) -> None:
    """Ask all routes in turn; all answers of one moment must be of one generation."""
    with httpx.Client(base_url=api, timeout=60) as client:
        while not stop.is_set():
            try:
                health = client.get("/").raise_for_status()
                seen.requests += 1
                stored = client.get(f"/customers/{customer}").raise_for_status()
                found = stored.json()
                made = client.post("/predict", json=found["features"]).raise_for_status()
                seen.requests += 2
                for answer in (health, stored, made):
                    if answer.headers.get("x-generation") != _text(answer.json()["generation"]):
                        seen.failures.append(f"{answer.url}: body and header differ")
                version = found["prediction"]["model_version"]
                seen.meet("stored", found["generation"], found["as_of_date"], version)
                if found["generation"] == made.json()["generation"]:
                    forecast = made.json()["predicted_30d_spend"]
                    expected = found["prediction"]["predicted_30d_spend"]
                    if made.json()["model_version"] != version or abs(forecast - expected) > 1e-6:
                        seen.failures.append(f"{found['generation']}: {forecast} and {expected}")
            except (httpx.HTTPError, KeyError, ValueError) as error:
                seen.failures.append(f"api: {error}")
            stop.wait(0.05)


def _text(generation: int | None) -> str | None:
    return None if generation is None else str(generation)


def _some_customer(held: duckdb.DuckDBPyConnection) -> str:
    [(customer,)] = held.execute(
        "select customer_id from predictions order by predicted_30d_spend desc limit 1"
    ).fetchall()
    return customer


def _visit(app: str, seen: Seen, stop: threading.Event) -> None:
    with httpx.Client(base_url=app, timeout=60) as client:
        while not stop.is_set():
            try:
                client.get("/").raise_for_status()
                client.get("/_stcore/health").raise_for_status()
                seen.pages += 2
            except httpx.HTTPError as error:
                seen.failures.append(f"app: {error}")
            stop.wait(2)


def _open_anew(place: Path, seen: Seen, stop: threading.Event, pause: float) -> None:
    """Open the file as anybody would, and hold what stands in it against itself."""
    while not stop.is_set():
        try:
            with duckdb.connect(str(place), read_only=True) as connection:
                _look(connection, "opens anew", seen)
        except duckdb.Error as error:
            seen.failures.append(f"opens anew: {error}")
        stop.wait(pause)


def _hold(held: duckdb.DuckDBPyConnection, seen: Seen, stop: threading.Event, pause: float) -> None:
    """Go on reading what was opened at the beginning, whose file is replaced meanwhile."""
    before = held.execute("select count(*), sum(predicted_30d_spend) from predictions").fetchall()
    while not stop.is_set():
        try:
            now = held.execute(
                "select count(*), sum(predicted_30d_spend) from predictions"
            ).fetchall()
            seen.queries += 1
            if now != before:
                seen.failures.append(f"held: {before} became {now}")
        except duckdb.Error as error:
            seen.failures.append(f"held: {error}")
        stop.wait(pause)


def _look(connection: duckdb.DuckDBPyConnection, reader: str, seen: Seen) -> None:
    generation = connection.execute(
        "select number, as_of_date, model_version from main.generation"
    ).fetchone()
    [(as_of, version, customers)] = connection.execute(
        "select max(as_of_date), max_by(model_version, as_of_date), count(*)"
        " from marts.customer_predictions"
    ).fetchall()
    [(mart, scored)] = connection.execute(
        """
        select
            (select max(as_of_date) from features.feat_customer_snapshots),
            (select max(as_of_date) from main.predictions)
        """
    ).fetchall()
    seen.queries += 3
    if generation is None:
        return
    number, signed_as_of, signed_version = generation
    parts = {as_of, mart, scored, signed_as_of}
    if len(parts) > 1 or version != signed_version or not customers:
        seen.failures.append(f"generation {number} holds {parts} and {version}, {signed_version}")
    seen.meet(reader, number, as_of, version)


def _orders_lost(inbox: Path, place: Path) -> int:
    """Return how many orders of files that were sent are not in the raw tables."""
    files = str(inbox / "**" / "store_sales_header.csv")
    with duckdb.connect(str(place), read_only=True) as connection:
        [(orders,)] = connection.execute(
            """
            select count(distinct transaction_id)
            from read_csv(?, all_varchar = true)
            anti join raw.store_sales_header using (transaction_id)
            """,
            [files],
        ).fetchall()
    return orders


def main(
    customers: Annotated[int, typer.Option(help="Size of the shop.")] = 5_000,
    nights: Annotated[int, typer.Option(help="How many nights.")] = 50,
    kills: Annotated[int, typer.Option(help="How many of them are killed.")] = 10,
) -> None:
    """Soak, print how it went, and keep it in benchmarks/results/soak.json."""
    folder = WORK / "soak"
    shutil.rmtree(folder, ignore_errors=True)
    inbox = folder / "inbox"
    days = night_files.write(Plan(customers, 7, days=900), inbox, nights)
    first = [*NIGHTLY, "--data", str(inbox), "--as-of", str(days[0] + timedelta(1))]
    place = folder / "shop.duckdb"
    os.environ["WAREHOUSE_PATH"] = str(place)
    subprocess.run(first, cwd=warehouse.ROOT, env=_environment(place), check=False)
    outcome = soak(place, inbox, days[1:], kills)
    FILE.write_text(f"{json.dumps(asdict(outcome), indent=2)}\n")
    for name, value in asdict(outcome).items():
        typer.echo(f"{name:<14} {value}")
    raise typer.Exit(0 if outcome.is_clean else 1)


if __name__ == "__main__":
    typer.run(main)
