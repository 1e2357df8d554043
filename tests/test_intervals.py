"""Intervals of single customers: four of five at every level, zeros told honestly."""

from dataclasses import replace

import numpy as np
import pytest

from core.doubt import LEVELS, calibration_error, crps, evaluate_doubt, log_loss, pinball
from core.metrics import decile_of
from train.calibration.intervals import LevelIntervals
from train.calibration.spread import AmountSpread


def customers(number, seed):
    """Chance, expected spend and what happened; large amounts spread more widely."""
    random = np.random.default_rng(seed)
    chance = random.beta(0.8, 1.5, number)
    amount = random.lognormal(3 + chance, 0.4)
    wide = np.where(amount > np.median(amount), 0.9, 0.4)
    actual = (random.random(number) < chance) * amount * random.lognormal(-(wide**2) / 2, wide)
    return chance * amount, chance, actual


@pytest.fixture(scope="module")
def published():
    """Intervals learned on some customers, said of others."""
    known, new = customers(30_000, 1), customers(30_000, 2)
    spread = AmountSpread.fit(*known)
    low, high = LevelIntervals.fit(spread, *known).bounds(spread.of(*new[:2]))
    return *new, low, high


def test_four_of_five_are_covered_where_the_interval_is_not_zero(published):
    *_, actual, low, high = published
    some = high > 0
    assert np.mean((low <= actual) & (actual <= high), where=some) == pytest.approx(0.8, abs=0.02)


def test_every_tenth_of_the_forecast_is_covered(published):
    spend, _, actual, low, high = published
    tenth, inside, some = decile_of(spend), (low <= actual) & (actual <= high), high > 0
    for number in range(10):
        rows = some & (tenth == number)
        if rows.sum() > 300:
            assert inside[rows].mean() > 0.75


def test_who_buys_nothing_with_more_than_four_fifths_has_zero(published):
    _, chance, *_, high = published
    assert not high[chance < 0.1].any()


def test_an_interval_begins_at_zero_where_nothing_is_not_unlikely(published):
    _, chance, _, low, _ = published
    assert not low[chance < 0.9].any()
    assert (low[chance > 0.97] > 0).all()


def test_levels_move_where_the_spread_is_wrong():
    known, new = customers(30_000, 3), customers(30_000, 4)
    right = AmountSpread.fit(*known)
    # one that was learned before prices rose
    spread = replace(right, ratios=0.7 * right.ratios)

    def covered(intervals):
        low, high = intervals.bounds(spread.of(*new[:2]))
        some = high > 0
        return np.mean((low <= new[2]) & (new[2] <= high), where=some)

    assert covered(LevelIntervals.none()) < 0.77
    assert covered(LevelIntervals.fit(spread, *known)) == pytest.approx(0.8, abs=0.02)


def test_a_few_customers_keep_the_spreads_own_levels():
    spread = AmountSpread.none()
    assert (LevelIntervals.fit(spread, *customers(20, 6)).levels == [0.8]).all()


def test_doubt_is_measured_as_it_is_named(published):
    spend, chance, actual, low, high = published
    found = evaluate_doubt(
        actual,
        {
            "predicted_30d_spend": spend,
            "purchase_probability": chance,
            "spend_p10": low,
            "spend_p90": high,
            "spend_low": low,
            "spend_high": high,
        },
        np.repeat(spend[:, None], len(LEVELS), axis=1),
    )
    share = found["share_zero"]
    mixed = share * found["coverage_zero"] + (1 - share) * found["coverage_nonzero"]
    assert found["coverage"] == pytest.approx(mixed)
    assert found["coverage_lowest"] <= found["coverage_nonzero"]


def test_calibration_error_is_the_mean_distance():
    bought = np.arange(1000) % 10 == 0
    assert calibration_error(bought, np.full(1000, 0.1)) == pytest.approx(0, abs=1e-9)
    assert calibration_error(bought, np.full(1000, 0.3)) == pytest.approx(0.2)


def test_log_loss_of_a_coin_is_the_log_of_two():
    assert log_loss(np.arange(10) % 2 == 0, np.full(10, 0.5)) == pytest.approx(np.log(2))


def test_crps_of_a_certain_forecast_is_its_absolute_error():
    actual = np.array([4.0, 0.0, 9.0])
    assert crps(actual, np.full((3, len(LEVELS)), 5.0)) == pytest.approx((1 + 5 + 4) / 3)


def test_crps_of_the_true_distribution_is_that_of_the_formula():
    # of a uniform variable on [0, 1]: E|X - y| - E|X - X'| / 2, in the mean 1/3 - 1/6
    actual = np.random.default_rng(0).random(200_000)
    found = crps(actual, np.tile(LEVELS, (len(actual), 1)))
    assert found == pytest.approx(1 / 6, abs=0.002)


def test_the_pinball_loss_is_least_at_the_quantile():
    actual = np.random.default_rng(1).exponential(1.0, 100_000)
    losses = {q: pinball(actual, np.array(q), 0.9).mean() for q in (1.5, -np.log(0.1), 3.0)}
    assert min(losses, key=losses.get) == -np.log(0.1)
