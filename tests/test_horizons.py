"""Longer horizons: one forecast carried on, coherent, corrected by windows that have ended."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import warehouse
from tests.test_models import CONTRACT, EFFORT, make_rows
from train import dataset, horizons
from train.calibration.intervals import LevelIntervals
from train.calibration.spread import AmountSpread
from train.candidates.models import candidates
from train.dataset import Rows
from train.horizons import EXTENDED, HORIZONS, LEARNED, Horizons

DAY = pd.Timestamp("2024-06-01")


def table(name):
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(f"from main.{name} order by all").df()


@pytest.fixture(scope="module")
def purchase():
    X, y = make_rows(1500, 1)
    return clone(candidates(CONTRACT, effort=EFFORT)["buy till you die"]).fit(X, y)


@pytest.fixture(scope="module")
def past():
    X, y = make_rows(2000, 3)
    return Rows(
        X, y, np.arange(2000).astype(str).astype(object), np.full(2000, DAY), pd.DataFrame()
    )


def learned(purchase, past, **happened):
    spend, chance = purchase.predict_both(past.X)
    frame = pd.DataFrame(
        {f"{what}_{days}": np.nan for days in HORIZONS for what in ("spend", "bought")},
        index=range(len(past)),
    ).assign(spend_30=spend, bought_30=chance > 0.5, **happened)
    first = AmountSpread.none(), LevelIntervals.none()
    return Horizons.learn(purchase, past, spend, chance, frame, first), spend, chance


def test_the_next_30_days_are_what_is_published_of_them(small_shop):
    days = table("predictions")
    of_30 = table("predictions_by_horizon").query("horizon_days == 30")
    both = days.merge(of_30, on=["as_of_date", "customer_id"], suffixes=("", "_carried"))
    assert len(both) == len(days) == len(of_30)
    assert both["predicted_30d_spend"].tolist() == pytest.approx(both["predicted_spend"].tolist())
    for name in ("purchase_probability", "spend_p10", "spend_p50", "spend_p90", "spend_low"):
        assert both[name].tolist() == both[f"{name}_carried"].tolist()


def test_a_longer_horizon_is_never_less(small_shop):
    rows = table("predictions_by_horizon").sort_values(["customer_id", "horizon_days"])
    assert sorted(rows["horizon_days"].unique()) == list(HORIZONS)
    for name in ("predicted_spend", "purchase_probability", "expected_orders"):
        steps = rows.groupby("customer_id")[name].diff().dropna()
        assert (steps >= 0).all(), name


def test_each_customer_has_a_lifetime(small_shop):
    lifetimes, days = table("customer_lifetimes"), table("predictions")
    assert sorted(lifetimes["customer_id"]) == sorted(days["customer_id"])
    assert lifetimes["alive_probability"].between(0, 1).all()
    assert (lifetimes["expected_lifetime_value"] >= 0).all()


def test_a_short_history_says_that_long_horizons_are_extended(purchase, past):
    carried, spend, chance = learned(purchase, past)
    assert carried.basis == {30: LEARNED, 90: EXTENDED, 180: EXTENDED, 365: EXTENDED}
    made = carried.predict(past.X, spend, chance)
    assert made["spend_365"].sum() > made["spend_90"].sum() > made["spend_30"].sum()


def test_windows_that_brought_half_lower_the_forecast(purchase, past):
    plain, spend, chance = learned(purchase, past)
    made = plain.predict(past.X, spend, chance)
    half = spend + 0.5 * (made["spend_90"] - spend)
    halved, *_ = learned(purchase, past, spend_90=half, bought_90=True)
    assert halved.basis[90] == LEARNED
    # one window has ended: half of what it says is believed
    assert halved.factors[90] == pytest.approx(0.5**0.5)
    assert halved.factors[180] == 1.0


def test_a_customer_who_never_bought_goes_on_at_one_rate(purchase, past):
    carried, spend, chance = learned(purchase, past)
    never = past.X["orders_lifetime"] == 0
    made = carried.predict(past.X[never], spend[never], chance[never])
    assert made["spend_180"] == pytest.approx(6 * made["spend_30"])


def test_the_process_of_buyers_has_no_say_where_it_could_not_be_fitted():
    X, y = make_rows(30, 5)
    few = clone(candidates(CONTRACT, effort=EFFORT)["buy till you die"]).fit(X.head(5), y[:5])
    carried = Horizons(*horizons.parts_of(few))
    spend, chance = few.predict_both(X)
    made = carried.predict(X, spend, chance)
    assert made["spend_180"] == pytest.approx(6 * spend)
    assert made["chance_180"] == pytest.approx(1 - (1 - chance) ** 6)


def test_windows_are_sums_of_labels_and_unknown_before_they_end(small_shop):
    contract = warehouse.contract()
    with warehouse.connect(read_only=True) as connection:
        schedule = dataset.schedule(connection)
        old, new = schedule.labelled[0], schedule.labelled[-1]
        rows = dataset.read(connection, contract, [old, new], limit=10**6)
        happened = horizons.read_windows(connection, rows, schedule.labelled)
        expected = connection.execute(
            """
            select customer_id, sum(target_30d_spend)::double as spend
            from features.feat_labels
            where as_of_date in (select unnest($days::date[]))
                and customer_id in (
                    select customer_id from features.feat_labels where as_of_date = $days[1]
                )
            group by all
            """,
            {"days": [old + dt.timedelta(30 * number) for number in range(3)]},
        ).df()
    is_old = rows.as_of_date == np.datetime64(old)
    spent = pd.Series(happened["spend_90"].to_numpy()[is_old], rows.customer_id[is_old])
    assert spent.sort_index().tolist() == pytest.approx(
        expected.set_index("customer_id")["spend"].sort_index().tolist()
    )
    assert happened.loc[~is_old, "spend_90"].isna().all()
    assert happened["spend_30"].tolist() == pytest.approx(rows.y.tolist())
