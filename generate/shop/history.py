"""What is known of customers before a day: the sufficient statistics of their full history."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from generate.shop.calendar_intensity import Calendar
from generate.shop.purchases import Customers, Purchases, ReturnRule, rank


@dataclass(frozen=True)
class States:
    """Sufficient statistics after each purchase and before the first; one array entry each.

    Attributes
    ----------
    customer, x
        Position of the customer, purchases so far.
    recency
        Cumulated intensity from entry to the last purchase; 0 without one.
    log, log_squared, extra_lines
        Sums over the purchases so far: the log basket (currency units over the price index),
        its square, the lines beyond the first.
    """

    customer: np.ndarray
    x: np.ndarray
    recency: np.ndarray
    log: np.ndarray
    log_squared: np.ndarray
    extra_lines: np.ndarray


@dataclass(frozen=True)
class Histories:
    """Purchases and returns of some customers, to be read as of any day.

    Attributes
    ----------
    calendar
        Covers every day that is asked for.
    customers, purchases
        Who they are and what they bought, in the whole period.
    returned
        Day since start on which each purchase came back, in whole or in part; infinite if never.
    """

    calendar: Calendar
    customers: Customers
    purchases: Purchases
    returned: np.ndarray

    @cached_property
    def entry(self) -> np.ndarray:
        """Cumulated intensity when each customer's process began."""
        return self.calendar.cumulated[np.maximum(self.customers.registered, 0)]

    @cached_property
    def states(self) -> States:
        """What is known after 0, 1, 2, ... purchases of each customer in turn."""
        bought = np.bincount(self.purchases.customer, minlength=len(self.customers))
        customer = np.repeat(np.arange(len(self.customers)), bought + 1)
        x = rank(bought + 1)
        purchase = np.arange(len(customer)) - customer - 1
        recency = np.zeros(len(customer))
        some = x > 0
        moment = self.calendar.cumulated_at(self.purchases.time)
        recency[some] = moment[purchase[some]] - self.entry[customer[some]]
        index = self.calendar.price_index[self.purchases.time.astype(int)]
        log = np.log(self.purchases.cents / 100 / index)
        start = np.concatenate([[0], np.cumsum(bought)])[customer]
        end = start + x

        def summed(values: np.ndarray) -> np.ndarray:
            running = np.concatenate([[0.0], np.cumsum(values)])
            return running[end] - running[start]

        return States(
            customer=customer,
            x=x,
            recency=recency,
            log=summed(log),
            log_squared=summed(log**2),
            extra_lines=summed(self.purchases.lines - 1),
        )

    def known(self, day: int) -> np.ndarray:
        """Return the positions of the customers who were registered before a day."""
        return np.flatnonzero(self.customers.registered < day)

    def state(self, day: int, customers: np.ndarray) -> np.ndarray:
        """Return the position in `states` of some customers as of the start of a day."""
        return np.searchsorted(self._key, customers * self._stride + day) + customers

    def last_day(self, state: np.ndarray) -> np.ndarray:
        """Return the day since start of the last purchase; -1 without one."""
        if not len(self.purchases.time):
            return np.full(len(state), -1)
        states = self.states
        last = np.maximum(state - states.customer[state] - 1, 0)
        day = np.floor(self.purchases.time[last]).astype(int)
        return np.where(states.x[state] > 0, day, -1)

    def returns_due(self, rule: ReturnRule, day: int, horizon: int) -> np.ndarray:
        """Return the money of earlier purchases that is expected to come back in the window.

        A purchase that has not come back yet may still do so; given that, the chance of each lag
        that is left rises a little.
        """
        age = day - self._bought_on
        open_ = (age > 0) & (age <= rule.lag[1]) & (self.returned >= day)
        age, lines = age[open_], self.purchases.lines[open_]
        until_now = rule.share * rule.due(0, age - 1)
        ahead = rule.share * rule.due(age, age + horizon - 1) / (1 - until_now)
        money = self.purchases.cents[open_] / 100 * rule.part(1 / lines) * ahead
        return np.bincount(self.purchases.customer[open_], money, minlength=len(self.customers))

    @cached_property
    def _stride(self) -> float:
        return float(self.calendar.days + 1)

    @cached_property
    def _bought_on(self) -> np.ndarray:
        return np.floor(self.purchases.time)

    @cached_property
    def _key(self) -> np.ndarray:
        return self.purchases.customer * self._stride + self.purchases.time
