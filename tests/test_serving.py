"""A server follows what is published: another generation, another model, between two requests."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

import warehouse
from core.generations import Generations
from train.fit import fit

pytest_plugins = ("tests.serve_fixtures",)

SECONDS = 5


@dataclass
class Traffic:
    """What a client got that asks without a pause."""

    statuses: list[int] = field(default_factory=list)
    generations: list[str | None] = field(default_factory=list)
    # of one generation all routes must say the same
    disagreements: list[tuple[float, float]] = field(default_factory=list)


@contextmanager
def traffic(url: str, customer_id: str) -> Iterator[Traffic]:
    """Ask for a stored forecast, and make it anew from its features, while the block runs."""
    got, stop = Traffic(), threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=url, timeout=30) as client:
            while not stop.is_set():
                stored = client.get(f"/customers/{customer_id}")
                if not stored.is_success:
                    got.statuses.append(stored.status_code)
                    continue
                made = client.post("/predict", json=stored.json()["features"])
                got.statuses += [stored.status_code, made.status_code]
                got.generations.append(stored.headers.get("x-generation"))
                if stored.headers.get("x-generation") != made.headers.get("x-generation"):
                    continue
                values = [
                    answer["predicted_30d_spend"]
                    for answer in (stored.json()["prediction"], made.json())
                ]
                versions = {
                    answer["model_version"] for answer in (stored.json()["prediction"], made.json())
                }
                if len(versions) > 1 or values[0] != pytest.approx(values[1]):
                    got.disagreements.append((values[0], values[1]))

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield got
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def customer_id(shop_copy: Path) -> str:
    with warehouse.connect(read_only=True) as connection:
        [(best,)] = connection.execute(
            "select customer_id from main.predictions order by predicted_30d_spend desc limit 1"
        ).fetchall()
    return best


def publish_again(place: Path) -> int:
    generations = Generations(place)
    with generations.private_copy() as copy:
        return generations.publish(copy)


def comes_true(what: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.1)
    return False


def test_new_generations_and_roll_backs_are_served_within_seconds_and_no_request_fails(
    shop_copy, customer_id, serve_shop, tmp_path
):
    with serve_shop(shop_copy, tmp_path / "log") as url, traffic(url, customer_id) as got:
        for number in (1, 2, 3):
            assert publish_again(shop_copy) == number
            assert comes_true(lambda: httpx.get(url).json()["generation"] == number)  # noqa: B023
        Generations(shop_copy).roll_back()
        assert comes_true(lambda: httpx.get(url).json()["generation"] == 2)
    assert set(got.statuses) == {200}
    assert got.disagreements == []
    assert {"1", "2", "3"} <= set(got.generations)


def test_an_answer_names_its_generation_in_header_and_body(
    shop_copy, customer_id, serve_shop, tmp_path
):
    publish_again(shop_copy)
    with serve_shop(shop_copy, tmp_path / "log") as url:
        answers = [
            httpx.get(url),
            httpx.get(f"{url}/customers/{customer_id}"),
            httpx.post(f"{url}/customers/{customer_id}/what-if", json=[{"amount": 9}], timeout=60),
        ]
        refused = httpx.get(f"{url}/customers/nobody")
    for answer in answers:
        assert (answer.json()["generation"], answer.headers["x-generation"]) == (1, "1")
        assert answer.headers["x-model-version"]
    assert (refused.status_code, refused.headers["x-generation"]) == (404, "1")


def test_a_promoted_model_scores_anew_and_is_served_without_a_new_start(
    shop_copy, customer_id, serve_shop, tmp_path
):
    other = fit(seed=3, quick=True).version
    with serve_shop(shop_copy, tmp_path / "log") as url, traffic(url, customer_id) as got:
        before = httpx.get(url).json()["model_version"]
        assert before != other
        done = command("--promote", other)
        assert "the current date is scored anew" in done.stderr
        assert comes_true(lambda: httpx.get(url).json()["model_version"] == other)
        got.disagreements.clear()
        time.sleep(1)
        assert got.disagreements == []
        command("--rollback")
        assert comes_true(lambda: httpx.get(url).json()["model_version"] == before)
    assert set(got.statuses) == {200}


def command(*options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "train/fit.py", *options],
        cwd=warehouse.ROOT,
        env={**os.environ},
        capture_output=True,
        text=True,
        check=True,
    )
