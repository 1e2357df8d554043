"""A server follows what is published: another generation, another model, between two requests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import warehouse
from benchmarks.switches import switches
from core.generations import Generations
from serve import serving_copy
from serve.serving import Serving
from train.fit import fit

pytest_plugins = ("tests.serve_fixtures",)

# five on a machine that does nothing else (docs/results.md)
SECONDS = 20


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


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Hold a warehouse file in another process, as whoever writes it does."""
    hold = f"import duckdb; held = duckdb.connect({str(file)!r}); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline()
        yield
        holder.communicate(b"\n")


def test_what_is_served_goes_on_while_the_next_generation_cannot_be_copied(
    shop_copy, tmp_path, monkeypatch
):
    monkeypatch.setenv("GENERATION_CACHE", str(tmp_path / "copies"))
    publish_again(shop_copy)
    serving = Serving()
    first = serving.now
    publish_again(shop_copy)
    with held(shop_copy.resolve()):
        serving.look()
        assert serving.now is first
        assert first.copy is not None
    serving.look()
    assert (first.generation, serving.now.generation) == (1, 2)


def test_the_copies_of_former_generations_go(shop_copy, tmp_path, monkeypatch):
    monkeypatch.setenv("GENERATION_CACHE", str(tmp_path / "copies"))
    publish_again(shop_copy)
    serving = Serving()
    for _ in range(2):
        publish_again(shop_copy)
        serving.look()
    assert serving.now.copy is not None
    [copy] = (tmp_path / "copies").glob("*/*/*.duckdb")
    assert copy == serving.now.copy.file
    serving_copy.remove(shop_copy.resolve())
    assert not list((tmp_path / "copies").glob("*/*/*.duckdb"))


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


def test_all_routes_follow_each_switch_within_seconds_and_no_request_fails(shop_copy, tmp_path):
    other = fit(seed=3, quick=True).version
    done = switches(shop_copy, other, tmp_path / "log")
    assert len({each.name for each in done}) == 4
    for each in done:
        assert each.failed == []
        assert each.mixed == []
        assert each.seconds is not None
        assert each.seconds < SECONDS, each.name
