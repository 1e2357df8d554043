"""The raw tables: their one definition, and the one way to replace the four that are a shop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import duckdb

import warehouse
from load import ledger
from load.another_shop import (
    SAME_ID,
    remove_forecasts_of_another_shop,
    remove_history_and_plan_of_another_shop,
)
from load.staging import LoadError


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

    @property
    def types(self) -> dict[str, str]:
        """The data types of the columns, by name and in order."""
        return {column.name: column.data_type for column in self.columns}


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
# beside them, where a shop plans promotions
PROMOTIONS = Table(
    "planned_promotions",
    "name",
    (
        Column("start_date", "DATE", required=True),
        Column("end_date", "DATE", required=True),
        Column("name", "VARCHAR", required=True),
        Column("category", "VARCHAR"),
        Column("expected_lift", "DECIMAL(9,4)"),
        Column("announced_on", "DATE"),
    ),
)


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
    entry: ledger.Entry | None = None,
    may_lose: bool = False,
) -> Summary:
    """Replace the four raw tables in one transaction; on any error the old ones stay.

    The ledger starts anew, and the schema `truth` of a generated shop goes with its shop. What dbt
    keeps of customers and products, the schema `history`, and the plan of promotions stay where the
    same shop is loaded again; another shop's go: of a generated one, or one with none of its
    customers.

    Parameters
    ----------
    connection
        An open, writable warehouse.
    sources
        For each raw table's name the SQL after `from` that yields its columns by name, in
        order of insertion.
    also
        Called inside the transaction once the raw tables are filled and another shop's things gone.
    entry
        What the ledger says of the source; None: a generated shop.
    may_lose
        Replace a shop of one's own even by one with far less, or by a generated one.

    Returns
    -------
    Summary
        Rows written per table and the one `_loaded_at` they carry.

    Raises
    ------
    LoadError
        If much of a shop of one's own would be gone, or another one takes its place, and `may_lose`
        does not say so.
    """
    loaded_at = now()
    entry = entry or ledger.Entry()
    is_generated = entry.layout == ledger.GENERATED
    if is_generated and not may_lose:
        refuse_to_generate(connection)
    before = None if may_lose else _shop_of_ones_own(connection)
    with warehouse.transaction(connection):
        if before:
            connection.execute(f"create or replace temp table {_FORMER} as {_CUSTOMERS}")
        connection.execute("create schema if not exists raw")
        connection.execute("drop schema if exists truth cascade")
        rows = {
            table.name: _fill(connection, table, sources[table.name], loaded_at) for table in TABLES
        }
        if before:
            _refuse_loss(before, _extent(connection))
            _refuse_another_shop(connection)
        ledger.start(connection, anew=True)
        ledger.write(connection, entry, rows, loaded_at)
        remove_history_and_plan_of_another_shop(connection, is_generated=is_generated)
        if also:
            also(connection)
        removed = remove_forecasts_of_another_shop(connection)
    return Summary(rows, loaded_at, removed, rejected=entry.rejected)


_FORMER = "former_customers"
_CUSTOMERS = (
    f"select distinct {SAME_ID} as id from raw.{HEADERS.name} where customer_id is not null"
)
# what a corrected export of the same shop may lack of the one before
_LOST_SHARE, _LOST_DAYS = 0.1, 31


def _shop_of_ones_own(connection: duckdb.DuckDBPyConnection) -> tuple[int, date, date] | None:
    """Return the extent of the shop that is loaded; None where there is none or it is generated."""
    if not all(warehouse.has_table(connection, "raw", name) for name in (HEADERS.name, "loads")):
        return None
    layouts = {
        layout for (layout,) in connection.execute("select layout from raw.loads").fetchall()
    }
    extent = _extent(connection)
    return extent if layouts - {ledger.GENERATED, None} and extent[0] else None


def _extent(connection: duckdb.DuckDBPyConnection) -> tuple[int, date, date]:
    """Return the number of orders, and the days between which nearly all of them lie."""
    return connection.execute(
        f"""
        select
            count(distinct transaction_id),
            quantile_disc(try_cast(transaction_date as date), 0.005),
            quantile_disc(try_cast(transaction_date as date), 0.995)
        from raw.{HEADERS.name}
        """
    ).fetchall()[0]


def refuse_to_generate(connection: duckdb.DuckDBPyConnection) -> None:
    """Refuse to put a generated shop in the place of one of somebody's own.

    Raises
    ------
    LoadError
        If the warehouse holds one.
    """
    if held := _shop_of_ones_own(connection):
        raise LoadError(
            f"{warehouse.path()} holds {held[0]:,} orders of files of your own, which a generated "
            "shop would replace: choose another WAREHOUSE_PATH, or give --replace (make run: "
            "REPLACE=1)"
        )


def _refuse_loss(before: tuple[int, date, date], after: tuple[int, date, date]) -> None:
    orders, first, last = before
    now_orders, now_first, now_last = after
    way_out = (
        "add to it with --append, or give --replace (make run: REPLACE=1) to put this in its place"
    )
    if now_orders < (1 - _LOST_SHARE) * orders:
        raise LoadError(
            f"{warehouse.path()} holds {orders:,} orders, the files hold {now_orders:,}: {way_out}"
        )
    days = (now_last - now_first).days if now_first else 0
    if days < (last - first).days - _LOST_DAYS:
        raise LoadError(
            f"{warehouse.path()} holds orders from {first} to {last}, the files from {now_first} "
            f"to {now_last}: {way_out}"
        )


def _refuse_another_shop(connection: duckdb.DuckDBPyConnection) -> None:
    [(former, still)] = connection.execute(
        f"select count(*), count(present.id) from {_FORMER} left join ({_CUSTOMERS}) as present"
        " using (id)"
    ).fetchall()
    connection.execute(f"drop table {_FORMER}")
    if former and not still:
        raise LoadError(
            f"none of the {former:,} customers in {warehouse.path()} is in the files: these are "
            "another shop's. Give --replace (make run: REPLACE=1) to put it in the place of this "
            "one, whose forecasts and history go, or choose another WAREHOUSE_PATH"
        )


def now() -> datetime:
    """Return the time stamp of a load, in UTC."""
    return datetime.now(UTC).replace(tzinfo=None)


def _fill(
    connection: duckdb.DuckDBPyConnection, table: Table, source: str, loaded_at: datetime
) -> int:
    make(connection, table, anew=True)
    return insert(connection, table, source, loaded_at)


def make(connection: duckdb.DuckDBPyConnection, table: Table, *, anew: bool) -> None:
    """Make a raw table, empty; one that is there stays, unless it is to begin `anew`."""
    types = ", ".join(f"{column.name} {column.data_type}" for column in table.columns)
    create = "create or replace table" if anew else "create table if not exists"
    connection.execute(f"{create} raw.{table.name} ({types}, _loaded_at TIMESTAMP)")


def insert(
    connection: duckdb.DuckDBPyConnection, table: Table, source: str, loaded_at: datetime
) -> int:
    """Insert what a source, the SQL after `from`, yields; return the number of rows."""
    names = ", ".join(column.name for column in table.columns)
    inserted = connection.execute(
        f"insert into raw.{table.name} ({names}, _loaded_at)"
        f" select {names}, $loaded_at from {source}",
        {"loaded_at": loaded_at},
    ).fetchone()
    return inserted[0] if inserted else 0
