"""Several processes answer on one port, as one."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from benchmarks.routes import every_route
from benchmarks.servers import free_port, running
from core.generations import Generations

WORKERS = 2
REQUESTS = 60


@dataclass(frozen=True)
class Served:
    url: str
    log: Path
    process: subprocess.Popen[bytes]

    @property
    def workers(self) -> list[psutil.Process]:
        # beside them there is one that looks after what they share
        return [
            each
            for each in psutil.Process(self.process.pid).children()
            if any("spawn_main" in word for word in each.cmdline())
        ]

    def asked_anew(self, path: str) -> list[httpx.Response]:
        """Ask on many connections at once: whichever process is free takes one."""
        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(lambda _: httpx.get(self.url + path), range(REQUESTS)))


@pytest.fixture
def served(shop_copy: Path, tmp_path: Path) -> Iterator[Served]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "serve/api.py", "--port", str(port), "--workers", str(WORKERS)]
    log = tmp_path / "log"
    with running(command, f"{url}/readyz", log, {"WAREHOUSE_PATH": str(shop_copy)}) as process:
        found = Served(url, log, process)
        deadline = time.monotonic() + 60
        while log.read_text().count("Application startup complete") < WORKERS:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield found


def test_both_answer_and_their_metrics_add_up(served):
    assert {answer.status_code for answer in served.asked_anew("/version")} == {200}
    [folder] = {each.environ()["PROMETHEUS_MULTIPROC_DIR"] for each in served.workers}
    counted = {int(file.stem.split("_")[1]) for file in Path(folder).glob("counter_*.db")}
    assert counted == {each.pid for each in served.workers}
    told = httpx.get(f"{served.url}/metrics").text
    [requests] = re.findall(r'http_requests_total{.*route="/version".*} (\S+)', told)
    assert float(requests) == REQUESTS


def test_both_follow_a_new_generation(served, shop_copy):
    generations = Generations(shop_copy)
    with generations.private_copy() as copy:
        generations.publish(copy)
    deadline = time.monotonic() + 10
    while served.log.read_text().count("generations/000001/") < WORKERS:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    answers = served.asked_anew("/version")
    assert {answer.json()["generation"] for answer in answers} == {1}


def test_a_stop_loses_no_request_that_is_being_answered(served):
    with httpx.Client(base_url=served.url) as client:
        route = every_route(client)[-1]

    def connections() -> int:
        found = [each for worker in served.workers for each in worker.net_connections("tcp")]
        return sum(each.status == psutil.CONN_ESTABLISHED for each in found)

    def ask(_: int) -> int:
        with httpx.Client(base_url=served.url, timeout=60) as client:
            return route.ask(client).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(ask, number) for number in range(8)]
        while connections() < 8:
            assert not all(answer.done() for answer in answers), "all were answered too soon"
        served.process.terminate()
        assert [answer.result() for answer in answers] == [200] * 8
    assert served.process.wait(30) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(served.url)
