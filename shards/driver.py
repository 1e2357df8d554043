"""The driver's part: what is to do, the sums over all shards, and the gates between phases."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import astuple
from pathlib import Path

import duckdb

import warehouse
from shards import layout, manifest, phases
from shards.facts import PHASES
from shards.layout import Layout
from shards.phases import Settings
from shards.placing import KEYS
from shards.split import Part
from shards.task import WHOLE, Task

# by phase, what the driver builds of its facts that shards must have: a gate that is red, or a
# driver that is not asked, stops them
GIVEN: tuple[tuple[str, ...], ...] = (("marts.load_alarms",), (), ())
# and that on which the next phase of a shard depends: other facts only lead to these
READ: tuple[tuple[str, ...], ...] = (
    ("intermediate.int_line_caps_set",),
    ("intermediate.int_snapshots_scheduled", "intermediate.int_reach_found"),
    (),
)

Run = Callable[[Sequence[Task]], None]


def plan(
    place: Layout, shards: int, parts: Sequence[Part], settings: Settings, *, in_place: bool
) -> list[Task]:
    """Return the first phase of every shard, with what it must hold and what of it is new."""
    before = layout.get(place.plan) or {}
    had = before.get("held", {}) if before.get("shards") == shards else None
    whole = _content_of_file(place.handed_over / "products.parquet"), _definition()
    tasks = []
    for shard in range(shards):
        held = tuple(sorted(astuple(part)[1:] for part in parts if part.shard == shard))
        known = {tuple(part) for part in had.get(str(shard), [])} if had is not None else set()
        tasks.append(
            Task(
                folder=str(place.root),
                shard=shard,
                phase=0,
                key=_hash(held, _loads(place, held), whole, settings),
                settings=settings,
                held=held,
                new=tuple(part for part in held if part not in known),
                anew=had is None,
                in_place=in_place,
            )
        )
    return tasks


def build(place: Layout, tasks: Sequence[Task], run: Run) -> int:
    """Build all phases of all shards, and publish the mart.

    Parameters
    ----------
    place
        With the rows that are new handed over in it.
    tasks
        What `plan` returned.
    run
        Runs tasks, in any order, and returns when all have ended well.

    Returns
    -------
    int
        How many shards had something to do.

    Raises
    ------
    TransformError
        If a model, a test or a gate fails.
    """
    _lay_warehouse(place)
    started = set()
    for phase in range(len(PHASES)):
        waiting = [task for task in tasks if not task.is_done()]
        started |= {task.shard for task in waiting}
        run(waiting)
        if phase == 0:
            held = {str(task.shard): task.held for task in tasks}
            layout.put({"shards": len(tasks), "held": held}, place.plan)
        read = _add_up(place, phase, len(tasks), tasks[0].settings)
        if phase < len(PHASES) - 1:
            tasks = [task.next(_hash(task.key, read)) for task in tasks]
    manifest.publish(place, tasks)
    return len(started)


def _lay_warehouse(place: Layout) -> None:
    """Give the driver the raw rows that are not a customer's, and none of the others."""
    place.driver.parent.mkdir(parents=True, exist_ok=True)
    layout.remove(place.shop)
    with duckdb.connect(str(place.driver)) as connection:
        connection.execute("create schema if not exists raw; drop schema if exists shop cascade")
        for table in [*WHOLE, *KEYS]:
            rows = "" if table in WHOLE else " limit 0"
            connection.execute(
                f"create or replace table raw.{table} as"
                f" from read_parquet('{place.handed_over}/{table}.parquet'){rows}"
            )


def _add_up(place: Layout, phase: int, shards: int, settings: Settings) -> str:
    """Sum the facts that a phase has left, ask the gates, hand over what the next reads."""
    with duckdb.connect(str(place.driver)) as connection:
        for fact in PHASES[phase]:
            fact.add_up(connection, [str(place.fact(fact.model, n)) for n in range(shards)])
    phases.build_driver(place.driver, phase, settings)
    with duckdb.connect(str(place.driver)) as connection:
        for name in [*(f"shop.{fact.model}" for fact in PHASES[phase]), *GIVEN[phase]]:
            path = place.shop / str(phase + 1) / f"{name.split('.')[1]}.parquet"
            made = layout.temporary(path)
            connection.execute(f"copy (from {name}) to '{made}' (format parquet)")
            os.replace(made, path)
        return _hash([_content(connection, name) for name in READ[phase]])


def _content(connection: duckdb.DuckDBPyConnection, relation: str) -> list[tuple]:
    return connection.execute(
        f"select count(*), sum(cast(hash(read_rows) as hugeint)) from {relation} as read_rows"
    ).fetchall()


def _content_of_file(file: Path) -> list[tuple]:
    with duckdb.connect() as connection:
        return _content(connection, f"(from read_parquet('{file}'))")


def _loads(place: Layout, held: Sequence[tuple]) -> list[tuple]:
    """Return what is said of the loads that brought a shard's rows."""
    with duckdb.connect() as connection:
        return connection.execute(
            "select cast(said as varchar)"
            f" from read_parquet('{place.handed_over}/loads.parquet') as said"
            " where list_contains(?, cast(loaded_at as varchar)) order by all",
            [[loaded_at for _, loaded_at, *_ in held]],
        ).fetchall()


def _definition() -> str:
    """Return a hash of the dbt project."""
    project = warehouse.DBT_PROJECT
    files = [project / "dbt_project.yml"]
    for folder in ("models", "macros", "snapshots"):
        files += sorted((project / folder).rglob("*.*"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _hash(*things: object) -> str:
    return hashlib.sha256(repr(things).encode()).hexdigest()[:16]
