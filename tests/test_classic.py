"""The simple process: its shape, and its exact optimum against plain counting."""

from __future__ import annotations

import numpy as np
import pytest

from generate.shop.classic import Classic, _table
from generate.shop.history import Histories
from generate.shop.plan import START
from generate.shop.purchases import ReturnRule, rank

PROCESS, DAYS, DAY, HORIZON = Classic(), 700, 500, 30


@pytest.fixture(scope="module")
def drawn():
    rng = np.random.default_rng(4)
    calendar = PROCESS.calendar(START, DAYS)
    customers = PROCESS.draw_customers(DAYS - 100, 150_000, rng)
    return calendar, customers, PROCESS.draw_purchases(calendar, customers, rng)


def test_customers_of_each_type_buy_as_often_as_told_at_gaps_as_told(drawn):
    _, customers, purchases = drawn
    counts = np.bincount(purchases.customer, minlength=len(customers))
    in_all = customers.latent["purchases_in_all"]
    for kind, (fewest, most) in enumerate(PROCESS.in_all):
        of_kind = in_all[customers.kind == kind]
        assert (of_kind.min(), of_kind.max()) == (fewest, most)
    # whose longest possible story ends inside the period made all of them
    done = customers.registered + 45 * in_all < DAYS
    assert (counts[done] == in_all[done]).all()
    assert (counts <= in_all).all()
    assert done.sum() > 10_000
    # a gap that the end of the period cuts off is longer than others in the mean
    gaps = np.diff(np.floor(purchases.time))
    gaps = gaps[(rank(counts)[1:] > 0) & done[purchases.customer[1:]]]
    assert gaps.min() == 7
    assert gaps.max() == 45
    assert gaps.mean() == pytest.approx(26, abs=0.1)


def test_baskets_are_one_to_four_lines_of_5_to_100(drawn):
    _, _, purchases = drawn
    assert set(np.unique(purchases.lines)) == {1, 2, 3, 4}
    assert (purchases.cents / purchases.lines).min() >= 500
    assert (purchases.cents / purchases.lines).max() <= 10_000


def test_the_optimum_equals_the_mean_future_of_equal_histories(drawn):
    calendar, customers, purchases = drawn
    rng = np.random.default_rng(5)
    never = np.full(len(purchases.time), np.inf)
    lag = np.floor(purchases.time) + rng.integers(1, 15, len(never))
    returned = np.where(rng.random(len(never)) < PROCESS.returns.share, lag, never)
    histories = Histories(calendar, customers, purchases, returned)
    known = histories.known(DAY)
    expected = PROCESS.forecaster(histories).expect(DAY, HORIZON, known)

    def in_window(day):
        return (day >= DAY) & (day < DAY + HORIZON)

    day, money = np.floor(purchases.time), purchases.cents / 100
    net = np.bincount(purchases.customer, money * in_window(day), len(customers))
    net -= np.bincount(purchases.customer, money * in_window(returned), len(customers))
    bought = np.bincount(purchases.customer, in_window(day), len(customers)) > 0

    state = histories.state(DAY, known)
    x = histories.states.x[state]
    since = DAY - np.maximum(histories.last_day(state), customers.registered[known])
    group = np.where(since > 45, -1, x * 3 + since // 16)
    checked = 0
    for one in np.unique(group):
        inside = group == one
        if inside.sum() < 300:
            continue
        for actual, forecast in (
            (net[known], expected.spend),
            (bought[known], expected.purchase_probability),
        ):
            error = actual[inside] - forecast[inside]
            noise = error.std() * np.sqrt(inside.sum())
            assert abs(error.sum()) < 4.5 * noise + 1e-6
        checked += 1
    assert checked > 20


def test_who_has_stopped_is_expected_to_spend_nothing(drawn):
    calendar, customers, purchases = drawn
    histories = Histories(calendar, customers, purchases, np.full(len(purchases.time), np.inf))
    known = histories.known(DAY)
    expected = PROCESS.forecaster(histories).expect(DAY, HORIZON, known)
    state = histories.state(DAY, known)
    gone = DAY - np.maximum(histories.last_day(state), customers.registered[known]) > 45
    assert gone.sum() > 10_000
    assert (expected.spend[gone] == 0).all()
    assert (expected.purchase_probability[gone] == 0).all()


def test_only_what_comes_back_inside_the_window_is_taken_off():
    everything = Classic(returns=ReturnRule(share=1.0, whole=1.0, lag=(2, 2)))
    nothing = Classic(returns=ReturnRule(share=0.0, whole=1.0, lag=(2, 2)))
    # of purchases that all come back two days later, those of the last two days are left
    spend, _ = _table(everything, 9)
    before, _ = _table(nothing, 7)
    whole, _ = _table(nothing, 9)
    assert spend == pytest.approx(whole - before)
    assert spend.max() > 1


def test_baskets_have_as_many_lines_as_the_parameters_say():
    process = Classic(lines=(1, 6))
    rng = np.random.default_rng(1)
    calendar = process.calendar(START, 300)
    customers = process.draw_customers(300, 3000, rng)
    purchases = process.draw_purchases(calendar, customers, rng)
    assert purchases.lines.max() == 6
    assert (purchases.cents / 100 / purchases.lines).mean() == pytest.approx(52.5, rel=0.02)
