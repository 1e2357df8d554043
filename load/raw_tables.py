"""The four raw tables: their one definition, and the one way to replace them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import duckdb

import warehouse
from load import ledger
from load.another_shop import (
    remove_forecasts_of_another_shop,
    remove_history_of_another_shop,
)


@dataclass(frozen=True)
class Column:
    """One column of a raw table; a required one must be present in a user's file.

    A column `<name>_text` holds what a row says instead of a date or number, where it is none: the
    other column is then null, and staging reads the text.
    """

    name: str
    data_type: str
    required: bool = False


@dataclass(frozen=True)
class Table:
    """One raw table: its name, its key and its columns in order, without `_loaded_at`."""

    name: str
    key: str
    columns: tuple[Column, ...]


CUSTOMERS = Table(
    "customer_details",
    "customer_id",
    (
        Column("customer_id", "VARCHAR", required=True),
        Column("first_name", "VARCHAR"),
        Column("email", "VARCHAR"),
        Column("customer_phone", "VARCHAR"),
        Column("city", "VARCHAR"),
        Column("region", "VARCHAR"),
        Column("loyalty_status", "VARCHAR"),
        Column("total_loyalty_points", "BIGINT"),
        Column("segment_id", "VARCHAR"),
        Column("customer_since", "DATE"),
        Column("last_purchase_date", "DATE"),
    ),
)
PRODUCTS = Table(
    "products",
    "product_id",
    (
        Column("product_id", "VARCHAR", required=True),
        Column("product_name", "VARCHAR"),
        Column("product_category", "VARCHAR"),
        Column("unit_price", "DECIMAL(18,2)"),
        Column("current_stock_level", "BIGINT"),
    ),
)
HEADERS = Table(
    "store_sales_header",
    "transaction_id",
    (
        Column("transaction_id", "VARCHAR", required=True),
        Column("customer_id", "VARCHAR", required=True),
        Column("store_id", "VARCHAR"),
        Column("transaction_date", "TIMESTAMP", required=True),
        Column("total_amount", "DECIMAL(18,2)"),
        Column("customer_phone", "VARCHAR"),
        Column("recorded_at", "TIMESTAMP"),
        Column("transaction_date_text", "VARCHAR"),
    ),
)
LINES = Table(
    "store_sales_line_items",
    "line_item_id",
    (
        Column("line_item_id", "VARCHAR", required=True),
        Column("transaction_id", "VARCHAR", required=True),
        Column("product_id", "VARCHAR", required=True),
        Column("quantity", "DECIMAL(18,3)", required=True),
        Column("promotion_id", "VARCHAR"),
        Column("line_item_amount", "DECIMAL(18,4)", required=True),
        Column("recorded_at", "TIMESTAMP"),
        Column("line_item_amount_text", "VARCHAR"),
    ),
)
TABLES = (CUSTOMERS, PRODUCTS, HEADERS, LINES)


@dataclass(frozen=True)
class Summary:
    """What a load wrote: rows per raw table, and when."""

    rows: dict[str, int]
    loaded_at: datetime
    forecasts_removed: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    rejected: int = 0
    # the files were loaded before, so nothing was written
    unchanged: bool = False

    def __str__(self) -> str:
        """Return one readable line."""
        tables = ", ".join(f"{name} {rows:,}" for name, rows in self.rows.items())
        if self.unchanged:
            return f"unchanged: these files are loaded already; {warehouse.path()} holds {tables}"
        aside = f"; {self.rejected:,} rows set aside in raw.rejected" if self.rejected else ""
        return f"loaded {tables} rows into {warehouse.path()}{aside}"


def replace(
    connection: duckdb.DuckDBPyConnection,
    sources: Mapping[str, str],
    also: Callable[[duckdb.DuckDBPyConnection], None] | None = None,
    *,
    layout: str = ledger.GENERATED,
    entry: ledger.Entry | None = None,
) -> Summary:
    """Replace the four raw tables in one transaction; on any error the old ones stay.

    The ledger starts anew, and the schema `truth` of a generated shop goes with its shop. What dbt
    keeps of customers and products, the schema `history`, stays where the same shop is loaded
    again; another shop's goes: of a generated one, or one with none of its customers.

    Parameters
    ----------
    connection
        An open, writable warehouse.
    sources
        For each raw table's name the SQL after `from` that yields its columns by name, in
        order of insertion.
    also
        Called inside the transaction once the raw tables are filled.
    layout
        What the ledger calls the source, where no `entry` says more.

    Returns
    -------
    Summary
        Rows written per table and the one `_loaded_at` they carry.
    """
    loaded_at = now()
    entry = entry or ledger.Entry(layout)
    with warehouse.transaction(connection):
        connection.execute("create schema if not exists raw")
        connection.execute("drop schema if exists truth cascade")
        rows = {
            table.name: _fill(connection, table, sources[table.name], loaded_at) for table in TABLES
        }
        ledger.start(connection, anew=True)
        ledger.write(connection, entry, rows, loaded_at)
        if also:
            also(connection)
        remove_history_of_another_shop(connection, is_generated=entry.layout == ledger.GENERATED)
        removed = remove_forecasts_of_another_shop(connection)
    return Summary(rows, loaded_at, removed, rejected=entry.rejected)


def now() -> datetime:
    """Return the time stamp of a load, in UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def _fill(
    connection: duckdb.DuckDBPyConnection, table: Table, source: str, loaded_at: datetime
) -> int:
    types = ", ".join(f"{column.name} {column.data_type}" for column in table.columns)
    names = ", ".join(column.name for column in table.columns)
    connection.execute(f"create or replace table raw.{table.name} ({types}, _loaded_at TIMESTAMP)")
    inserted = connection.execute(
        f"insert into raw.{table.name} select {names}, $loaded_at from {source}",
        {"loaded_at": loaded_at},
    ).fetchone()
    return inserted[0] if inserted else 0
