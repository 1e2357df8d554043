"""Bad data stops at a gate, and what was published stays as it was."""

from __future__ import annotations

import duckdb
import pytest

import warehouse
from core import dbt_runner
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
