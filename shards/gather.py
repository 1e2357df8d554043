"""Bring the tables of all shards into the warehouse, so that what reads it works as before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import duckdb

import warehouse
from core import dbt_runner
from shards import layout
from shards.facts import PHASES
from shards.layout import Layout
from shards.phases import Settings

FACTS = {fact.model for facts in PHASES for fact in facts}

# what is a table of a shard and of the shop alike comes from the driver
SCHEMAS = ("history", "staging", "intermediate", "features", "marts")
# what holds no rows of its own, what is made of the mart, of facts of the shop, or of forecasts
ON_TOP = (
    "config.materialized:view config.materialized:table_function"
    " feat_customer_snapshots+ int_newcomers_windowed+ int_newcomers_spent+"
    " int_drift_days_measured+ customer_revenue source:scoring+ quarantine"
)
# every shard has them whole
ALIKE = (
    "stg_retail__products",
    "int_products_checked",
    "int_products_versioned",
    "product_history",
)


def gather(folder: Path, settings: Settings) -> None:
    """Replace the tables that builds make by those of the last sharded build.

    Parameters
    ----------
    folder
        Where it lies, complete.
    settings
        As it was built.

    Raises
    ------
    BuildError
        If a test of the mart fails.
    """
    place = Layout(folder.resolve())
    shards = layout.read(place.plan)["shards"]
    files = [place.shard(shard) for shard in range(shards)]
    with warehouse.writer() as connection:
        warehouse.bound_memory(connection)
        _attach(connection, [place.driver, *files])
        of_the_shop = _tables(connection, 0)
        of_a_shard = _tables(connection, 1)
        with warehouse.transaction(connection):
            for name in sorted(of_the_shop | of_a_shard):
                connection.execute(f"create schema if not exists {name.split('.')[0]}")
                if name in of_the_shop:
                    _replace(connection, name, [f"part_0.{name}"])
                elif name.split(".")[1] in FACTS:
                    _replace(connection, name, [f"part_0.shop.{name.split('.')[1]}"])
                else:
                    alike = name.split(".")[1] in ALIKE
                    among = range(1, 2 if alike else shards + 1)
                    _replace(connection, name, [f"part_{part}.{name}" for part in among])
            _create_functions(connection)
            # an unsharded build that follows has read none of it
            connection.execute("drop schema if exists builds cascade")
    dbt_runner.build(dict(settings.variables), select=ON_TOP, run_only=settings.run_only)
    _note_model_sql([place.driver, *files])


def _attach(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> None:
    for number, file in enumerate(files):
        connection.execute(f"attach '{file}' as part_{number} (read_only)")


def _note_model_sql(files: Sequence[Path]) -> None:
    """Note the SQL of what shards and driver have built, as a build here would have noted it."""
    with warehouse.writer() as connection:
        _attach(connection, files)
        noted = " union all ".join(
            f"from part_{number}.main.model_sql" for number, _ in enumerate(files)
        )
        connection.execute(
            f"""
            insert into main.model_sql by name
            select model, arg_max(sql, built_at) as sql, max(built_at) as built_at
            from ({noted})
            group by model
            on conflict do update set sql = excluded.sql, built_at = excluded.built_at
            where excluded.built_at > model_sql.built_at
            """
        )
        models = connection.execute("select model, sql from main.model_sql").fetchall()
        schemas = {name: schema for schema, name in (model.split(".") for model, _ in models)}
        for model, sql in models:
            # what a shard was told of the shop is here a table like the others
            of_the_shop = re.sub(
                r'"shop"\."(\w+)"', lambda found: f'"{schemas[found[1]]}"."{found[1]}"', sql
            )
            if of_the_shop != sql:
                connection.execute(
                    "update main.model_sql set sql = ? where model = ?", [of_the_shop, model]
                )


def _tables(connection: duckdb.DuckDBPyConnection, part: int) -> set[str]:
    rows = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables()"
        " where database_name = ? and list_contains(?, schema_name)",
        [f"part_{part}", list(SCHEMAS)],
    ).fetchall()
    return {name for [name] in rows}


def _create_functions(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the functions that builds make beside tables, as the driver and a shard have them."""
    for name, parameters, definition in connection.execute(
        "select schema_name || '.' || function_name, parameters, macro_definition"
        " from duckdb_functions()"
        " where database_name in ('part_0', 'part_1') and function_type = 'table_macro'"
        " and list_contains(?, schema_name)",
        [list(SCHEMAS)],
    ).fetchall():
        connection.execute(
            f"create or replace function {name}({', '.join(parameters)}) as table {definition}"
        )


def _replace(connection: duckdb.DuckDBPyConnection, name: str, parts: list[str]) -> None:
    for kind, function in (("view", "duckdb_views"), ("table", "duckdb_tables")):
        if connection.execute(
            f"select 1 from {function}() where database_name = current_database()"
            f" and schema_name || '.' || {kind}_name = ?",
            [name],
        ).fetchone():
            connection.execute(f"drop {kind} {name} cascade")
    connection.execute(f"create table {name} as from {parts[0]} limit 0")
    for part in parts:
        connection.execute(f"insert into {name} by name from {part}")
