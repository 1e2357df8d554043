"""A server follows what is published: another generation, another model, between two requests."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

import warehouse
from benchmarks.switches import switches
from core.generations import Generations
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
