"""Shards one after another on one machine: memory is bounded by the largest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

import duckdb

import warehouse
from shards import driver, split
from shards.layout import Layout
from shards.phases import Settings
from shards.placing import CUSTOMER_HISTORY, PRODUCT_HISTORY
from shards.task import HELD, Task

LOADS = """
    create table if not exists raw.loads (
        load_id bigint, mode varchar, known_on date, loaded_at timestamp, timezone varchar,
        data_through date
    )
"""


def build(folder: Path, shards: int, settings: Settings) -> int:
    """Build the warehouse's shop in shards; the mart lies in the folder.

    Returns
    -------
    int
        How many shards had something to do.

    Raises
    ------
    SplitError
        If tied customers would fill a shard.
    BuildError
        If a model, a test or a gate fails.
    """
    place = Layout(folder.resolve())
    with place.alone():
        with warehouse.writer() as connection:
            connection.execute(LOADS)
        with warehouse.connect(read_only=True) as connection:
            tasks = _split(connection, place, shards, settings)
        return driver.build(place, tasks, _one_after_another)


def _split(
    connection: duckdb.DuckDBPyConnection, place: Layout, shards: int, settings: Settings
) -> list[Task]:
    split.place(connection, shards)
    parts = split.count(connection)
    before = _held_before(place, shards)
    new = [part for part in parts if astuple(part)[1:] not in before.get(part.shard, ())]
    rows = place.new_split()
    split.hand_over(connection, new, place.handed_over / rows)
    others = {}
    if split.place_history(connection, shards):
        split.hand_history_over(connection, place.handed_over / rows)
        others = _other_histories(connection, place, shards)
    return driver.plan(place, shards, parts, rows, settings, in_place=True, histories=others)


def _other_histories(
    connection: duckdb.DuckDBPyConnection, place: Layout, shards: int
) -> dict[int, object]:
    """Return what is kept of shards whose files keep something else: a plain build came between."""
    others: dict[int, object] = {}
    for shard in driver.states_before(place, shards, in_place=True) or ():
        mine = f"(select * exclude (shard) from placed_{CUSTOMER_HISTORY} where shard = {shard})"
        kept = _history(connection, mine)
        with duckdb.connect(str(place.shard(shard))) as own:
            is_kept = warehouse.has_table(own, "history", CUSTOMER_HISTORY)
            if not is_kept or kept != _history(own, f"history.{CUSTOMER_HISTORY}"):
                others[shard] = kept
    return others


def _history(connection: duckdb.DuckDBPyConnection, customers: str) -> list[list[tuple]]:
    return [driver.content(connection, each) for each in (customers, f"history.{PRODUCT_HISTORY}")]


def _held_before(place: Layout, shards: int) -> dict[int, set[tuple]]:
    """Return which parts of the raw rows each shard's file holds."""
    held = {}
    for shard in driver.states_before(place, shards, in_place=True) or ():
        with duckdb.connect(str(place.shard(shard))) as connection:
            # a build that was killed before it had taken any rows has left no table
            if warehouse.has_table(connection, *HELD.split(".")):
                held[shard] = set(connection.execute(f"from {HELD}").fetchall())
    return held


def _one_after_another(tasks: Sequence[Task]) -> None:
    for task in tasks:
        task.run()
