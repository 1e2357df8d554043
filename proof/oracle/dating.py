"""Dated lines: what a line says, of whom and where, and the days on which that was known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from proof.oracle.capping import Caps, amount_caps, capped, quantity_caps
from proof.oracle.checking import KnownHeader, KnownLine, Transaction, latest
from proof.oracle.settings import Settings


@dataclass(frozen=True)
class DatedLine:
    """A version of a line under a version of its header, as it was known for some time."""

    line_item_id: str
    transaction_id: str
    customer_id: str
    store_id: str
    event_date: date
    category: str
    promotion_id: str
    amount: Decimal
    quantity: Decimal
    known_date: date
    known_until: date

    def counts_at(self, as_of: date) -> bool:
        """Whether an as-of date sees it: it had happened, was known and not yet restated."""
        return self.event_date < as_of and self.known_date < as_of <= self.known_until


def dated_lines(
    lines: list[KnownLine], transactions: dict[str, Transaction], settings: Settings
) -> list[DatedLine]:
    """Return one row per version of a line and version of its header that held together."""
    amounts, quantities = amount_caps(lines, settings), quantity_caps(lines, settings)
    return [
        row
        for line in lines
        for header in transactions[line.line.transaction_id].accepted
        for row in _held_together(line, header, amounts, quantities)
    ]


def _held_together(
    line: KnownLine, header: KnownHeader, amounts: Caps, quantities: Caps
) -> Iterator[DatedLine]:
    known_date = latest(line.line.recorded_date, header.known_date)
    known_until = min(line.known_until, header.known_until)
    if known_date >= known_until:
        return
    event_date = header.header.event_date
    yield DatedLine(
        line_item_id=line.line.line_item_id,
        transaction_id=line.line.transaction_id,
        customer_id=header.header.customer_id,
        store_id=header.header.store_id,
        event_date=event_date,
        category=line.product.category,
        promotion_id=line.line.promotion_id,
        amount=capped(line.amount, amounts.of(event_date)),
        quantity=capped(line.quantity, quantities.of(event_date)),
        known_date=known_date,
        known_until=known_until,
    )


def by_customer(lines: Iterable[DatedLine]) -> dict[str, list[DatedLine]]:
    """Group lines by the customer that they are known to belong to."""
    groups: dict[str, list[DatedLine]] = {}
    for line in lines:
        groups.setdefault(line.customer_id, []).append(line)
    return groups
