"""Another champion, another generation, and back: beside requests to all routes of the API.

python -m benchmarks.switches [--per-second 25]

Works on a copy of the warehouse and its models. Of each switch: seconds from its publication until
no route answers from the state before, requests that failed, answers that mix two states.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated

import httpx
import typer

import warehouse
from benchmarks.measuring import RESULTS, WORK
from benchmarks.routes import Route, every_route, told
from benchmarks.servers import free_port, running
from core import tables
from core.generations import Generations, state
from train.fit import fit

FIT = (sys.executable, "train/fit.py")
CLIENTS = 5
# until then a switch has to be seen by all routes, and that long the traffic goes on after it
MOST_SECONDS, AFTER = 60.0, 2.0


@dataclass(frozen=True)
class Answer:
    """When a request was sent, in seconds since 1970, and from which state it was answered."""

    sent: float
    route: str
    state: tuple[str | None, str | None]


@dataclass
class Traffic:
    """What clients saw who ask all routes in turn; each route by one of them at a time."""

    answers: list[Answer] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    # by generation and model, what was expected of the customer
    spend: dict[tuple[str | None, str | None], float] = field(default_factory=dict)

    def ask(self, client: httpx.Client, route: Route) -> None:
        """Send a request and hold its answer against those before."""
        sent = time.time()
        try:
            *named, spend = told(route, route.ask(client).raise_for_status())
        except httpx.HTTPError as error:
            self.failed.append(f"{route.name}: {error}")
            return
        except ValueError as error:
            self.mixed.append(str(error))
            return
        generation, model = named
        self.answers.append(Answer(sent, route.name, (generation, model)))
        if spend is not None:
            known = self.spend.setdefault((generation, model), spend)
            if abs(spend - known) > 1e-6:
                self.mixed.append(f"{route.name}: {spend} by {generation} and {model}, not {known}")


@contextmanager
def traffic(url: str, per_second: float) -> Iterator[Traffic]:
    """Ask all routes, so many requests a second, while the block runs."""
    seen, stop, turn = Traffic(), threading.Event(), threading.Lock()
    with httpx.Client(base_url=url, timeout=60) as client:
        routes = every_route(client)
        # some routes take only few at once
        alone = {route.name: threading.Lock() for route in routes}
        due, number = time.monotonic(), 0

        def next_one() -> tuple[float, Route]:
            nonlocal due, number
            with turn:
                # who is late catches up with at most a second
                due = max(due + 1 / per_second, time.monotonic() - 1)
                number += 1
                return due, routes[number % len(routes)]

        def go_on() -> None:
            while not stop.is_set():
                at, route = next_one()
                stop.wait(max(at - time.monotonic(), 0))
                with alone[route.name]:
                    seen.ask(client, route)

        threads = [threading.Thread(target=go_on) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield seen
        finally:
            stop.set()
            for thread in threads:
                thread.join()


@dataclass(frozen=True)
class Switch:
    """How a switch was followed.

    Attributes
    ----------
    seconds
        From the publication to the first request after which all routes answered from the new
        state; None where they did not.
    """

    name: str
    seconds: float | None
    requests: int
    per_second: float
    failed: list[str]
    mixed: list[str]


def followed(name: str, switch: Callable[[], float], url: str, per_second: float) -> Switch:
    """Switch beside traffic.

    Parameters
    ----------
    switch
        Publishes another state and returns when, in seconds since 1970.
    """
    began = time.monotonic()
    with traffic(url, per_second) as seen:
        time.sleep(AFTER)
        before = seen.answers[-1].state
        published = switch()
        deadline = time.monotonic() + MOST_SECONDS
        while (seconds := _all_agree(seen, before, published)) is None:
            if time.monotonic() > deadline:
                break
            time.sleep(0.1)
        time.sleep(AFTER)
        seconds = seconds and _all_agree(seen, before, published)
    requests = len(seen.answers) + len(seen.failed) + len(seen.mixed)
    rate = round(requests / (time.monotonic() - began), 1)
    return Switch(name, seconds, requests, rate, seen.failed, seen.mixed)


def _all_agree(seen: Traffic, before: tuple[str | None, str | None], since: float) -> float | None:
    """Return the seconds until no route answered from the state before, once all were asked."""
    answers = sorted(list(seen.answers), key=lambda answer: answer.sent)
    last = max((each.sent for each in answers if each.state == before), default=0.0)
    after = [answer for answer in answers if answer.sent > last]
    if {answer.route for answer in after} != {answer.route for answer in answers}:
        return None
    if len({answer.state for answer in after}) > 1:
        return None
    return round(max(after[0].sent - since, 0.0), 2)


def switches(place: Path, other: str, log: Path, per_second: float = 25) -> list[Switch]:
    """Promote a version, roll it back, publish a generation that has it, and go back to the first.

    Parameters
    ----------
    place
        The warehouse, which is changed.
    other
        A version that is not the champion.
    """
    generations = Generations(place)

    def by_hand(*options: str, file: Path = place) -> float:
        subprocess.run(
            [*FIT, *options],
            cwd=warehouse.ROOT,
            env={**os.environ, "WAREHOUSE_PATH": str(file)},
            capture_output=True,
            check=True,
        )
        return max(written for _, _, written in state(file.resolve())) / 1e9

    def generation() -> float:
        with generations.private_copy() as copy:
            by_hand("--promote", other, file=copy.file)
            generations.publish(copy)
        return time.time()

    def back() -> float:
        generations.roll_back()
        return time.time()

    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "serve/api.py", "--port", str(port)]
    with running(command, f"{url}/readyz", log, {"WAREHOUSE_PATH": str(place)}):
        return [
            followed("promotion", lambda: by_hand("--promote", other), url, per_second),
            followed("roll-back of it", lambda: by_hand("--rollback"), url, per_second),
            followed("new generation", generation, url, per_second),
            followed("roll-back to the one before", back, url, per_second),
        ]


def main(
    per_second: Annotated[float, typer.Option(help="Requests a second, over all routes.")] = 25,
) -> None:
    """Switch, print how it was followed, and keep it in benchmarks/results/switches.json."""
    source, folder = warehouse.path(), WORK / "switches"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    place = folder / "shop.duckdb"
    shutil.copy(source, place)
    shutil.copytree(warehouse.models_dir(), folder / "models")
    with warehouse.in_warehouse(place):
        other = fit(seed=3, quick=True).version
        done = switches(place, other, folder / "log", per_second)
    names = ("switch", "seconds", "requests", "per second", "failed", "mixed")
    table = tables.new_table("Switches under traffic", *names)
    for each in done:
        cells = (each.seconds, each.requests, each.per_second, len(each.failed), len(each.mixed))
        table.add_row(each.name, *map(str, cells))
    tables.wide_console().print(table)
    rows = [asdict(each) for each in done]
    (RESULTS / "switches.json").write_text(json.dumps(rows, indent=1) + "\n")
    shutil.rmtree(folder)
    raise typer.Exit(any(each.failed or each.mixed or each.seconds is None for each in done))


if __name__ == "__main__":
    typer.run(main)
