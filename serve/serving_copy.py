"""What those who serve read of a warehouse, in a file of its own: no names, e-mails or phones.

Schema `raw` stays behind, and with it all that a customer is reached by.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

import warehouse
from core.sql import literal, quoted
from serve import model_sql

# what people read, and what a route or a page reads beside it
SCHEMAS = ("main", "marts")
BESIDE = (
    f"features.{warehouse.FEATURE_MART}",
    "features.feat_dates",
    "intermediate.int_snapshots_scheduled",
    "intermediate.int_customers_known",
    "intermediate.int_products_versioned",
    # those that a what-if begins from
    model_sql.HEADERS,
    model_sql.LINES,
)


def write(into: Path) -> None:
    """Write the serving copy of the warehouse; views become tables.

    Parameters
    ----------
    into
        The file; it must not exist.

    Raises
    ------
    warehouse.WarehouseError
        If the warehouse is not built, or a build of an earlier version made it.
    """
    source = warehouse.path()
    with duckdb.connect(str(into)) as connection:
        warehouse.bound_memory(connection)
        connection.execute(f"attach {literal(str(source))} as source (read_only)")
        connection.execute("use source")
        steps = model_sql.noted(connection)
        relations = connection.execute(
            """
            select table_schema || '.' || table_name from information_schema.tables
            where table_catalog = 'source' and list_contains(?, table_schema)
            """,
            [list(SCHEMAS)],
        ).fetchall()
        # an alias would not do: a catalog may be named like a schema
        connection.execute(f"use {quoted(into.stem)}")
        for relation in sorted({*(name for (name,) in relations), *BESIDE, *steps.copied}):
            schema, name = relation.split(".")
            place = f"{quoted(schema)}.{quoted(name)}"
            connection.execute(f"create schema if not exists {quoted(schema)}")
            connection.execute(f"create table {place} as from source.{place}")
        connection.execute("detach source")
        connection.execute("checkpoint")
