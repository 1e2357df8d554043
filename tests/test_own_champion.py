"""A data scientist's own estimator: it competes, wins, and what it became is used anywhere."""

import os
import subprocess
import sys

import httpx
import pandas as pd
import pytest

import warehouse
from tests.test_own_candidates import NAME, ODD, command, write_module
from train import learn
from train.backtest import backtest
from train.candidates.models import QUICK
from train.candidates.own import CandidateError
from train.fit import fit
from train.registry import artefact

pytest_plugins = ("tests.serve_fixtures",)


@pytest.fixture(scope="module")
def odd_shop(built_shop, tmp_path_factory):
    """A shop in which tenure decides, after a fit that was given the one candidate that knows."""
    folder = tmp_path_factory.mktemp("own")
    shop = built_shop.copy_to(folder / "shop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE_PATH", str(shop.file))
        patch.chdir(write_module(folder / "notebook", ODD))
        # of the full effort only the seconds matter here
        patch.setattr(learn, "FULL", QUICK)
        with warehouse.connect() as connection:
            connection.execute(
                """
                update features.feat_labels as labels
                set target_30d_spend = case
                    when mart.tenure_days % 2 = 1 then 40 + hash(labels.customer_id) % 20 else 0
                end
                from features.feat_customer_snapshots as mart
                where mart.customer_id = labels.customer_id and mart.as_of_date = labels.as_of_date
                """
            )
        result = fit(own=[NAME])
    return shop.file, result


@pytest.fixture
def odd_champion(odd_shop, monkeypatch):
    """The same as the warehouse of this test."""
    file, result = odd_shop
    monkeypatch.setenv("WAREHOUSE_PATH", str(file))
    return result


def test_a_candidate_that_knows_more_is_chosen_and_becomes_champion(odd_champion):
    assert odd_champion.chosen == NAME
    assert odd_champion.verdict.status == "champion"
    gini = odd_champion.evaluation["gini"]
    assert gini[NAME] > gini.drop(NAME).max() + 0.1


def test_its_file_lies_beside_the_model_and_is_in_the_card(odd_champion):
    card = artefact.read_card(odd_champion.folder)
    [kept] = odd_champion.folder.glob("candidate_*.py")
    assert kept.read_text() == ODD
    assert card["files"][kept.name] == card["parameters"]["candidates"][NAME]


def test_other_processes_in_another_folder_score_and_explain_with_it(odd_champion, tmp_path):
    for program in ("serve/score.py", "serve/explain.py"):
        done = subprocess.run(
            [sys.executable, str(warehouse.ROOT / program)],
            cwd=tmp_path,
            env={**os.environ, "WAREHOUSE_PATH": str(warehouse.path())},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    with warehouse.connect(read_only=True) as connection:
        [(odd, even)] = connection.execute(
            """
            select
                min(predicted_30d_spend) filter (tenure_days % 2 = 1),
                max(predicted_30d_spend) filter (tenure_days % 2 = 0)
            from main.predictions
            inner join features.feat_customer_snapshots using (as_of_date, customer_id)
            where model_version = ?
            """,
            [odd_champion.version],
        ).fetchall()
        reasons = dict(
            connection.execute(
                "select driver, max(abs(effect)) from main.prediction_reasons group by driver"
            ).fetchall()
        )
    assert odd > 10
    assert even == 0
    # tenure alone decides
    largest, *others = sorted(reasons.values(), reverse=True)
    drivers = {column.name: column.driver for column in warehouse.contract().columns}
    assert reasons[drivers["tenure_days"]] == largest > 10
    assert max(others) < largest / 4


def test_the_api_serves_it(odd_champion, serve_shop, tmp_path):
    with serve_shop(warehouse.path(), tmp_path / "log") as url:
        assert httpx.get(url).json()["model_version"] == odd_champion.version
        features = httpx.get(f"{url}/customers/C0000007").json()["features"]
        spend = [
            httpx.post(f"{url}/predict", json=features | {"tenure_days": days}).json()
            for days in (400, 401)
        ]
    assert spend[0]["predicted_30d_spend"] == 0 < spend[1]["predicted_30d_spend"]


@pytest.mark.parametrize("change", ["changed", "gone"])
def test_a_file_that_was_changed_is_not_run(odd_champion, tmp_path, monkeypatch, change):
    copy = tmp_path / "models" / odd_champion.version
    copy.mkdir(parents=True)
    for file in odd_champion.folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "shop.duckdb"))
    [kept] = copy.glob("candidate_*.py")
    trace = tmp_path / "run"
    kept.write_text(f"{ODD}\nopen({str(trace)!r}, 'w')")
    if change == "gone":
        kept.unlink()
    with pytest.raises(
        artefact.ArtefactError, match="sha256" if change == "changed" else "missing"
    ):
        artefact.load(copy)
    assert not trace.exists()


def test_another_state_of_the_file_is_another_version_and_both_load(
    odd_champion, tmp_path, monkeypatch
):
    monkeypatch.setattr(learn, "FULL", QUICK)
    monkeypatch.chdir(write_module(tmp_path, ODD.replace("0.99", "0.98")))
    second = fit(own=[NAME], promote=False)
    assert second.version != odd_champion.version
    assert f"worse than {odd_champion.version}" in second.verdict.reason
    X = pd.DataFrame({"tenure_days": [401.0]})
    chances = [
        artefact.load(result.folder).forecaster.spend.estimator_.predict_purchase(X)[0]
        for result in (odd_champion, second, odd_champion)
    ]
    assert chances == [0.99, 0.98, 0.99]


def test_forecasts_kept_of_the_past_are_those_of_the_same_file(odd_champion, tmp_path, monkeypatch):
    monkeypatch.chdir(write_module(tmp_path, ODD))
    of_file = {"folds": 1, "effort": QUICK, "own": [NAME]}
    first = backtest(**of_file)
    assert NAME in first.mean.index
    assert backtest(**of_file).reused == first.days
    write_module(tmp_path, ODD.replace("AT_MOST = 1e6", "AT_MOST = 1e7"))
    assert not backtest(**of_file).reused


def test_the_command_takes_several(odd_champion, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(learn, "FULL", QUICK)
    monkeypatch.chdir(write_module(tmp_path, ODD))
    prepared = """
import warehouse
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.pipeline import make_pipeline
from train.candidates.preprocessing import for_trees

def make():
    contract = warehouse.contract()
    return make_pipeline(for_trees(contract.numeric, contract.categorical), ExtraTreesRegressor(5))
"""
    write_module(tmp_path, prepared, "trees")
    outcome = command("--quick", "--candidate", NAME, "--candidate", "trees:make")
    assert outcome.exit_code == 0, outcome.output
    with warehouse.connect(read_only=True) as connection:
        models = connection.execute("select distinct model from main.model_evaluation").fetchall()
    assert {(NAME,), ("trees:make",)} <= set(models)


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        ("np.full(len(X), np.nan)", f"candidate {NAME}: .* not finite"),
        ("np.zeros((len(X), 1))", r"predict.. of OddCustomers returns an array of shape .*, 1\) "),
    ],
)
def test_a_candidate_without_a_forecast_for_each_row_is_named(
    odd_champion, tmp_path, monkeypatch, returned, message
):
    text = ODD.replace("return np.where(is_odd(X), self.spend_, 0.0)", f"return {returned}")
    monkeypatch.chdir(write_module(tmp_path, text))
    with pytest.raises(CandidateError, match=message):
        fit(quick=True, own=[NAME])
