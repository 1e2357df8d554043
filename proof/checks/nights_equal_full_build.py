"""Loads one after the other, in any order and with accidents, give the mart of one full build.

A history arrives in order, with a build after each load, and then shuffled. Between two builds
something happens to the warehouse, or the build is one of another day or is killed. In the end the
mart must hold exactly what a fresh build of all rows holds.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from random import Random

import warehouse
from proof import building, histories
from proof.histories.many_worlds import many_worlds, together
from proof.histories.worlds import LATTICE_ANCHOR, Tables
from proof.outcome import Outcome, Task, sizes

PART = "incremental"
FULL = 50
# so many histories share a shop and its builds
IN_A_SHOP = 5
# a day that all histories of a shop go past
MIDDLE = LATTICE_ANCHOR + timedelta(30 * 270)
ORDERS = ("in_order", "shuffled")


def tasks(share: float, seed: int) -> list[Task]:
    """Return the histories to run; in half of the shops attributes change, too."""
    shops = max(round(FULL * share / IN_A_SHOP), 1)
    firsts = [seed + IN_A_SHOP * number for number in range(shops)]
    return [Task(check_histories, (tuple(range(first, first + IN_A_SHOP)),)) for first in firsts]


def check_histories(
    folder: Path, seeds: tuple[int, ...], orders: tuple[str, ...] = ORDERS
) -> Outcome:
    """Build histories of one shop at once, in order and shuffled, and compare the marts.

    Parameters
    ----------
    folder
        An empty folder for the warehouses.
    seeds
        Of the histories; the first also of how they arrive, and of what happens meanwhile.
    orders
        In which order the rows come in: as they became known, shuffled, or one after the other.
    """
    rng = Random(seeds[0])
    tables = together(many_worlds(list(seeds), MIDDLE).values())
    differences, happened = [], []
    for order in orders:
        loads = _loads(tables, rng, order)
        fresh, file = folder / f"all_before_{order}.duckdb", folder / f"{order}.duckdb"
        building.write(fresh, together(loads))
        building.build(fresh)
        happened.append(_arrive(file, loads, rng))
        differences += [
            f"{order}, {happened[-1]}: {difference}" for difference in differing(fresh, file)
        ]
    if seeds[0] // IN_A_SHOP % 2 == 0:
        happened.append("attributes")
        differences += [
            f"attributes: {difference}" for difference in _restate_attributes(folder, file, rng)
        ]
    with building.reading(fresh) as connection:
        return Outcome(
            PART,
            f"histories {', '.join(map(str, seeds))}",
            cases=len(seeds),
            **sizes(connection),
            differences=differences,
            what=", ".join(happened),
        )


def _loads(tables: Tables, rng: Random, order: str) -> list[Tables]:
    shuffled = order == "shuffled"
    parts = 2 if shuffled else rng.choice((2, 3))
    return histories.arrivals(tables, rng.randrange(10**6), parts, shuffled=shuffled)


def _arrive(file: Path, loads: list[Tables], rng: Random) -> str:
    """Write and build load by load; something happens before the last build."""
    happens = rng.choice(list(ACCIDENTS))
    for number, load in enumerate(loads, 1):
        building.write(file, load, append=True)
        if number == len(loads):
            ACCIDENTS[happens](file, rng)
        building.build(file)
    return happens


def _lose_rows(file: Path, rng: Random) -> None:
    """Take all rows of some dates, or the table."""
    what = rng.choice(("dates", "table"))
    with building.in_warehouse(file), warehouse.connect() as connection:
        connection.execute(
            {
                "dates": "delete from features.feat_customers where hash(as_of_date) % 3 = 0",
                "table": "drop table features.feat_customers",
            }[what]
        )


def _be_killed(file: Path, rng: Random) -> None:
    """Start a build in a process of its own and kill it at a random moment."""
    started = subprocess.Popen(
        [sys.executable, "-m", "proof.checks.nights_equal_full_build", str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=warehouse.ROOT,
    )
    with started:
        started.stdout.readline()
        # reading the project comes first; it takes about a second
        time.sleep(rng.uniform(0.8, 5))
        started.kill()


def _go_back(file: Path, rng: Random) -> None:
    """Build as if an earlier day, on or off the lattice, were today."""
    with building.reading(file) as connection:
        days = [
            day
            for (day,) in connection.execute(
                "select as_of_date from features.feat_dates"
            ).fetchall()
        ]
    day = rng.choice(sorted(days)) - timedelta(rng.choice((0, 0, 7)))
    building.build(file, {**building.SETTINGS, "as_of": day.isoformat()})


def _keep_few(file: Path, rng: Random) -> None:
    """Keep the latest snapshots only."""
    building.build(file, {**building.SETTINGS, "snapshots_kept": rng.randint(1, 6)})


ACCIDENTS: dict[str, Callable[[Path, Random], None]] = {
    "nothing": lambda file, rng: None,
    "rows lost": _lose_rows,
    "killed": _be_killed,
    "as of an earlier day": _go_back,
    "few snapshots kept": _keep_few,
}


def _restate_attributes(folder: Path, file: Path, rng: Random) -> list[str]:
    """Change customers and products; what a build adds is what a full refresh makes anew."""
    with building.in_warehouse(file), warehouse.connect() as connection:
        loaded = "greatest(_loaded_at, (select max(_loaded_at) from raw.store_sales_header))"
        later = f"_loaded_at = {loaded} + interval {rng.randint(0, 90)} day"
        connection.execute(
            f"update raw.customer_details set region = 'Elsewhere', segment_id = 'NEW', {later}"
            " where hash(upper(trim(customer_id))) % 3 = 0"
        )
        connection.execute(
            f"update raw.products set product_category = 'Novelties', {later}"
            " where hash(upper(trim(product_id))) % 3 = 0"
        )
    as_of = {**building.SETTINGS, "as_of": _later(file, 200).isoformat()}
    building.build(file, as_of)
    anew = folder / "anew.duckdb"
    shutil.copy(file, anew)
    building.build(anew, as_of, full_refresh=True)
    return differing(anew, file)


def _later(file: Path, days: int) -> date:
    with building.reading(file) as connection:
        query = "select max(as_of_date) from features.feat_dates"
        return connection.execute(query).fetchone()[0] + timedelta(days)


def differing(file: Path, other_file: Path) -> list[str]:
    """Return what the stored tables of one warehouse have and those of another lack."""
    differences = []
    with building.reading(file, other=other_file) as connection:
        for table in building.TABLES_COMPARED:
            left, right = table, f"other.{table}"
            for only, without, where in (
                (left, right, f"only {file.stem}"),
                (right, left, f"only {other_file.stem}"),
            ):
                query = f"(from {only} except from {without})"
                count = connection.execute(f"select count(*) from {query}").fetchone()[0]
                if count:
                    example = connection.execute(f"from {query} limit 1").fetchone()[:3]
                    differences.append(f"{count} rows of {table} are in {where}, like {example}")
    return differences


if __name__ == "__main__":
    print("ready", flush=True)
    building.set_up(Path(sys.argv[1]).parent / "killed")
    building.build(Path(sys.argv[1]))
