"""Who slips and who rises, by forecasts of earlier dates; who moved between segments."""

from __future__ import annotations

from datetime import timedelta

import pytest

import warehouse
from core import dbt_runner
from serve.explain import explain
from serve.score import score
from warehouse import in_warehouse

MODELS = "int_dates_compared+"


def rows(sql):
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(sql).df()


@pytest.fixture(scope="module")
def compared_shop(scored_shop, tmp_path_factory):
    """The shop scored as of 30 days before too, with reasons, and of 90 days before without."""
    shop = scored_shop.copy_to(tmp_path_factory.mktemp("compared"))
    with in_warehouse(shop.file):
        today = rows("select max(as_of_date) as day from main.predictions")["day"].iloc[0].date()
        dates = [
            each.date() for each in rows("from intermediate.int_snapshots_scheduled")["as_of_date"]
        ]
        for days in (30, 90):
            day = min(dates, key=lambda each: abs(each - today + timedelta(days)))
            score(day)
            if days == 30:
                explain(day)
        dbt_runner.build(select=MODELS)
    return shop


@pytest.fixture
def compared(compared_shop, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(compared_shop.file))


def test_before_any_earlier_forecast_nobody_changed(small_shop):
    assert rows("from marts.customer_changes").empty
    assert rows("from marts.segment_migration").empty


def test_each_customer_of_both_dates_stands_beside_the_forecasts_of_both(compared):
    changes = rows(
        """
        select changes.*, newest.predicted_30d_spend as now, earlier.predicted_30d_spend as before
        from marts.customer_changes as changes
        inner join main.predictions as newest using (as_of_date, customer_id)
        inner join main.predictions as earlier
            on changes.compared_with = earlier.as_of_date
            and changes.customer_id = earlier.customer_id
        """
    )
    assert set(changes["days_before"]) == {30, 90}
    assert len(changes) == len(rows("from marts.customer_changes")) > 1000
    assert changes["expected_spend_now"].tolist() == changes["now"].tolist()
    assert changes["expected_spend_then"].tolist() == changes["before"].tolist()


def test_changes_of_ones_own_add_up_to_nothing(compared):
    sums = rows(
        "select sum(own_change) as own, sum(money_at_stake) as size from marts.customer_changes"
        " group by days_before"
    )
    assert (sums["own"].abs() < 1e-9 * sums["size"]).all()


def test_most_money_at_stake_comes_first_among_who_slips(compared):
    slipping = rows(
        "select own_change from marts.customer_changes"
        " where direction = 'slipping' and days_before = 30 order by place"
    )["own_change"]
    assert slipping.is_monotonic_increasing
    assert (slipping < 0).all()


def test_reasons_are_drivers_where_both_dates_are_explained_and_else_features(compared):
    reasons = rows(
        "select days_before, count(*) as n, count(reason) as said, count(driver) as drivers"
        " from marts.customer_changes group by all order by all"
    )
    assert (reasons["said"] > 0.95 * reasons["n"]).all()
    assert reasons["drivers"].tolist() == [reasons["n"].iloc[0], 0]


def test_a_driver_moved_as_the_stored_effects_say(compared):
    differing = rows(
        """
        select changes.effect_change, newest.effect - earlier.effect as stored
        from marts.customer_changes as changes
        inner join main.prediction_reasons as newest using (as_of_date, customer_id, driver)
        inner join main.prediction_reasons as earlier
            on changes.compared_with = earlier.as_of_date
            and changes.customer_id = earlier.customer_id
            and changes.driver = earlier.driver
        """
    )
    assert len(differing) > 500
    assert differing["effect_change"].to_numpy() == pytest.approx(differing["stored"].to_numpy())


def test_moves_between_sets_add_up_to_the_forecasts_of_both_dates(compared):
    moves = rows(
        "select set_kind, compared_with, sum(customers) as n, sum(expected_spend_now) as now,"
        " sum(expected_spend_then) as before from marts.segment_migration group by all"
    )
    spend = rows(
        "select as_of_date, sum(predicted_30d_spend) as spend from main.predictions group by all"
    ).set_index("as_of_date")["spend"]
    assert len(moves) == 6
    assert moves["now"].to_numpy() == pytest.approx(spend.iloc[spend.index.argmax()])
    assert moves["before"].to_numpy() == pytest.approx(spend.loc[moves["compared_with"]].to_numpy())
    assert moves.groupby("compared_with")["n"].nunique().eq(1).all()
