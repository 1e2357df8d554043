"""Shards under Apache Spark: it moves the rows and runs the tasks; DuckDB builds inside them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
from pyspark import StorageLevel, TaskContext
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StringType, StructField, StructType

from core.dbt_runner import BuildError
from core.ids import canonical
from core.store import Store
from shards import driver, ties
from shards.layout import Layout
from shards.phases import Settings
from shards.placing import KEYS, OWNERS, PLANNED, STEPS, WHOLE
from shards.split import Part
from shards.task import Task

ON_DISK = StorageLevel.DISK_ONLY
# Spark makes 200 of any shop: a small one is then mostly their overhead, a large one spills
PARTITIONS_PER_SHARD = 4
SHARD = "cast(conv(substr(md5({place}), 1, 8), 16, 10) as bigint) % {shards}"


def build(raw: str, folder: Path, shards: int, settings: Settings, master: str) -> int:
    """Build the mart from Parquet; see `driver.build`.

    Parameters
    ----------
    raw
        With a folder or file for each raw table, `_loaded_at` included: a folder, or the address
        of one in a store, see `Store`. That is copied first, for the workers to read.
    folder
        All who work on it can reach it.

    Raises
    ------
    BuildError
        If a model, a test or a gate fails.
    StoreError
        If a store does not give the files.
    """
    place = Layout(folder.resolve())
    with place.alone(), session(master) as opened:
        rows = place.new_split()
        to = place.handed_over / rows
        if "://" in raw:
            source = to / "copied"
            Store(raw).fetch_all(source, ".parquet")
        else:
            source = Path(raw).resolve()
        parts = _split(opened, source, to, shards)
        tasks = driver.plan(place, shards, parts, rows, settings, in_place=False)

        def run(waiting: Sequence[Task]) -> None:
            if waiting:
                # a task of Spark for each: a lost one is run again, elsewhere if need be
                tried = opened.sparkContext.parallelize(waiting, len(waiting)).map(_try)
                _raise_if_failed(tried.collect())

        return driver.build(place, tasks, run)


@contextmanager
def session(master: str) -> Iterator[SparkSession]:
    """Give a session on a master while the block runs."""
    if master.startswith("local"):
        # Spark's own choice is any `python3` of the PATH
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    opened = (
        SparkSession.builder.master(master)
        .appName("shards")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        # each batch is a query of DuckDB's
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "100000")
        .getOrCreate()
    )
    try:
        yield opened
    finally:
        opened.stop()


def _try(task: Task) -> tuple[int, str | None]:
    """Run a task; what its data make fail would fail again, and is no matter for a retry."""
    # a task has so many cores to itself, and all others of the machine are other tasks'
    context = TaskContext.get()
    if context is not None:
        os.environ["DUCKDB_THREADS"] = str(context.cpus())
    try:
        task.run()
    except BuildError as error:
        return task.shard, str(error)
    return task.shard, None


def _raise_if_failed(tried: Sequence[tuple[int, str | None]]) -> None:
    failed = [(shard, error) for shard, error in tried if error is not None]
    if failed:
        shard, error = failed[0]
        raise BuildError(f"{len(failed)} of {len(tried)} shards failed; shard {shard}: {error}")


def _split(session: SparkSession, raw: Path, to: Path, shards: int) -> list[Part]:
    for table in [*WHOLE, *([PLANNED] if _folder(raw, PLANNED).exists() else [])]:
        _one_file(f"read_parquet('{_files(raw, table)}')", to / f"{table}.parquet")
    session.conf.set("spark.sql.shuffle.partitions", PARTITIONS_PER_SHARD * shards)
    for table in KEYS:
        empty = f"read_parquet('{_files(raw, table)}') limit 0"
        _one_file(empty, to / f"{table}.parquet")
        # they are read seven times, and DuckDB spells the ids once
        _keyed(session, raw, table).persist(ON_DISK).createOrReplaceTempView(f"keyed_{table}")
    session.sql(
        "select order_key as order_id, customer_key as customer_id from keyed_store_sales_header"
    ).createOrReplaceTempView("header_ids")
    session.sql(
        "select line_key as line_id, order_key as order_id from keyed_store_sales_line_items"
    ).createOrReplaceTempView("line_ids")
    for name, sql in STEPS.items():
        session.sql(sql).createOrReplaceTempView(name)
    with duckdb.connect() as connection:
        # few are tied, and they fit on the driver
        tied = session.sql("select one, other, tied_by from ties").toArrow()
        connection.register("tied", tied)
        connection.execute("create temp table ties as from tied")
        ties.label(connection)
        places = connection.execute("from places").to_arrow_table()
        session.createDataFrame(
            places.to_pandas(),  # type: ignore[union-attr]  # None in DuckDB's stub alone
            "owner string, place string",
        ).createOrReplaceTempView("places")
        orders = session.sql(
            "select places.owner, count(*) as orders from order_owners"
            " left join places on order_owners.owner = places.owner group by places.owner"
        ).toArrow()
        connection.register("counted", orders)
        connection.execute("create temp table owner_orders as from counted")
        ties.refuse_a_heavy_tie(connection, shards)
    parts: list[Part] = []
    for table, sql in OWNERS.items():
        shard = SHARD.format(place="coalesce(places.place, owned.owner)", shards=shards)
        added = ", ".join([*KEYS[table], "owner"])
        placed = session.sql(
            f"select * except ({added}) from (select owned.*, {shard} as shard"
            f" from ({sql.format(rows=f'keyed_{table}')}) as owned"
            " left join places on owned.owner = places.owner)"
        )
        written = to / table
        placed.repartition(shards, "shard").write.partitionBy("shard").parquet(str(written))
        parts += _count(table, written)
    return parts


def _keyed(session: SparkSession, raw: Path, table: str) -> DataFrame:
    """Return a raw table with its canonical ids: DuckDB spells them, as it does in the models."""
    rows = session.read.parquet(str(_folder(raw, table)))
    keys = KEYS[table]
    added = ", ".join(f"{canonical(column)} as {key}" for key, column in keys.items())

    def spell(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with duckdb.connect() as connection:
            for batch in batches:
                connection.register("raw_rows", pa.Table.from_batches([batch]))
                spelt = connection.execute(f"select *, {added} from raw_rows").to_arrow_table()
                same = spelt.cast(target)  # type: ignore[union-attr]  # None in DuckDB's stub alone
                yield from same.to_batches()

    schema = StructType([*rows.schema.fields, *(StructField(name, StringType()) for name in keys)])
    target = to_arrow_schema(schema)
    return rows.mapInArrow(spell, schema)


def _count(table: str, written: Path) -> list[Part]:
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select cast(shard as integer), cast(_loaded_at as varchar), count(*),"
            " cast(sum(cast(hash(kept) as hugeint)) as varchar)"
            f" from read_parquet('{written}/*/*.parquet', hive_partitioning = true) as kept"
            " group by all"
        ).fetchall()
    return [Part(shard, table, *others) for shard, *others in rows]


def _folder(raw: Path, table: str) -> Path:
    return raw / table if (raw / table).is_dir() else raw / f"{table}.parquet"


def _files(raw: Path, table: str) -> str:
    folder = _folder(raw, table)
    return f"{folder}/**/*.parquet" if folder.is_dir() else str(folder)


def _one_file(rows: str, to: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"copy (from {rows}) to '{to}' (format parquet)")
