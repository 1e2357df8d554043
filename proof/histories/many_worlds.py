"""Several histories side by side in one shop, moved in time so that one cut meets them all.

The rows of a world bear its name before their ids, so what becomes of one world is seen by the ids
of its customers. Worlds share the level of the shop and the caps.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from random import Random

from proof import histories
from proof.histories.worlds import LATTICE_ANCHOR, LATTICE_DAYS, Row, Tables
from proof.oracle.settings import Settings
from proof.oracle.spelling import canonical_id, read_date

IDS = ("customer_id", "transaction_id", "line_item_id", "product_id", "name")
DAYS = ("customer_since", "transaction_date", "recorded_at", "_loaded_at")
DAYS += ("start_date", "end_date", "announced_on")
# SQL: the world that an id belongs to
WORLD_OF = "regexp_extract(upper(trim(id)), '^W[0-9]+')"


def many_worlds(seeds: list[int], cut: date) -> dict[str, Tables]:
    """Draw histories that all have a past before a day, and a future from it on.

    Parameters
    ----------
    seeds
        A history for each.
    cut
        A day of the lattice of as-of dates; edges of windows stay where they are, since worlds are
        moved by whole steps of the lattice.

    Returns
    -------
    dict
        The rows of each world by its name.
    """
    return {f"W{seed}": _moved(histories.history(seed), f"W{seed}", seed, cut) for seed in seeds}


def _moved(tables: Tables, name: str, seed: int, cut: date) -> Tables:
    last_day = max(row["_loaded_at"] for row in tables["products"]).date()
    recorded = [row["recorded_at"] for row in tables["store_sales_header"] if row["recorded_at"]]
    first_day = min(recorded).date()
    lattice = [
        day
        for day in (first_day + timedelta(days) for days in range((last_day - first_day).days))
        if (day - LATTICE_ANCHOR).days % LATTICE_DAYS == 0
    ]
    # at least a fifth of a history lies on either side of the cut
    margin = len(lattice) // 5
    own_cut = Random(seed).choice(lattice[margin : len(lattice) - margin])
    shift = cut - own_cut
    return {
        table: [_moved_row(row, f"{name}-", shift) for row in rows]
        for table, rows in tables.items()
    }


def _moved_row(row: Row, prefix: str, shift: timedelta) -> Row:
    moved = dict(row)
    for column in set(IDS) & row.keys():
        canonical = canonical_id(row[column])
        moved[column] = row[column] if canonical is None else prefix + canonical
    for column in set(DAYS) & row.keys():
        if isinstance(row[column], date | datetime):
            moved[column] = row[column] + shift
    text = row.get("transaction_date_text")
    stated = read_date(None, text, Settings().date_formats) if text else None
    if stated:
        moved["transaction_date_text"] = (stated + shift).strftime("%Y-%m-%d")
    return moved


def together(parts: Iterable[Tables]) -> Tables:
    """Return the rows of several worlds or loads in the same tables."""
    tables: Tables = {}
    for part in parts:
        for table, rows in part.items():
            tables.setdefault(table, []).extend(rows)
    return tables
