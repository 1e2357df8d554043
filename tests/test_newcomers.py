"""What customers not yet known will spend: facts of the past, and nothing of the future."""

from datetime import timedelta

import pytest

import warehouse
from core import dbt_runner
from proof import futures

FORECAST = "select * from intermediate.int_newcomers_forecast"


def rows(sql):
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(sql).df()


def past_forecasts(cut):
    return rows(
        f"""
        {FORECAST} where as_of_date <= date '{cut}'
        and as_of_date in (
            select as_of_date from intermediate.int_snapshots_scheduled where is_on_grid
        )
        order by as_of_date
        """
    )


def test_newcomers_spent_what_nobody_in_the_population_of_the_date_did(small_shop):
    both = rows(
        """
        with spent as (
            select snapshots.as_of_date, days.customer_id, days.spend - days.returned as spend
            from intermediate.int_snapshots_scheduled as snapshots
            inner join intermediate.int_customer_days_spaced as days
                on days.event_date >= snapshots.as_of_date
                and days.event_date < snapshots.as_of_date + 30
                and days.known_until = date '9999-12-31'
            where snapshots.is_matured
        ),

        of_strangers as (
            select spent.* from spent
            anti join features.feat_customers using (as_of_date, customer_id)
        )

        select newcomers.spend as found, coalesce(sum(of_strangers.spend), 0)::double as spend
        from intermediate.int_newcomers_spent as newcomers
        left join of_strangers using (as_of_date)
        group by newcomers.as_of_date, newcomers.spend
        """
    )
    assert len(both) > 100
    assert (both["spend"] > 0).any()
    assert both["found"].to_numpy() == pytest.approx(both["spend"].to_numpy())


def test_what_is_forecast_is_what_newcomers_spent_before(small_shop):
    found = rows(f"{FORECAST} inner join intermediate.int_newcomers_spent using (as_of_date)")
    assert found["expected_spend"].sum() == pytest.approx(found["spend"].sum(), rel=0.25)


def test_another_future_leaves_past_forecasts_as_they_are(built_shop, world):
    cut = rows_of(built_shop, "select max(as_of_date) as day from features.feat_labels")
    cut = cut["day"].iloc[0].date() - timedelta(60)
    with warehouse.in_warehouse(built_shop.file):
        before = past_forecasts(cut)
    world("another future")
    with warehouse.writer() as connection:
        futures.apply(connection, futures.draw(1, [""], cut, cut + timedelta(90)))
    dbt_runner.build(select="+int_newcomers_forecast", run_only=True)
    after = past_forecasts(cut)
    assert len(before) > 30
    assert before.equals(after)
    later = f"{FORECAST} where as_of_date > date '{cut}'"
    assert not rows_of(built_shop, later).equals(rows(later))


def rows_of(shop, sql):
    with warehouse.in_warehouse(shop.file):
        return rows(sql)
