"""The stochastic process of the generated shop: its parameters, its customers, their purchases.

A customer's process starts at registration (for those registered before the first day: on the
first day). While alive a customer buys as a Poisson process of rate `lambda * m(t)`; after each
purchase the customer leaves for ever with probability `p`. In the time of cumulated m this is
BG/NBD (Fader, Hardie, Lee 2005), with registration in the place of their first purchase.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generate.calendar_intensity import Calendar

REGIONS = ("North", "South", "East", "West", "Coast", "Capital")
SEGMENTS = ("EVERYDAY", "FAMILY", "OCCASIONAL", "BUSINESS")


@dataclass(frozen=True)
class Kind:
    """A latent kind of customer."""

    name: str
    rate_shape: float  # of Gamma(lambda)
    rate_mean: float  # purchases per day of m = 1
    drop_a: float  # of Beta(p)
    drop_b: float
    level_mean: float  # of Normal(mu), log of currency units
    level_spread: float
    basket_spread: float  # of the log basket around mu
    extra_lines: float  # lines of a basket are 1 + Poisson(extra_lines)


@dataclass(frozen=True)
class Process:
    """Everything that is known about the process; with it the best forecast can be computed."""

    kinds: tuple[Kind, ...] = (
        Kind("household", 1.25, 1 / 86, 0.9, 12.0, 3.35, 0.5, 0.55, 1.7),
        Kind("trader", 0.9, 1 / 33, 0.8, 30.0, 4.9, 0.75, 0.6, 3.6),
    )
    segment_share: tuple[float, ...] = (0.4, 0.25, 0.25, 0.1)
    trader_share: tuple[float, ...] = (0.02, 0.03, 0.04, 0.5)  # by segment
    segment_rate: tuple[float, ...] = (1.25, 1.0, 0.6, 1.0)
    region_share: tuple[float, ...] = (0.2, 0.15, 0.15, 0.15, 0.1, 0.25)
    region_level: tuple[float, ...] = (-0.1, 0.0, -0.05, 0.0, 0.05, 0.15)  # added to mu
    member_share: float = 0.55
    member_rate: float = 1.3
    member_drop_b: float = 1.5  # factor on drop_b
    registered_before: float = 0.4  # share of customers older than the first day
    return_share: float = 0.05
    return_whole: float = 0.5  # else one line of the basket
    return_lag: tuple[int, int] = (2, 21)  # days, both ends included, uniform


@dataclass(frozen=True)
class Customers:
    """Latent and observed values of customers, one array entry each."""

    segment: np.ndarray
    region: np.ndarray
    member: np.ndarray
    kind: np.ndarray
    registered: np.ndarray  # day since start; negative before it
    rate: np.ndarray
    drop_out: np.ndarray
    level: np.ndarray

    def __len__(self) -> int:
        return len(self.rate)


@dataclass(frozen=True)
class Purchases:
    """Purchases, ordered by customer and time."""

    customer: np.ndarray  # position of the customer
    time: np.ndarray  # days since start, with fraction
    cents: np.ndarray
    lines: np.ndarray  # number of lines


def _by_kind(process: Process, name: str, kind: np.ndarray) -> np.ndarray:
    return np.array([getattr(one, name) for one in process.kinds])[kind]


def draw_customers(process: Process, days: int, count: int, rng: np.random.Generator) -> Customers:
    """Draw `count` customers of a shop that is observed for `days` days."""
    segment = rng.choice(len(SEGMENTS), count, p=process.segment_share)
    region = rng.choice(len(REGIONS), count, p=process.region_share)
    member = rng.random(count) < process.member_share
    kind = (rng.random(count) < np.array(process.trader_share)[segment]).astype(int)
    older = rng.random(count) < process.registered_before
    registered = np.where(older, -rng.integers(1, 1826, count), rng.integers(0, days, count))
    rate_mean = (
        _by_kind(process, "rate_mean", kind)
        * np.array(process.segment_rate)[segment]
        * np.where(member, process.member_rate, 1.0)
    )
    rate_shape = _by_kind(process, "rate_shape", kind)
    drop_b = _by_kind(process, "drop_b", kind) * np.where(member, process.member_drop_b, 1.0)
    level_mean = _by_kind(process, "level_mean", kind) + np.array(process.region_level)[region]
    return Customers(
        segment=segment,
        region=region,
        member=member,
        kind=kind,
        registered=registered,
        rate=rng.gamma(rate_shape, rate_mean / rate_shape),
        drop_out=rng.beta(_by_kind(process, "drop_a", kind), drop_b),
        level=rng.normal(level_mean, _by_kind(process, "level_spread", kind)),
    )


def draw_purchases(
    process: Process, calendar: Calendar, customers: Customers, rng: np.random.Generator
) -> Purchases:
    """Draw every purchase of the period.

    In cumulated-m time a Poisson process has uniform moments given their number, so all
    customers are drawn in one go; those after the one that ended a customer's life are dropped.
    """
    entry = calendar.cumulated[np.maximum(customers.registered, 0)]
    exposure = calendar.cumulated[-1] - entry
    counts = rng.poisson(customers.rate * exposure)
    customer = np.repeat(np.arange(len(customers)), counts)
    position = rng.random(len(customer))
    position = position[np.lexsort((position, customer))]
    # a probability that is nought within the machine's reach means a very long life
    life = rng.geometric(np.maximum(customers.drop_out, 1e-9))
    alive = _rank(counts) < life[customer]
    customer, position = customer[alive], position[alive]
    time = calendar.time_at(entry[customer] + position * exposure[customer])
    time = np.minimum(time, np.nextafter(calendar.days, 0))
    kind = customers.kind[customer]
    noise = rng.normal(0.0, _by_kind(process, "basket_spread", kind))
    index = calendar.price_index[time.astype(int)]
    lines = 1 + rng.poisson(_by_kind(process, "extra_lines", kind))
    cents = np.rint(100 * np.exp(customers.level[customer] + noise) * index).astype("int64")
    # a line is worth a cent at least
    return Purchases(customer, time, np.maximum(cents, lines), lines)


def _rank(counts: np.ndarray) -> np.ndarray:
    """Return 0, 1, 2, ... within each group of the given sizes."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
