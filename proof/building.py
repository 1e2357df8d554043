"""Building the mart in warehouses of one's own, as often as a proof needs it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import duckdb
from dbt.cli.main import dbtRunnerResult

import warehouse
from core import dbt_runner
from proof import histories
from proof.histories.worlds import Tables
from warehouse import in_warehouse

# the two tables that the mart is stored in, and what alarms are made of, which no feature reads
TABLES_COMPARED = (
    "features.feat_customers",
    "features.feat_dates",
    "intermediate.int_orders_compared",
)
# a night builds upon a complete build, and that is one of all that is incremental
MART = "+feat_customer_snapshots +config.materialized:incremental"
GRID = {"grid_days": 30}
SETTINGS = {**GRID, **histories.SETTINGS.variables()}


@contextmanager
def in_project(folder: Path) -> Iterator[None]:
    """Make a folder the dbt project while the block runs."""
    before = warehouse.DBT_PROJECT
    warehouse.DBT_PROJECT = folder
    try:
        yield
    finally:
        warehouse.DBT_PROJECT = before


def set_up(folder: Path) -> None:
    """Let dbt write into a folder of this process, and no more than it must."""
    os.environ["DBT_TARGET_PATH"] = str(folder / "target")
    os.environ["DBT_LOG_PATH"] = str(folder / "logs")
    os.environ["DBT_WRITE_JSON"] = "false"
    os.environ["DBT_LOG_LEVEL_FILE"] = "none"
    warnings.filterwarnings("ignore")


def copy_warehouse(to: Path) -> None:
    """Copy the warehouse into a new file.

    DuckDB does it: whoever opens and closes the file by other means, in a process that has it open
    in DuckDB, drops DuckDB's lock on it.
    """
    with warehouse.connect(read_only=True) as connection:
        name = connection.execute("select current_database()").fetchone()[0]
        attach(connection, to, "the_copy", "read_write")
        quoted = name.replace('"', '""')
        try:
            connection.execute(f'copy from database "{quoted}" to the_copy')
        finally:
            connection.execute("detach the_copy")


def attach(
    connection: duckdb.DuckDBPyConnection, file: Path, name: str, access: str = "read_only"
) -> None:
    """Attach a DuckDB file to a connection under a name."""
    quoted = str(file).replace("'", "''")
    connection.execute(f"attach '{quoted}' as {name} ({access})")


@contextmanager
def set_up_within(folder: Path) -> Iterator[None]:
    """Let dbt write into a folder while the block runs, and no more than it must."""
    before = dict(os.environ)
    with warnings.catch_warnings():
        set_up(folder)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def write(file: Path, tables: Tables, *, append: bool = False) -> None:
    """Write rows into the raw tables of a warehouse file."""
    with in_warehouse(file), warehouse.connect() as connection:
        histories.write(connection, tables, append=append)


def build(
    file: Path, variables: dict[str, object] | None = None, *, full_refresh: bool = False
) -> dbtRunnerResult:
    """Build the mart of a warehouse file; the settings are those of random histories.

    Whatever the rows that are left, or to come, the data cover all days before an `as_of`.
    """
    chosen = SETTINGS if variables is None else variables
    with in_warehouse(file):
        if "as_of" in chosen:
            with warehouse.connect() as connection:
                state_reach(connection, date.fromisoformat(str(chosen["as_of"])))
        return dbt_runner.build(
            chosen,
            select=MART,
            run_only=True,
            full_refresh=full_refresh,
        )


def state_reach(connection: duckdb.DuckDBPyConnection, as_of: date) -> None:
    """State of a warehouse that its rows cover all days before a date."""
    connection.execute("create table if not exists raw.loads (load_id bigint, loaded_at timestamp)")
    for column in ("mode varchar", "known_on date", "timezone varchar", "data_through date"):
        connection.execute(f"alter table raw.loads add column if not exists {column}")
    connection.execute("delete from raw.loads where load_id = 0")
    connection.execute(
        "insert into raw.loads (load_id, data_through, loaded_at) values (0, ?, '0001-01-01')",
        [as_of - timedelta(1)],
    )


@contextmanager
def reading(file: Path, **others: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a warehouse to read, with others attached under their names."""
    with in_warehouse(file), warehouse.connect(read_only=True) as connection:
        for name, other in others.items():
            attach(connection, other, name)
        yield connection
