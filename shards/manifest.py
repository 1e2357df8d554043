"""The files that make up the mart: their list, and a warehouse that reads them as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

import warehouse
from shards import layout
from shards.layout import Layout
from shards.task import MART, Task

DATES = "feat_dates"


def publish(place: Layout, tasks: Sequence[Task]) -> None:
    """Name the files of all shards in one manifest, and remove those that it no longer names.

    Readers take the files that it names, no others.

    Raises
    ------
    warehouse.WarehouseError
        If somebody holds the warehouse over the mart; another build then brings it up to date.
    """
    dates = place.mart / DATES / f"{tasks[0].key}.parquet"
    with duckdb.connect(str(place.driver), read_only=True) as connection:
        layout.put_rows(connection, f"from features.{DATES} order by as_of_date", dates)
        [(current,)] = connection.execute(
            "select as_of_date from intermediate.int_snapshots_scheduled where is_current"
        ).fetchall()
    files = [f"{DATES}/{dates.name}"]
    for task in tasks:
        files += [
            file.removeprefix("mart/") for file in task.left() or () if file.startswith("mart/")
        ]
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
    _lay_warehouse(place)
    named = {place.mart / file for file in files}
    for file in place.mart.rglob("*.parquet"):
        if file not in named:
            file.unlink()
    # left by attempts that died
    for folder in place.mart.glob(".*"):
        layout.remove(folder)


def _lay_warehouse(place: Layout) -> None:
    """Bring the warehouse over the mart up to date; models and predictions in it stay."""
    with warehouse.in_warehouse(place.warehouse), warehouse.writer() as connection:
        connection.execute(f"attach '{place.driver}' as driver (read_only)")
        with warehouse.transaction(connection):
            for schema in ("raw", "intermediate"):
                connection.execute(f"create schema if not exists {schema}")
            for table in ("raw.loads", "intermediate.int_snapshots_scheduled"):
                connection.execute(f"create or replace table {table} as from driver.{table}")
            for [table] in connection.execute(
                "select table_name from duckdb_tables()"
                " where database_name = 'driver' and schema_name = 'main'"
            ).fetchall():
                connection.execute(
                    f"create table if not exists main.{table} as from driver.main.{table} limit 0"
                )
            lay_views(connection, files_of(place))


def files_of(place: Layout) -> dict[str, list[str]]:
    """Return the mart's files by table."""
    tables = layout.read(place.manifest)["tables"]
    return {table: [str(place.root / file) for file in files] for table, files in tables.items()}


def lay_views(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Sequence[str]]) -> None:
    """Make the tables of the mart views over their Parquet files."""
    connection.execute("create schema if not exists features")
    for table, files in tables.items():
        read = list(files)
        rows = (
            f"from read_parquet({read})"
            if table == DATES
            else f"select * exclude (shard) from read_parquet({read}, hive_partitioning = true,"
            " hive_types = {as_of_date: date, shard: int})"
        )
        connection.execute(f"create or replace view features.{table} as {rows}")
    columns = ", ".join(column.name for column in warehouse.contract().columns)
    connection.execute(
        f"create or replace view features.{warehouse.FEATURE_MART} as select {columns}"
        f" from features.feat_customers inner join features.{DATES} using (as_of_date)"
    )
