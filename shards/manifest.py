"""The list of the files that make up the mart; what it does not name is no part of it."""

from __future__ import annotations

import os
from collections.abc import Sequence

import duckdb

from shards import layout
from shards.layout import Layout
from shards.task import MART, Task

DATES = "feat_dates"


def publish(place: Layout, tasks: Sequence[Task]) -> None:
    """Name the files of all shards in one manifest, and remove those that it no longer names.

    Readers take the files that it names, or all below `mart/<table>`: then a read that runs while
    a build ends may see files of both.
    """
    dates = place.mart / DATES / f"{tasks[0].key}.parquet"
    made = layout.temporary(dates)
    with duckdb.connect(str(place.driver), read_only=True) as connection:
        connection.execute(
            f"copy (from features.{DATES} order by as_of_date) to '{made}' (format parquet)"
        )
        os.replace(made, dates)
        [current] = connection.execute(
            "select as_of_date from intermediate.int_snapshots_scheduled where is_current"
        ).fetchone()
    files = [f"{DATES}/{dates.name}"]
    for task in tasks:
        files += layout.get(place.done(task.phase, task.shard))["files"]
    layout.put(
        {
            "shards": len(tasks),
            "current_as_of_date": current,
            "tables": {
                table: [f"mart/{file}" for file in files if file.startswith(f"{table}/")]
                for table in (*MART, DATES)
            },
        },
        place.manifest,
    )
    named = {place.mart / file for file in files}
    for file in place.mart.rglob("*.parquet"):
        if file not in named:
            file.unlink()
    # left by attempts that died
    for folder in place.mart.glob(".*"):
        layout.remove(folder)
