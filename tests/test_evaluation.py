"""The metrics, against independent computation and small cases worked out by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from core.metrics import METRICS, Forecast, decile_of, deciles, evaluate, evaluation_table


def independent(actual, forecast):
    """The formulas of the outside skill check, written once more with pandas and scipy."""
    order = np.random.default_rng(0).permutation(len(actual))
    y, p = actual[order], np.maximum(forecast, 0)[order]
    tenth = pd.qcut(pd.Series(p).rank(method="first"), 10, labels=False)
    sums = pd.DataFrame({"y": y, "p": p, "q": tenth}).groupby("q").sum()

    def area(by):
        return (np.cumsum(y[np.argsort(-by, kind="stable")]) / y.sum()).mean() - 0.5

    return {
        # one number for both: the mean and the median
        "mae": abs(y - p).mean(),
        "wape": abs(y - p).sum() / y.sum(),
        "rmse": ((y - p) ** 2).mean() ** 0.5,
        "r2": 1 - ((y - p) ** 2).sum() / ((y - y.mean()) ** 2).sum(),
        "gini": area(p) / area(y),
        "spearman": spearmanr(y, p)[0],
        "sum_ratio": p.sum() / y.sum(),
        "decile_error": abs(sums.y - sums.p).sum() / y.sum(),
        "top10_capture": y[np.argsort(-p, kind="stable")[: len(y) // 10]].sum() / y.sum(),
    }


@pytest.fixture(scope="module")
def shop():
    random = np.random.default_rng(5)
    mean = random.lognormal(2, 1.2, 1234)
    actual = np.where(random.random(1234) < 0.3, mean * random.lognormal(0, 1, 1234), 0.0)
    # rounded, so that there are ties
    return actual, np.round(mean * 0.3)


@pytest.mark.parametrize(
    "metric",
    [
        "mae",
        "wape",
        "rmse",
        "r2",
        "gini",
        "spearman",
        "top10_capture",
        "decile_error",
        "sum_ratio",
    ],
)
def test_metric_equals_independent_computation(shop, metric):
    actual, forecast = shop
    expected = independent(actual, forecast)[metric]
    found = evaluate(actual, Forecast(forecast, median=forecast))[metric]
    assert found == pytest.approx(expected, rel=1e-12)


def test_perfect_forecast_scores_best_everywhere():
    actual = np.arange(20.0)
    scores = evaluate(actual, Forecast(actual, (actual > 0).astype(float), actual))
    best = {"mae": 0, "wape": 0, "rmse": 0, "r2": 1, "gini": 1, "spearman": 1, "sum_ratio": 1}
    best |= {"decile_error": 0, "auc": 1, "brier": 0, "top10_capture": (19 + 18) / 190}
    assert scores == pytest.approx(best)


def test_wape_of_a_median_by_hand():
    forecast = Forecast(np.zeros(3), median=np.array([0.0, 10, 30]))
    assert evaluate(np.array([10.0, 0, 30]), forecast)["wape"] == 0.5


@pytest.mark.parametrize("metric", ["mae", "wape"])
def test_a_mean_is_not_judged_by_its_absolute_error(metric):
    assert np.isnan(evaluate(np.array([10.0, 0]), Forecast(np.array([4.0, 5.0])))[metric])


def test_gini_of_reversed_order_is_minus_one():
    actual = np.array([0.0, 0, 0, 8])
    forecast = np.array([4.0, 3, 2, 1])
    # one step up at the last of four: area 1/4 - 1/2 against 1 - 1/2
    assert evaluate(actual, Forecast(forecast))["gini"] == pytest.approx(-0.5)


def test_brier_by_hand():
    forecast = Forecast(np.array([1.0, 1.0]), np.array([0.8, 0.4]))
    assert evaluate(np.array([5.0, 0.0]), forecast)["brier"] == pytest.approx(0.1)


def test_brier_without_probability_is_nan():
    assert np.isnan(evaluate(np.array([5.0, 0.0]), Forecast(np.array([1.0, 2.0])))["brier"])


def test_auc_without_probability_uses_spend():
    assert evaluate(np.array([5.0, 0, 0]), Forecast(np.array([2.0, 1, 3])))["auc"] == 0.5


@pytest.mark.parametrize(
    "metric",
    ["wape", "r2", "gini", "spearman", "top10_capture", "decile_error", "sum_ratio", "auc"],
)
def test_all_zero_actuals_leave_metric_undefined(metric):
    assert np.isnan(evaluate(np.zeros(30), Forecast(np.ones(30)))[metric])


def test_all_zero_actuals_still_have_an_error_in_money():
    assert evaluate(np.zeros(30), Forecast(np.full(30, 2.0)))["rmse"] == 2.0


def test_constant_forecast_has_no_spearman():
    assert np.isnan(evaluate(np.arange(30.0), Forecast(np.ones(30)))["spearman"])


def test_constant_forecast_orders_by_chance_not_by_row():
    # rows sorted by spend: only a shuffle keeps a constant forecast from a perfect order
    actual = np.arange(5000.0)[::-1].copy()
    assert abs(evaluate(actual, Forecast(np.ones(5000)))["gini"]) < 0.05


def test_fewer_than_ten_rows_have_no_top_tenth():
    assert np.isnan(evaluate(np.arange(9.0), Forecast(np.arange(9.0)))["top10_capture"])


def test_single_row_does_not_crash():
    assert evaluate(np.array([4.0]), Forecast(np.array([2.0])))["sum_ratio"] == 0.5


def test_negative_forecast_counts_as_zero():
    assert evaluate(np.array([4.0, 0.0]), Forecast(np.array([4.0, -9.0])))["rmse"] == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_forecast_that_is_not_finite_is_an_error(bad):
    with pytest.raises(ValueError, match="finite"):
        evaluate(np.ones(2), Forecast(np.array([1.0, bad])))


def test_no_rows_is_an_error():
    with pytest.raises(ValueError, match="no rows"):
        evaluate(np.array([]), Forecast(np.array([])))


def test_lengths_that_differ_are_an_error():
    with pytest.raises(ValueError, match="shape"):
        evaluate(np.ones(2), Forecast(np.ones(3)))


def test_deciles_hold_equally_many():
    assert np.bincount(decile_of(np.arange(50.0))).tolist() == [5] * 10


def test_decile_sums_add_up_to_the_totals(shop):
    actual, forecast = shop
    groups = deciles(actual, forecast)
    assert groups[["actual", "forecast", "customers"]].sum().tolist() == pytest.approx(
        [actual.sum(), forecast.sum(), len(actual)]
    )


def test_table_has_one_row_per_model_and_every_metric(shop):
    actual, forecast = shop
    table = evaluation_table(actual, {"a": Forecast(forecast), "b": Forecast(actual)})
    assert (list(table.index), tuple(table.columns)) == (["a", "b"], METRICS)
