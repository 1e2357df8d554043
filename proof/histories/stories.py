"""Who buys what: customers, products and orders, before anything is restated."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random

from proof.histories.worlds import Row, World, raw_row, spelt_otherwise

CATEGORIES = ("Home", "HOME ", "toys", "Toys", "Garden  tools", "garden tools", "Books", None, "")
PROMOTIONS = (None, None, None, "PR1", "pr1 ", "PR2", "n/a", "NONE", "-", "")
STORES = ("S1", "s1", "S2", "S3", "7", "07", None)
DATE_FORMS = ("%d.%m.%Y", "%d.%m.%Y %H:%M", "%d-%b-%Y", "%Y/%m/%d", "%Y-%m-%d %H:%M:%S")


@dataclass
class Story:
    """The rows of a history as they were first written."""

    customers: list[str]
    products: dict[str, Decimal | None]
    headers: list[Row] = field(default_factory=list)
    lines: list[Row] = field(default_factory=list)
    numbers: count = field(default_factory=lambda: count(1))


def new_story(world: World) -> Story:
    """Draw how many customers there are, and what products cost."""
    rng = world.rng
    prices = [None, Decimal(0), Decimal("0.01")]
    prices += [Decimal(rng.randint(50, 9000)) / 100 for _ in range(rng.randint(5, 15))]
    return Story(
        customers=[f"C{number}" for number in range(1, rng.randint(40, 200) + 1)],
        products={str(number): price for number, price in enumerate(prices, 1)},
    )


def customer_rows(world: World, story: Story) -> list[Row]:
    """Return customers: registered, not registered, too late, in the future, and twice."""
    rows = []
    for customer_id in story.customers:
        row = raw_row(
            "customer_details",
            customer_id=customer_id,
            city=world.rng.choice(("Bath", " ", None)),
            region=world.rng.choice(("North", "South", " South ", "", None)),
            loyalty_status=world.rng.choice(("Gold", "gold", None)),
            segment_id=world.rng.choice(("s1", "S2", "03", "3.0", None)),
            customer_since=_registration(world),
            _loaded_at=world.loaded_at,
        )
        rows.append(row)
        if world.chance(0.08):
            rows.append(_another_opinion(world, row))
    rows.append(raw_row("customer_details", region="Nowhere", _loaded_at=world.loaded_at))
    return rows


def _registration(world: World) -> date | None:
    kind = world.rng.random()
    if kind < 0.3:
        return None
    if kind < 0.6:
        return world.first_day - timedelta(world.rng.randint(0, 500))
    if kind < 0.97:
        # some of their orders are earlier, so rejected
        return world.inside(world.first_day + timedelta(int(world.rng.expovariate(1 / 60))))
    return world.last_day + timedelta(world.rng.randint(0, 30))


def _another_opinion(world: World, row: Row) -> Row:
    return {
        **row,
        "customer_id": spelt_otherwise(world, row["customer_id"]),
        "region": world.rng.choice((row["region"], "West")),
        "customer_since": world.rng.choice((row["customer_since"], _registration(world))),
    }


def product_rows(world: World, story: Story) -> list[Row]:
    """Return products: with and without a price or a category, and twice."""
    rows = []
    for product_id, price in story.products.items():
        row = raw_row(
            "products",
            product_id=product_id,
            product_name=world.rng.choice(("Lamp", "CafÃ© Lamp", "Café Lamp", None)),
            product_category=world.rng.choice(CATEGORIES),
            unit_price=price,
            _loaded_at=world.loaded_at,
        )
        rows.append(row)
        if world.chance(0.2):
            twin = {**row, "product_id": spelt_otherwise(world, product_id)}
            rows.append({**twin, "product_category": world.rng.choice(CATEGORIES)})
    return rows


def promotion_rows(world: World) -> list[Row]:
    """Return promotions: told late or never, one upon another, beyond the end, and corrected."""
    # dice of their own: what else there is does not hang on them
    own = replace(world, rng=Random(world.first_day.toordinal()))
    rng, rows = own.rng, []
    for number in range(rng.randint(2, 12)):
        start = own.lattice_day() + timedelta(rng.choice((-31, -30, -1, 0, 1, 29, 30, 200)))
        row = raw_row(
            "planned_promotions",
            start_date=start,
            end_date=start + timedelta(rng.choice((0, 1, 6, 29, 30, 45))),
            name=rng.choice(("", " ")) + f"P{number}",
            category=rng.choice(CATEGORIES),
            expected_lift=rng.choice((None, Decimal("0.3"), Decimal("-0.1"), Decimal("1.25"))),
            announced_on=rng.choice((None, start - timedelta(30), own.lattice_day())),
            _loaded_at=world.loaded_at,
        )
        rows.append(row)
        if own.chance(0.3):
            later = world.loaded_at + timedelta(hours=1)
            end = row["end_date"] + timedelta(rng.choice((0, 3)))
            rows.append({**row, "end_date": end, "expected_lift": None, "_loaded_at": later})
    return rows


def add_order(world: World, story: Story, customer_id: str | None) -> None:
    """Add an order, or a return, and now and then a second one on the same day."""
    day = world.event_day()
    for _ in range(world.rng.choice((1, 1, 1, 1, 2, 3))):
        header = raw_row(
            "store_sales_header",
            transaction_id=f"T{next(story.numbers)}",
            customer_id=customer_id,
            store_id=world.rng.choice(STORES),
            total_amount=Decimal(world.rng.randint(0, 20000)) / 100,
            recorded_at=_header_recorded(world, day),
            _loaded_at=world.loaded_at,
            **written_date(world, world.moment(day)),
        )
        story.headers.append(header)
        # bought, brought back, or both in one
        share_returned = world.rng.choice((0, 0, 0, 0, 0, 0.4, 1))
        for _ in range(world.rng.choice((1, 1, 2, 2, 3, 5))):
            story.lines.append(_line(world, story, header, day, world.chance(share_returned)))


def written_date(world: World, moment: datetime) -> Row:
    """Return how a header states its day: as a date, or as some text."""
    if world.chance(0.9):
        return {"transaction_date": moment, "transaction_date_text": None}
    text = moment.strftime(world.rng.choice(DATE_FORMS))
    return {"transaction_date": None, "transaction_date_text": text}


def _header_recorded(world: World, day: date) -> datetime | None:
    kind = world.rng.random()
    if kind < 0.25:
        return None
    if kind < 0.65:
        return world.moment(day)
    if kind < 0.67:
        # a clock that is a day behind is believed, one that is two days behind is not
        return world.moment(day - timedelta(world.rng.choice((1, 2))))
    return world.moment(world.later_day(day))


def _line(world: World, story: Story, header: Row, day: date, returned: bool) -> Row:
    product_id = world.rng.choice(list(story.products))
    sign = -1 if returned else 1
    quantity = Decimal(sign * world.rng.choice((1, 1, 2, 3, 10, Decimal("0.250"))))
    cents = world.rng.randint(1, 8000)
    # now and then there are four decimals
    amount = sign * Decimal(100 * cents + (cents % 97 if cents % 7 == 0 else 0)) / 10000
    if world.chance(0.02):
        amount *= 100
    return raw_row(
        "store_sales_line_items",
        line_item_id=f"L{next(story.numbers)}",
        transaction_id=header["transaction_id"],
        product_id=product_id if world.chance(0.99) else world.rng.choice((None, "999")),
        promotion_id=world.rng.choice(PROMOTIONS),
        recorded_at=_line_recorded(world, header, day),
        _loaded_at=world.loaded_at,
        **written_money(world, quantity, amount),
    )


def _line_recorded(world: World, header: Row, day: date) -> datetime | None:
    kind = world.rng.random()
    if kind < 0.5:
        return None
    if kind < 0.75:
        return header["recorded_at"]
    return world.moment(world.later_day(day) if kind < 0.95 else day)


def written_money(world: World, quantity: Decimal, amount: Decimal) -> Row:
    """Return how a line states quantity and amount: one may be missing, be text, or be wrong."""
    kind = world.rng.random()
    written = {"quantity": quantity, "line_item_amount": amount, "line_item_amount_text": None}
    if kind < 0.04:
        return {**written, "quantity": None}
    if kind < 0.08:
        return {**written, "line_item_amount": None}
    if kind < 0.12:
        return {**written, "line_item_amount": None, "line_item_amount_text": f" £{amount:,}"}
    if kind < 0.13:
        return {**written, "line_item_amount": None, "line_item_amount_text": "#REF!"}
    if kind < 0.14:
        return {**written, "quantity": None, "line_item_amount": None}
    if kind < 0.15:
        return {**written, "quantity": -quantity}
    if kind < 0.17:
        return {**written, "line_item_amount": Decimal(0)}
    return written
