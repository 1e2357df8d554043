"""The probability models against the lifetimes package, on the same summaries."""

import numpy as np
import pytest
from lifetimes import BetaGeoFitter, GammaGammaFitter

from train.candidates.bgnbd_likelihood import BetaGeometric, GammaGamma

CUSTOMERS = 3000
HORIZON = 30.0


def draw(seed=3):
    """Customers of the very process: frequency, recency, age in days, mean value of the orders."""
    rng = np.random.default_rng(seed)
    age = rng.integers(30, 700, CUSTOMERS).astype(float)
    rate, leaves = rng.gamma(0.8, 1 / 40, CUSTOMERS), rng.beta(0.9, 6.0, CUSTOMERS)
    frequency, recency = np.zeros(CUSTOMERS), np.zeros(CUSTOMERS)
    for one in range(CUSTOMERS):
        day, gone = 0.0, rng.random() < leaves[one]
        while not gone:
            day += rng.exponential(1 / rate[one])
            if day > age[one]:
                break
            frequency[one] += 1
            recency[one] = np.ceil(day)
            gone = rng.random() < leaves[one]
    recency = np.minimum(recency, age)
    scale = rng.gamma(4.0, 1 / 60.0, CUSTOMERS)
    value = rng.gamma(5.0 * np.maximum(frequency, 1)) / scale / np.maximum(frequency, 1)
    return frequency, recency, age, value


@pytest.fixture(scope="module")
def summaries():
    return draw()


def test_the_likelihood_equals_that_of_lifetimes_to_1e_6(summaries):
    frequency, recency, age, _ = summaries
    parameters = {"r": 0.7, "alpha": 30.0, "a": 0.8, "b": 2.5}
    theirs = -BetaGeoFitter._negative_log_likelihood(
        np.log(list(parameters.values())),
        frequency,
        recency,
        age,
        np.ones(CUSTOMERS),
        0.0,
    )
    ours = BetaGeometric(**parameters).log_likelihood(frequency, recency, age).mean()
    assert ours == pytest.approx(theirs, abs=1e-6)


def test_the_fit_is_as_likely_as_that_of_lifetimes(summaries):
    frequency, recency, age, _ = summaries
    theirs = BetaGeoFitter().fit(frequency, recency, age)
    ours = BetaGeometric.fit(frequency, recency, age)
    best = BetaGeometric(**dict(theirs.params_)).log_likelihood(frequency, recency, age).mean()
    assert ours.log_likelihood(frequency, recency, age).mean() == pytest.approx(best, abs=1e-6)


def test_expected_purchases_and_survival_equal_those_of_lifetimes(summaries):
    frequency, recency, age, _ = summaries
    model = BetaGeoFitter()
    model.params_ = {"r": 0.7, "alpha": 30.0, "a": 0.8, "b": 2.5}
    ours = BetaGeometric(**model.params_)
    expected = model.conditional_expected_number_of_purchases_up_to_time(
        HORIZON, frequency, recency, age
    )
    said = ours.purchases(np.array([HORIZON]), frequency, recency, age)
    assert said[:, 0] == pytest.approx(np.asarray(expected), abs=1e-9)
    alive = np.asarray(model.conditional_probability_alive(frequency, recency, age))
    assert ours.alive(frequency, recency, age) == pytest.approx(alive, abs=1e-9)


def test_a_customers_purchases_are_the_same_to_the_last_bit_in_any_company(summaries):
    frequency, recency, age, _ = (each[:200] for each in summaries)
    model = BetaGeometric(r=0.7, alpha=30.0, a=0.8, b=2.5)
    days = np.array([0.0, 30.0, 365.0])
    said = model.purchases(days, frequency, recency, age)
    alone = [
        model.purchases(days, *(each[row : row + 1] for each in (frequency, recency, age)))[0]
        for row in range(len(age))
    ]
    assert (said == np.array(alone)).all()


def test_the_chance_to_buy_is_that_of_simulated_customers():
    """Lifetimes has no such figure: customers with one history are drawn again instead."""
    model = BetaGeometric(r=0.7, alpha=30.0, a=0.8, b=2.5)
    rng = np.random.default_rng(0)
    frequency, recency, age = 3, 60.0, 100.0
    draws = 400_000
    rate = rng.gamma(model.r + frequency, 1 / (model.alpha + age), draws)
    # the rate is drawn as if alive, so its weight is the chance of that against having left
    alive = model.alive(*(np.array([value]) for value in (frequency, recency, age)))[0]
    comes = (rng.random(draws) < alive) & (rng.exponential(1 / rate) < HORIZON)
    said = model.buys(HORIZON, *(np.array([value]) for value in (frequency, recency, age)))[0]
    assert said == pytest.approx(comes.mean(), abs=4 * np.sqrt(0.25 / draws))


def test_a_singular_parameter_changes_nothing(summaries):
    frequency, recency, age, _ = summaries
    at, beside = (
        BetaGeometric(0.7, 30.0, a, 2.5).purchases(np.array([HORIZON]), frequency, recency, age)
        for a in (1.0, 1.0 + 1e-4)
    )
    assert at == pytest.approx(beside, rel=1e-3)


def test_the_value_model_equals_that_of_lifetimes(summaries):
    frequency, _, _, value = summaries
    repeat = frequency > 0
    frequency, value = frequency[repeat], value[repeat]
    theirs = GammaGammaFitter().fit(frequency, value)
    ours = GammaGamma(**dict(theirs.params_))
    assert ours.log_likelihood(frequency, value).mean() == pytest.approx(
        -GammaGammaFitter._negative_log_likelihood(
            np.log(list(theirs.params_)), frequency, value, np.ones(len(value)), 0.0
        ),
        abs=1e-6,
    )
    expected = np.asarray(theirs.conditional_expected_average_profit(frequency, value))
    assert ours.expected_value(frequency, value) == pytest.approx(expected, rel=1e-9)
    found = GammaGamma.fit(frequency, value).log_likelihood(frequency, value).mean()
    assert found >= ours.log_likelihood(frequency, value).mean() - 1e-6
