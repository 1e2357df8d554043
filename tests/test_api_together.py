"""Requests that wait at the same moment are forecast in one pass, each as if it were alone."""

import asyncio
from dataclasses import dataclass, field

import httpx
import pytest

import warehouse
from serve import repository
from serve.predictions import MART
from serve.web.together import Together
from train.registry import artefact
from train.registry.artefact import Artefact

pytest_plugins = ("tests.serve_fixtures",)

ROWS = 40


@dataclass(frozen=True)
class Counted(Artefact):
    """A model that notes how many rows each pass has."""

    passes: list[int] = field(default_factory=list)

    def predict_records(self, records):
        self.passes.append(len(records))
        return super().predict_records(records)


@pytest.fixture(scope="module")
def rows(scored_shop):
    contract = repository.contract()
    with warehouse.in_warehouse(scored_shop.file), warehouse.connect(read_only=True) as connection:
        found = connection.execute(
            f"select {', '.join(contract.features)} from {MART}"
            f" order by hash(customer_id, as_of_date) limit {ROWS}"
        ).fetchall()
    values = [[repository.json_value(value) for value in row] for row in found]
    return [dict(zip(contract.features, row, strict=True)) for row in values]


@pytest.fixture
def model(scored_shop):
    with warehouse.in_warehouse(scored_shop.file):
        champion = artefact.champion()
    return lambda: Counted(champion.card, champion.forecaster, champion.folder)


def test_what_is_asked_at_once_is_answered_by_the_api_as_what_is_asked_alone(api_url, rows):
    async def at_once():
        async with httpx.AsyncClient(base_url=api_url, timeout=60) as client:
            answers = await asyncio.gather(*(client.post("/predict", json=row) for row in rows))
        return [answer.json() for answer in answers]

    alone = [httpx.post(f"{api_url}/predict", json=row, timeout=60).json() for row in rows]
    assert asyncio.run(at_once()) == alone


def test_rows_that_wait_together_are_one_pass(model, rows):
    champion, together = model(), Together()

    async def ask():
        return await asyncio.gather(*(together.forecast(champion, row) for row in rows))

    assert asyncio.run(ask()) == [champion.predict_records([row])[0] for row in rows]
    assert champion.passes[0] == ROWS


def test_each_row_is_forecast_by_the_model_that_it_was_asked_of(model, rows):
    former, newer, together = model(), model(), Together()

    async def ask():
        asked = [
            together.forecast((former, newer)[place % 2], row) for place, row in enumerate(rows)
        ]
        await asyncio.gather(*asked)

    asyncio.run(ask())
    assert former.passes == newer.passes == [ROWS // 2]


def test_who_leaves_takes_no_answer_from_the_others(model, rows):
    champion, together = model(), Together()

    async def ask():
        first, *others = [
            asyncio.ensure_future(together.forecast(champion, row)) for row in rows[:3]
        ]
        await asyncio.sleep(0)
        first.cancel()
        return await asyncio.gather(*others)

    assert len(asyncio.run(ask())) == 2


def test_a_forecast_that_fails_is_told_to_all_who_wait_for_it(model, rows):
    champion, together = model(), Together()
    broken = {**rows[0], next(iter(rows[0])): "no number"}

    async def ask():
        asked = [together.forecast(champion, row) for row in (broken, rows[1])]
        return await asyncio.gather(*asked, return_exceptions=True)

    assert all(isinstance(answer, Exception) for answer in asyncio.run(ask()))
    assert asyncio.run(together.forecast(champion, rows[1]))
