"""A warehouse in memory that holds one customer, built by the SQL that built the real one.

The cleaned lines of the customer are copied, hypothetical ones are added, and what follows from
them follows by the definitions that the mart has: see `serve/model_sql.py`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from core.sql import quoted
from serve import model_sql, repository
from serve.model_sql import HEADERS, LINES, SPINE, Steps

ORDERS = "intermediate.int_orders_totalled"
# ids in the warehouse are in capitals: none of them is like these
NAME = "what if"
NO_PROMOTION = "NONE"


@dataclass(frozen=True)
class Line:
    """An order, or a return, of one line; known on the day it happened, as most are."""

    amount: Decimal  # negative for a return
    items: int
    day: date
    category: str
    store: str
    promotion: str = NO_PROMOTION


class OneCustomer:
    """The features of one customer, as they are or would be; made by `one_customer`."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, customer_id: str, database: str, steps: Steps
    ) -> None:
        self._connection, self._customer_id, self._steps = connection, customer_id, steps
        self._whole = quoted(database)
        for table in (*model_sql.GIVEN, *steps.copied, *steps.computed):
            self._execute(f"create schema if not exists {table.split('.')[0]}")
        for table in steps.copied:
            self._copy(table)
        self._execute(f"create table {SPINE} (customer_id varchar, as_of_date date)")
        # what a build computed anew, all there is here
        touched, orders = model_sql.CUSTOMERS_TOUCHED, model_sql.ORDERS_TOUCHED
        self._execute(f"create table {touched} as select ? as customer_id", customer_id)
        self._execute(f"create view {orders} as select distinct transaction_id from {HEADERS}")

    def features(self, day: date, lines: Sequence[Line] = ()) -> dict[str, Any] | None:
        """Return the mart's row of the customer on a date, with these lines more.

        The features of the date, the shop's level among them, are those that the warehouse has.

        Returns
        -------
        dict or None
            A value per feature, in the contract's order; None if the customer is not known then.
        """
        self._add(lines)
        for table, sql in self._steps.computed.items():
            self._execute(f"create or replace table {table} as {_query(sql)}")
        self._execute(f"delete from {SPINE}")
        self._execute(f"insert into {SPINE} values (?, ?)", self._customer_id, day)
        names = repository.contract().features
        row = self._execute(
            f"""select {", ".join(names)}
            from {_query(self._steps.features)} as features
            inner join {self._whole}.features.feat_dates as dates using (as_of_date)"""
        ).fetchone()
        return None if row is None else dict(zip(names, row, strict=True))

    def amounts_counted(self) -> list[Decimal]:
        """Return what each of the added lines counts for, in their order: a line may be capped."""
        rows = self._execute(
            f"""select spend - returned from {ORDERS} where starts_with(transaction_id, '{NAME}')
            order by transaction_id"""
        ).fetchall()
        return [row[0] for row in rows]

    def _copy(self, table: str) -> None:
        names = [row[0] for row in self._execute(f"describe {self._whole}.{table}").fetchall()]
        if table in (HEADERS, LINES):
            # by transaction: one restated may have been another customer's for a while
            condition = f"""transaction_id in (
                select transaction_id from {self._whole}.{HEADERS} where customer_id = $customer
            )"""
        else:
            condition = "customer_id = $customer" if "customer_id" in names else "$customer <> ''"
        self._connection.execute(
            f"create table {table} as from {self._whole}.{table} where {condition}",
            {"customer": self._customer_id},
        )

    def _add(self, lines: Sequence[Line]) -> None:
        """Put lines in the place of those added before: headers and lines that passed all rules."""
        for table in (HEADERS, LINES):
            self._execute(f"delete from {table} where starts_with(transaction_id, '{NAME}')")
        for place, line in enumerate(lines):
            name = f"{NAME} {place:04d}"
            checked = {
                "transaction_id": name,
                "customer_id": self._customer_id,
                "store_id": line.store,
                "event_date": line.day,
                "known_date": line.day,
                # until further notice
                "known_until": date.max,
                "versions": 1,
                "version_number": 1,
                "is_first": True,
                "is_latest": True,
                "money": line.amount,
            }
            self._insert(HEADERS, checked | {"stated_amount": line.amount})
            self._insert(
                LINES,
                checked
                | {
                    "line_item_id": name,
                    "product_category": line.category,
                    "promotion_id": line.promotion,
                    "quantity": line.items,
                    "line_item_amount": line.amount,
                    "header_versions": 1,
                    "is_after_header": False,
                },
            )

    def _insert(self, table: str, row: dict[str, Any]) -> None:
        places = ", ".join("?" * len(row))
        self._execute(f"insert into {table} ({', '.join(row)}) values ({places})", *row.values())

    def _execute(self, sql: str, *values: object) -> duckdb.DuckDBPyConnection:
        return self._connection.execute(sql, list(values))


@contextmanager
def one_customer(connection: duckdb.DuckDBPyConnection, customer_id: str) -> Iterator[OneCustomer]:
    """Set up the warehouse of one customer beside an open one, for as long as the block runs.

    Raises
    ------
    warehouse.WarehouseError
        If the build has not noted by which SQL it made its models.
    """
    steps = model_sql.noted(connection)
    [(database,)] = connection.execute("select current_database()").fetchall()
    # connections of one process share what is attached
    own = f"one_customer_{uuid.uuid4().hex}"
    connection.execute(f"attach ':memory:' as {own} (read_write)")
    try:
        connection.execute(f"use {own}")
        yield OneCustomer(connection, customer_id, database, steps)
    finally:
        connection.execute(f"use {quoted(database)}")
        connection.execute(f"detach {own}")


def _query(sql: str) -> str:
    # a comment may end it
    return f"(\n{sql}\n)"
