"""Several rows with one id are versions of one thing; here it is said which rows are versions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from typing import TypeVar

from proof.oracle.reading import Customer, Header, Line, Product

Thing = TypeVar("Thing", Header, Line, Customer, Product)


def header_versions(headers: Iterable[Header]) -> list[list[Header]]:
    """Return the versions of each transaction in the order of the days they were known on."""
    return [
        _versions(rows, day=lambda header: header.known_date, day_order=_nulls_last)
        for rows in _rows_by_id(headers, lambda header: header.transaction_id)
    ]


def line_versions(lines: Iterable[Line]) -> list[list[Line]]:
    """Return the versions of each line in the order of their recorded days, none first."""
    return [
        _versions(rows, day=lambda line: line.recorded_date, day_order=_nulls_first)
        for rows in _rows_by_id(lines, lambda line: line.line_item_id)
    ]


def current_customers(customers: Iterable[Customer]) -> dict[str, Customer]:
    """Return each customer's one row: the latest loaded, then the undated or first registered."""
    return {
        rows[0].customer_id: min(_latest_loaded(rows), key=_customer_order)
        for rows in _rows_by_id(customers, lambda customer: customer.customer_id)
        if rows[0].customer_id is not None
    }


def current_products(products: Iterable[Product]) -> dict[str, Product]:
    """Return each product's one row: the latest loaded, then the first by name."""
    return {
        rows[0].product_id: min(_latest_loaded(rows), key=_product_order)
        for rows in _rows_by_id(products, lambda product: product.product_id)
        if rows[0].product_id is not None
    }


def _rows_by_id(rows: Iterable[Thing], id_of: Callable[[Thing], str | None]) -> list[list[Thing]]:
    """Group the rows by id; a row without an id is a group of its own."""
    groups = defaultdict(list)
    nobodys = []
    for row in rows:
        if id_of(row) is None:
            nobodys.append([row])
        else:
            groups[id_of(row)].append(row)
    return [*groups.values(), *nobodys]


def _versions(
    rows: list[Thing], day: Callable[[Thing], date | None], day_order: Callable
) -> list[Thing]:
    """Keep one row per day, and of these those that say something new."""
    by_day = defaultdict(list)
    for row in rows:
        by_day[day(row)].append(row)
    versions = []
    for one_day in sorted(by_day, key=day_order):
        winner = _winner_of_a_day(by_day[one_day])
        if not versions or versions[-1].content != winner.content:
            versions.append(winner)
    return versions


def _winner_of_a_day(rows: list[Thing]) -> Thing:
    """Return the row recorded last on a day; of several the one with the smallest content."""
    moments = [row.recorded_at for row in rows if row.recorded_at is not None]
    last_moment = max(moments, default=None)
    last_recorded = [row for row in rows if row.recorded_at == last_moment]
    # the same row loaded again changes nothing of what the first load said
    return min(
        last_recorded, key=lambda row: ([_nulls_last(v) for v in row.content], row.loaded_at)
    )


def _latest_loaded(rows: list[Thing]) -> list[Thing]:
    last_load = max(row.loaded_at for row in rows)
    return [row for row in rows if row.loaded_at == last_load]


def _customer_order(customer: Customer) -> tuple:
    return (
        _nulls_first(customer.registered_date),
        customer.region,
        customer.segment_id,
        customer.loyalty_status,
    )


def _product_order(product: Product) -> tuple:
    return (_nulls_last(product.name), product.category, _nulls_last(product.unit_price))


def _nulls_last(value: object) -> tuple[bool, object]:
    return (value is None, value)


def _nulls_first(value: object) -> tuple[bool, object]:
    return (value is not None, value)
