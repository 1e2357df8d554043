import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

import warehouse
from serve import predictions, score
from serve.predictions import MART
from train.forecaster import COLUMNS, Calibration

ROOT = Path(__file__).resolve().parent.parent
KEYS = ("as_of_date", "customer_id")


# every test here writes
pytestmark = pytest.mark.usefixtures("shop_copy")


def rows(query, parameters=None):
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(query, parameters).df()


def stored(where="true"):
    return rows(f"select * from main.predictions where {where} order by as_of_date, customer_id")


def python(*arguments):
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True)


def command(*arguments):
    """The command in this process: starting Python anew takes longer than scoring."""
    program = typer.Typer()
    program.command()(score.main)
    return CliRunner().invoke(program, arguments)


def current_date():
    found = rows("select as_of_date from intermediate.int_snapshots_scheduled where is_current")
    return found["as_of_date"].iloc[0].date()


def older_date():
    found = rows(
        f"select max(as_of_date) as day from {MART} where as_of_date < $current",
        {"current": current_date()},
    )
    return found["day"].iloc[0].date()


class Stub:
    """A model that answers the same row for everybody."""

    version = "stub"
    card = MappingProxyType({"as_of": "2000-01-01", "horizon_days": 30})

    def __init__(self, *row):
        self.forecaster = SimpleNamespace(
            rows=lambda frame: frame,
            predict_rows=lambda frame: {
                name: np.full(len(frame), value) for name, value in zip(COLUMNS, row, strict=True)
            },
            doubt_of_totals=lambda row: Calibration().doubt.columns(0.01),
            by_horizon=lambda frame, scores: (
                pd.DataFrame({"row": np.array([], dtype=int)}),
                pd.DataFrame(index=range(len(frame))),
            ),
            expected_scores=lambda scores, doubt: pd.DataFrame(
                columns=["metric", "expected", "low", "high"]
            ),
        )


def test_every_customer_of_the_population_gets_one_usable_row():
    result = score.score()
    found = stored(f"as_of_date = '{result.as_of}'")
    population = rows(f"select customer_id from {MART} where as_of_date = '{result.as_of}'")
    assert result.as_of == current_date()
    assert sorted(found["customer_id"]) == sorted(population["customer_id"])
    assert result.customers == len(population)
    assert result.expected_revenue == pytest.approx(found["predicted_30d_spend"].sum())
    assert (found[list(COLUMNS)] >= 0).all(axis=None)
    assert (found["spend_p10"] <= found["spend_p50"]).all()
    assert (found["spend_p50"] <= found["spend_p90"]).all()
    assert (found["spend_low"] <= found["spend_high"]).all()
    assert set(found["model_version"]) == {result.model_version}


def test_scoring_again_replaces_the_rows_and_changes_only_the_time_stamp():
    score.score()
    before = stored()
    result = score.score()
    after = stored()
    assert result.replaced == result.customers
    assert before.drop(columns="scored_at").equals(after.drop(columns="scored_at"))
    newer = after["as_of_date"].dt.date == result.as_of
    assert (after.loc[newer, "scored_at"] > before.loc[newer, "scored_at"]).all()


def test_rows_of_other_dates_stay(caplog):
    score.score()
    before = stored()
    result = score.score(older_date())
    after = stored()
    assert result.as_of == older_date()
    assert "these are no forecasts" in caplog.text
    kept = after["as_of_date"].dt.date != older_date()
    assert (
        before.loc[before["as_of_date"].dt.date != older_date()]
        .reset_index(drop=True)
        .equals(after.loc[kept].reset_index(drop=True))
    )
    assert not after.duplicated(list(KEYS)).any()


def add_twins(each):
    """So many twins of every customer of the current date."""
    today = current_date()
    with warehouse.connect() as connection:
        connection.execute(
            """insert into features.feat_customers
            select mart.* replace (mart.customer_id || ' twin ' || twins.twin as customer_id)
            from features.feat_customers as mart
            cross join range($each) as twins (twin)
            where mart.as_of_date = $day""",
            {"each": each, "day": today},
        )


def test_a_shop_of_any_size_is_scored_in_the_same_order_each_time():
    # what a run expects of itself is drawn from a sample of its rows
    add_twins(600)
    today, model = current_date(), Stub(*[1.0] * len(COLUMNS))
    orders = set()
    for _ in range(4):
        with warehouse.connect(read_only=True) as connection:
            scores = score.predict_date(connection, model, today)
        assert len(scores.days) > 300_000
        orders.add(tuple(scores.days["customer_id"]))
    assert len(orders) == 1


def test_a_batch_border_loses_nobody(monkeypatch):
    # until one date fills several batches
    add_twins(5)
    monkeypatch.setattr(score, "BATCH_ROWS", 1000)
    result = score.score()
    assert result.customers > 3 * 1000
    found = stored(f"as_of_date = '{result.as_of}'")
    found["original"] = found["customer_id"].str.split(" twin ").str[0]
    ranges = found.groupby("original")[list(COLUMNS)]
    spread = ranges.max() - ranges.min()
    assert len(spread) * 6 == len(found)
    assert (spread < 1e-9).all(axis=None)


def test_a_date_outside_the_mart_names_the_nearest():
    before = stored()
    wrong = current_date() + timedelta(days=400)
    with pytest.raises(score.ScoreError, match=str(current_date())):
        score.score(wrong)
    outcome = command("--as-of", str(wrong))
    assert outcome.exit_code == 1
    assert str(current_date()) in outcome.stderr
    assert "as_of" in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert stored().equals(before)


def test_the_command_scores_the_current_date():
    outcome = python("serve/score.py")
    assert outcome.returncode == 0, outcome.stderr
    assert str(current_date()) in outcome.stdout
    assert command("--help").exit_code == 0
    assert command("--as-of", "soon").exit_code == 2


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((float("nan"), 0.5, 0.0, 1.0, 2.0, 0.0, 2.0, 1.0), "not finite"),
        ((float("inf"), 0.5, 0.0, 1.0, 2.0, 0.0, 2.0, 1.0), "not finite"),
        ((-1.0, 0.5, 0.0, 1.0, 2.0, 0.0, 2.0, 1.0), "negative"),
        ((1.0, 1.5, 0.0, 1.0, 2.0, 0.0, 2.0, 1.0), "above 1"),
        ((1.0, 0.5, 0.0, 3.0, 2.0, 0.0, 2.0, 1.0), "p10 <= p50 <= p90"),
        ((1.0, 0.5, 0.0, 1.0, 2.0, 3.0, 2.0, 1.0), "low <= high"),
    ],
)
def test_unusable_scores_are_refused(monkeypatch, answer, message):
    before = stored()
    monkeypatch.setattr(score.artefacts, "champion", lambda: Stub(*answer))
    with pytest.raises(score.ScoreError, match=message):
        score.score()
    assert stored().equals(before)


@pytest.mark.parametrize(
    "damage",
    [
        lambda scores: pd.concat([scores, scores.iloc[:3]]),
        lambda scores: scores.iloc[1:],
        lambda scores: scores.assign(customer_id="nobody " + scores["customer_id"]),
    ],
    ids=["several rows for a customer", "a customer left out", "unknown customers"],
)
def test_rows_that_are_not_the_population_are_rolled_back(damage):
    result = score.score()
    before = stored()
    scores = before.loc[before["as_of_date"].dt.date == result.as_of]
    with pytest.raises(predictions.ScoreError, match="Nothing was written"):
        predictions.replace(damage(scores), result.as_of, {}, pd.DataFrame(), 30, {})
    assert stored().equals(before)


def test_a_kill_in_the_middle_leaves_the_table_as_it_was():
    score.score()
    before = stored()
    killed = python(
        "-c",
        "import os, signal\n"
        "from serve import predictions, score\n"
        "def die(connection, day):\n"
        "    count = 'select count(*) from main.predictions where as_of_date = ?'\n"
        "    assert connection.execute(count, [day]).fetchone()[0] > 0\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "predictions._check_population = die\n"
        "score.score()\n",
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert stored().equals(before)
    assert score.score().customers > 0


def test_scoring_waits_for_a_reader_to_finish():
    reader = "import sys, time, warehouse\n"
    reader += "with warehouse.connect(read_only=True):\n"
    reader += "    print('open', flush=True)\n    time.sleep(2)\n"
    with subprocess.Popen(
        [sys.executable, "-c", reader], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "open\n"
        assert score.score().customers > 0
    assert process.returncode == 0


def test_without_a_model_the_command_says_what_to_run():
    with warehouse.connect() as connection:
        connection.execute("drop table if exists main.model_registry")
    outcome = command()
    assert outcome.exit_code == 1
    assert "python train/fit.py" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_without_a_warehouse_the_command_says_what_to_run(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "none" / "shop.duckdb"))
    outcome = command()
    assert outcome.exit_code == 1
    assert "make run" in outcome.stderr
    assert not (tmp_path / "none").exists()
