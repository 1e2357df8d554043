"""Shards one after another on one machine: memory is bounded by the largest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

import warehouse
from shards import driver, layout, split
from shards.layout import Layout
from shards.phases import Settings
from shards.task import Task

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
    TransformError
        If a model, a test or a gate fails.
    """
    place = Layout(folder.resolve())
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
    had = layout.get(place.plan) or {}
    held = had.get("held", {}) if had.get("shards") == shards else {}
    new = [
        part
        for part in parts
        if [part.table, part.loaded_at, part.rows, part.content]
        not in held.get(str(part.shard), [])
    ]
    split.hand_over(connection, new, place.handed_over)
    return driver.plan(place, shards, parts, settings, in_place=True)


def _one_after_another(tasks: Sequence[Task]) -> None:
    for task in tasks:
        task.run()
