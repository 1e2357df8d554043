"""The level of the shop: how much of it is believed, and how sure it is."""

import numpy as np
import pandas as pd
import pytest

from train.candidates.level import DAY, KNOWN_AHEAD, LevelProcess, Months

MONTH = 365.25 / 12


def months(number, *, first=0, **known):
    """Months in a row, with features known in advance."""
    day = 8000 + MONTH * np.arange(first, first + number)
    return Months.of(pd.DataFrame({DAY: day, **known}))


def learned(log_level, noise=1e-4, usual=0.0, **which):
    log_level = np.asarray(log_level, dtype=float)
    number = len(log_level)
    sampled = np.full(number, 1e-6)
    return LevelProcess().fit(
        months(number, **which), log_level, np.full(number, noise), sampled, usual
    )


def season(numbers):
    return 0.4 * np.exp(-(((numbers + 6) % 12 - 6) ** 2) / 2)


def test_a_peak_of_three_years_is_expected_to_come_again():
    process = learned(season(np.arange(36)))
    [peak, quiet] = np.log(process.factor(months(7, first=36))[[0, 6]])
    assert peak == pytest.approx(0.4, abs=0.12)
    assert quiet == pytest.approx(0, abs=0.05)


def test_a_peak_of_one_year_is_expected_to_come_again_in_part():
    [once] = np.log(learned(season(np.arange(-5, 7))).factor(months(1, first=17)))
    [often] = np.log(learned(season(np.arange(-29, 7))).factor(months(1, first=41)))
    assert 0.05 < once < often


def test_the_first_christmas_is_wider_than_the_fourth():
    steady = np.random.default_rng(0).normal(0, 0.03, 36)
    # what lies half a year ahead has been seen three times, or never
    _, seen = learned(steady).predict(months(1, first=42))
    _, unseen = learned(steady[-6:]).predict(months(1, first=6))
    assert unseen[0] > 1.2 * seen[0]


def test_the_newest_month_of_a_steady_shop_is_believed_little():
    steady = np.random.default_rng(1).normal(0, 0.05, 36)
    jump = np.append(steady, 0.3)
    [level] = np.log(learned(jump, noise=0.003).factor(months(1, first=37)))
    assert level < 0.1


def test_the_newest_months_of_a_wandering_shop_are_believed():
    walk = np.cumsum(np.random.default_rng(2).normal(0, 0.08, 36))
    walk += 0.4 - walk[-1]
    [level] = np.log(learned(walk).factor(months(1, first=36)))
    assert level == pytest.approx(0.35, abs=0.1)


def test_noise_of_few_customers_is_not_believed():
    [loud] = np.log(learned([0.3] * 3, noise=1e-4).factor(months(1, first=3)))
    [small] = np.log(learned([0.3] * 3, noise=0.5).factor(months(1, first=3)))
    assert small < loud / 2


def test_a_shop_without_past_months_is_usual():
    process = learned([np.nan, np.nan], usual=0.1)
    assert process.factor(months(2)) == pytest.approx(np.exp([0.1, 0.1]))


def test_a_month_without_a_day_has_no_level():
    unknown = Months.usual(np.array([np.nan]), np.array([np.nan]))
    assert learned([0.2] * 5).factor(unknown).tolist() == [1.0]


def test_long_before_the_first_month_there_is_a_level():
    process = learned([0.2] * 5)
    [level] = process.factor(Months.usual(np.array([1.0]), np.array([1.0])))
    assert 1 <= level < 2


def test_far_from_all_months_the_level_is_that_of_all_months_again():
    walk = np.sin(np.arange(36) / 4)
    [near, far] = np.log(learned(walk).factor(months(480, first=36))[[0, -1]])
    assert abs(near - walk.mean()) > 0.2
    assert far == pytest.approx(walk.mean(), abs=0.1)


@pytest.mark.parametrize(
    ("feature", "effect", "values"),
    [
        ("ahead_weekend_days", 0.03, (8, 9, 10)),
        ("ahead_promotion_days", 0.02, (0, 7, 14)),
    ],
)
def test_what_months_brought_says_what_a_feature_known_in_advance_does(feature, effect, values):
    known = np.random.default_rng(3).choice(values, 60).astype(float)
    by_feature = effect * (known - KNOWN_AHEAD[feature].usual)
    process = LevelProcess().fit(
        months(60, **{feature: known}), by_feature, np.full(60, 1e-4), np.full(60, 1e-6)
    )
    [few, many] = [
        process.factor(months(1, first=60, **{feature: value}))[0]
        for value in (values[0], values[-1])
    ]
    assert np.log(many / few) == pytest.approx(effect * (values[-1] - values[0]), rel=0.2)


def test_a_lift_that_is_expected_is_taken_at_its_word_where_no_promotion_was_seen():
    process = learned(np.zeros(24))
    [without, half, double] = [
        process.factor(months(1, first=24, ahead_promotion_lift=lift))[0]
        for lift in (0.0, -0.5, 1.0)
    ]
    assert half / without == pytest.approx(0.5)
    assert double / without == pytest.approx(2)


def test_a_lift_that_promotions_did_not_bring_is_believed_less():
    lift = np.random.default_rng(3).choice([0.0, 0.2, 0.4], 60)
    process = LevelProcess().fit(
        months(60, ahead_promotion_lift=lift),
        0.5 * np.log1p(lift),
        np.full(60, 1e-4),
        np.full(60, 1e-6),
    )
    [without, double] = [
        process.factor(months(1, first=60, ahead_promotion_lift=lift))[0] for lift in (0.0, 1.0)
    ]
    assert double / without == pytest.approx(2**0.5, rel=0.05)


def test_a_window_far_ahead_of_a_first_month_is_off_as_that_month_is():
    begins = 0.6 * np.exp(-MONTH * np.arange(36) / 90)
    process, first = learned(begins), months(1).day
    near, far, later = (
        np.log(process.factor(Months.usual(day, as_of))[0])
        for day, as_of in ((first, first), (first + 300, first), (first + 300, first + 300))
    )
    assert far == pytest.approx(near, abs=0.15)
    assert later < near / 3


def test_first_months_that_are_off_do_not_make_the_newest_month_believed():
    chance = np.random.default_rng(5).normal(0, 0.05, 36)
    begins = 0.6 * np.exp(-MONTH * np.arange(36) / 90)
    newest = np.where(np.arange(36) == 35, 0.2, chance)
    steady, off = (
        np.log(learned(level, noise=0.05**2).factor(months(1, first=36))[0])
        for level in (newest, newest + begins)
    )
    assert off == pytest.approx(steady, abs=0.03)


def test_one_row_has_the_level_that_it_has_among_many():
    process = learned(season(np.arange(36)))
    ahead = months(12, first=36)
    alone = [process.factor(ahead.take(np.array([number])))[0] for number in range(12)]
    assert process.factor(ahead).tolist() == alone
