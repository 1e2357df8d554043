"""Probability models of repeat buying: BG/NBD for how often, Gamma-Gamma for how much.

BG/NBD: Fader, Hardie, Lee (2005), "Counting your customers the easy way", Marketing Science 24(2).
Gamma-Gamma: Fader, Hardie (2013), "The Gamma-Gamma model of monetary value", note 025 at
brucehardie.com.

Summaries of a customer, as both papers have them:

- frequency: repeat purchases, so one less than all;
- recency: days from the first to the last purchase;
- age: days from the first purchase to the as-of date;
- value: mean value of the repeat purchases, money.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln, gammaln

from train.compiled.machine_code import machine_code

Values = NDArray[np.float64]

# the parameters stay where the formulas can be computed: exp of these
LOG_LIMIT = 12.0
# the formula of expected purchases is singular at a = 1, and for one purchase at a + b = 1. They
# are continuous there: a step aside is exact to 1e-6
SINGULAR = 1e-6
# the share of a series at which a term is too small to count, and how many terms there may be
PRECISE, MOST_TERMS = 1e-16, 100_000


@dataclass(frozen=True)
class BetaGeometric:
    """BG/NBD: a Poisson buyer with a Gamma rate who may leave for ever after each purchase.

    Attributes
    ----------
    r, alpha
        Shape and rate (days) of the Gamma distribution of purchase rates.
    a, b
        Of the Beta distribution of the chance to leave after a purchase.
    """

    r: float
    alpha: float
    a: float
    b: float

    @classmethod
    def fit(
        cls, frequency: Values, recency: Values, age: Values, penalty: float = 0.0
    ) -> BetaGeometric:
        """Find the most likely parameters.

        Parameters
        ----------
        frequency, recency, age
            One entry per customer.
        penalty
            Weight of the sum of squared parameters against the mean log-likelihood.
        """
        # many customers share a summary; time in units of the mean age keeps the search well scaled
        unit = max(float(np.mean(age)), 1.0)
        unique, weight = np.unique(np.stack([frequency, recency, age]), axis=1, return_counts=True)
        x, t_x, T = unique[0], unique[1] / unit, unique[2] / unit

        def loss(parameters: Values) -> float:
            model = cls(*np.exp(parameters))
            likely = model.log_likelihood(x, t_x, T)
            return -float(weight @ likely) / weight.sum() + penalty * sum(
                value**2 for value in astuple(model)
            )

        logs = _minimum(loss, np.log([0.5, 0.5, 0.5, 3.0]))
        r, alpha, a, b = np.exp(logs)
        return cls(float(r), float(alpha * unit), float(a), float(b))

    def log_likelihood(self, frequency: Values, recency: Values, age: Values) -> Values:
        """Return the log-likelihood of each summary, shape (customers,)."""
        r, alpha, a, b = astuple(self)
        x = frequency
        rate = gammaln(r + x) - gammaln(r) + r * np.log(alpha)
        stayed = betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + age)
        left = (
            betaln(a + 1, b + np.maximum(x, 1) - 1)
            - betaln(a, b)
            - (r + x) * np.log(alpha + recency)
        )
        return rate + np.where(x > 0, np.logaddexp(stayed, left), stayed)

    def alive(self, frequency: Values, recency: Values, age: Values) -> Values:
        """Return the probability that a customer has not left by the as-of date."""
        alive = np.empty(len(frequency))
        _alive(*astuple(self), frequency, recency, age, alive)
        return alive

    def buys(self, days: Values | float, frequency: Values, recency: Values, age: Values) -> Values:
        """Return the probability of a purchase in the next days: who is alive and comes in time."""
        r, alpha = self.r, self.alpha
        waits = ((alpha + age) / (alpha + age + days)) ** (r + frequency)
        return self.alive(frequency, recency, age) * (1 - waits)

    def purchases(self, days: Values, frequency: Values, recency: Values, age: Values) -> Values:
        """Return the expected number of purchases in the next days (equation 10 of the paper).

        Parameters
        ----------
        days
            One or several lengths, shape (lengths,).

        Returns
        -------
        ndarray
            Shape (customers, lengths).
        """
        r, alpha, a, b = astuple(self)
        if abs(a - 1) < SINGULAR:
            a = 1 + SINGULAR
        if abs(a + b - 1) < SINGULAR:
            b = 1 - a + SINGULAR
        # many are as old and came as often: to sum a series takes longer than to find them
        frequencies, ages, customer = _distinct(frequency, age)
        made = np.empty((len(ages), len(days)))
        _purchases(r, alpha, a, b, days, frequencies, ages, made)
        return made[customer] * self.alive(frequency, recency, age)[:, None]


def _distinct(frequency: Values, age: Values) -> tuple[Values, Values, NDArray[np.intp]]:
    """Return each pair once, frequencies and ages, and the place there of each customer's."""
    order = np.lexsort((age, frequency))
    frequencies, ages = frequency[order], age[order]
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = (np.diff(frequencies) != 0) | (np.diff(ages) != 0)
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.cumsum(is_first) - 1
    return frequencies[is_first], ages[is_first], place


@machine_code
def _alive(r, alpha, a, b, frequency, recency, age, alive):  # noqa: ANN001, ANN202
    for row in range(len(frequency)):
        x = frequency[row]
        if x <= 0:
            alive[row] = 1.0
            continue
        passed = (r + x) * np.log((alpha + age[row]) / (alpha + recency[row]))
        odds = np.log(a) - np.log(b + max(x, 1.0) - 1) + passed
        alive[row] = 1 / (1 + np.exp(min(odds, 700.0)))


@machine_code
def _purchases(r, alpha, a, b, days, frequency, age, made):  # noqa: ANN001, ANN202
    """Write the purchases of who is alive.

    The hypergeometric series of the paper is summed after Euler's transformation (Abramowitz and
    Stegun 15.3.3), with which its terms fall as fast as any, and the power before it is small.
    """
    for row in range(len(frequency)):
        lower = a + b + frequency[row] - 1
        begun = alpha + age[row]
        for length in range(len(days)):
            z = days[length] / (begun + days[length])
            term = total = 1.0
            n = 0.0
            while abs(term) > PRECISE * abs(total) and n < MOST_TERMS:
                term *= (a + b - 1 - r + n) * (a - 1 + n) / ((lower + n) * (n + 1)) * z
                total += term
                n += 1
            made[row, length] = lower / (a - 1) * (1 - (1 - z) ** (a - 1) * total)


@dataclass(frozen=True)
class GammaGamma:
    """Gamma-Gamma: order values are Gamma around a customer's mean, which is inverse Gamma.

    Attributes
    ----------
    p
        Shape of the values of one customer.
    q, v
        Shape and scale (money) of the distribution of their scales.
    """

    p: float
    q: float
    v: float

    @classmethod
    def fit(cls, frequency: Values, value: Values, penalty: float = 0.0) -> GammaGamma:
        """Find the most likely parameters.

        Parameters
        ----------
        frequency, value
            Number of orders and their mean value, both above 0, one entry per customer.
        penalty
            Weight of the sum of squared parameters against the mean log-likelihood.
        """
        unit = float(np.mean(value))
        scaled = value / unit

        def loss(parameters: Values) -> float:
            model = cls(*np.exp(parameters))
            return -float(model.log_likelihood(frequency, scaled).mean()) + penalty * sum(
                parameter**2 for parameter in astuple(model)
            )

        p, q, v = np.exp(_minimum(loss, np.log([2.0, 2.0, 1.0])))
        return cls(float(p), float(q), float(v * unit))

    def log_likelihood(self, frequency: Values, value: Values) -> Values:
        """Return the log-likelihood of each customer's mean value, shape (customers,)."""
        p, q, v = astuple(self)
        px = p * frequency
        return (
            -betaln(px, q)
            + q * np.log(v)
            + (px - 1) * np.log(value)
            + px * np.log(frequency)
            - (px + q) * np.log(frequency * value + v)
        )

    def expected_value(self, frequency: Values, value: Values) -> Values:
        """Return each customer's expected order value: own mean and the shop's, weighted."""
        p, q, v = self.p, self.q, self.v
        return p * (v + frequency * value) / (p * frequency + max(q - 1, SINGULAR))


def _minimum(loss: Callable[[Values], float], start: Values) -> Values:
    limits = [(-LOG_LIMIT, LOG_LIMIT)] * len(start)
    return minimize(loss, start, method="L-BFGS-B", bounds=limits, options={"ftol": 1e-12}).x
