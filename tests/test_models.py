"""Candidates, calibration and intervals on synthetic customers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from threadpoolctl import threadpool_limits

import warehouse
from train.backtesting.compare import PURCHASE_MODEL, choose
from train.calibration.probability import PurchaseCalibrator
from train.candidates.baselines import LastThirtyDays, MonthlyMean, YearlyMean
from train.candidates.inference import BLOCK_ROWS, predict_both
from train.candidates.level import Levelled, without_calendar
from train.candidates.models import BLEND, BLENDED, QUICK, Blend, candidates
from train.candidates.preprocessing import QuantileSteps, for_linear, for_trees, model_input
from train.forecaster import COLUMNS, Calibration, Forecaster, OutOfTime

NUMERIC = (
    "spend_30d",
    "spend_336_365d",
    "spend_360d",
    "returns_360d",
    "spend_lifetime",
    "net_spend_lifetime",
    "orders_lifetime",
    "active_days_lifetime",
    "tenure_days",
    "days_since_first_order",
    "days_since_last_order",
    "ahead_day_number",
    "ahead_weekend_days",
)
CATEGORICAL = ("region", "segment_id")
CONTRACT = warehouse.Contract(
    tuple(warehouse.Column(name, "double", "feature", True) for name in NUMERIC)
    + tuple(warehouse.Column(name, "varchar", "categorical feature", True) for name in CATEGORICAL)
)
# all candidates, with little effort
EFFORT = replace(QUICK, everything=True)
NAMES = tuple(candidates(CONTRACT, effort=EFFORT))
# whether a customer buys, times how much
TWO_PARTS = ("two-part", "zero-inflated log-normal", "quantiles")


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """As in a fit: threads cost small fits more than they bring."""
    with threadpool_limits(limits=1):
        yield


def make_rows(rows, seed):
    """Customers with own rates and baskets: what they did tells what they will do."""
    random = np.random.default_rng(seed)
    months = random.integers(2, 14, rows)
    rate, basket = random.gamma(0.7, 0.6, rows), random.lognormal(3, 0.8, rows)
    orders = random.poisson(rate * months)
    spend = orders * basket
    frame = pd.DataFrame(
        {
            "spend_30d": random.poisson(rate) * basket,
            "spend_336_365d": random.poisson(rate) * basket,
            "spend_360d": spend,
            "returns_360d": spend * 0.02,
            "spend_lifetime": spend,
            "net_spend_lifetime": spend * 0.98,
            "orders_lifetime": orders.astype(float),
            "active_days_lifetime": orders.astype(float),
            "tenure_days": months * 30.0,
            "days_since_first_order": np.where(orders > 0, months * 30.0, np.nan),
            "days_since_last_order": np.where(
                orders > 0, np.minimum(30 / (rate + 0.1), months * 30.0), np.nan
            ),
            "ahead_day_number": 9000.0,
            "ahead_weekend_days": 8.0,
            "region": random.choice(["north", "south"], rows),
            "segment_id": None,
        }
    )
    target = random.poisson(rate) * basket * random.lognormal(0, 0.3, rows)
    return model_input(frame, NUMERIC, CATEGORICAL), target


@pytest.fixture(scope="module")
def known():
    return make_rows(1500, 1)


@pytest.fixture(scope="module")
def new():
    return make_rows(800, 2)


@pytest.fixture(scope="module")
def fitted(known):
    return {name: clone(m).fit(*known) for name, m in candidates(CONTRACT, effort=EFFORT).items()}


@pytest.fixture(scope="module")
def forecaster(fitted, new):
    X, y = new
    blend = fitted["blend"]
    past = OutOfTime(y, blend.predict(X), blend.predict_purchase(X))
    return Forecaster(blend, blend, Calibration.learn([past]), NUMERIC, CATEGORICAL)


@pytest.mark.parametrize("name", NAMES)
def test_forecast_is_finite(fitted, new, name):
    assert np.isfinite(fitted[name].predict(new[0])).all()


@pytest.mark.parametrize("name", NAMES)
def test_second_fit_gives_the_same_bits(fitted, known, new, name):
    again = clone(candidates(CONTRACT, effort=EFFORT)[name]).fit(*known)
    assert np.array_equal(again.predict(new[0]), fitted[name].predict(new[0]))


@pytest.mark.parametrize("name", NAMES)
def test_unseen_and_missing_categories_are_tolerated(fitted, new, name):
    X = new[0].head(4).assign(region=["mars", None, "north", "south"], segment_id="new")
    assert np.isfinite(fitted[name].predict(X)).all()


@pytest.mark.parametrize("name", NAMES)
def test_all_features_null_or_zero_are_tolerated(known, name):
    X = known[0].assign(days_since_last_order=np.nan, region=None, returns_360d=0.0)
    model = clone(candidates(CONTRACT, effort=EFFORT)[name]).fit(X, known[1])
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("name", [*TWO_PARTS, "level ratio", "blend"])
def test_tiny_shop_can_be_fitted(known, name):
    X, y = known[0].head(12), known[1][:12]
    assert np.isfinite(clone(candidates(CONTRACT, effort=EFFORT)[name]).fit(X, y).predict(X)).all()


@pytest.mark.parametrize("name", [*TWO_PARTS, "level ratio"])
def test_no_purchase_at_all_forecasts_zero(known, name):
    model = clone(candidates(CONTRACT, effort=EFFORT)[name]).fit(known[0], np.zeros(1500))
    assert not model.predict(known[0]).any()


@pytest.mark.parametrize("name", TWO_PARTS)
def test_one_customer_can_be_fitted(known, name):
    X, y = known[0].head(1), np.array([30.0])
    said = clone(candidates(CONTRACT, effort=EFFORT)[name]).fit(X, y).predict(known[0])
    assert np.isfinite(said).all()


@pytest.mark.parametrize("name", TWO_PARTS)
def test_everyone_buys_for_sure_where_all_did(known, name):
    model = clone(candidates(CONTRACT, effort=EFFORT)[name]).fit(known[0], known[1] + 5.0)
    assert (model.predict_purchase(known[0]) == 1.0).all()
    assert model.predict(known[0]).sum() == pytest.approx(known[1].sum() + 5.0 * 1500)


@pytest.mark.parametrize("name", [*TWO_PARTS, "level ratio", "blend"])
def test_total_is_right_on_new_customers(fitted, new, name):
    assert fitted[name].predict(new[0]).sum() / new[1].sum() == pytest.approx(1, abs=0.2)


def test_last_thirty_days_repeats_them(known):
    assert LastThirtyDays().fit(*known).predict(known[0]).tolist() == list(known[0]["spend_30d"])


def test_monthly_mean_spreads_over_the_shops_history(known):
    X = known[0].head(2).assign(tenure_days=[60.0, 90.0], net_spend_lifetime=90.0)
    assert MonthlyMean().fit(X, np.zeros(2)).predict(X).tolist() == [30.0, 30.0]


def test_yearly_mean_looks_back_360_days(known):
    X = known[0].head(1).assign(tenure_days=900.0, spend_360d=130.0, returns_360d=10.0)
    assert YearlyMean().fit(X, np.zeros(1)).predict(X).tolist() == [10.0]


def test_blend_is_the_mean_of_its_members(fitted, new):
    members = [np.maximum(fitted[n].predict(new[0]), 0) for n in BLENDED]
    assert fitted["blend"].predict(new[0]) == pytest.approx(np.mean(members, axis=0))


def test_adopted_blend_equals_a_fitted_one(fitted, new):
    blend = Blend([(name, None) for name in BLENDED]).adopt(fitted)
    assert blend.predict(new[0]) == pytest.approx(fitted["blend"].predict(new[0]))


def test_decimals_and_nulls_become_numbers():
    from decimal import Decimal

    frame = pd.DataFrame(
        {"spend": [Decimal("1.50"), None], "flag": [True, False], "tag": [None] * 2}
    )
    converted = model_input(frame, ("spend", "flag"), ("tag",))
    assert converted["spend"].tolist()[0] == 1.5
    assert np.isnan(converted["spend"].tolist()[1])


def test_customers_are_learned_without_the_calendar():
    assert without_calendar(["ahead_month", "shop_spend_30d", "spend_30d"]) == ["spend_30d"]


@pytest.mark.parametrize("name", [*TWO_PARTS, "level ratio", "buy till you die"])
def test_learned_totals_are_those_that_were(fitted, known, name):
    assert fitted[name].predict(known[0]).sum() == pytest.approx(known[1].sum(), rel=1e-9)


@pytest.fixture(scope="module")
def two_seasons():
    """Three years with busy and quiet months; customers know nothing of it."""
    parts = []
    for number in range(36):
        ratio = np.exp(0.5 * np.sin(number / 6 * np.pi))
        X, y = make_rows(400, 100 + number)
        # every purchase of a busy month is one of several
        extra = np.random.default_rng(number).binomial(1, min(ratio, 1.0), len(y))
        y = y * (extra if ratio < 1 else ratio)
        parts.append((X.assign(ahead_day_number=number * 365.25 / 12), y))
    return pd.concat([X for X, _ in parts], ignore_index=True), np.concatenate(
        [y for _, y in parts]
    )


def test_a_busy_season_ahead_raises_forecast_and_probability(two_seasons):
    model = clone(candidates(CONTRACT, effort=EFFORT)[PURCHASE_MODEL]).fit(*two_seasons)
    X = two_seasons[0].head(400)
    quiet, busy = (X.assign(ahead_day_number=month * 365.25 / 12) for month in (45, 39))
    assert model.predict(busy).sum() / model.predict(quiet).sum() == pytest.approx(np.e, rel=0.3)
    assert model.predict_purchase(busy).mean() > 1.1 * model.predict_purchase(quiet).mean()


def test_probability_in_season_stays_a_probability(two_seasons):
    model = clone(candidates(CONTRACT, effort=EFFORT)[PURCHASE_MODEL]).fit(*two_seasons)
    said = model.predict_purchase(two_seasons[0].assign(ahead_day_number=39 * 365.25 / 12))
    assert (said >= 0).all()
    assert (said <= 1).all()


def test_an_estimator_without_probability_gets_none(fitted):
    assert not hasattr(fitted["level ratio"], "predict_purchase")
    assert isinstance(fitted["level ratio"], Levelled)


def test_steps_keep_the_order_and_mark_nulls():
    X = pd.DataFrame({"a": [3.0, np.nan, 1.0, 2.0]})
    assert QuantileSteps().fit_transform(X).ravel().tolist() == [2, -1, 0, 1]


def test_linear_preparation_leaves_no_null(known):
    assert np.isfinite(for_linear(NUMERIC, CATEGORICAL).fit_transform(known[0])).all()


def test_tree_preparation_leaves_no_null(known):
    assert np.isfinite(for_trees(NUMERIC, CATEGORICAL).fit_transform(known[0])).all()


def test_published_forecast_has_its_columns(forecaster, new):
    assert tuple(forecaster.predict(new[0]).columns) == COLUMNS


def test_published_forecast_is_finite_and_not_negative(forecaster, new):
    said = forecaster.predict(new[0]).to_numpy()
    assert np.isfinite(said).all()
    assert (said >= 0).all()


def test_interval_is_ordered(forecaster, new):
    said = forecaster.predict(new[0])
    assert (said["spend_p10"] <= said["spend_p50"]).all()
    assert (said["spend_p50"] <= said["spend_p90"]).all()
    assert (said["spend_low"] <= said["spend_high"]).all()


def test_unlikely_buyers_have_a_median_of_zero(forecaster, new):
    said = forecaster.predict(new[0])
    assert not said.loc[said["purchase_probability"] < 0.5, "spend_p50"].any()


def test_nine_in_ten_lie_below_the_ninetieth_percentile(forecaster):
    X, y = make_rows(3000, 3)
    assert (y <= forecaster.predict(X)["spend_p90"]).mean() == pytest.approx(0.9, abs=0.03)


def test_calibrated_probability_has_the_right_mean(forecaster):
    X, y = make_rows(3000, 3)
    said = forecaster.predict(X)["purchase_probability"].mean()
    assert said == pytest.approx((y > 0).mean(), abs=0.03)


def test_probability_of_one_kind_of_customer_stays_as_it_is():
    said = PurchaseCalibrator().fit(np.array([0.2, 0.3]), np.array([False, False]))
    assert said.predict(np.array([0.2])) == pytest.approx([0.2])


@pytest.mark.parametrize("name", NAMES)
def test_one_pass_says_what_two_say(fitted, new, name):
    spend, chance = predict_both(fitted[name], new[0])
    np.testing.assert_allclose(spend, fitted[name].predict(new[0]), rtol=1e-12)
    assert (chance is None) == (not hasattr(fitted[name], "predict_purchase"))
    if chance is not None:
        np.testing.assert_allclose(chance, fitted[name].predict_purchase(new[0]), rtol=1e-12)


def test_blocks_on_two_cores_say_what_one_says(fitted):
    X, _ = make_rows(2 * BLOCK_ROWS + 7, 11)
    alone, side_by_side = (predict_both(fitted[BLEND], X, jobs=jobs) for jobs in (1, 2))
    assert (alone[0] == side_by_side[0]).all()
    assert (alone[1] == side_by_side[1]).all()


WINS = {
    "rmse": [7, 8, 9],
    "gini": [0.9, 0.8, 0.7],
    "spearman": [0.5, 0.4, 0.3],
    "decile_error": [0.1, 0.2, 0.3],
}


def scores(**changes):
    table = pd.DataFrame(
        {
            "rmse": 9.0,
            "gini": 0.7,
            "spearman": 0.3,
            "decile_error": 0.2,
            "sum_ratio": 1.0,
        },
        index=["a", "b", BLEND],
    )
    for name, values in changes.items():
        table[name] = values
    return table


def test_choice_takes_the_best_mean_rank():
    assert choose([scores(**WINS)])[0] == "a"


def test_choice_passes_over_a_wrong_total():
    table = scores(**WINS, sum_ratio=[0.5, 1.0, 1.0])
    assert choose([table])[0] == "b"


def test_choice_forgives_a_total_that_all_models_miss_alike():
    assert choose([scores(**WINS, sum_ratio=[0.5, 0.52, 0.5])])[0] == "a"


def test_choice_takes_anyone_if_no_total_can_be_judged():
    assert choose([scores(**WINS, sum_ratio=np.nan)])[0] == "a"


def test_choice_by_less_than_the_margin_stays_with_the_blend():
    table = pd.concat([scores()] * 4).set_axis([*"abcdefghijk", BLEND])
    # a rank ahead in one metric of four
    table["rmse"] = [8.0, *[10.0] * 10, 9.0]
    assert choose([table])[0] == BLEND
    # eleven ranks ahead
    table["rmse"] = [8.0, *[9.0] * 10, 10.0]
    assert choose([table])[0] == "a"


def test_choice_among_equals_is_the_blend():
    assert choose([scores()])[0] == BLEND


def test_choice_without_validation_is_the_blend():
    assert choose([])[0] == BLEND


def test_undefined_metric_ranks_last():
    assert choose([scores(spearman=[np.nan, 0.4, 0.4], rmse=[8.9, 9.0, 9.0])])[0] == BLEND
