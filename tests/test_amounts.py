"""Estimators of the amount given a purchase: log-normal mean and integral of quantiles."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from train.candidates.quantiles import LEVELS, TAIL_LIMITS, QuantileMean, integral
from train.candidates.zero_inflated import WIDEST, LogNormalMean


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """As in a fit: threads cost small fits more than they bring."""
    with threadpool_limits(limits=1):
        yield


def boosted(loss="squared_error", **changes):
    settings = {"max_iter": 80, "max_leaf_nodes": 8, "min_samples_leaf": 60, "random_state": 0}
    return HistGradientBoostingRegressor(loss=loss, **settings | changes)


def quantiles(**changes):
    return QuantileMean(boosted("quantile", quantile=0.5, **changes))


AMOUNTS = {"log-normal": LogNormalMean(boosted()), "quantiles": quantiles(max_iter=20)}


def draw(rows, seed, sigma=0.8):
    """Amounts that are log-normal around a median of `exp(feature)`, and their true mean."""
    random = np.random.default_rng(seed)
    x = random.integers(-2, 3, rows) / 2
    return x[:, None], np.exp(random.normal(x, sigma)), np.exp(x + sigma**2 / 2)


def test_mean_of_a_log_normal_variable_follows_the_closed_form():
    X, y, mean = draw(20_000, 1)
    said = LogNormalMean(boosted()).fit(X, y).predict(X)
    assert said.mean() == pytest.approx(mean.mean(), rel=0.02)
    for value in np.unique(X):
        group = X[:, 0] == value
        assert said[group].mean() == pytest.approx(mean[group].mean(), rel=0.04)


def test_each_level_has_its_own_sigma():
    random = np.random.default_rng(2)
    x = random.integers(0, 2, 20_000)
    sigma = np.where(x == 1, 1.0, 0.4)
    model = LogNormalMean(boosted(), levels=2).fit(x[:, None], np.exp(random.normal(x, sigma)))
    assert model.sigma_ == pytest.approx([0.4, 1.0], rel=0.05)


def test_one_absurd_amount_does_not_widen_sigma():
    X, y, _ = draw(2000, 3)
    model = LogNormalMean(DummyRegressor(), levels=1)
    before = model.fit(X, y).sigma_[0]
    y[0] = 1e12
    assert model.fit(X, y).sigma_[0] == pytest.approx(before, rel=0.03)


def test_sigma_is_limited():
    y = np.exp(np.random.default_rng(4).normal(0, 9, 2000))
    assert LogNormalMean(DummyRegressor(), levels=1).fit(y[:, None], y).sigma_ == [WIDEST]


def test_median_stays_in_the_range_that_was_learned():
    X, y, _ = draw(500, 5)
    model = LogNormalMean(DummyRegressor(), levels=1).fit(X, y)
    model.regressor_ = DummyRegressor(strategy="constant", constant=800.0).fit(X, y)
    assert model.predict(X).max() == pytest.approx(y.max() * np.exp(model.sigma_[0] ** 2 / 2))


def test_integral_of_a_uniform_variable_is_exact():
    levels = np.array([0.25, 0.5, 0.75])
    assert integral(levels, 8 * levels[None, :]) == pytest.approx([8 * 0.75**2 / 2])


@pytest.fixture(scope="module")
def learned():
    """Quantiles that had time to settle, with what they learned from."""
    X, y, mean = draw(20_000, 6)
    return quantiles().fit(X, y), X, mean


def test_quantiles_are_those_of_the_distribution(learned):
    model, X, _ = learned
    said = model.predict_quantiles(X)
    true = np.exp(X + 0.8 * norm.ppf(LEVELS))
    assert np.abs(np.log(said / true)).mean() < 0.05


def test_mean_from_quantiles_is_that_of_the_distribution(learned):
    model, X, mean = learned
    said = model.predict(X)
    for value in np.unique(X):
        group = X[:, 0] == value
        assert said[group].mean() == pytest.approx(mean[group].mean(), rel=0.04)


def test_mean_from_quantiles_has_the_sum_that_was_learned():
    X, y, _ = draw(2000, 8)
    assert quantiles(max_iter=20).fit(X, y).predict(X).sum() == pytest.approx(y.sum(), rel=1e-9)


def test_tail_of_an_absurd_amount_is_limited():
    X, y, _ = draw(2000, 9)
    y[0] = 1e12
    assert quantiles(max_iter=20).fit(X, y).tail_ == TAIL_LIMITS[1]


def test_quantiles_do_not_cross():
    # three rows in a leaf: fitted one by one, they do
    _, y, _ = draw(300, 10)
    noise = np.random.default_rng(10).normal(size=(300, 5))
    model = QuantileMean(boosted("quantile", quantile=0.5, max_iter=20, min_samples_leaf=3)).fit(
        noise, y
    )
    alone = np.column_stack([one.predict(noise) for one in model.regressors_])
    assert (np.diff(alone) < 0).any()
    assert (np.diff(model.predict_quantiles(noise)) >= 0).all()


@pytest.mark.parametrize("name", AMOUNTS)
def test_amounts_in_another_currency_scale_the_forecast(name):
    X, y, _ = draw(3000, 11)
    one, other = (AMOUNTS[name].fit(X, y * unit).predict(X) for unit in (1.0, 1000.0))
    assert other == pytest.approx(1000 * one, rel=1e-6)


@pytest.mark.parametrize("name", AMOUNTS)
def test_constant_amount_is_forecast_as_it_is(name):
    X, _, _ = draw(200, 12)
    said = AMOUNTS[name].fit(X, np.full(200, 3.0)).predict(X)
    assert said == pytest.approx(np.full(200, 3.0))


@pytest.mark.parametrize("name", AMOUNTS)
def test_one_buyer_is_enough(name):
    said = AMOUNTS[name].fit(np.zeros((1, 2)), np.array([7.0])).predict(np.ones((3, 2)))
    assert said == pytest.approx([7.0] * 3)


@pytest.mark.parametrize("name", AMOUNTS)
def test_unknown_features_are_tolerated(name):
    X, y, _ = draw(500, 13)
    assert np.isfinite(AMOUNTS[name].fit(X, y).predict(np.full((2, 1), np.nan))).all()
