"""Forecasts are of 30 days: a mart or a model of another horizon is refused wherever it is used."""

import dataclasses
import time

import httpx
import pytest

import warehouse
from core import dbt_runner
from serve.changes import Change
from serve.explain import explain
from serve.open_copy import OpenCopy
from serve.score import score
from serve.what_if import what_if
from train.backtest import backtest
from train.fit import fit
from train.registry import artefact, versions
from train.registry import card as cards

pytest_plugins = ("tests.serve_fixtures",)

ANYBODY = "C0000007"


def what_if_of_anybody():
    return what_if(ANYBODY, [Change(80)])


def tables():
    """What those who use a model write."""
    with warehouse.connect(read_only=True) as connection:
        return [
            connection.execute(f"from main.{name} order by all").fetchall()
            for name in ("predictions", "prediction_reasons", "model_registry", "backtest")
        ]


@pytest.fixture
def mart_of_60(shop_copy):
    with warehouse.connect() as connection:
        connection.execute("update intermediate.int_snapshots_scheduled set horizon_days = 60")
    return shop_copy


@pytest.fixture
def model_of_60(shop_copy):
    folder = artefact.champion().folder
    card = artefact.read_card(folder) | {"horizon_days": 60}
    (folder / artefact.CARD_FILE).write_text(cards.seal_card(card))
    cards.accept(folder.name)
    return shop_copy


@pytest.mark.parametrize("days", [60, 0, 30.5, "a month"])
def test_another_horizon_is_not_built(shop_copy, days):
    with pytest.raises(dbt_runner.BuildError, match=f"horizon_days is {days}: forecasts are of"):
        dbt_runner.build({"horizon_days": days})
    with warehouse.connect(read_only=True) as connection:
        assert warehouse.horizon(connection) == 30


@pytest.mark.parametrize(
    "use",
    [fit, backtest, score, explain, what_if_of_anybody, lambda: OpenCopy(warehouse.path())],
    ids=["fit", "backtest", "score", "explain", "what-if", "stored"],
)
def test_a_mart_of_60_days_is_refused(mart_of_60, use):
    before = tables()
    with pytest.raises(
        warehouse.WarehouseError, match="horizon of 60 days, and forecasts are of 30: run `make"
    ):
        use()
    assert tables() == before


@pytest.mark.parametrize("use", [score, explain, what_if_of_anybody])
def test_a_model_of_60_days_is_refused(model_of_60, use):
    before = tables()
    with pytest.raises(
        artefact.ArtefactError, match=r"forecasts 60 days, and the mart is built for 30: .*fit\.py"
    ):
        use()
    assert tables() == before


def test_a_model_of_60_days_is_nothing_to_compare_a_new_fit_with(model_of_60):
    with warehouse.connect(read_only=True) as connection:
        [(champion,)] = connection.execute(
            "select version from main.model_registry where status = 'champion'"
        ).fetchall()
    verdict = fit(quick=True, seed=1).verdict
    assert f"nothing to compare it with: {champion} forecasts 60 days, and the" in verdict.reason


def test_a_model_of_60_days_is_not_promoted(model_of_60):
    with warehouse.connect() as connection:
        connection.execute("update main.model_registry set status = 'former'")
        [(version,)] = connection.execute("select version from main.model_registry").fetchall()
    before = tables()
    for promote in (lambda: versions.promote(version), versions.roll_back):
        with pytest.raises(artefact.ArtefactError, match=f"{version} forecasts 60 days"):
            promote()
    assert tables() == before


def test_a_model_that_was_loaded_before_is_compared_too(small_shop):
    champion = artefact.champion()
    other = dataclasses.replace(champion, card=champion.card | {"horizon_days": 60})
    with pytest.raises(artefact.ArtefactError, match="forecasts 60 days"):
        what_if(ANYBODY, [Change(80)], other)


def test_the_api_uses_no_model_of_60_days(model_of_60, serve_shop, tmp_path):
    with serve_shop(model_of_60, tmp_path / "log") as url:
        assert httpx.get(url).json()["status"] == "no model"
        for path, body in {
            "/predict": httpx.get(f"{url}/customers/{ANYBODY}").json()["features"],
            f"/customers/{ANYBODY}/what-if": [{"amount": 80}],
        }.items():
            answer = httpx.post(url + path, json=body)
            assert answer.status_code == 503
            assert "forecasts 60 days, and the mart is built for 30" in answer.json()["detail"]


def test_the_api_serves_nothing_of_a_mart_that_has_become_one_of_60_days(
    shop_copy, serve_shop, tmp_path
):
    with serve_shop(shop_copy, tmp_path / "log") as url:
        before = httpx.get(f"{url}/customers/{ANYBODY}")
        assert before.is_success
        with warehouse.connect() as connection:
            connection.execute("update intermediate.int_snapshots_scheduled set horizon_days = 60")
        # long enough for the server to see it: what it serves goes on, as it was
        time.sleep(4)
        assert httpx.get(f"{url}/customers/{ANYBODY}").content == before.content
    with serve_shop(shop_copy, tmp_path / "log") as url:
        for answer in (
            httpx.get(f"{url}/customers/{ANYBODY}"),
            httpx.post(f"{url}/customers/{ANYBODY}/what-if", json=[{"amount": 80}]),
        ):
            assert answer.status_code == 503
            assert "horizon of 60 days" in answer.json()["detail"]
