"""Orders as an as-of date knows them, and the gaps between the days of a customer."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

from proof.oracle.dating import DatedLine

NOTHING = Decimal(0)


@dataclass(frozen=True)
class Order:
    """One transaction as it was known: the lines that counted at an as-of date."""

    transaction_id: str
    customer_id: str
    store_id: str
    event_date: date
    lines_known: tuple[DatedLine, ...]

    @cached_property
    def spend(self) -> Decimal:
        """What was bought, returns not subtracted."""
        return sum((line.amount for line in self.lines_known if line.amount > 0), NOTHING)

    @cached_property
    def returned(self) -> Decimal:
        """What was brought back, as a positive amount."""
        return -sum((line.amount for line in self.lines_known if line.amount < 0), NOTHING)

    @cached_property
    def promoted(self) -> Decimal:
        """What was bought on promotion."""
        promoted = (line for line in self.lines_known if line.promotion_id != "NONE")
        return sum((line.amount for line in promoted if line.amount > 0), NOTHING)

    @cached_property
    def items(self) -> Decimal:
        """Number of items bought."""
        return sum((line.quantity for line in self.lines_known if line.quantity > 0), NOTHING)

    @cached_property
    def lines(self) -> int:
        """Number of lines bought."""
        return sum(1 for line in self.lines_known if line.amount > 0)

    @cached_property
    def orders(self) -> int:
        """One where something was bought; a return is no order."""
        return 1 if self.spend > 0 else 0

    @cached_property
    def points(self) -> int:
        """One per whole unit of money, and one more per whole unit on promotion."""
        return math.floor(self.spend) + math.floor(self.promoted)


def orders_at(lines: Iterable[DatedLine], as_of: date) -> list[Order]:
    """Return the orders that an as-of date knows, from all lines that ever counted.

    Parameters
    ----------
    lines
        Dated lines of one customer, or of the shop.
    as_of
        The start of this day.
    """
    groups: dict[tuple[str, str, str, date], list[DatedLine]] = {}
    for line in lines:
        if line.counts_at(as_of):
            key = (line.transaction_id, line.customer_id, line.store_id, line.event_date)
            groups.setdefault(key, []).append(line)
    return [Order(*key, tuple(order_lines)) for key, order_lines in groups.items()]


def first_active(lines: Iterable[DatedLine]) -> dict[date, date]:
    """Return for each day of a customer that was ever active when it became so, as known.

    A day is active where some order of it has spend, that is, a line with a positive amount.
    """
    became: dict[date, date] = {}
    for line in lines:
        if line.amount > 0:
            day = line.event_date
            became[day] = min(became.get(day, line.known_date), line.known_date)
    return became


def gaps(lines: Iterable[DatedLine]) -> dict[date, int]:
    """Return the gap before each day of a customer that was ever active, where it has one.

    It reaches back to the latest of the days that had become active before this one did: an order
    that becomes known late splits no gap that was counted, and a day keeps its gap.
    """
    became = first_active(lines)
    order = sorted(became, key=lambda day: (became[day], day))
    by_day = {}
    for position, day in enumerate(order):
        earlier = order[:position]
        if earlier and day > max(earlier):
            by_day[day] = (day - max(earlier)).days
    return by_day
