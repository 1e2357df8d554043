"""The stochastic process of the generated shop: its parameters, its customers, their purchases.

A customer's process starts at registration (for those registered before the first day: on the
first day). While alive a customer buys as a Poisson process of rate `lambda * m(t)`; after each
purchase the customer leaves for ever with probability `p`. In the time of cumulated m this is
BG/NBD (Fader, Hardie, Lee 2005), with registration in the place of their first purchase.

What the best forecast of this process is: `posterior.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import numpy as np

from generate.shop import posterior
from generate.shop.calendar_intensity import Calendar, calendar, on_any_days
from generate.shop.history import Histories
from generate.shop.purchases import REGIONS, SEGMENTS, Customers, Purchases, ReturnRule, rank

_RETURNS = ReturnRule(share=0.05, whole=0.5, lag=(2, 21))


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

    name: ClassVar[str] = "shop"

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
    returns: ReturnRule = _RETURNS

    def calendar(self, start: date, days: int) -> Calendar:
        """Return the known intensity, prices and promotions of a period."""
        return calendar(start, days)

    def draw_customers(self, days: int, count: int, rng: np.random.Generator) -> Customers:
        """Draw `count` customers of a shop that is observed for `days` days."""
        segment = rng.choice(len(SEGMENTS), count, p=self.segment_share)
        region = rng.choice(len(REGIONS), count, p=self.region_share)
        member = rng.random(count) < self.member_share
        kind = (rng.random(count) < np.array(self.trader_share)[segment]).astype(int)
        older = rng.random(count) < self.registered_before
        registered = np.where(older, -rng.integers(1, 1826, count), rng.integers(0, days, count))
        group = self.groups(kind, segment, region, member)
        return Customers(
            segment=segment,
            region=region,
            member=member,
            kind=kind,
            registered=registered,
            latent={
                "rate": rng.gamma(group.rate_shape, 1 / group.rate_scale),
                "drop_out": rng.beta(group.drop_a, group.drop_b),
                "level": rng.normal(group.level_mean, group.level_spread),
            },
        )

    def groups(
        self, kind: np.ndarray, segment: np.ndarray, region: np.ndarray, member: np.ndarray
    ) -> posterior.Group:
        """Return the priors of customers of given kinds, segments, regions and membership."""

        def of_kind(name: str) -> np.ndarray:
            return np.array([getattr(customer_kind, name) for customer_kind in self.kinds])[kind]

        mean = (
            of_kind("rate_mean")
            * np.array(self.segment_rate)[segment]
            * np.where(member, self.member_rate, 1.0)
        )
        trader = np.array(self.trader_share)[segment]
        return posterior.Group(
            share=np.where(kind == 1, trader, 1 - trader),
            rate_shape=of_kind("rate_shape"),
            rate_scale=of_kind("rate_shape") / mean,
            drop_a=of_kind("drop_a"),
            drop_b=of_kind("drop_b") * np.where(member, self.member_drop_b, 1.0),
            level_mean=of_kind("level_mean") + np.array(self.region_level)[region],
            level_spread=of_kind("level_spread"),
            basket_spread=of_kind("basket_spread"),
            extra_lines=of_kind("extra_lines"),
        )

    def kind_names(self, customers: Customers) -> np.ndarray:
        """Return the name of each customer's kind."""
        return np.array([kind.name for kind in self.kinds])[customers.kind]

    def draw_purchases(
        self, calendar: Calendar, customers: Customers, rng: np.random.Generator
    ) -> Purchases:
        """Draw every purchase of the period.

        In cumulated-m time a Poisson process has uniform moments given their number, so all
        customers are drawn in one go; those after the one that ended a customer's life are
        dropped.
        """
        entry = calendar.cumulated[np.maximum(customers.registered, 0)]
        exposure = calendar.cumulated[-1] - entry
        counts = rng.poisson(customers.latent["rate"] * exposure)
        customer = np.repeat(np.arange(len(customers)), counts)
        position = rng.random(len(customer))
        position = position[np.lexsort((position, customer))]
        # a probability that is nought within the machine's reach means a very long life
        life = rng.geometric(np.maximum(customers.latent["drop_out"], 1e-9))
        alive = rank(counts) < life[customer]
        customer, position = customer[alive], position[alive]
        time = calendar.time_at(entry[customer] + position * exposure[customer])
        time = np.minimum(time, np.nextafter(calendar.days, 0))
        kind = customers.kind[customer]
        noise = rng.normal(
            0.0, np.array([customer_kind.basket_spread for customer_kind in self.kinds])[kind]
        )
        index = calendar.price_index[time.astype(int)]
        lines = 1 + rng.poisson(
            np.array([customer_kind.extra_lines for customer_kind in self.kinds])[kind]
        )
        cents = np.rint(100 * np.exp(customers.latent["level"][customer] + noise) * index)
        # a line is worth a cent at least
        return Purchases(customer, time, np.maximum(cents.astype("int64"), lines), lines)

    def forecaster(self, histories: Histories) -> posterior.Posterior:
        """Return what forecasts these customers as well as can be."""
        customers = histories.customers
        observed = (customers.segment, customers.region, customers.member)
        groups = [
            self.groups(np.full(len(customers), number), *observed)
            for number in range(len(self.kinds))
        ]
        return posterior.Posterior(groups, self.returns, histories)


@dataclass(frozen=True)
class Promoted(Process):
    """The same, with promotions on days that no other year has; the shop plans and tells them."""

    name: ClassVar[str] = "promotions"

    def calendar(self, start: date, days: int) -> Calendar:
        """Return the known intensity, prices and promotions of a period."""
        return calendar(start, days, on_any_days)
