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
from shards.placing import KEYS

# tables of the mart that a shard has a part of
MART = ("feat_customers", "feat_labels")
# raw tables that every shard has whole
WHOLE = ("products", "loads")


@dataclass(frozen=True)
class Task:
    """What to build.

    Parameters
    ----------
    key
        A hash of all that the phase reads; its outcome is the same wherever the key is.
    held
        All parts of the raw rows that the shard is to have: raw table, load, rows, content. First
        phase only, as the next two.
    new
        Those of them whose rows are handed over.
    anew
        Whether the shard begins from nothing.
    in_place
        Build in the shard's own file, where no other attempt can run at the same time. Otherwise
        in a copy, which then takes the file's place.
    """

    folder: str
    shard: int
    phase: int
    key: str
    settings: Settings
    held: tuple[tuple, ...] = ()
    new: tuple[tuple, ...] = ()
    anew: bool = False
    in_place: bool = True

    def next(self, key: str) -> Task:
        """Return the phase after this one."""
        return replace(self, phase=self.phase + 1, key=key, held=(), new=(), anew=False)

    def is_done(self) -> bool:
        """Return whether the phase was built from the same before."""
        note = layout.get(Layout(Path(self.folder)).done(self.phase, self.shard))
        return note is not None and note["key"] == self.key

    def run(self) -> None:
        """Build the phase, unless that has been done.

        Raises
        ------
        TransformError
            If a model or a test fails.
        """
        if self.is_done():
            return
        place = Layout(Path(self.folder))
        with _working(place.shard(self.shard), in_place=self.in_place) as file:
            with duckdb.connect(str(file)) as connection:
                if self.phase == 0:
                    _take_rows(connection, place, self)
                _take_facts(connection, place, self.phase)
            phases.build_shard(file, self.phase, self.settings)
            with duckdb.connect(str(file)) as connection:
                files = _leave(connection, place, self)
        layout.put({"key": self.key, "files": files}, place.done(self.phase, self.shard))


@contextmanager
def _working(file: Path, *, in_place: bool) -> Iterator[Path]:
    file.parent.mkdir(parents=True, exist_ok=True)
    if in_place:
        yield file
        return
    with tempfile.TemporaryDirectory(prefix="shard-") as scratch:
        copy = Path(scratch) / FILE
        if file.exists():
            shutil.copy(file, copy)
        os.environ.setdefault(
            "DBT_TARGET_PATH", str(Path(tempfile.gettempdir()) / f"dbt-{os.getpid()}")
        )
        yield copy
        made = layout.temporary(file)
        shutil.copy(copy, made)
        os.replace(made, file)


def _take_rows(connection: duckdb.DuckDBPyConnection, place: Layout, task: Task) -> None:
    """Replace the rows of the loads that are new or others; an attempt that died may have begun."""
    connection.execute("create schema if not exists raw; drop schema if exists shop cascade")
    with warehouse.transaction(connection):
        for table in WHOLE:
            connection.execute(
                f"create or replace table raw.{table} as"
                f" from read_parquet('{place.handed_over}/{table}.parquet')"
            )
        for table in KEYS:
            _take(connection, place.handed_over, table, task)
        _assert_complete(connection, task)


def _take(connection: duckdb.DuckDBPyConnection, rows: Path, table: str, task: Task) -> None:
    create = "create or replace table" if task.anew else "create table if not exists"
    connection.execute(
        f"{create} raw.{table} as from read_parquet('{rows}/{table}.parquet') limit 0"
    )
    new = [part[1] for part in task.new if part[0] == table]
    held = [part[1] for part in task.held if part[0] == table]
    connection.execute(
        f"delete from raw.{table} where not list_contains(?, cast(_loaded_at as varchar))"
        " or list_contains(?, cast(_loaded_at as varchar))",
        [held, new],
    )
    if new:
        connection.execute(
            f"insert into raw.{table} by name from read_parquet("
            f"'{rows}/{table}/shard={task.shard}/*.parquet', hive_partitioning = false)"
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


def _take_facts(connection: duckdb.DuckDBPyConnection, place: Layout, phase: int) -> None:
    connection.execute("create schema if not exists shop")
    for file in sorted(place.shop.glob("*/*.parquet")):
        if int(file.parent.name) <= phase:
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
    whole = ", ".join(f"cast({name} as decimal(38, 0)) as {name}" for [name] in columns)
    return f"* replace ({whole})" if whole else "*"


def _leave(connection: duckdb.DuckDBPyConnection, place: Layout, task: Task) -> list[str]:
    for fact in PHASES[task.phase]:
        path = place.fact(fact.model, task.shard)
        made = layout.temporary(path)
        connection.execute(
            f"copy (select {_columns(connection, fact.model)} from intermediate.{fact.model})"
            f" to '{made}' (format parquet)"
        )
        os.replace(made, path)
    if task.phase < len(PHASES) - 1:
        return []
    files = []
    for table in MART:
        made = layout.temporary(place.mart / table)
        connection.execute(
            # sorted, so that equal tables are equal files
            f"copy (from features.{table} order by as_of_date, customer_id) to '{made}'"
            " (format parquet, partition_by (as_of_date))"
        )
        for number, written in enumerate(sorted(made.rglob("*.parquet"))):
            name = (
                Path(table)
                / f"shard={task.shard}"
                / written.parent.name
                / f"{task.key}-{number}.parquet"
            )
            (place.mart / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(written, place.mart / name)
            files.append(str(name))
        layout.remove(made)
    return files
