"""The exact Bayes optimum of the generated shop: what a full history lets expect.

Given a customer's kind the posterior is conjugate. With r, alpha, a, b the priors of the rate
(Gamma) and the drop-out probability (Beta), x purchases, the last at t_x, and exposure T, both in
the time of cumulated intensity (Fader, Hardie, Lee 2005, "Counting your customers the easy way"):

    L_alive = Gamma(r+x)/Gamma(r) alpha^r (alpha+T)^-(r+x) B(a, b+x) / B(a, b)
    L_gone  = Gamma(r+x)/Gamma(r) alpha^r (alpha+t_x)^-(r+x) B(a+1, b+x-1) / B(a, b), if x > 0

The log baskets (over the known price index) are normal around a normal level, so their marginal
likelihood and the level's posterior are normal too; lines beyond the first are Poisson. Kinds are
weighted by prior times likelihood. While alive, the rate of purchases a time t ahead is

    g(t) = E[lambda exp(-lambda p t)] = sum_j (-t)^j / j! * E[lambda^(j+1)] E[p^j],

with the moments of Gamma(r+x, alpha+T) and Beta(a, b+x). The expected spend is an integral of g
against the known price index less what is expected to come back inside the window; as g is a power
series, the integral needs only the window's moments, which are the same for all customers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
from scipy.special import betaln, gammaln, logsumexp, roots_jacobi

from generate.shop.history import Histories, States
from generate.shop.purchases import Expected, ReturnRule

# terms of the series shrink at least like powers of (window / (alpha + T)); above this ratio
# quadrature takes over
_SERIES_RATIO = 0.5
_TERMS = 60
_PRECISION = 1e-14
_NODES = 12


@dataclass(frozen=True)
class Group:
    """Priors of customers if they were of one kind; arrays, one entry per customer."""

    share: np.ndarray  # prior probability of the kind
    rate_shape: np.ndarray
    rate_scale: np.ndarray  # alpha: shape / mean
    drop_a: np.ndarray
    drop_b: np.ndarray
    level_mean: np.ndarray
    level_spread: np.ndarray
    basket_spread: np.ndarray
    extra_lines: np.ndarray

    def take(self, customers: np.ndarray) -> Group:
        """Return the priors of some customers, by position."""
        return Group(**{field.name: getattr(self, field.name)[customers] for field in fields(self)})


@dataclass(frozen=True)
class Window:
    """A window ahead in cumulated intensity, with a weight for each of its days.

    Attributes
    ----------
    edges
        Cumulated intensity from the window's start to the start of each day, and to its end.
    weights
        One value per day.
    """

    edges: np.ndarray
    weights: np.ndarray

    @property
    def width(self) -> float:
        """Cumulated intensity of the whole window."""
        return float(self.edges[-1])

    def moment(self, power: int) -> float:
        """Return the integral of weight * (t / width)^power dt."""
        powers = (self.edges / self.width) ** (power + 1)
        return float(self.weights @ np.diff(powers)) * self.width / (power + 1)


def log_likelihood(
    x: np.ndarray,
    recency: np.ndarray,
    exposure: np.ndarray,
    r: np.ndarray,
    alpha: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the log likelihood of a history, together with being alive and with being gone.

    Parameters
    ----------
    x, recency, exposure
        Purchases, time of the last one and time observed, both since entry; shape (customers,).
    r, alpha, a, b
        Priors, shape (customers,).

    Returns
    -------
    tuple of ndarray
        L_alive and L_gone of the module's docstring as logs, up to what no parameter changes.
    """
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - betaln(a, b)
    alive = common + betaln(a, b + x) - (r + x) * np.log(alpha + exposure)
    with np.errstate(invalid="ignore", divide="ignore"):
        gone = common + betaln(a + 1, b + x - 1) - (r + x) * np.log(alpha + recency)
    return alive, np.where(x > 0, gone, -np.inf)


def purchases_ahead(
    window: Window, x: np.ndarray, s: np.ndarray, scale: np.ndarray, a: np.ndarray, b: np.ndarray
) -> np.ndarray:
    """Return the expected weighted number of purchases in a window of those who are alive.

    Parameters
    ----------
    window
        With weights of 1 the number itself.
    x
        Purchases so far, shape (customers,).
    s, scale
        The rate's posterior Gamma(s, scale): r + x, alpha + T.
    a, b
        The drop-out's prior Beta(a, b); its posterior while alive is Beta(a, b + x).
    """
    ratio = window.width / scale
    result = np.empty(len(x))
    near = ratio <= _SERIES_RATIO
    result[near] = _series(window, ratio[near], s[near], scale[near], a[near], (a + b + x)[near])
    far = ~near
    if far.any():
        result[far] = _quadrature(window, s[far], scale[far], a[far], (b + x)[far])
    return result


def _series(
    window: Window,
    ratio: np.ndarray,
    s: np.ndarray,
    scale: np.ndarray,
    a: np.ndarray,
    c: np.ndarray,
) -> np.ndarray:
    term = s / scale
    total = term * window.moment(0)
    for j in range(_TERMS):
        term = term * (-(s + j + 1) * (a + j) * ratio / ((j + 1) * (c + j)))
        added = term * window.moment(j + 1)
        total += added
        if len(added) == 0 or np.abs(added).max() < _PRECISION:
            break
    return total


def _quadrature(
    window: Window, s: np.ndarray, scale: np.ndarray, a: np.ndarray, b: np.ndarray
) -> np.ndarray:
    """Integrate over the drop-out probability by Gauss-Jacobi, over the window exactly."""
    result = np.empty(len(s))
    pairs, member = np.unique(np.column_stack([a, b]), axis=0, return_inverse=True)
    for number, (a_one, b_one) in enumerate(pairs):
        inside = np.flatnonzero(member.ravel() == number)
        probability, weights = _nodes(float(a_one), float(b_one))
        # the purchases of a day: (exp(-lambda p t0) - exp(-lambda p t1)) / p, averaged over lambda
        reach = np.multiply.outer(1 / scale[inside], np.multiply.outer(probability, window.edges))
        survived = np.expm1(-s[inside][:, None, None] * np.log1p(reach))
        bought = -np.diff(survived, axis=2) @ window.weights / probability
        result[inside] = bought @ weights
    return result


@lru_cache(maxsize=4096)
def _nodes(a: float, b: float) -> tuple[np.ndarray, np.ndarray]:
    """Return nodes and weights to average over Beta(a, b)."""
    roots, weights = roots_jacobi(_NODES, b - 1, a - 1)
    return (1 + roots) / 2, weights / weights.sum()


@dataclass(frozen=True)
class _Believed:
    """If a customer is of one kind: what each state of their history says; arrays by state.

    Attributes
    ----------
    alive, gone
        Log of prior times likelihood; of the alive without the factor of the exposure, which
        goes on from purchase to purchase.
    value
        Expected basket in currency units at a price index of 1.
    """

    group: Group
    alive: np.ndarray
    gone: np.ndarray
    value: np.ndarray


class Posterior:
    """The best forecast of some customers, at any day."""

    def __init__(self, groups: Sequence[Group], returns: ReturnRule, histories: Histories) -> None:
        """Take the priors of every customer if of each kind, and what happened."""
        self._returns = returns
        self._histories = histories
        self._believed = [_believe(group, histories.states) for group in groups]

    def expect(self, day: int, horizon: int, customers: np.ndarray) -> Expected:
        """Return the expected net spend and the purchase probability of `[day, day + horizon)`.

        Net spend is what is bought less what comes back on these days, not floored at 0.

        Parameters
        ----------
        day
            Days since the calendar's start; what was before it is used, no more.
        customers
            Positions of the customers, registered before the day.
        """
        calendar, returns = self._histories.calendar, self._returns
        state = self._histories.state(day, customers)
        x = self._histories.states.x[state]
        exposure = calendar.cumulated[day] - self._histories.entry[customers]
        edges = calendar.cumulated[day : day + horizon + 1] - calendar.cumulated[day]
        prices = calendar.price_index[day : day + horizon]
        due = returns.share * returns.due(0, horizon - 1 - np.arange(horizon))
        alive, gone, spends, buys = [], [], [], []
        for believed in self._believed:
            group = believed.group
            s, scale = group.rate_shape[customers] + x, group.rate_scale[customers] + exposure
            alive.append(believed.alive[state] - s * np.log(scale))
            gone.append(believed.gone[state])
            # E[1 / lines] of 1 + Poisson(e); the same for all customers of a kind
            extra = group.extra_lines[0]
            window = Window(edges, prices * (1 - due * returns.part(-np.expm1(-extra) / extra)))
            drop = group.drop_a[customers], group.drop_b[customers]
            ahead = purchases_ahead(window, x, s, scale, *drop)
            spends.append(believed.value[state] * ahead)
            buys.append(-np.expm1(-s * np.log1p(window.width / scale)))
        weight = np.exp(alive - logsumexp(alive + gone, axis=0))
        back = self._histories.returns_due(returns, day, horizon)[customers]
        return Expected(
            spend=(weight * spends).sum(axis=0) - back,
            purchase_probability=(weight * buys).sum(axis=0),
        )


def _believe(group: Group, states: States) -> _Believed:
    group_by_state = group.take(states.customer)
    level, spread, basket = _basket(group_by_state, states)
    # the number of lines beyond the first is Poisson, up to what no kind changes
    lines = states.extra_lines * np.log(group_by_state.extra_lines)
    base = np.log(group_by_state.share) + basket + lines - states.x * group_by_state.extra_lines
    alive, gone = log_likelihood(
        states.x,
        states.recency,
        np.zeros(len(states.x)),
        *(group_by_state.rate_shape, group_by_state.rate_scale),
        *(group_by_state.drop_a, group_by_state.drop_b),
    )
    unexposed = (group_by_state.rate_shape + states.x) * np.log(group_by_state.rate_scale)
    return _Believed(
        group=group,
        alive=base + alive + unexposed,
        gone=base + gone,
        value=np.exp(level + (spread + group_by_state.basket_spread**2) / 2),
    )


def _basket(group: Group, states: States) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return mean and variance of the level's posterior, and the baskets' log likelihood."""
    prior, noise, x = group.level_spread**2, group.basket_spread**2, states.x
    total = states.log - x * group.level_mean
    squared = states.log_squared - 2 * group.level_mean * states.log + x * group.level_mean**2
    log = -0.5 * (
        x * np.log(2 * np.pi * noise)
        + np.log1p(x * prior / noise)
        + squared / noise
        - prior * total**2 / (noise * (noise + x * prior))
    )
    variance = prior * noise / (noise + x * prior)
    return group.level_mean + variance * total / noise, variance, log
