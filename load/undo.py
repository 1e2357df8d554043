"""Take the newest load back, as if it had never been."""

from __future__ import annotations

from datetime import datetime

import duckdb

import warehouse
from load import ledger
from load.raw_tables import TABLES
from load.staging import LoadError, scalar

HISTORIES = ("customer_history", "product_history")


def undo(load_id: int) -> str:
    """Take an appended load back, in one transaction; return what is gone, as a sentence.

    What dbt kept of the load's words on customers and products goes too, so that the next build
    makes the mart that stood before the load.

    Raises
    ------
    LoadError
        If there is no such load, a later one rests on it, or it replaced everything.
    warehouse.WarehouseError
        If the warehouse cannot be opened.
    """
    if not warehouse.path().exists():
        raise LoadError(f"{warehouse.path()} does not exist: nothing is loaded")
    with warehouse.writer() as connection:
        loads = {number: (mode, when) for number, mode, *_, when in ledger.loads(connection)}
        if load_id not in loads:
            listed = ", ".join(map(str, loads)) or "none"
            raise LoadError(f"there is no load {load_id}; loads are {listed} (see --list)")
        if load_id != max(loads):
            raise LoadError(f"load {max(loads)} rests on load {load_id}: undo {max(loads)} first")
        mode, loaded_at = loads[load_id]
        if mode != ledger.APPEND:
            raise LoadError(
                f"load {load_id} replaced everything, and what was there before is not kept: load "
                "the former files again"
            )
        with warehouse.transaction(connection):
            rows = {
                table.name: scalar(
                    connection, f"delete from raw.{table.name} where _loaded_at = ?", [loaded_at]
                )
                for table in TABLES
            }
            connection.execute("delete from raw.loads where load_id = ?", [load_id])
            connection.execute("delete from raw.rejected where load_id = ?", [load_id])
            for history in HISTORIES:
                if warehouse.has_table(connection, "history", history):
                    _forget(connection, history, loaded_at)
    gone = ", ".join(f"{name} {count:,}" for name, count in rows.items())
    return f"undid load {load_id}: {gone} rows are gone; run `make build`"


def _forget(connection: duckdb.DuckDBPyConnection, history: str, loaded_at: datetime) -> None:
    """Drop the versions that the load opened, and open again those that they had closed."""
    connection.execute(
        f"create or replace temp table forgotten as from history.{history} where loaded_at = ?",
        [loaded_at],
    )
    connection.execute(f"delete from history.{history} where loaded_at = ?", [loaded_at])
    connection.execute(
        f"""
        update history.{history} as kept set dbt_valid_to = null
        from forgotten
        where kept.word_id = forgotten.word_id and kept.dbt_valid_to = forgotten.dbt_valid_from
        """
    )
