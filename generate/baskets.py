"""What lies in the baskets, and what comes back: lines that sum to the basket to the cent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generate.calendar_intensity import Calendar
from generate.catalogue import CATEGORIES, PRODUCTS_PER_CATEGORY
from generate.process import Customers, Process, Purchases

_PROMOTED = 0.45  # share of lines on a promotion day
_TASTE = 0.5  # Dirichlet concentration: small means few preferred categories


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
    prices: np.ndarray,
    rng: np.random.Generator,
) -> Lines:
    """Fill the baskets.

    Parameters
    ----------
    prices
        Cents of the products, shape (categories, products), ascending in each row.
    """
    header = np.repeat(np.arange(len(purchases.cents)), purchases.lines)
    cents = _split(purchases, header, rng)
    category = _draw_category(customers, purchases.customer[header], rng)
    column = _affordable(prices, category, cents, rng)
    quantity = np.maximum(np.rint(cents / prices[category, column]), 1).astype("int64")
    promotion = calendar.promotion[purchases.time.astype(int)][header]
    promoted = rng.random(len(header)) < _PROMOTED
    return Lines(
        header=header,
        product=category * PRODUCTS_PER_CATEGORY + column,
        quantity=quantity,
        cents=cents,
        promotion=np.where(promoted, promotion, -1),
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


def _affordable(
    prices: np.ndarray, category: np.ndarray, cents: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Pick a product that costs no more than the line, rather a dear one than many cheap ones."""
    affordable = np.zeros(len(cents), dtype="int64")
    for number, row in enumerate(prices):
        inside = category == number
        affordable[inside] = np.searchsorted(row, cents[inside], side="right")
    return (np.maximum(affordable, 1) * (1 - rng.random(len(cents)) ** 2)).astype("int64")


def draw_returns(
    process: Process,
    calendar: Calendar,
    purchases: Purchases,
    lines: Lines,
    rng: np.random.Generator,
) -> Returns:
    """Draw which baskets come back, when, and whether whole or one line of them."""
    count = len(purchases.cents)
    returned = rng.random(count) < process.return_share
    shortest, longest = process.return_lag
    lag = rng.integers(shortest, longest + 1, count)
    whole = rng.random(count) < process.return_whole
    chosen = rng.integers(0, purchases.lines) if count else np.zeros(0, dtype="int64")
    time = np.floor(purchases.time) + lag + rng.random(count)
    returned &= time < calendar.days
    first = np.cumsum(purchases.lines) - purchases.lines
    number = np.arange(len(lines.header)) - first[lines.header]
    kept = returned[lines.header] & (whole[lines.header] | (number == chosen[lines.header]))
    purchase = np.flatnonzero(returned)
    return Returns(
        purchase=purchase,
        time=time[purchase],
        lines=Lines(
            header=np.searchsorted(purchase, lines.header[kept]),
            product=lines.product[kept],
            quantity=-lines.quantity[kept],
            cents=-lines.cents[kept],
            promotion=np.full(int(kept.sum()), -1),
        ),
    )
