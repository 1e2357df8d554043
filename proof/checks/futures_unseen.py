"""Random futures: whatever happens from a cut on, features of dates up to it stay as they are.

Worlds share a warehouse and a cut. It is built as if the cut were today; then, copy by copy, each
world meets a future of its own, everything is built anew up to the end, and every value of every
date up to the cut must be the same, bit for bit, those of the whole shop included.
"""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from random import Random

import warehouse
from proof import building, futures
from proof.histories.many_worlds import WORLD_OF, many_worlds, together
from proof.histories.worlds import LATTICE_ANCHOR
from proof.mart_difference import changed
from proof.outcome import Outcome, Task, sizes

PART = "futures"
FULL, WORLDS, ROUNDS = 200, 5, 10


def tasks(share: float, seed: int) -> list[Task]:
    """Return groups of worlds, each to meet as many futures as there are rounds."""
    groups = max(round(FULL * share / WORLDS / ROUNDS), 1)
    rounds = max(round(FULL * share / WORLDS / groups), 1)
    return [Task(check_worlds, (seed + number, WORLDS, rounds)) for number in range(groups)]


def check_worlds(folder: Path, seed: int, worlds: int, rounds: int) -> Outcome:
    """Hold the mart of a few worlds against those of other futures.

    Parameters
    ----------
    folder
        An empty folder for the warehouses.
    seed
        Of the worlds, their common cut and their futures.
    """
    cut = LATTICE_ANCHOR + timedelta(30 * Random(seed).randint(250, 300))
    drawn = many_worlds([1000 * seed + number for number in range(worlds)], cut)
    base = folder / "base.duckdb"
    building.write(base, together(drawn.values()))
    building.build(base, {**building.SETTINGS, "as_of": cut.isoformat()})
    with building.reading(base) as connection:
        compared = sizes(connection, f"as_of_date <= '{cut}'")
        last_day = connection.execute(
            "select max(cast(_loaded_at as date)) from raw.store_sales_header"
        ).fetchone()[0]
    differences, kinds = [], Counter()
    for number in range(rounds):
        future = futures.draw(1000 * seed + number, list(drawn), cut, last_day)
        differences += _differences(folder, base, future)
        kinds.update(kind for shares in future.shares.values() for kind in shares)
    seldom = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items()))
    return Outcome(
        PART,
        f"worlds {seed}, cut {cut}",
        cases=worlds * rounds,
        customers=compared["customers"],
        dates=compared["dates"],
        values=compared["values"] * rounds,
        differences=differences,
        what=seldom,
    )


def _differences(folder: Path, base: Path, future: futures.Future) -> list[str]:
    other = folder / "other.duckdb"
    shutil.copy(base, other)
    with building.in_warehouse(other), warehouse.connect() as connection:
        futures.apply(connection, future, WORLD_OF)
    end = _lattice_day_after(future.last_day)
    building.build(other, {**building.SETTINGS, "as_of": end.isoformat()}, full_refresh=True)
    with building.reading(other, base=base) as connection:
        changes = changed(connection, future.cut, "base")
    return [
        f"future {future.seed} of {change.customer_id.split('-')[0]}"
        f" ({future.kinds(change.customer_id.split('-')[0])}): {change}"
        for change in changes
    ]


def _lattice_day_after(day: date) -> date:
    return day + timedelta(30 - (day - LATTICE_ANCHOR).days % 30)
