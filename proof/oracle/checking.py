"""Which versions are accepted, from when and until when, and what an incomplete line says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import zip_longest

from proof.oracle.reading import Customer, Header, Line, Product, latest
from proof.oracle.settings import Settings
from proof.oracle.spelling import CENT, rounded

FAR = date(9999, 12, 31)
ONE_DAY = timedelta(days=1)
# of a line, in money or pieces
TOO_LARGE = Decimal(10) ** 11


@dataclass(frozen=True)
class KnownHeader:
    """An accepted version of a transaction and the days on which it is the latest."""

    header: Header
    known_date: date
    known_until: date


@dataclass(frozen=True)
class Transaction:
    """A transaction: the version that its lines are checked with, and all accepted ones."""

    reference: Header
    rejected_by: str | None
    accepted: list[KnownHeader]


@dataclass(frozen=True)
class KnownLine:
    """An accepted version of a line, complete, and the days on which it is the latest."""

    line: Line
    product: Product
    quantity: Decimal
    amount: Decimal
    known_date: date
    known_until: date = FAR


def header_rule(
    header: Header,
    customers: dict[str, Customer],
    with_lines: set[str | None],
    settings: Settings,
) -> str | None:
    """Return the first rule that rejects a version of a header; None accepts it."""
    if header.transaction_id is None:
        return "missing_transaction_id"
    if header.event_date is None:
        return "unreadable_date"
    if header.event_date < settings.earliest_date:
        return "implausible_date"
    # clocks differ: a till east of the one that records or loads may be a day ahead
    if header.recorded_date is not None and header.event_date > header.recorded_date + ONE_DAY:
        return "future_date"
    if header.known_date > header.loaded_at.date() + ONE_DAY:
        return "future_date"
    if header.customer_id is None:
        return "missing_customer"
    if header.customer_id not in customers:
        return "unknown_customer"
    registered = customers[header.customer_id].registered_date
    if registered is not None and header.event_date < registered:
        return "before_registration"
    if header.transaction_id not in with_lines:
        return "without_lines"
    return None


def check_transactions(
    things: Iterable[list[Header]],
    customers: dict[str, Customer],
    with_lines: set[str | None],
    settings: Settings,
) -> dict[str, Transaction]:
    """Check the versions of all headers; the first accepted one is a transaction's reference."""
    transactions = {}
    for versions in things:
        rules = [header_rule(version, customers, with_lines, settings) for version in versions]
        accepted = [version for version, rule in zip(versions, rules, strict=True) if rule is None]
        if versions[0].transaction_id is not None:
            transactions[versions[0].transaction_id] = Transaction(
                reference=accepted[0] if accepted else versions[0],
                rejected_by=None if accepted else rules[0],
                accepted=_until_the_next_header(accepted),
            )
    return transactions


def _until_the_next_header(accepted: list[Header]) -> list[KnownHeader]:
    return [
        KnownHeader(header, header.known_date, following.known_date if following else FAR)
        for header, following in zip_longest(accepted, accepted[1:])
    ]


def completed(line: Line, product: Product | None) -> tuple[Decimal | None, Decimal | None]:
    """Return quantity and amount, one restored from the other and the list price."""
    price = product.unit_price if product else None
    quantity, amount = line.quantity, line.amount
    if amount is None and quantity is not None and price is not None:
        amount = rounded(quantity * price, CENT)
    if quantity is None and line.amount is not None:
        if price:
            quantity = rounded(line.amount / price, Decimal(1))
        else:
            quantity = Decimal((line.amount > 0) - (line.amount < 0))
    return quantity, amount


def line_rule(
    line: Line, transactions: dict[str, Transaction], products: dict[str, Product]
) -> str | None:
    """Return the first rule that rejects a version of a line; None accepts it."""
    transaction = transactions.get(line.transaction_id)
    product = products.get(line.product_id)
    if line.line_item_id is None:
        return "missing_line_item_id"
    if transaction is None:
        return "unknown_header"
    if transaction.rejected_by is not None:
        return f"header_{transaction.rejected_by}"
    if product is None:
        return "unknown_product"
    quantity, amount = completed(line, product)
    if amount is None:
        return "missing_amount"
    # of more, a thousand would leave no room for a sum
    if max(abs(amount), abs(quantity or 0)) >= TOO_LARGE:
        return "amount_out_of_range"
    known_date = latest(transaction.reference.known_date, line.recorded_date)
    if known_date > line.loaded_at.date() + ONE_DAY:
        return "future_date"
    if quantity * amount < 0:
        return "sign_conflict"
    return None


def check_lines(
    things: Iterable[list[Line]],
    transactions: dict[str, Transaction],
    products: dict[str, Product],
) -> list[KnownLine]:
    """Check the versions of all lines; an accepted one holds until the next is known."""
    known_lines = []
    for versions in things:
        accepted = [
            _known_line(version, transactions, products)
            for version in versions
            if line_rule(version, transactions, products) is None
        ]
        known_lines += _until_the_next_line(accepted)
    return known_lines


def _known_line(
    line: Line, transactions: dict[str, Transaction], products: dict[str, Product]
) -> KnownLine:
    product = products[line.product_id]
    quantity, amount = completed(line, product)
    reference = transactions[line.transaction_id].reference
    known_date = latest(reference.known_date, line.recorded_date)
    return KnownLine(line, product, quantity, amount, known_date)


def _until_the_next_line(accepted: list[KnownLine]) -> list[KnownLine]:
    """End a version when any later one is known: one on a late header may be known after the next.

    Ended by the very next one only, it would count beside the one after that.
    """
    return [
        replace(
            line, known_until=min((later.known_date for later in accepted[place:]), default=FAR)
        )
        for place, line in enumerate(accepted, 1)
    ]
