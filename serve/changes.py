"""Orders and returns that did not happen: which may be asked for, and what is left open."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import duckdb

import warehouse
from serve.one_customer import NO_PROMOTION, Line
from serve.predictions import MART

BIGGEST_AMOUNT, MOST_ITEMS, MOST_CHANGES = 10**9, 10**6, 100
PROMOTION = "WHAT IF"
# what the mart says of a customer who never bought
NONE = {"favourite_category": "None", "last_store_id": "NONE"}


class ChangeError(warehouse.ShopError):
    """A change cannot be made; the message says which one, why, and what can."""


@dataclass(frozen=True)
class Change:
    """An order or a return that did not happen.

    Attributes
    ----------
    amount
        What was paid, or paid back; always positive.
    date
        When; the day before the as-of date if not given: the last that counts.
    days_ago
        The same in days before the as-of date; a date counts more.
    category
        If not given the customer's favourite, and of one who never bought that of most customers.
    """

    amount: Decimal | float
    date: dt.date | None = None
    days_ago: int = 1
    is_return: bool = False
    items: int = 1
    category: str | None = None
    is_promoted: bool = False


def read(text: str, **others: Any) -> Change:  # noqa: ANN401
    """Read AMOUNT or AMOUNT@DATE; what else a change has comes by name.

    Raises
    ------
    ChangeError
        If it is neither.
    """
    amount, at, day = text.partition("@")
    try:
        return Change(Decimal(amount), dt.date.fromisoformat(day) if at else None, **others)
    except (InvalidOperation, ValueError) as error:
        raise ChangeError(
            f"{text!r} is no AMOUNT or AMOUNT@DATE, such as 80 or 80@2025-12-20"
        ) from error


def lines(
    connection: duckdb.DuckDBPyConnection,
    customer_id: str,
    row: Mapping[str, Any],
    day: dt.date,
    changes: Sequence[Change],
) -> list[Line]:
    """Return the order lines that the changes add, one each.

    Parameters
    ----------
    row
        The mart's row of the customer on the as-of date `day`.

    Raises
    ------
    ChangeError
        If there is nothing to change, or a change is impossible.
    """
    if not 0 < len(changes) <= MOST_CHANGES:
        raise ChangeError(f"give 1 to {MOST_CHANGES} orders or returns, not {len(changes)}")
    [(known_from,)] = connection.execute(
        "select min(known_from_date) from intermediate.int_customers_known where customer_id = ?",
        [customer_id],
    ).fetchall()
    categories = _categories(connection)
    usual = _usual(connection, row, day)
    made = []
    for change in changes:
        when = change.date or day - dt.timedelta(change.days_ago)
        if when >= day:
            raise ChangeError(
                f"{when} is not before the as-of date: the last day that counts is "
                f"{day - dt.timedelta(1)}"
            )
        if when < known_from:
            raise ChangeError(
                f"{when} is before the shop knew {customer_id}: the first day is {known_from}"
            )
        if not 0 < change.items <= MOST_ITEMS:
            raise ChangeError(f"{change.items} items: give 1 to {MOST_ITEMS:,}")
        category = change.category or usual["favourite_category"]
        if change.category and category.casefold() not in categories:
            raise ChangeError(
                f"no product is of the category {category!r}: the shop has "
                + ", ".join(sorted(categories.values()))
            )
        sign = -1 if change.is_return else 1
        made.append(
            Line(
                amount=sign * _amount(change.amount),
                items=sign * change.items,
                day=when,
                category=categories.get(category.casefold(), category),
                store=usual["last_store_id"],
                # what comes back is never counted as promoted
                promotion=PROMOTION if change.is_promoted and sign > 0 else NO_PROMOTION,
            )
        )
    return made


def _amount(amount: Decimal | float) -> Decimal:
    exact = Decimal(str(amount))
    if not exact.is_finite() or not Decimal("0.01") <= exact <= BIGGEST_AMOUNT:
        raise ChangeError(f"an amount of {amount}: give 0.01 to {BIGGEST_AMOUNT:,}")
    return round(exact, 2)


def _categories(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    rows = connection.execute(
        "select distinct product_category from intermediate.int_products_versioned"
    ).fetchall()
    return {name.casefold(): name for (name,) in rows}


def _usual(
    connection: duckdb.DuckDBPyConnection, row: Mapping[str, Any], day: dt.date
) -> dict[str, str]:
    """Return where and what the customer buys; of one who never bought, as most customers do."""
    usual = {}
    for feature, none in NONE.items():
        commonest = None
        if row[feature] == none:
            commonest = connection.execute(
                f"""select {feature} from {MART} where as_of_date = ? and {feature} <> ?
                group by all order by count(*) desc, {feature} limit 1""",
                [day, none],
            ).fetchone()
        usual[feature] = commonest[0] if commonest else row[feature]
    return usual
