"""What lies in the baskets, and what comes back: lines that sum to the basket to the cent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generate.shop.calendar_intensity import Calendar
from generate.shop.catalogue import CATEGORIES, PRODUCTS_PER_CATEGORY, Catalogue
from generate.shop.purchases import Customers, Purchases, ReturnRule, rank

_PROMOTED = 0.45  # share of lines on a promotion day
_PROMOTION_PRICE = 0.8  # of the list price
_TASTE = 0.5  # Dirichlet concentration: small means few preferred categories
_LOYALTY = 0.4  # chance to take one's own brand where it can be had


@dataclass(frozen=True)
class Lines:
    """Order lines, one array entry each, in the order of their headers."""

    header: np.ndarray  # position of the header
    product: np.ndarray  # position of the product
    quantity: np.ndarray
    cents: np.ndarray
    promotion: np.ndarray  # index of the promotion, -1 without one


@dataclass(frozen=True)
class Returns:
    """Returned goods: a header each, with lines of negative quantity and value."""

    purchase: np.ndarray  # position of the purchase
    time: np.ndarray  # days since start, with fraction
    lines: Lines


def draw_lines(
    calendar: Calendar,
    customers: Customers,
    purchases: Purchases,
    catalogue: Catalogue,
    rng: np.random.Generator,
) -> Lines:
    """Fill the baskets: categories and brands that a customer prefers, promotion prices."""
    header = np.repeat(np.arange(len(purchases.cents)), purchases.lines)
    customer = purchases.customer[header]
    cents = _split(purchases, header, rng)
    category = _draw_category(customers, customer, rng)
    promotion = calendar.promotion[purchases.time.astype(int)][header]
    promotion = np.where(rng.random(len(header)) < _PROMOTED, promotion, -1)
    # what the line would cost without the promotion
    listed = np.where(promotion >= 0, cents / _PROMOTION_PRICE, cents)
    column = _choose(catalogue, category, listed, customer, len(customers), rng)
    quantity = np.maximum(np.rint(listed / catalogue.cents[category, column]), 1).astype("int64")
    return Lines(
        header=header,
        product=category * PRODUCTS_PER_CATEGORY + column,
        quantity=quantity,
        cents=cents,
        promotion=promotion,
    )


def _split(purchases: Purchases, header: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cut each basket into exchangeable parts of a cent or more."""
    if not len(header):
        return np.zeros(0, dtype="int64")
    last = np.cumsum(purchases.lines) - 1
    first = last - purchases.lines + 1
    weight = rng.gamma(2.0, size=len(header))
    running = np.cumsum(weight)
    before = (running[first] - weight[first])[header]
    total = running[last][header] - before
    spare = purchases.cents - purchases.lines
    bound = np.floor((running - before) / total * spare[header]).astype("int64")
    bound[last] = spare
    previous = np.roll(bound, 1)
    previous[first] = 0
    return bound - previous + 1


def _draw_category(
    customers: Customers, customer: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    taste = rng.gamma(_TASTE, size=(len(customers), len(CATEGORIES))) + 1e-12
    cumulated = np.cumsum(taste, axis=1)
    cumulated /= cumulated[:, -1:]
    drawn = rng.random(len(customer))
    category = np.zeros(len(customer), dtype="int64")
    for number in range(len(CATEGORIES) - 1):
        category += drawn > cumulated[customer, number]
    return category


def _choose(
    catalogue: Catalogue,
    category: np.ndarray,
    listed: np.ndarray,
    customer: np.ndarray,
    customers: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Pick a product that costs no more than the line: one's own brand, or rather a dear one."""
    affordable = np.zeros(len(listed), dtype="int64")
    for number, row in enumerate(catalogue.cents):
        inside = category == number
        affordable[inside] = np.searchsorted(row, listed[inside], side="right")
    affordable = np.maximum(affordable, 1)
    dear = (affordable * (1 - rng.random(len(listed)) ** 2)).astype("int64")
    favourite = rng.integers(0, catalogue.by_brand.shape[1], customers)
    own = catalogue.by_brand[category, favourite[customer]]
    taken = (own >= 0) & (own < affordable) & (rng.random(len(listed)) < _LOYALTY)
    return np.where(taken, own, dear)


@dataclass(frozen=True)
class Comeback:
    """What becomes of each purchase, one array entry each.

    Attributes
    ----------
    time
        When it comes back, days since start with fraction; infinite if never.
    whole, line
        Whether all of it does, and else which line.
    """

    time: np.ndarray
    whole: np.ndarray
    line: np.ndarray

    def day(self) -> np.ndarray:
        """Return the day since start on which it comes back; infinite if never."""
        return np.floor(self.time)


def draw_comebacks(rule: ReturnRule, purchases: Purchases, rng: np.random.Generator) -> Comeback:
    """Draw which baskets come back, when, and whether whole or one line of them."""
    count = len(purchases.cents)
    returned = rng.random(count) < rule.share
    shortest, longest = rule.lag
    lag = rng.integers(shortest, longest + 1, count)
    is_whole = rng.random(count) < rule.whole
    line = rng.integers(0, purchases.lines) if count else np.zeros(0, dtype="int64")
    time = np.floor(purchases.time) + lag + rng.random(count)
    return Comeback(np.where(returned, time, np.inf), is_whole, line)


def returns_of(calendar: Calendar, comeback: Comeback, lines: Lines) -> Returns:
    """Return the goods that come back inside the period."""
    returned = comeback.time < calendar.days
    number = rank(np.bincount(lines.header, minlength=len(returned)))
    is_returned_line = number == comeback.line[lines.header]
    kept = returned[lines.header] & (comeback.whole[lines.header] | is_returned_line)
    purchase = np.flatnonzero(returned)
    return Returns(
        purchase=purchase,
        time=comeback.time[purchase],
        lines=Lines(
            header=np.searchsorted(purchase, lines.header[kept]),
            product=lines.product[kept],
            quantity=-lines.quantity[kept],
            cents=-lines.cents[kept],
            promotion=np.full(int(kept.sum()), -1),
        ),
    )
