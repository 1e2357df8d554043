"""The exact optimum against brute force, numerical integration, and the lifetimes package."""

from __future__ import annotations

import functools
import inspect
import sys
import types

import numpy as np
import pandas as pd
import pytest
from lifetimes import BetaGeoFitter
from scipy import special, stats

from generate.shop import posterior
from generate.shop.history import Histories
from generate.shop.plan import DAYS, START
from generate.shop.process import Process
from generate.shop.purchases import Customers, Purchases, ReturnRule
from tests.brute_force import Story, play

HORIZON = 30
PRIORS = {"r": 0.7, "alpha": 9.0, "a": 0.8, "b": 2.5}
# purchases, time of the last, time observed; the last column is far from and near to a window
SUMMARIES = np.array(
    [
        (0, 0, 39),
        (1, 20, 39),
        (1, 38.5, 39),
        (4, 30, 39),
        (12, 35, 38),
        (2, 10, 400),
        (60, 390, 400),
    ]
)
PROCESS = Process()
# covers a Christmas and promotions, where intensity and prices change most
CALENDAR = PROCESS.calendar(START, DAYS + HORIZON)
STORIES = {
    "never bought": Story(0, 0, False, 900, ()),
    "registered yesterday": Story(3, 5, True, 1049, ()),
    "bought once": Story(1, 2, True, 700, ((980.4, 31.0, 2),)),
    "large baskets": Story(3, 4, False, 800, ((950.1, 240.0, 6), (1010.7, 410.0, 5))),
    "a return is pending": Story(0, 1, True, 600, ((700.2, 20.0, 1), (1046.8, 90.0, 4))),
    "a return has come": Story(0, 1, True, 600, ((1040.2, 60.0, 2),), (1046.0,)),
    "silent for long": Story(
        2, 3, False, -400, ((30.0, 25.0, 1), (70.0, 18.0, 2), (75.5, 40.0, 1))
    ),
}
DAY = 1050  # 2024-11-16: Black Week and the way up to Christmas lie ahead


def forecast(module: types.ModuleType, story: Story) -> tuple[float, float]:
    """What the formulas expect of one customer."""
    customers = Customers(
        *(np.array([value]) for value in (story.segment, story.region, story.member, 0)),
        registered=np.array([story.registered]),
        latent={},
    )
    time, money, lines = np.array(story.purchases).reshape(-1, 3).T
    purchases = Purchases(
        np.zeros(len(time), dtype=int), time, np.rint(money * 100).astype(int), lines.astype(int)
    )
    returned = np.array(story.returned or (np.inf,) * len(time))
    histories = Histories(CALENDAR, customers, purchases, returned)
    observed = (customers.segment, customers.region, customers.member)
    groups = [PROCESS.groups(np.array([number]), *observed) for number in range(2)]
    expected = module.Posterior(groups, PROCESS.returns, histories).expect(
        DAY, HORIZON, np.array([0])
    )
    return float(expected.spend[0]), float(expected.purchase_probability[0])


@functools.cache
def played(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard error of net spend and purchase, over re-simulated futures."""
    rng = np.random.default_rng(7)
    futures = (PROCESS, CALENDAR, STORIES[name], DAY, HORIZON, 40_000)
    rounds = np.array([play(*futures, rng) for _ in range(12)])
    mean, error = rounds.mean(axis=0), rounds.std(axis=0, ddof=1) / np.sqrt(len(rounds))
    # the simulation itself must tell: a tenth of the value at most
    assert (error < 0.1 * np.abs(mean) + 0.02).all()
    return mean, error


def differs_from_brute_force(module: types.ModuleType, name: str) -> bool:
    """Whether the formulas are further from re-simulated futures than these scatter."""
    mean, error = played(name)
    return bool((np.abs(forecast(module, STORIES[name]) - mean) > 4.5 * error + 1e-9).any())


def window(width: float, weights: np.ndarray | None = None) -> posterior.Window:
    edges = np.linspace(0, width, HORIZON + 1)
    return posterior.Window(edges, np.ones(HORIZON) if weights is None else weights)


def ahead(module: types.ModuleType, width: float) -> np.ndarray:
    """Expected purchases in a window of those alive, for each of the summaries."""
    x, _, exposure = SUMMARIES.T
    ones = np.ones(len(x))
    return module.purchases_ahead(
        module.Window(*vars(window(width)).values()),
        x,
        PRIORS["r"] + x,
        PRIORS["alpha"] + exposure,
        PRIORS["a"] * ones,
        PRIORS["b"] * ones,
    )


def likelihoods(module: types.ModuleType) -> tuple[np.ndarray, np.ndarray]:
    ones = np.ones(len(SUMMARIES))
    return module.log_likelihood(*SUMMARIES.T, *(value * ones for value in PRIORS.values()))


@pytest.fixture(scope="module")
def lifetimes_model() -> BetaGeoFitter:
    model = BetaGeoFitter()
    model.params_ = pd.Series(PRIORS)
    model.predict = model.conditional_expected_number_of_purchases_up_to_time
    return model


def differs_from_lifetimes(module: types.ModuleType, model: BetaGeoFitter) -> bool:
    """Whether likelihood, P(alive) or expected purchases are off by more than 1e-6."""
    alive, gone = likelihoods(module)
    x, recency, exposure = SUMMARIES.T
    theirs = [
        -BetaGeoFitter._negative_log_likelihood(
            np.log(list(PRIORS.values())), *(np.array([v]) for v in row), np.ones(1), 0.0
        )
        for row in SUMMARIES
    ]
    survived = 1 / (1 + np.exp(gone - alive))
    close = [
        np.allclose(np.logaddexp(alive, gone), theirs, rtol=0, atol=1e-6),
        np.allclose(
            survived, model.conditional_probability_alive(x, recency, exposure), rtol=0, atol=1e-6
        ),
    ]
    for width in (3.0, 20.0, 60.0):
        expected = model.predict(width, x, recency, exposure)
        close.append(np.allclose(survived * ahead(module, width), expected, rtol=0, atol=1e-6))
    return not all(close)


def test_likelihood_survival_and_expected_purchases_equal_lifetimes_to_1e_6(lifetimes_model):
    assert not differs_from_lifetimes(posterior, lifetimes_model)


@pytest.mark.parametrize("name", STORIES)
def test_expected_spend_and_purchase_probability_equal_resimulated_futures(name):
    assert not differs_from_brute_force(posterior, name)


@pytest.mark.parametrize("width", [0.5, 4.0, 30.0, 55.0])
def test_weighted_purchases_equal_an_integral_over_rate_and_drop_out(width):
    weights = 1 + 0.5 * np.sin(np.arange(HORIZON))
    edges = np.linspace(0, width, HORIZON + 1)
    x, _, exposure = SUMMARIES.T
    ones = np.ones(len(x))
    s, scale = PRIORS["r"] + x, PRIORS["alpha"] + exposure
    exact = posterior.purchases_ahead(
        posterior.Window(edges, weights), x, s, scale, PRIORS["a"] * ones, PRIORS["b"] * ones
    )
    for row in range(len(x)):
        rate, of_rate = special.roots_genlaguerre(80, s[row] - 1)
        drop, of_drop = special.roots_jacobi(80, PRIORS["b"] + x[row] - 1, PRIORS["a"] - 1)
        rate, drop = rate / scale[row], (1 + drop) / 2
        survived = np.exp(-np.einsum("i,j,k->ijk", rate, drop, edges))
        bought = -np.diff(survived, axis=2) @ weights / drop
        numeric = (of_rate @ bought @ of_drop) / (of_rate.sum() * of_drop.sum())
        assert exact[row] == pytest.approx(numeric, rel=1e-7)


def test_series_and_quadrature_agree_where_they_meet():
    x = np.array([0.0, 1, 2, 5, 20, 150])
    s, scale, a, b = 1.25 + x, np.full(6, 80.0), np.full(6, 0.9), np.full(6, 12.0)
    near = window(0.499 * 80, np.linspace(1, 2, HORIZON))
    exact = posterior._series(near, near.width / scale, s, scale, a, a + b + x)
    assert posterior._quadrature(near, s, scale, a, b + x) == pytest.approx(exact, rel=1e-9)


def one_customer(time: float | None, lines: int = 3) -> Histories:
    """A customer who bought for 80 at one moment, or never."""
    customers = Customers(*np.array([[1], [2], [0], [0]]), np.array([600]), {})
    bought = [] if time is None else [time]
    purchases = Purchases(
        np.zeros(len(bought), dtype=int),
        np.array(bought),
        np.full(len(bought), 8000),
        np.full(len(bought), lines),
    )
    return Histories(CALENDAR, customers, purchases, np.full(len(bought), np.inf))


@pytest.mark.parametrize("horizon", [1, 5, HORIZON])
@pytest.mark.parametrize("ago", [1, 2, 3, 10, 20, 21, 22])
def test_a_pending_return_is_expected_as_counting_every_lag_says(ago, horizon):
    rule = ReturnRule(share=0.6, whole=0.3, lag=(2, 21))
    # when the purchase comes back, each as likely; the rest never does
    back = DAY - ago + np.arange(2, 22)
    before = 0.6 * np.mean(back < DAY)
    inside = 0.6 * np.mean((back >= DAY) & (back < DAY + horizon))
    money = 80 * (0.3 + 0.7 / 3)
    due = one_customer(DAY - ago + 0.4).returns_due(rule, DAY, horizon)
    assert due[0] == pytest.approx(money * inside / (1 - before), abs=1e-12)


@pytest.mark.parametrize("whole", [0.0, 0.25, 1.0])
def test_what_is_bought_and_comes_back_inside_the_window_cancels_out(whole):
    def spend(rule: ReturnRule, horizon: int) -> float:
        # one kind only
        groups = [PROCESS.groups(np.zeros(1, dtype=int), *np.array([[1], [2], [0]]))]
        histories = one_customer(None)
        found = posterior.Posterior(groups, rule, histories).expect(DAY, horizon, np.array([0]))
        return float(found.spend[0])

    never = ReturnRule(share=0.0, whole=whole, lag=(2, 2))
    always = ReturnRule(share=1.0, whole=whole, lag=(2, 2))
    lines = np.arange(100)
    one_line = (stats.poisson.pmf(lines, PROCESS.kinds[0].extra_lines) / (1 + lines)).sum()
    # of three days only what was bought on the first comes back
    kept = spend(never, 3) - (whole + (1 - whole) * one_line) * spend(never, 1)
    assert spend(always, 3) == pytest.approx(kept, rel=1e-12)


MISTAKES = {
    "the last purchase counts as survived": ("betaln(a + 1, b + x - 1)", "betaln(a + 1, b + x)"),
    "exposure forgotten": ("np.log(alpha + recency)", "np.log(alpha)"),
    "drop-out not updated": ("(a + b + x)[near]", "(a + b)[near]"),
    "rate not updated": ("-(s + j + 1) * (a + j)", "-(s + j) * (a + j)"),
    "log-normal without its variance": ("(spread + group_by_state.basket_spread**2) / 2", "0.0"),
    "level not shrunk": ("variance = prior * noise / (noise + x * prior)", "variance = prior"),
    "lines say nothing of the kind": (
        "base = np.log(group_by_state.share) + basket + lines",
        "base = np.log(group_by_state.share) + basket + 0 * lines",
    ),
    "returns inside the window forgotten": ("due * returns.part", "0 * returns.part"),
    "pending returns forgotten": (".sum(axis=0) - back", ".sum(axis=0)"),
    "gone customers buy": ("logsumexp(alive + gone, axis=0)", "logsumexp(alive, axis=0)"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_formula_is_found(mistake, lifetimes_model, monkeypatch):
    right, wrong = MISTAKES[mistake]
    source = inspect.getsource(posterior)
    assert source.count(right) == 1
    module = types.ModuleType("mistaken")
    # dataclasses look their module up
    monkeypatch.setitem(sys.modules, "mistaken", module)
    exec(compile(source.replace(right, wrong), "mistaken", "exec"), module.__dict__)
    found = differs_from_lifetimes(module, lifetimes_model) or any(
        differs_from_brute_force(module, name) for name in STORIES
    )
    assert found
