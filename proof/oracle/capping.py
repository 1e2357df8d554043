"""Caps: how large an amount or quantity of a month may be, by what was known before it."""

from __future__ import annotations

import math
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
        Multiple, quantile, the lines that a cap needs, and how much it may take.
    is_money
        Whether a cap is raised that would take too much: it is of money only.
    """

    def __init__(
        self,
        sizes: Iterable[tuple[date, Decimal]],
        unit: Decimal,
        settings: Settings,
        *,
        is_money: bool,
    ) -> None:
        self.sizes = list(sizes)
        self.unit = unit
        self.settings = settings
        self.is_money = is_money
        self._caps: dict[date, Decimal | None] = {}

    @cached_property
    def _binned(self) -> list[tuple[date, int, Decimal]]:
        return [
            (month_of(known_date), size_bin(size), abs(size))
            for known_date, size in self.sizes
            if size != 0
        ]

    def of(self, event_date: date) -> Decimal | None:
        """Return the cap of the month of a day; None where too little is known before it."""
        month = month_of(event_date)
        if month not in self._caps:
            earlier = [
                (number, size) for known_month, number, size in self._binned if known_month < month
            ]
            self._caps[month] = self._cap(earlier)
        return self._caps[month]

    def _cap(self, earlier: list[tuple[int, Decimal]]) -> Decimal | None:
        if not earlier or len(earlier) < self.settings.cap_minimum_lines:
            return None
        bins = sorted(number for number, _ in earlier)
        quantile = next(
            number
            for place, number in enumerate(bins, 1)
            if place >= self.settings.cap_quantile * len(bins)
        )
        # lines of one size are in one bin, all of them up to it
        usual = self.settings.cap_multiple * math.exp(quantile / 20)
        raised = self._raised(earlier, quantile, usual) if self.is_money else 0
        return rounded(Decimal(max(usual, raised)), self.unit)

    def _raised(self, earlier: list[tuple[int, Decimal]], quantile: int, usual: float) -> float:
        """Return how high a cap must be that the usual one would take too much of the business."""
        total = sum(size for _, size in earlier)
        edge = quantile + math.ceil(20 * math.log(self.settings.cap_multiple))
        above = [size for number, size in earlier if number > edge]
        share = float(self.settings.cap_share_of_business)
        if not above or float(sum(above)) - usual * len(above) <= float(total) * max(
            share, 1 / len(above)
        ):
            return 0
        bearable = float(self.settings.cap_share_when_raised) * float(total)
        return next(
            math.exp(number / 20)
            for number in sorted({number for number, _ in earlier if number >= quantile})
            if _taken(earlier, number) <= bearable
        )


def _taken(lines: list[tuple[int, Decimal]], number: int) -> float:
    """Return what a cap at the upper end of a bin takes from lines."""
    above = [size for bin_number, size in lines if bin_number > number]
    return float(sum(above)) - len(above) * math.exp(number / 20)


def month_of(day: date) -> date:
    """Return the first day of the month of a day."""
    return day.replace(day=1)


def size_bin(number: Decimal) -> int:
    """Return the bin of a size; each is about 5 % wider than the one before."""
    return math.ceil(20 * math.log(abs(number)))


def amount_caps(lines: Iterable[KnownLine], settings: Settings) -> Caps:
    """Return the caps of amounts; every accepted version of a line counts once."""
    sizes = ((line.known_date, line.amount) for line in lines)
    return Caps(sizes, CENT, settings, is_money=True)


def quantity_caps(lines: Iterable[KnownLine], settings: Settings) -> Caps:
    """Return the caps of quantities; every accepted version of a line counts once."""
    sizes = ((line.known_date, line.quantity) for line in lines)
    return Caps(sizes, THOUSANDTH, settings, is_money=False)


def capped(number: Decimal, cap: Decimal | None) -> Decimal:
    """Cut a number to its cap and keep its sign."""
    if cap is None or abs(number) <= cap:
        return number
    return cap.copy_sign(number)
