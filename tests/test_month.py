"""What the app's first page says, held against plain SQL."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

import warehouse
from serve import month, moves

IN_TWO_YEARS = """
    from intermediate.int_customer_days_spaced as days
    inner join intermediate.int_snapshots_scheduled as now
        on now.is_current
        and days.event_date between now.as_of_date - 720 and now.as_of_date - 1
        and days.known_date < now.as_of_date
        and days.known_until >= now.as_of_date
"""
SUMS = "select sum(revenue), sum(orders)::hugeint from marts"


def asked(query):
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture
def scored_before(shop_copy):
    """The shop as if an earlier date, whose days have passed, had been scored as the newest was."""
    with warehouse.connect() as connection:
        [(earlier,)] = connection.execute(
            """select max(as_of_date) from intermediate.int_snapshots_scheduled where is_matured"""
        ).fetchall()
        for table in ("predictions", "scoring_runs"):
            connection.execute(
                f"""insert into main.{table} by name
                select * replace (date '{earlier}' as as_of_date) from main.{table}"""
            )
    return earlier


def test_revenue_by_day_and_by_customer_adds_up_to_what_is_known_of_two_years(small_shop):
    expected = asked(f"select sum(spend - returned)::decimal(18, 2), sum(orders) {IN_TWO_YEARS}")
    assert asked(f"{SUMS}.customer_revenue") == expected
    for kind in ("all", "region", "segment"):
        assert asked(f"{SUMS}.revenue_by_day where set_kind = '{kind}'") == expected
    # an order may hold several
    [(money, orders)] = asked(f"{SUMS}.revenue_by_day where set_kind = 'category'")
    assert money == expected[0][0]
    assert orders > expected[0][1]


def test_the_last_window_of_a_customer_is_what_the_mart_has_of_the_last_30_days(small_shop):
    assert asked(
        """
        select count(*), count_if(revenue is distinct from spend_30d - returns_30d) from (
            select spend_30d, returns_30d, coalesce(revenue, 0) as revenue
            from features.feat_customer_snapshots
            inner join intermediate.int_snapshots_scheduled using (as_of_date)
            left join marts.customer_revenue using (customer_id)
            where is_current and coalesce(windows_ago, 1) = 1 and spend_30d > 0
        )
        """
    ) == asked(
        """
        select count(*), 0 from features.feat_customer_snapshots
        inner join intermediate.int_snapshots_scheduled using (as_of_date)
        where is_current and spend_30d > 0
        """
    )


def test_the_month_stands_beside_the_last_one_and_the_same_days_a_year_ago(small_shop):
    shown = month.read()
    as_of = shown.newest.as_of_date.date()
    [(last, year_ago)] = asked(
        f"""select
            sum(spend - returned) filter (event_date >= date '{as_of}' - 30),
            sum(spend - returned) filter (
                event_date between date '{as_of}' - 365 and date '{as_of}' - 336
            )
        {IN_TWO_YEARS}"""
    )
    assert shown.last == pytest.approx(float(last))
    assert shown.year_ago == pytest.approx(float(year_ago))
    assert shown.revenue.loc[1, "revenue"] == pytest.approx(shown.last)
    assert shown.revenue.loc[24, "first_day"].date() == as_of - dt.timedelta(720)
    [(expected,)] = asked("select sum(predicted_30d_spend) from marts.customer_predictions")
    assert shown.total("all")["expected_spend"] == pytest.approx(expected)
    assert shown.expected["expected_spend"] > expected


def test_a_forecast_whose_days_have_passed_stands_beside_what_came_in(scored_before):
    [said] = month.read().said.itertuples()
    assert said.as_of_date.date() == scored_before
    [(came,)] = asked(
        f"""select sum(spend - returned) {IN_TWO_YEARS}
        where event_date between date '{scored_before}' and date '{scored_before}' + 29"""
    )
    assert said.actual_spend == pytest.approx(float(came))
    assert not said.is_backtest
    assert said.total_low < said.expected_spend < said.total_high


def test_the_two_causes_of_a_move_add_up_to_it_and_the_larger_comes_first():
    # 10 orders of 5 after 20 of 4: -45 by orders, +15 by money
    assert moves.reason(10, 20, 50, 80) == (
        "10 orders instead of 20, though 5.00 an order instead of 4.00"
    )
    assert moves.reason(21, 20, 210, 100) == "10.00 an order instead of 5.00"
    assert moves.reason(0, 3, 0, 50) == "0 orders instead of 3"


def test_what_moved_most_comes_first_and_against_nothing_there_is_no_share():
    windows = pd.DataFrame(
        {
            "revenue_now": [100.0, 10.0, 7.0],
            "orders_now": [10.0, 1.0, 1.0],
            "revenue_before": [90.0, 60.0, 0.0],
            "orders_before": [9.0, 6.0, 0.0],
        },
        index=["a", "b", "new"],
    )
    found = moves.moves(windows, "before")
    assert found.index.tolist() == ["b", "a", "new"]
    assert found["change"].tolist() == [-50.0, 10.0, 7.0]
    assert np.isnan(found.loc["new", "share"])
