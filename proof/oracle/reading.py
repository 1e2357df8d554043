"""The raw tables as typed rows: every cell in its one form, nothing rejected yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import duckdb

import warehouse
from proof.oracle.settings import Settings
from proof.oracle.spelling import (
    canonical_id,
    clean_label,
    promotion,
    read_date,
    read_money,
    repaired_name,
    trimmed,
)

Row = dict[str, object]


@dataclass(frozen=True)
class Customer:
    """What the shop says of a customer."""

    customer_id: str | None
    region: str
    segment_id: str
    loyalty_status: str
    registered_date: date | None
    loaded_at: datetime


@dataclass(frozen=True)
class Product:
    """What the shop says of a product."""

    product_id: str | None
    name: str | None
    category: str
    unit_price: Decimal | None
    loaded_at: datetime


@dataclass(frozen=True)
class Promotion:
    """What the shop says of a promotion."""

    name: str
    start: date
    end: date
    lift: Decimal
    announced: date | None
    loaded_at: datetime


class Recorded:
    """A row that may say when it was recorded."""

    recorded_at: datetime | None

    @property
    def recorded_date(self) -> date | None:
        """The day on which the row was recorded, where it says so."""
        return day_of(self.recorded_at)


@dataclass(frozen=True)
class Header(Recorded):
    """What one row says of a transaction."""

    transaction_id: str | None
    customer_id: str | None
    store_id: str
    event_date: date | None
    stated_amount: Decimal | None
    recorded_at: datetime | None
    loaded_at: datetime

    @property
    def known_date(self) -> date | None:
        """The day on which it had happened and was recorded."""
        return latest(self.recorded_date, self.event_date)

    @property
    def content(self) -> tuple[object, ...]:
        """What the row says, without when it was recorded or loaded."""
        return (self.customer_id, self.store_id, self.event_date, self.stated_amount)


@dataclass(frozen=True)
class Line(Recorded):
    """What one row says of a line of a transaction."""

    line_item_id: str | None
    transaction_id: str | None
    product_id: str | None
    promotion_id: str
    quantity: Decimal | None
    amount: Decimal | None
    recorded_at: datetime | None
    loaded_at: datetime

    @property
    def content(self) -> tuple[object, ...]:
        """What the row says, without when it was recorded or loaded."""
        return (
            self.transaction_id,
            self.product_id,
            self.promotion_id,
            self.quantity,
            self.amount,
        )


def day_of(moment: datetime | None) -> date | None:
    """Return the day of a moment, if there is one."""
    return moment.date() if moment is not None else None


def latest(*days: date | None) -> date | None:
    """Return the latest of those days that are stated."""
    return max((day for day in days if day is not None), default=None)


def read_table(connection: duckdb.DuckDBPyConnection, table: str) -> list[Row]:
    """Return the rows of a raw table, each as a dictionary by column."""
    cursor = connection.execute(f"select * from raw.{table}")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def read_customers(rows: Iterable[Row]) -> list[Customer]:
    """Read customers; a registration after the load that states it is none."""
    return [
        Customer(
            customer_id=canonical_id(row["customer_id"]),
            region=trimmed(row["region"]) or trimmed(row["city"]) or "Unknown",
            segment_id=canonical_id(row["segment_id"]) or "UNKNOWN",
            loyalty_status=clean_label(row["loyalty_status"]) or "Unknown",
            registered_date=_past_day(row["customer_since"], row["_loaded_at"]),
            loaded_at=row["_loaded_at"],
        )
        for row in rows
    ]


def _past_day(day: date | None, loaded_at: datetime) -> date | None:
    return day if day is not None and day <= loaded_at.date() else None


def read_products(rows: Iterable[Row]) -> list[Product]:
    """Read products."""
    return [
        Product(
            product_id=canonical_id(row["product_id"]),
            name=trimmed(repaired_name(row["product_name"])),
            category=clean_label(row["product_category"]) or "Unknown",
            unit_price=row["unit_price"],
            loaded_at=row["_loaded_at"],
        )
        for row in rows
    ]


def read_headers(rows: Iterable[Row], settings: Settings) -> list[Header]:
    """Read headers."""
    return [
        Header(
            transaction_id=canonical_id(row["transaction_id"]),
            customer_id=canonical_id(row["customer_id"]),
            store_id=canonical_id(row["store_id"]) or "UNKNOWN",
            event_date=read_date(
                row["transaction_date"], row["transaction_date_text"], settings.date_formats
            ),
            stated_amount=row["total_amount"],
            recorded_at=row["recorded_at"],
            loaded_at=row["_loaded_at"],
        )
        for row in rows
    ]


def read_lines(rows: Iterable[Row]) -> list[Line]:
    """Read lines."""
    return [
        Line(
            line_item_id=canonical_id(row["line_item_id"]),
            transaction_id=canonical_id(row["transaction_id"]),
            product_id=canonical_id(row["product_id"]),
            promotion_id=promotion(row["promotion_id"]),
            quantity=row["quantity"],
            amount=read_money(row["line_item_amount"], row["line_item_amount_text"]),
            recorded_at=row["recorded_at"],
            loaded_at=row["_loaded_at"],
        )
        for row in rows
    ]


def read_promotions(connection: duckdb.DuckDBPyConnection) -> list[Promotion]:
    """Read the plan of promotions; of rows with one name and first day the newest load's counts."""
    if not warehouse.has_table(connection, "raw", "planned_promotions"):
        return []
    newest: dict[tuple[str, date], Promotion] = {}
    for row in read_table(connection, "planned_promotions"):
        promotion = Promotion(
            name=row["name"].strip(),
            start=row["start_date"],
            end=row["end_date"],
            lift=row.get("expected_lift") or Decimal(0),
            announced=row.get("announced_on"),
            loaded_at=row["_loaded_at"],
        )
        before = newest.get((promotion.name, promotion.start))
        if before is None or promotion.loaded_at > before.loaded_at:
            newest[promotion.name, promotion.start] = promotion
    return list(newest.values())
