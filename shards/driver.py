"""The driver's part: what is to do, the sums over all shards, and the gates between phases."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path

import duckdb

import warehouse
from core.dbt_runner import BuildError
from shards import layout, manifest, phases
from shards.facts import PHASES
from shards.layout import Layout
from shards.phases import Settings
from shards.placing import KEYS, PLANNED, WHOLE
from shards.split import Part
from shards.task import Task

# by phase, what the driver builds of its facts that shards must have: a gate that is red, or a
# driver that is not asked, stops them
GIVEN: tuple[tuple[str, ...], ...] = (("marts.load_alarms",), (), ())
# and that on which the next phase of a shard depends: other facts only lead to these
READ: tuple[tuple[str, ...], ...] = (
    ("intermediate.int_line_caps_set",),
    ("intermediate.int_snapshots_scheduled", "intermediate.int_reach_found"),
    (),
)

log = logging.getLogger(__name__)

Run = Callable[[Sequence[Task]], None]


def plan(
    place: Layout,
    shards: int,
    parts: Sequence[Part],
    rows: str,
    settings: Settings,
    *,
    in_place: bool,
    histories: Mapping[int, object] | None = None,
) -> list[Task]:
    """Return the first phase of every shard.

    Parameters
    ----------
    parts
        Of all raw rows.
    rows
        Folder below `place.handed_over` with the rows that the shards' files do not hold.
    in_place
        See `Task`.
    histories
        What builds have kept of customers and products, of the shards whose files keep otherwise.

    Raises
    ------
    BuildError
        If a raw row belongs to no load.
    """
    unstamped = sum(part.rows for part in parts if part.loaded_at is None)
    if unstamped:
        raise BuildError(
            f"{unstamped} raw rows have no _loaded_at, so no load to tell them by: load them with "
            "`python load/load.py PATH`"
        )
    handed_over = place.handed_over / rows
    common = _content_of_file(handed_over / "products.parquet"), _definition()
    states = states_before(place, shards, in_place=in_place)
    if states is None:
        layout.remove(place.root / "done")
        layout.put({"shards": shards, "in_place": in_place, "states": {}}, place.plan)
        states = {}
    tasks = []
    for shard in range(shards):
        held = tuple(sorted(astuple(part)[1:] for part in parts if part.shard == shard))
        kept = (histories or {}).get(shard)
        key = _hash(held, _loads(handed_over, held), common, settings, *([kept] if kept else []))
        if shard not in states and not place.shard(shard, key).exists():
            # what was made of a file that is gone cannot be built upon
            layout.remove(place.done(shard, key).parent)
        tasks.append(
            Task(
                folder=str(place.root),
                shard=shard,
                phase=0,
                key=key,
                settings=settings,
                rows=rows,
                held=held,
                shop=(),
                states=(states[shard],) if shard in states else (),
                in_place=in_place,
            )
        )
    return tasks


def states_before(place: Layout, shards: int, *, in_place: bool) -> dict[int, str | None] | None:
    """Return the key of each shard's file that is still there; None is the key of one in place.

    Returns
    -------
    dict of int to str or None, or None
        None if the shop was split otherwise before, or not at all.
    """
    before = layout.get(place.plan)
    if before is None or before["shards"] != shards or before["in_place"] != in_place:
        return None
    states = {
        shard: None if in_place else before["states"].get(str(shard)) for shard in range(shards)
    }
    return {
        shard: key
        for shard, key in states.items()
        if (in_place or key) and place.shard(shard, key).exists()
    }


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
    BuildError
        If a model, a test or a gate fails.
    """
    _lay_warehouse(place, place.handed_over / tasks[0].rows)
    started: set[int] = set()
    through: list[Task] = []
    for phase in range(len(PHASES)):
        waiting = [task for task in tasks if task.left() is None]
        started |= {task.shard for task in waiting}
        for task in waiting:
            _forget_later_phases(task)
        begun = time.monotonic()
        run(waiting)
        if waiting:
            took = time.monotonic() - begun
            log.info("phase %s: %s shards built in %.1f s", phase + 1, len(waiting), took)
        through += tasks
        _note_states(place, tasks)
        read = _add_up(place, tasks)
        if phase < len(PHASES) - 1:
            tasks = [task.next(_hash(task.key, read), f"{phase + 1}-{read}") for task in tasks]
    manifest.publish(place, tasks)
    _sweep(place, through)
    return len(started)


def _forget_later_phases(task: Task) -> None:
    """Forget what a shard has left but for this build's earlier phases: its file moves on."""
    for note in task.place.done(task.shard, "").parent.glob("*.json"):
        if note.stem not in task.states:
            note.unlink()


def _note_states(place: Layout, tasks: Sequence[Task]) -> None:
    """Note which file each shard is to be built upon."""
    states = {}
    for task in tasks:
        keys = (task.key, *task.states)
        there = (key for key in keys if place.shard(task.shard, key).exists())
        states[task.shard] = None if task.in_place else next(there)
    layout.put({"shards": len(tasks), "in_place": tasks[0].in_place, "states": states}, place.plan)


def _sweep(place: Layout, through: Sequence[Task]) -> None:
    """Remove what no build needs any more, and what attempts that died have left."""
    kept: set[Path] = set()
    for shard, key in layout.read(place.plan)["states"].items():
        kept.add(place.shard(int(shard), key))
    for task in through:
        kept |= {place.done(task.shard, task.key)}
        kept |= {place.root / file for file in task.left() or ()}
        for folder in task.shop:
            kept |= set((place.shop / folder).iterdir())
    for folder in ("done", "facts", "shards", "shop", "raw"):
        for file in (place.root / folder).rglob("*"):
            if file.is_file() and file not in kept:
                file.unlink()


def _lay_warehouse(place: Layout, handed_over: Path) -> None:
    """Give the driver the raw rows that are not a customer's, and none of the others."""
    place.driver.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(place.driver)) as connection:
        connection.execute("create schema if not exists raw; drop schema if exists shop cascade")
        for table in [*WHOLE, *KEYS]:
            rows = "" if table in WHOLE else " limit 0"
            connection.execute(
                f"create or replace table raw.{table} as"
                f" from read_parquet('{handed_over}/{table}.parquet'){rows}"
            )
        connection.execute(f"drop table if exists raw.{PLANNED}")
        plan = handed_over / f"{PLANNED}.parquet"
        if plan.exists():
            connection.execute(f"create table raw.{PLANNED} as from read_parquet('{plan}')")


def _add_up(place: Layout, tasks: Sequence[Task]) -> str:
    """Sum the facts that a phase has left, ask the gates, hand over what the next reads.

    Returns
    -------
    str
        A hash of what the next phase of a shard depends on.
    """
    phase = tasks[0].phase
    with duckdb.connect(str(place.driver)) as connection:
        for fact in PHASES[phase]:
            fact.add_up(
                connection, [str(place.fact(fact.model, task.shard, task.key)) for task in tasks]
            )
    phases.build_driver(place.driver, phase, tasks[0].settings)
    with duckdb.connect(str(place.driver)) as connection:
        read = _hash([content(connection, name) for name in READ[phase]])
        for name in [*(f"shop.{fact.model}" for fact in PHASES[phase]), *GIVEN[phase]]:
            path = place.shop / f"{phase + 1}-{read}" / f"{name.split('.')[1]}.parquet"
            layout.put_rows(connection, f"from {name}", path)
        return read


def content(connection: duckdb.DuckDBPyConnection, relation: str) -> list[tuple]:
    """Return how many rows a relation has, and a sum of their hashes."""
    return connection.execute(
        f"select count(*), sum(cast(hash(read_rows) as hugeint)) from {relation} as read_rows"
    ).fetchall()


def _content_of_file(file: Path) -> list[tuple]:
    with duckdb.connect() as connection:
        return content(connection, f"(from read_parquet('{file}'))")


def _loads(handed_over: Path, held: Sequence[tuple]) -> list[tuple]:
    """Return what is said of the loads that brought a shard's rows."""
    with duckdb.connect() as connection:
        return connection.execute(
            "select cast(said as varchar)"
            f" from read_parquet('{handed_over}/loads.parquet') as said"
            " where list_contains(?, cast(loaded_at as varchar)) order by all",
            [[loaded_at for _, loaded_at, *_ in held]],
        ).fetchall()


def _definition() -> str:
    """Return a hash of all that says how rows become a mart."""
    project = warehouse.DBT_PROJECT
    files = [project / "dbt_project.yml", *sorted(Path(__file__).parent.glob("*.py"))]
    for folder in ("models", "macros", "snapshots", "tests"):
        files += sorted((project / folder).rglob("*.*"))
    text = b"".join(file.read_bytes() for file in files) + duckdb.__version__.encode()
    return hashlib.sha256(text).hexdigest()


def _hash(*things: object) -> str:
    return hashlib.sha256(repr(things).encode()).hexdigest()[:16]
