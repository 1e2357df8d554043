"""The past of a customer as an as-of date knows it, and what all features are counted with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from proof.oracle.orders import Order
from proof.oracle.reading import Customer

LIFETIME = (1, 10**9)
MILLION = 10**6


@dataclass(frozen=True)
class Past:
    """All that an as-of date knows of a customer."""

    as_of: date
    customer: Customer
    known_from: date
    orders: list[Order]
    gaps: dict[date, int]

    def days_before(self, day: date) -> int:
        """Days from a day to the as-of date."""
        return (self.as_of - day).days

    def inside(self, window: tuple[int, int]) -> list[Order]:
        """Orders of a window of days before the as-of date."""
        first, last = window
        return [o for o in self.orders if first <= self.days_before(o.event_date) <= last]

    def total(self, measure: str, window: tuple[int, int] = LIFETIME) -> Decimal | int:
        """Sum of a measure of the orders of a window."""
        return sum(getattr(order, measure) for order in self.inside(window))

    def active_days(self, window: tuple[int, int] = LIFETIME) -> set[date]:
        """Days of a window with an order."""
        return {order.event_date for order in self.inside(window) if order.spend > 0}


def ratio(numerator: Decimal | float, denominator: Decimal | float) -> float:
    """Return the quotient, 0 where nothing is divided by."""
    return float(numerator) / float(denominator) if denominator else 0.0


def momentum(newer: Decimal | int, older: Decimal | int) -> float:
    """Return the change from an older to a newer window, between -1 and 1."""
    return ratio(newer - older, newer + older)


def halflife_weight(days_before: int) -> int:
    """Return a millionfold weight that halves every 90 days, as a whole number."""
    return math.floor(MILLION * 0.5 ** (days_before / 90) + 0.5)


def halflife_sum(past: Past, measure: str) -> float:
    """Return a sum of a measure over all days in which a day counts the less, the older it is."""
    weighted = sum(
        getattr(order, measure) * halflife_weight(past.days_before(order.event_date))
        for order in past.orders
    )
    return float(weighted) / MILLION


def money(amount: Decimal | int) -> Decimal:
    """Return an amount as a decimal, also where nothing was summed."""
    return Decimal(amount)
