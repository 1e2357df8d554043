"""Small random histories of a shop, made to be nasty: late, restated, doubled and broken rows.

    tables = history(seed)                  rows by raw table
    write(connection, tables)               one load of everything
    for part in arrivals(tables, seed, 4):  or several loads, one after the other
        write(connection, part, append=True)

What an order looks like stands in `stories.py`, how rows are said again in
`restating.py`.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from random import Random

from proof.histories.loading import arrivals, write
from proof.histories.restating import restated_headers, restated_lines
from proof.histories.stories import (
    Story,
    add_order,
    customer_rows,
    new_story,
    product_rows,
    promotion_rows,
)
from proof.histories.worlds import Tables, World, new_world, raw_row
from proof.oracle.settings import Settings

__all__ = ["SETTINGS", "arrivals", "history", "write"]

# with these, caps cut something in shops as small as these too
SETTINGS = Settings(cap_minimum_lines=50, cap_quantile=Decimal("0.9"))


def history(seed: int) -> Tables:
    """Draw a history: 40-200 customers, one to three years, faults and restatements of all kinds.

    Parameters
    ----------
    seed
        The same seed gives the same history.

    Returns
    -------
    dict
        Rows by the name of their raw table, each a dictionary by column, `_loaded_at` included; the
        load ran on the day after the last one.
    """
    world = new_world(Random(seed))
    story = new_story(world)
    tables = {
        "customer_details": customer_rows(world, story),
        "products": product_rows(world, story),
    }
    for customer_id in story.customers:
        for _ in range(_number_of_orders(world)):
            add_order(world, story, customer_id)
    for _ in range(world.rng.randint(2, 8)):
        add_order(world, story, world.rng.choice([None, "GHOST", " ghost"]))
    _leave_something_out(world, story)
    tables["store_sales_header"] = restated_headers(world, story)
    tables["store_sales_line_items"] = restated_lines(world, story)
    tables["planned_promotions"] = promotion_rows(world)
    for rows in tables.values():
        world.rng.shuffle(rows)
    return tables


def _number_of_orders(world: World) -> int:
    """Return none, a few or many; the mean is about seven."""
    kind = world.rng.random()
    if kind < 0.12:
        return 0
    if kind < 0.3:
        return 1
    return min(int(world.rng.expovariate(1 / 8)) + 1, 60)


def _leave_something_out(world: World, story: Story) -> None:
    """Take some headers their lines, some lines their header, and some rows their id."""
    rng = world.rng
    gone = {row["transaction_id"] for row in rng.sample(story.headers, len(story.headers) // 60)}
    story.lines = [line for line in story.lines if line["transaction_id"] not in gone]
    for line in rng.sample(story.lines, len(story.lines) // 80):
        line["transaction_id"] = rng.choice([None, "", "NOWHERE"])
    for line in rng.sample(story.lines, len(story.lines) // 150):
        line["line_item_id"] = rng.choice([None, " "])
    for header in rng.sample(story.headers, len(story.headers) // 150):
        header["transaction_id"] = rng.choice([None, " "])
    story.headers.append(
        raw_row("store_sales_header", transaction_id="HOLLOW", _loaded_at=world.loaded_at)
    )
    story.lines.append(
        raw_row(
            "store_sales_line_items",
            line_item_id="HOLLOW",
            recorded_at=world.moment(world.last_day - timedelta(40)),
            _loaded_at=world.loaded_at,
        )
    )
