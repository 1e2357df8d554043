"""How rows are said again: corrected, corrected back, doubled, on the same day or much later."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal

from proof.histories.stories import PROMOTIONS, STORES, Story, written_date, written_money
from proof.histories.worlds import Row, World, spelt_otherwise

RESTATED_HEADERS, RESTATED_LINES, DOUBLED = 0.2, 0.15, 0.06
NUMBERS_OF_STATEMENTS = (1, 1, 1, 2, 2, 3)


def restated_headers(world: World, story: Story) -> list[Row]:
    """Return all headers and what was said of some of them later."""
    return _restated(
        world, story, story.headers, "transaction_id", _header_change, RESTATED_HEADERS
    )


def restated_lines(world: World, story: Story) -> list[Row]:
    """Return all lines and what was said of some of them later."""
    return _restated(world, story, story.lines, "line_item_id", _line_change, RESTATED_LINES)


def _restated(
    world: World,
    story: Story,
    first_rows: list[Row],
    key: str,
    change: Callable[[World, Story, Row], Row],
    share: float,
) -> list[Row]:
    rows = []
    for first in first_rows:
        statements = [first]
        if world.chance(share):
            for _ in range(world.rng.choice(NUMBERS_OF_STATEMENTS)):
                statements.append(_further_statement(world, story, statements, change))
        if world.chance(DOUBLED):
            statements.append(
                {**world.rng.choice(statements), key: spelt_otherwise(world, first[key])}
            )
        rows += statements
    return rows


def _further_statement(
    world: World, story: Story, statements: list[Row], change: Callable[[World, Story, Row], Row]
) -> Row:
    """Return a further statement: something else, the same again, or an earlier one again."""
    kind = world.rng.random()
    last = statements[-1]
    if kind < 0.7:
        row = {**last, **change(world, story, last)}
    elif kind < 0.85:
        row = dict(last)
    else:
        row = dict(world.rng.choice(statements))
    return {**row, "recorded_at": _recorded_after(world, last)}


def _recorded_after(world: World, row: Row) -> datetime | None:
    """Return when a statement after this one was recorded; a few claim to be older."""
    before = row["recorded_at"] or row.get("transaction_date") or world.moment(world.any_day())
    kind = world.rng.random()
    if kind < 0.12:
        return before
    if kind < 0.3:
        return before.replace(hour=min(before.hour + 2, 23))
    if kind < 0.34:
        return None
    if kind < 0.4:
        return before - timedelta(world.rng.randint(1, 20))
    return world.moment(world.later_day(before.date()))


def _header_change(world: World, story: Story, row: Row) -> Row:
    """Return a correction of a header, of which some are rejected."""
    rng = world.rng
    what = rng.choice(
        ("amount", "customer", "customer", "store", "date", "date", "wrong", "several")
    )
    if what == "amount":
        return {"total_amount": rng.choice((None, Decimal(rng.randint(0, 9000)) / 100))}
    if what == "customer":
        return {"customer_id": rng.choice(story.customers)}
    if what == "store":
        return {"store_id": rng.choice(STORES)}
    if what == "date":
        return written_date(world, world.moment(_another_day(world, row)))
    if what == "several":
        changes = {"customer_id": rng.choice(story.customers), "store_id": rng.choice(STORES)}
        return {**changes, **written_date(world, world.moment(_another_day(world, row)))}
    return rng.choice(
        (
            {"customer_id": None},
            {"customer_id": "GHOST"},
            {"transaction_date": None, "transaction_date_text": "yesterday"},
            {"transaction_date": datetime(1970, 1, 1), "transaction_date_text": None},
            {"transaction_date": world.loaded_at + timedelta(9), "transaction_date_text": None},
        )
    )


def _another_day(world: World, row: Row) -> date:
    """Return a day close to that of a header, or on the edge of a window."""
    stated = row["transaction_date"]
    if stated is None or stated.year < 2000 or world.chance(0.4):
        return world.event_day()
    return world.inside(stated.date() + timedelta(world.rng.choice((-40, -7, -1, 1, 30))))


def _line_change(world: World, story: Story, row: Row) -> Row:
    """Return a correction of a line, of which some are rejected."""
    rng = world.rng
    what = rng.choice(("amount", "amount", "quantity", "product", "promotion", "order", "wrong"))
    amount = Decimal(rng.randint(-2000, 8000)) / 100
    if what == "amount":
        return written_money(world, Decimal(1).copy_sign(amount), amount)
    if what == "quantity":
        return {"quantity": Decimal(rng.randint(0, 30)).copy_sign(row["quantity"] or 1)}
    if what == "product":
        return {"product_id": rng.choice(list(story.products))}
    if what == "promotion":
        return {"promotion_id": rng.choice(PROMOTIONS)}
    if what == "order":
        return {"transaction_id": rng.choice(story.headers)["transaction_id"]}
    nothing = {"quantity": None, "line_item_amount": None, "line_item_amount_text": None}
    conflict = {"quantity": Decimal(-1), "line_item_amount": Decimal(5)}
    return rng.choice((nothing, conflict, {"product_id": "999"}, {"transaction_id": "NOWHERE"}))
