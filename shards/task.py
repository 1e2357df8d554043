"""One phase of one shard: take what is new, build, leave facts or a part of the mart."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

import warehouse
from shards import layout, phases
from shards.facts import PHASES
from shards.layout import Layout
from shards.phases import FILE, Settings
from shards.placing import CUSTOMER_HISTORY, KEYS, PRODUCT_HISTORY, WHOLE

# tables of the mart that a shard has a part of
MART = ("feat_customers", "feat_labels")
# in a shard's file: which parts of the raw rows it holds
HELD = "raw.parts_held"


@dataclass(frozen=True)
class Task:
    """What to build.

    Parameters
    ----------
    key
        A hash of all that the phase reads; its outcome is the same wherever the key is.
    rows
        Folder of the rows that are handed over: all that the shard's file does not hold. First
        phase only, as the next.
    held
        All parts of the raw rows that the shard is to have: raw table, load, rows, content.
    shop
        Folders with the facts of the shop.
    states
        Keys of phases that may have left the shard's file, the newest first: the first that is
        there is built upon. Empty: the shard begins from nothing.
    in_place
        Build in the shard's own file, where no other attempt can run at the same time. Otherwise
        in a copy, which is left under the key.
    """

    folder: str
    shard: int
    phase: int
    key: str
    settings: Settings
    rows: str
    held: tuple[tuple, ...]
    shop: tuple[str, ...]
    states: tuple[str | None, ...]
    in_place: bool

    def next(self, key: str, shop: str) -> Task:
        """Return the phase after this one, which reads facts of the shop in one more folder."""
        return replace(
            self,
            phase=self.phase + 1,
            key=key,
            rows="",
            held=(),
            shop=(*self.shop, shop),
            states=(self.key, *self.states),
        )

    @property
    def place(self) -> Layout:
        """The folder of the build."""
        return Layout(Path(self.folder))

    def left(self) -> list[str] | None:
        """Return what the phase left when it was built from the same before, if all is there."""
        note = layout.get(self.place.done(self.shard, self.key))
        if note is None or not all((self.place.root / file).exists() for file in note["files"]):
            return None
        return note["files"]

    def run(self) -> None:
        """Build the phase, unless that has been done.

        Raises
        ------
        BuildError
            If a model or a test fails.
        """
        if self.left() is not None:
            return
        with _working(self) as file:
            with duckdb.connect(str(file)) as connection:
                warehouse.bound_memory(connection)
                if self.phase == 0:
                    _take_rows(connection, self)
                _take_facts(connection, self)
            phases.build_shard(file, self.phase, self.settings)
            with duckdb.connect(str(file)) as connection:
                warehouse.bound_memory(connection)
                files = _leave(connection, self)
        layout.put({"files": files}, self.place.done(self.shard, self.key))


@contextmanager
def _working(task: Task) -> Iterator[Path]:
    """Give a file to build in, which becomes the shard's when the block ends well."""
    place = task.place
    if task.in_place:
        file = place.shard(task.shard)
        file.parent.mkdir(parents=True, exist_ok=True)
        if not task.states:
            layout.remove(file)
            layout.remove(file.with_name(f"{FILE}.wal"))
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="shard-") as scratch:
        copy = Path(scratch) / FILE
        if task.states:
            kept = [place.shard(task.shard, key) for key in task.states]
            shutil.copy(next(file for file in kept if file.exists()), copy)
        os.environ.setdefault(
            "DBT_TARGET_PATH", str(Path(tempfile.gettempdir()) / f"dbt-{os.getpid()}")
        )
        yield copy
        made = layout.temporary(place.shard(task.shard, task.key))
        shutil.copy(copy, made)
        os.replace(made, place.shard(task.shard, task.key))


def _take_rows(connection: duckdb.DuckDBPyConnection, task: Task) -> None:
    """Replace the rows of the loads that are new or others; an attempt that died may have begun."""
    rows = task.place.handed_over / task.rows
    connection.execute("create schema if not exists raw; drop schema if exists shop cascade")
    with warehouse.transaction(connection):
        connection.execute(
            f"create table if not exists {HELD}"
            " (table_name varchar, loaded_at varchar, rows bigint, content varchar)"
        )
        before = set(connection.execute(f"from {HELD}").fetchall())
        if not before <= set(task.held):
            # what rows that are gone have said is not remembered either
            connection.execute("drop schema if exists history cascade")
        for table in WHOLE:
            connection.execute(
                f"create or replace table raw.{table} as"
                f" from read_parquet('{rows}/{table}.parquet')"
            )
        for table in KEYS:
            _take(connection, rows, table, task, before)
        connection.execute(f"delete from {HELD}")
        if task.held:
            connection.executemany(f"insert into {HELD} values (?, ?, ?, ?)", task.held)
        if (rows / "history").exists():
            _take_history(connection, rows / "history", task)
        _assert_complete(connection, task)


def _take_history(connection: duckdb.DuckDBPyConnection, kept: Path, task: Task) -> None:
    """Begin with what builds of the warehouse have kept of customers and products."""
    connection.execute("create schema if not exists history")
    for table in (CUSTOMER_HISTORY, PRODUCT_HISTORY):
        connection.execute(
            f"create or replace table history.{table} as"
            f" from read_parquet('{kept}/{table}.parquet')"
        )
    mine = f"{kept}/{CUSTOMER_HISTORY}/shard={task.shard}"
    if Path(mine).exists():
        connection.execute(
            f"insert into history.{CUSTOMER_HISTORY} by name"
            f" from read_parquet('{mine}/*.parquet', hive_partitioning = false)"
        )


def _take(
    connection: duckdb.DuckDBPyConnection, rows: Path, table: str, task: Task, before: set[tuple]
) -> None:
    connection.execute(
        f"create table if not exists raw.{table} as"
        f" from read_parquet('{rows}/{table}.parquet') limit 0"
    )
    held = [part[1] for part in task.held if part[0] == table]
    new = [part[1] for part in task.held if part[0] == table and part not in before]
    connection.execute(
        f"delete from raw.{table} where not list_contains(?, cast(_loaded_at as varchar))"
        " or list_contains(?, cast(_loaded_at as varchar))",
        [held, new],
    )
    if new:
        connection.execute(
            f"insert into raw.{table} by name from read_parquet("
            f"'{rows}/{table}/shard={task.shard}/*.parquet', hive_partitioning = false)"
            " where list_contains(?, cast(_loaded_at as varchar))",
            [new],
        )


def _assert_complete(connection: duckdb.DuckDBPyConnection, task: Task) -> None:
    there = []
    for table in KEYS:
        there += connection.execute(
            f"select '{table}', cast(_loaded_at as varchar), count(*) from raw.{table} group by all"
        ).fetchall()
    lacking = {part[:3] for part in task.held} ^ set(there)
    if lacking:
        raise RuntimeError(
            f"shard {task.shard} does not hold what it should, as {sorted(lacking)[0]}: remove "
            f"{task.folder} and build again"
        )


def _take_facts(connection: duckdb.DuckDBPyConnection, task: Task) -> None:
    connection.execute("create schema if not exists shop")
    for folder in task.shop:
        for file in sorted((task.place.shop / folder).glob("*.parquet")):
            connection.execute(
                f"create or replace table shop.{file.stem} as from read_parquet('{file}')"
            )


def _columns(connection: duckdb.DuckDBPyConnection, model: str) -> str:
    """Return what to select of a fact: whole numbers that Parquet makes floats of stay whole."""
    columns = connection.execute(
        "select column_name from duckdb_columns() where database_name = current_database()"
        " and schema_name = 'intermediate' and table_name = ? and data_type = 'HUGEINT'",
        [model],
    ).fetchall()
    casts = ", ".join(f"cast({name} as decimal(38, 0)) as {name}" for [name] in columns)
    return f"* replace ({casts})" if casts else "*"


def _leave(connection: duckdb.DuckDBPyConnection, task: Task) -> list[str]:
    """Write facts, or the shard's part of the mart; return the files, relative to the folder."""
    place = task.place
    files = []
    for fact in PHASES[task.phase]:
        path = place.fact(fact.model, task.shard, task.key)
        columns = _columns(connection, fact.model)
        layout.put_rows(connection, f"select {columns} from intermediate.{fact.model}", path)
        files.append(path)
    if task.phase == len(PHASES) - 1:
        for table in MART:
            files += _leave_mart(connection, task, table)
    return [str(file.relative_to(place.root)) for file in files]


def _leave_mart(connection: duckdb.DuckDBPyConnection, task: Task, table: str) -> Iterator[Path]:
    mart = task.place.mart
    made = layout.temporary(mart / table)
    connection.execute(
        f"copy (from features.{table} order by as_of_date, customer_id) to '{made}'"
        " (format parquet, partition_by (as_of_date))"
    )
    if not any(made.rglob("*.parquet")):
        # readers learn the columns of an empty table from a file without rows
        (made / "as_of_date=1970-01-01").mkdir(parents=True)
        connection.execute(
            f"copy (select * exclude (as_of_date) from features.{table} limit 0)"
            f" to '{made}/as_of_date=1970-01-01/none.parquet' (format parquet)"
        )
    for number, written in enumerate(sorted(made.rglob("*.parquet"))):
        folder = mart / table / f"shard={task.shard}" / written.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        os.replace(written, folder / f"{task.key}-{number}.parquet")
        yield folder / f"{task.key}-{number}.parquet"
    layout.remove(made)
