"""What those who serve read of a warehouse, in a file of its own: no names, e-mails or phones.

Schema `raw` stays behind, and with it all that a customer is reached by. A server has a copy made
of each state of the warehouse that it finds, and reads that: so it holds the file that builds no
longer than the copy takes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import duckdb

import warehouse
from core.generations import MODELS, State, state
from core.scratch import alone, folder_for_copies, remove_abandoned
from core.sql import literal, quoted
from core.store import MANIFEST
from serve import model_sql
from serve.repository import built_or_error

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
# what holds no rows: the total of any list of customers, and the views that it reads
WITHOUT_ROWS = ("staging.stg_scoring__predictions", "staging.stg_scoring__scoring_runs")
TOTAL = "marts.total_of_customers"
# sorted so, and in small groups of rows, a small part of a table is read for one customer. Not the
# mart: it lies by date, and to sort its 90 columns took 2 of the 6 seconds at 20,000 customers, for
# nothing (a row in 2.6 ms, sorted 2.7; at 200,000 customers in 4.8)
ORDERS = {
    "main.predictions": "as_of_date, customer_id",
    "main.prediction_reasons": "as_of_date, customer_id, place",
    # the few that were restated lie together: they are looked through for other customers'
    model_sql.HEADERS: "versions > 1, customer_id",
    model_sql.LINES: "customer_id",
}
GROUP_ROWS = 8192
FILE = "warehouse.duckdb"
# a server makes it while it answers: at 200,000 customers it held 3.4 GB more with 7 GB, .6 with
# this, and took a tenth longer
MEMORY = "500MB"
_SPILT = ".spilt-"
_WORK = ".work-"
_TARGET = "serving_copy_being_written"


def of_state(file: Path, found: State) -> Path:
    """Return the serving copy of a warehouse in a state, made by whichever process comes first.

    Copies of former states go: who has one open reads it to its end. What was fetched from an
    object store is a copy already.

    Raises
    ------
    warehouse.WarehouseError
        As `write` does.
    """
    if (file.parent / MANIFEST).exists():
        return file
    home, place = folder_of(file), _place(file, found)
    with alone(home):
        if not place.exists():
            remove_abandoned(home, _WORK)
            with (
                warehouse.pinned(file),
                tempfile.TemporaryDirectory(prefix=f"{_WORK}{os.getpid()}-", dir=home) as scratch,
            ):
                work = Path(scratch) / "copy"
                work.mkdir()
                write(work / FILE)
                # models are found beside the warehouse
                (work / MODELS).symlink_to(warehouse.models_dir())
                os.rename(work, place)
        _remove_copies(home, place)
    return place / FILE


def folder_of(file: Path) -> Path:
    """Return the folder of the copies of a warehouse, of all its generations."""
    return folder_for_copies(str(warehouse.place_of(file)))


def remove(file: Path) -> None:
    """Remove the copies of a warehouse; who has one open reads it to its end."""
    home = folder_of(file)
    with alone(home):
        _remove_copies(home)


def remove_former(file: Path) -> None:
    """Remove the copies of a warehouse but that of the state that its file is in."""
    home = folder_of(file)
    with alone(home):
        _remove_copies(home, _place(file, state(file)))


def _place(file: Path, found: State) -> Path:
    told = hashlib.sha256(repr((str(file), found)).encode()).hexdigest()
    return folder_of(file) / told[:16]


def _remove_copies(home: Path, kept: Path | None = None) -> None:
    for copy in home.glob("[!.]*"):
        if copy != kept:
            shutil.rmtree(copy, ignore_errors=True)


def write(into: Path) -> None:
    """Write the serving copy of the warehouse; views become tables.

    Parameters
    ----------
    into
        The file; it must not exist.

    Raises
    ------
    warehouse.WarehouseError
        If the warehouse is missing, held by another process or not built, or a build of an earlier
        version made it.
    """
    with (
        tempfile.TemporaryDirectory(prefix=_SPILT, dir=into.parent) as spilt,
        warehouse.connect(read_only=True) as connection,
        built_or_error(),
    ):
        warehouse.bound_memory(connection)
        connection.execute(f"set memory_limit = {MEMORY!r}; set temp_directory = {literal(spilt)}")
        steps = model_sql.noted(connection)
        sql = dict(connection.execute("select model, sql from main.model_sql").fetchall())
        [(source,)] = connection.execute("select current_database()").fetchall()
        relations = connection.execute(
            """
            select table_schema || '.' || table_name from information_schema.tables
            where table_catalog = current_database() and list_contains(?, table_schema)
            """,
            [list(SCHEMAS)],
        ).fetchall()
        connection.execute(
            f"attach {literal(str(into))} as {_TARGET} (read_write, row_group_size {GROUP_ROWS})"
        )
        connection.execute(f"use {_TARGET}")
        for relation in sorted({*(name for (name,) in relations), *BESIDE, *steps.copied}):
            order = f"order by {ORDERS[relation]}" if relation in ORDERS else ""
            _make(connection, relation, f"create table {{}} as from {quoted(source)}.{{}} {order}")
        for view in WITHOUT_ROWS:
            _make(connection, view, f"create view {{}} as {sql[view]}")
        _make(connection, TOTAL, f"create function {{}}(customer_list) as table {sql[TOTAL]}")
        connection.execute(f"use {quoted(source)}")
        connection.execute(f"checkpoint {_TARGET}")
        connection.execute(f"detach {_TARGET}")


def _make(connection: duckdb.DuckDBPyConnection, relation: str, statement: str) -> None:
    schema, name = relation.split(".")
    connection.execute(f"create schema if not exists {quoted(schema)}")
    connection.execute(statement.replace("{}", f"{quoted(schema)}.{quoted(name)}"))
