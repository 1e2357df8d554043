"""The mart beside a slow, plain computation from the same cleaned facts."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

import warehouse
from tests.conftest import in_warehouse

# a middle date of the lattice, the last one, and the current date, which is off it
DATES = [date(2023, 8, 28), date(2024, 6, 18), date(2024, 6, 19)]
SUMMED = {
    "spend_7d": ("spend", 1, 7),
    "spend_14d": ("spend", 1, 14),
    "spend_30d": ("spend", 1, 30),
    "spend_31_60d": ("spend", 31, 60),
    "spend_61_120d": ("spend", 61, 120),
    "spend_90d": ("spend", 1, 90),
    "spend_180d": ("spend", 1, 180),
    "spend_360d": ("spend", 1, 360),
    "spend_331_360d": ("spend", 331, 360),
    "spend_lifetime": ("spend", 1, 99_999),
    "orders_7d": ("orders", 1, 7),
    "orders_30d": ("orders", 1, 30),
    "orders_91_120d": ("orders", 91, 120),
    "orders_360d": ("orders", 1, 360),
    "orders_lifetime": ("orders", 1, 99_999),
    "returns_30d": ("returned", 1, 30),
    "returns_360d": ("returned", 1, 360),
    "loyalty_points": ("points", 1, 99_999),
}


@pytest.fixture(scope="module", params=DATES, ids=str)
def snapshot(request, built_shop):
    """The mart's rows at a date, and the facts that count for it."""
    day = request.param
    with in_warehouse(built_shop.file), warehouse.connect(read_only=True) as connection:
        mart = connection.execute(
            f"from features.{warehouse.FEATURE_MART} where as_of_date = ? order by customer_id",
            [day],
        ).df()
        facts = connection.execute(
            """
            select *, ? - event_date as days_before from intermediate.int_orders_totalled
            where event_date < ? and known_date < ?
            """,
            [day, day, day],
        ).df()
        lines = connection.execute(
            """
            from intermediate.int_lines_capped
            where event_date < ? and known_date < ? and line_item_amount > 0
            """,
            [day, day],
        ).df()
    assert len(mart) > 300
    return mart.set_index("customer_id"), facts, lines


def test_the_shop_has_late_rows_that_windows_must_get_right(built_shop):
    with in_warehouse(built_shop.file), warehouse.connect(read_only=True) as connection:
        late = connection.execute(
            "select count(*) from intermediate.int_customer_days_tiled "
            "where tile_end_date <> known_tile_end_date"
        ).fetchone()[0]
    assert late > 20


@pytest.mark.parametrize("feature", SUMMED)
def test_windowed_sums_equal_plain_sums(snapshot, feature):
    mart, facts, _ = snapshot
    measure, first, last = SUMMED[feature]
    inside = facts[facts.days_before.between(first, last)]
    expected = inside.groupby("customer_id")[measure].sum().astype(float)
    expected = expected.reindex(mart.index).fillna(0)
    assert np.abs(mart[feature].astype(float) - expected).max() < 0.005


def test_active_days_and_recency_equal_a_plain_count(snapshot):
    mart, facts, _ = snapshot
    active = facts[facts.orders > 0].groupby("customer_id")
    days = active.event_date.nunique().reindex(mart.index).fillna(0)
    assert (mart.active_days_lifetime == days).all()
    pd.testing.assert_series_equal(
        mart.days_since_last_order.astype(float),
        active.days_before.min().reindex(mart.index).astype(float),
        check_names=False,
    )


def test_the_largest_order_is_the_largest_sum_of_known_lines(snapshot):
    mart, facts, _ = snapshot
    values = facts.groupby(["customer_id", "transaction_id"]).spend.sum().astype(float)
    expected = values.groupby("customer_id").max().reindex(mart.index).fillna(0)
    assert np.abs(mart.max_order_value_lifetime.astype(float) - expected).max() < 0.005


def test_category_features_equal_a_plain_group_by(snapshot):
    mart, _, lines = snapshot
    spend = (
        lines.assign(amount=lines.line_item_amount.astype(float))
        .groupby(["customer_id", "product_category"])
        .amount.sum()
    )
    share = spend / spend.groupby("customer_id").sum()
    index = mart.index[mart.orders_lifetime > 0]
    assert (spend.groupby("customer_id").size()[index] == mart.categories_lifetime[index]).all()
    concentration = (share**2).groupby("customer_id").sum()[index]
    assert np.abs(concentration - mart.category_concentration[index]).max() < 1e-9
    top = share.groupby("customer_id").max()[index]
    assert np.abs(top - mart.favourite_category_share[index]).max() < 1e-9


def test_gaps_equal_those_of_customers_without_late_days(snapshot):
    mart, facts, _ = snapshot
    late = facts[facts.known_date > facts.event_date].customer_id.unique()
    days = facts[(facts.orders > 0) & ~facts.customer_id.isin(late)]
    days = days.drop_duplicates(["customer_id", "event_date"]).sort_values("event_date")
    gaps = days.groupby("customer_id").event_date.diff().dt.days
    mean = gaps.groupby(days.customer_id).mean().dropna()
    std = gaps.groupby(days.customer_id).std(ddof=0).dropna()
    assert len(mean) > 100
    assert np.abs(mart.mean_gap_days[mean.index] - mean).max() < 1e-9
    assert np.abs(mart.std_gap_days[std.index] - std).max() < 1e-6
