"""The simple process that many tutorials simulate, and its exact optimum.

A customer is of one of three types with 15-25, 6-14 or 1-5 purchases in all, at gaps uniform in
7-45 days from registration on, and then stops for ever. Baskets are alike for everybody: 1-4 lines
of 5-100. Two purchases in a hundred are refunded within a fortnight. There is no season.

The optimum: all that tells customers apart is how many purchases they have left and when the last
one was. With N the number in all, x made, and the last one (or registration) u days ago, a customer
has not stopped with probability

    P(N > x) P(G >= u) / (P(N > x) P(G >= u) + P(N = x)),   G the gap,

and the next purchases follow by convolution of gaps, which is a table over (x, u).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import ClassVar

import numpy as np

from generate.shop.calendar_intensity import Calendar
from generate.shop.history import Histories
from generate.shop.purchases import (
    REGIONS,
    SEGMENTS,
    Customers,
    Expected,
    Purchases,
    ReturnRule,
    rank,
)

_TYPES = ("frequent", "regular", "occasional")
_RETURNS = ReturnRule(share=0.02, whole=1.0, lag=(1, 14))


@dataclass(frozen=True)
class Classic:
    """The parameters of the simple process."""

    name: ClassVar[str] = "classic"

    type_share: tuple[float, ...] = (0.2, 0.3, 0.5)
    in_all: tuple[tuple[int, int], ...] = ((15, 25), (6, 14), (1, 5))
    gap: tuple[int, int] = (7, 45)  # days
    lines: tuple[int, int] = (1, 4)
    line_cents: tuple[int, int] = (500, 10_000)
    member_share: float = 0.5
    returns: ReturnRule = _RETURNS

    def calendar(self, start: date, days: int) -> Calendar:
        """Return a calendar without season, price changes or promotions."""
        return Calendar(
            start=np.datetime64(start),
            intensity=np.ones(days),
            price_index=np.ones(days),
            promotion=np.full(days, -1),
            promotions=(),
            cumulated=np.arange(days + 1.0),
        )

    def draw_customers(self, days: int, count: int, rng: np.random.Generator) -> Customers:
        """Draw `count` customers, who register evenly over the period."""
        kind = rng.choice(len(_TYPES), count, p=self.type_share)
        fewest, most = np.array(self.in_all)[kind].T
        return Customers(
            segment=rng.integers(0, len(SEGMENTS), count),
            region=rng.integers(0, len(REGIONS), count),
            member=rng.random(count) < self.member_share,
            kind=kind,
            registered=rng.integers(0, days, count),
            latent={"purchases_in_all": rng.integers(fewest, most + 1)},
        )

    def kind_names(self, customers: Customers) -> np.ndarray:
        """Return the name of each customer's type."""
        return np.array(_TYPES)[customers.kind]

    def draw_purchases(
        self, calendar: Calendar, customers: Customers, rng: np.random.Generator
    ) -> Purchases:
        """Draw every purchase of the period."""
        counts = customers.latent["purchases_in_all"]
        customer = np.repeat(np.arange(len(customers)), counts)
        gaps = rng.integers(self.gap[0], self.gap[1] + 1, len(customer))
        running = np.cumsum(gaps)
        first = np.flatnonzero(rank(counts) == 0)
        day = customers.registered[customer] + running - (running - gaps)[first][customer]
        lines = rng.integers(self.lines[0], self.lines[1] + 1, len(customer))
        most = self.lines[1]
        values = rng.integers(self.line_cents[0], self.line_cents[1] + 1, (len(customer), most))
        cents = np.where(np.arange(most) < lines[:, None], values, 0).sum(axis=1)
        time = day + rng.random(len(customer))
        seen = day < calendar.days
        return Purchases(customer[seen], time[seen], cents[seen], lines[seen])

    def forecaster(self, histories: Histories) -> ClassicForecaster:
        """Return what forecasts these customers as well as can be."""
        return ClassicForecaster(self, histories)


@dataclass(frozen=True)
class ClassicForecaster:
    """The best forecast of some customers of the simple process, at any day."""

    process: Classic
    histories: Histories

    def expect(self, day: int, horizon: int, customers: np.ndarray) -> Expected:
        """Return what `[day, day + horizon)` lets expect; see `Posterior.expect`."""
        state = self.histories.state(day, customers)
        registered = self.histories.customers.registered[customers]
        since = day - np.maximum(self.histories.last_day(state), registered)
        spend, probability = _table(self.process, horizon)
        x = self.histories.states.x[state]
        since = np.minimum(since, spend.shape[1] - 1)
        back = self.histories.returns_due(self.process.returns, day, horizon)[customers]
        return Expected(spend[x, since] - back, probability[x, since])


@lru_cache(maxsize=8)
def _table(process: Classic, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """Return expected net spend and P(purchase) by purchases made and days since the last.

    The last column, one day more than the longest gap, is that of who has stopped.
    """
    shortest, longest = process.gap
    exactly = np.zeros(max(most for _, most in process.in_all) + 1)
    for share, (fewest, most) in zip(process.type_share, process.in_all, strict=True):
        exactly[fewest : most + 1] += share / (most - fewest + 1)
    at_least = np.append(exactly[::-1].cumsum()[::-1], 0.0)
    gap = np.zeros(longest + 1)
    gap[shortest:] = 1 / (longest - shortest + 1)
    mean = (sum(process.lines) / 2) * (sum(process.line_cents) / 2) / 100
    net = 1 - process.returns.share * process.returns.due(0, horizon - 1 - np.arange(horizon))
    spend = np.zeros((len(exactly), longest + 2))
    probability = np.zeros_like(spend)
    for u in range(longest + 1):
        waited = gap[u:].sum()
        # day by day, when the j-th purchase from now is made if there are that many left
        made = [_cut(gap[u:] / waited, horizon)]
        while made[-1].any():
            made.append(_cut(np.convolve(made[-1], gap), horizon))
        for x in range(len(exactly) - 1):
            more = at_least[x + 1]
            alive = more * waited / (more * waited + exactly[x])
            left = at_least[x + 1 : x + 1 + len(made)] / more
            days = left @ np.array(made[: len(left)])
            spend[x, u] = alive * mean * (days @ net)
            probability[x, u] = alive * made[0].sum()
    return spend, probability


def _cut(values: np.ndarray, length: int) -> np.ndarray:
    return np.pad(values, (0, max(length - len(values), 0)))[:length]
