"""Give each raw row of a warehouse to a shard, and hand the shard's rows over as Parquet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

import warehouse
from core.ids import canonical
from shards import ties
from shards.placing import CUSTOMER_HISTORY, KEYS, OWNERS, PLANNED, PRODUCT_HISTORY, STEPS, WHOLE

# first digits of a hash that every engine has
SHARD = "cast('0x' || substr(md5({place}), 1, 8) as bigint) % {shards}"


@dataclass(frozen=True)
class Part:
    """The rows of one load in one raw table of a shard, counted and hashed."""

    shard: int
    table: str
    loaded_at: str
    rows: int
    content: str


def place(connection: duckdb.DuckDBPyConnection, shards: int) -> None:
    """Make a view of each raw table with the shard of its rows, as `placed_<table>`.

    Raises
    ------
    SplitError
        If tied customers would fill a shard.
    """
    warehouse.bound_memory(connection)
    for table, keys in KEYS.items():
        added = ", ".join(f"{canonical(column)} as {key}" for key, column in keys.items())
        connection.execute(
            f"create or replace temp view keyed_{table} as select *, {added} from raw.{table}"
        )
    connection.execute(
        "create or replace temp view header_ids as"
        " select order_key as order_id, customer_key as customer_id from keyed_store_sales_header;"
        " create or replace temp view line_ids as"
        " select line_key as line_id, order_key as order_id from keyed_store_sales_line_items"
    )
    for name, sql in STEPS.items():
        connection.execute(f"create or replace temp table {name} as {sql}")
    ties.label(connection)
    connection.execute(
        "create or replace temp table owner_orders as select places.owner, count(*) as orders"
        " from order_owners left join places on order_owners.owner = places.owner group by all"
    )
    ties.refuse_a_heavy_tie(connection, shards)
    for table, sql in OWNERS.items():
        shard = SHARD.format(place="coalesce(places.place, owned.owner)", shards=shards)
        connection.execute(
            f"create or replace temp view placed_{table} as select owned.*, {shard} as shard"
            f" from ({sql.format(rows=f'keyed_{table}')}) as owned"
            " left join places on owned.owner = places.owner"
        )


def place_history(connection: duckdb.DuckDBPyConnection, shards: int) -> bool:
    """Make a view of what builds have kept of customers, with the shard of each row.

    It is `placed_customer_history`; False where no build has kept anything. What changed in place
    no load tells: a shard that began its history anew would take it for what had always been.
    """
    if not warehouse.has_table(connection, "history", CUSTOMER_HISTORY):
        return False
    shard = SHARD.format(place="coalesce(places.place, owned.owner)", shards=shards)
    connection.execute(
        f"create or replace temp view placed_{CUSTOMER_HISTORY} as"
        f" select owned.* exclude (owner), {shard} as shard"
        " from (select *, concat('customer ', customer_id) as owner"
        f" from history.{CUSTOMER_HISTORY}) as owned"
        " left join places on owned.owner = places.owner"
    )
    return True


def hand_history_over(connection: duckdb.DuckDBPyConnection, to: Path) -> None:
    """Write what builds have kept as Parquet, of customers a folder for each shard."""
    (to / "history" / CUSTOMER_HISTORY).mkdir(parents=True)
    for table in (CUSTOMER_HISTORY, PRODUCT_HISTORY):
        limit = "limit 0" if table == CUSTOMER_HISTORY else ""
        connection.execute(
            f"copy (from history.{table} {limit}) to '{to}/history/{table}.parquet'"
            " (format parquet)"
        )
    connection.execute(
        f"copy placed_{CUSTOMER_HISTORY} to '{to}/history/{CUSTOMER_HISTORY}'"
        " (format parquet, partition_by (shard))"
    )


def count(connection: duckdb.DuckDBPyConnection) -> list[Part]:
    """Return what each shard has of each load, as `place` has placed it."""
    parts = []
    for table in KEYS:
        rows = connection.execute(
            "select shard, cast(_loaded_at as varchar), count(*),"
            " cast(sum(cast(hash(kept_rows) as hugeint)) as varchar)"
            f" from (select * exclude ({_added(table)}), shard from placed_{table}) as kept_rows"
            " group by all"
        ).fetchall()
        parts += [Part(shard, table, *others) for shard, *others in rows]
    return parts


def hand_over(connection: duckdb.DuckDBPyConnection, parts: list[Part], to: Path) -> None:
    """Write the rows of some parts as Parquet, a folder for each table and shard.

    Parameters
    ----------
    connection
        Of the warehouse, with rows placed.
    parts
        Those that the shards do not have yet.
    to
        An empty folder.
    """
    connection.execute("create or replace temp table wanted (shard int, name text, loaded text)")
    if parts:
        connection.executemany(
            "insert into wanted values (?, ?, ?)",
            [[part.shard, part.table, part.loaded_at] for part in parts],
        )
    # whole, and of those that are split the columns
    for table in WHOLE:
        connection.execute(f"copy raw.{table} to '{to / table}.parquet' (format parquet)")
    if warehouse.has_table(connection, "raw", PLANNED):
        connection.execute(f"copy raw.{PLANNED} to '{to / PLANNED}.parquet' (format parquet)")
    for table in KEYS:
        connection.execute(
            f"copy (from raw.{table} limit 0) to '{to / table}.parquet' (format parquet)"
        )
        (to / table).mkdir(parents=True)
        connection.execute(
            f"copy (select placed.* exclude ({_added(table)}) from placed_{table} as placed"
            f" semi join wanted on wanted.name = '{table}' and placed.shard = wanted.shard"
            " and cast(placed._loaded_at as varchar) is not distinct from wanted.loaded)"
            f" to '{to / table}' (format parquet, partition_by (shard))"
        )


def _added(table: str) -> str:
    return ", ".join([*KEYS[table], "owner"])
