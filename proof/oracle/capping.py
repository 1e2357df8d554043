"""Caps: how large an amount or quantity of a month may be, by what was known before it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import cached_property

from proof.oracle.checking import KnownLine
from proof.oracle.settings import Settings
from proof.oracle.spelling import CENT, rounded

THOUSANDTH = Decimal("0.001")


class Caps:
    """The caps of one measure, amount or quantity, for any month.

    Parameters
    ----------
    sizes
        The day on which a line became known, and how large it is.
    unit
        The smallest unit of the measure, to which a cap is rounded.
    settings
        Multiple, quantile, and the lines that a cap needs.
    """

    def __init__(
        self, sizes: Iterable[tuple[date, Decimal]], unit: Decimal, settings: Settings
    ) -> None:
        self.sizes = list(sizes)
        self.unit = unit
        self.settings = settings
        self._caps: dict[date, Decimal | None] = {}

    @cached_property
    def _binned(self) -> list[tuple[date, int]]:
        return [(month_of(known), size_bin(size)) for known, size in self.sizes if size != 0]

    def of(self, event_date: date) -> Decimal | None:
        """Return the cap of the month of a day; None where too little is known before it."""
        month = month_of(event_date)
        if month not in self._caps:
            earlier = Counter(size for known, size in self._binned if known < month)
            self._caps[month] = self._cap(earlier)
        return self._caps[month]

    def _cap(self, lines_by_size: Counter[int]) -> Decimal | None:
        lines_in_all = sum(lines_by_size.values())
        if lines_in_all == 0 or lines_in_all < self.settings.cap_minimum_lines:
            return None
        lines_up_to = 0
        for size in sorted(lines_by_size):
            lines_up_to += lines_by_size[size]
            if lines_up_to >= self.settings.cap_quantile * lines_in_all:
                break
        return rounded(Decimal(self.settings.cap_multiple * math.exp(size / 20)), self.unit)


def month_of(day: date) -> date:
    """Return the first day of the month of a day."""
    return day.replace(day=1)


def size_bin(number: Decimal) -> int:
    """Return the bin of a size; each is about 5 % wider than the one before."""
    return math.ceil(20 * math.log(abs(number)))


def amount_caps(lines: Iterable[KnownLine], settings: Settings) -> Caps:
    """Return the caps of amounts; every accepted version of a line counts once."""
    return Caps(((line.known_date, line.amount) for line in lines), CENT, settings)


def quantity_caps(lines: Iterable[KnownLine], settings: Settings) -> Caps:
    """Return the caps of quantities; every accepted version of a line counts once."""
    return Caps(((line.known_date, line.quantity) for line in lines), THOUSANDTH, settings)


def capped(number: Decimal, cap: Decimal | None) -> Decimal:
    """Cut a number to its cap and keep its sign."""
    if cap is None or abs(number) <= cap:
        return number
    return cap.copy_sign(number)
