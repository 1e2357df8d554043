"""Bad data stops at a gate, and what was published stays as it was."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

import warehouse
from core import dbt_runner
from serve.score import ScoreError, score
from tests.conftest import in_warehouse

MARTS = ("customers", "customer_predictions", "data_quality", "quarantine")


def _contents() -> dict[str, list[tuple]]:
    with warehouse.connect(read_only=True) as connection:
        return {
            mart: connection.execute(f"from marts.{mart} order by all").fetchall() for mart in MARTS
        }


def _execute(sql: str) -> None:
    with warehouse.connect() as connection:
        connection.execute(sql)


def test_a_build_before_any_fit_is_green_and_makes_an_empty_predictions_table(built_shop):
    with in_warehouse(built_shop.file), warehouse.connect(read_only=True) as connection:
        assert connection.execute("select count(*) from predictions").fetchone() == (0,)
        assert connection.execute("select count(*) from marts.customers").fetchone()[0] > 500


def test_duplicated_predictions_fail_the_build_and_leave_the_marts_as_they_were(shop_copy):
    before = _contents()
    assert before["customer_predictions"]
    _execute("insert into predictions from predictions limit 3")
    with pytest.raises(dbt_runner.BuildError) as raised:
        dbt_runner.build()
    assert _contents() == before
    message = str(raised.value)
    assert "primary_key_stg_scoring__predictions_as_of_date__customer_id" in message
    assert "Got 3 results" in message
    assert "rows_with_this_key" in message


@pytest.mark.parametrize(
    ("change", "test"),
    [
        ("predicted_30d_spend = 'nan'", "predictions_are_finite_and_not_negative"),
        ("predicted_30d_spend = -1", "predictions_are_finite_and_not_negative"),
        ("purchase_probability = 1.5", "predictions_are_finite_and_not_negative"),
        ("spend_p10 = spend_p90 + 1", "prediction_intervals_are_ordered"),
        ("model_version = null", "not_null_stg_scoring__predictions_model_version"),
    ],
)
def test_an_impossible_prediction_fails_the_build_by_name(shop_copy, change, test):
    _execute(f"update predictions set {change} where customer_id = 'C0000007'")
    with pytest.raises(dbt_runner.BuildError, match=test):
        dbt_runner.build(select="stg_scoring__predictions")


def test_a_null_in_a_key_fails_the_build_by_name(shop_copy):
    _execute("update raw.loads set loaded_at = null")
    with pytest.raises(dbt_runner.BuildError, match="primary_key_stg_retail__loads_loaded_at"):
        dbt_runner.build(select="stg_retail__loads")


def test_what_may_not_be_null_cannot_be_written(shop_copy):
    with pytest.raises(duckdb.ConstraintException, match=r"scoring_runs\.as_of_date"):
        _execute("update scoring_runs set as_of_date = null")


def test_a_customer_left_out_of_the_scores_fails_the_build(shop_copy):
    _execute("delete from predictions where customer_id = 'C0000007'")
    with pytest.raises(dbt_runner.BuildError, match="assert_predictions_cover_the_population"):
        dbt_runner.build(select="stg_scoring__predictions+")


def test_too_much_money_in_quarantine_stops_the_build_before_the_marts(shop_copy):
    before = _contents()
    _execute("update raw.store_sales_header set customer_id = null")
    with pytest.raises(dbt_runner.BuildError) as raised:
        dbt_runner.build()
    message = str(raised.value)
    assert "assert_the_quarantine_is_bounded" in message
    for part in ("store_sales_line_items", "header_missing_customer", "rows: ", "example: "):
        assert part in message
    after = _contents()
    assert after["customers"] == before["customers"]
    assert after["customer_predictions"] == before["customer_predictions"]


def test_missing_raw_tables_say_what_to_run(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "empty.duckdb"))
    with pytest.raises(dbt_runner.BuildError, match=r"generate/synthetic\.py"):
        dbt_runner.build()


def test_features_behind_a_red_gate_are_not_scored_until_it_is_green(shop_copy):
    before = _contents()
    gate = "assert_caps_are_bounded"
    with pytest.raises(dbt_runner.BuildError, match=gate):
        dbt_runner.build({"max_capped_share": 0})
    with pytest.raises(ScoreError, match=rf"not passed their gates \({gate}\).*make build"):
        score()
    assert _contents() == before
    # without tests no gate opens
    dbt_runner.build({"max_capped_share": 0}, run_only=True)
    with pytest.raises(ScoreError, match=gate):
        score()
    dbt_runner.build(select=gate)
    assert score().customers > 500


def test_what_scoring_itself_mends_keeps_nobody_from_scoring(shop_copy):
    _execute("update predictions set purchase_probability = 1.5")
    with pytest.raises(dbt_runner.BuildError):
        dbt_runner.build(select="stg_scoring__predictions")
    assert score().customers > 500


def test_a_build_that_was_killed_leaves_nothing_to_score(shop_copy):
    code = "import sys, time; from core import dbt_runner; dbt_runner.build()"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=warehouse.ROOT, env=os.environ)
    log = Path(os.environ["DBT_LOG_PATH"]) / "dbt.log"
    begun = log.stat().st_size if log.exists() else 0
    while not log.exists() or "START sql table model intermediate" not in log.read_text()[begun:]:
        assert process.poll() is None
        time.sleep(0.1)
    process.kill()
    process.wait()
    with pytest.raises(ScoreError, match="a build that did not come to its end"):
        score()
    dbt_runner.build()
    assert score().customers > 500


def test_amounts_beyond_all_range_are_quarantined_and_the_rest_is_built(shop_copy):
    _execute(
        "update raw.store_sales_line_items set line_item_amount = 9e13"
        " where hash(line_item_id) % 1000 = 7"
    )
    dbt_runner.build()
    with warehouse.connect(read_only=True) as connection:
        [(rows, money)] = connection.execute(
            "select rows, money from marts.data_quality where rule = 'amount_out_of_range'"
        ).fetchall()
        [(largest,)] = connection.execute(
            "select max(spend_360d) from features.feat_customer_snapshots"
        ).fetchall()
    assert rows > 5
    assert money == rows * 90_000_000_000_000
    assert largest < 1_000_000


def test_amounts_as_large_as_a_weak_currency_has_are_summed(shop_copy):
    _execute("update raw.store_sales_line_items set line_item_amount = line_item_amount * 50000000")
    dbt_runner.build(select="+feat_customer_snapshots", run_only=True)
    with warehouse.connect(read_only=True) as connection:
        [(largest,)] = connection.execute(
            "select max(spend_360d) from features.feat_customer_snapshots"
        ).fetchall()
    assert largest > 1e10
