"""Bring the tables of all shards into the warehouse, so that what reads it works as before."""

from __future__ import annotations

from pathlib import Path

import duckdb

import warehouse
from shards import layout
from shards.layout import Layout

# what is a table of a shard and of the shop alike comes from the driver
SCHEMAS = ("history", "staging", "intermediate", "features", "marts")
# every shard has them whole
ALIKE = ("stg_retail__products", "int_products", "product_history")


def gather(folder: Path) -> None:
    """Replace the tables that builds make by those of the last sharded build.

    Parameters
    ----------
    folder
        Where it lies, complete.
    """
    place = Layout(folder.resolve())
    shards = layout.get(place.plan)["shards"]
    files = [place.shard(shard) for shard in range(shards)]
    with warehouse.writer() as connection:
        for number, file in enumerate([place.driver, *files]):
            connection.execute(f"attach '{file}' as part_{number} (read_only)")
        of_the_shop = _tables(connection, 0)
        of_a_shard = _tables(connection, 1)
        with warehouse.transaction(connection):
            for name in sorted(of_the_shop | of_a_shard):
                whole = 0 if name in of_the_shop else 1
                alike = whole == 0 or name.split(".")[1].startswith(ALIKE)
                parts = [whole] if alike else range(1, shards + 1)
                connection.execute(f"create schema if not exists {name.split('.')[0]}")
                _replace(connection, name, parts)
            # an unsharded build that follows has read none of it
            connection.execute("drop schema if exists builds cascade")


def _tables(connection: duckdb.DuckDBPyConnection, part: int) -> set[str]:
    rows = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables()"
        " where database_name = ? and list_contains(?, schema_name)",
        [f"part_{part}", list(SCHEMAS)],
    ).fetchall()
    return {name for [name] in rows}


def _replace(connection: duckdb.DuckDBPyConnection, name: str, parts: range | list[int]) -> None:
    for kind, function in (("view", "duckdb_views"), ("table", "duckdb_tables")):
        if connection.execute(
            f"select 1 from {function}() where database_name = current_database()"
            f" and schema_name || '.' || {kind}_name = ?",
            [name],
        ).fetchone():
            connection.execute(f"drop {kind} {name} cascade")
    connection.execute(f"create table {name} as from part_{parts[0]}.{name} limit 0")
    for part in parts:
        connection.execute(f"insert into {name} by name from part_{part}.{name}")
