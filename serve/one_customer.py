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
# by transaction: one restated may have been another customer's for a while
_OF_HEADERS = f"""transaction_id in (
    select transaction_id from {{whole}}.{HEADERS} where customer_id = $customer
)"""
_OF_LINES = f"transaction_id in (select transaction_id from {HEADERS})"


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
    """The features of one customer after another, as they are or would be; see `one_customer`.

    What is of the shop is copied once, and tables are made once: DuckDB keeps no plans, so making
    them anew would be half the time.

    Attributes
    ----------
    warehouse
        The connection to the warehouse.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        own: duckdb.DuckDBPyConnection,
        database: str,
        steps: Steps,
    ) -> None:
        self.warehouse, self._connection, self._steps = connection, own, steps
        self._customer_id = ""
        self._whole = quoted(database)
        for table in (*model_sql.GIVEN, *steps.copied, *steps.computed):
            self._execute(f"create schema if not exists {table.split('.')[0]}")
        # lines are found by the headers
        self._of_a_customer = {HEADERS: _OF_HEADERS, LINES: _OF_LINES}
        for table in steps.copied:
            self._copy(table)
        self._execute(f"create table {SPINE} (customer_id varchar, as_of_date date)")
        # what a build computed anew, all there is here
        touched, orders = model_sql.CUSTOMERS_TOUCHED, model_sql.ORDERS_TOUCHED
        self._execute(f"create table {touched} (customer_id varchar)")
        self._execute(f"create view {orders} as select distinct transaction_id from {HEADERS}")
        for table, sql in steps.computed.items():
            self._execute(f"create table {table} as from {_query(sql)} limit 0")

    @contextmanager
    def of(self, customer_id: str) -> Iterator[None]:
        """Have the rows of a customer here while the block runs."""
        self._customer_id = customer_id
        self._execute("begin transaction")
        try:
            for table, condition in self._of_a_customer.items():
                self._connection.execute(
                    f"insert into {table} from {self._whole}.{table} "
                    f"where {condition.format(whole=self._whole)}",
                    {"customer": customer_id} if "$customer" in condition else None,
                )
            self._execute(f"insert into {model_sql.CUSTOMERS_TOUCHED} values (?)", customer_id)
            yield
        finally:
            # the tables are as empty for the next one as they were for this one
            self._execute("rollback")

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
            self._execute(f"delete from {table}")
            self._execute(f"insert into {table} {_query(sql)}")
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
        if "customer_id" in names:
            self._of_a_customer.setdefault(table, "customer_id = $customer")
        limit = "limit 0" if table in self._of_a_customer else ""
        self._execute(f"create table {table} as from {self._whole}.{table} {limit}")

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
def one_customer(connection: duckdb.DuckDBPyConnection) -> Iterator[OneCustomer]:
    """Set up a warehouse for one customer beside an open one, for as long as the block runs.

    Raises
    ------
    warehouse.WarehouseError
        If the build has not noted by which SQL it made its models.
    """
    steps = model_sql.noted(connection)
    [(database,)] = connection.execute("select current_database()").fetchall()
    # connections of one process share what is attached
    name = f"one_customer_{uuid.uuid4().hex}"
    with connection.cursor() as own:
        own.execute(f"attach ':memory:' as {name} (read_write)")
        try:
            own.execute(f"use {name}")
            yield OneCustomer(connection, own, database, steps)
        finally:
            own.execute(f"use {quoted(database)}")
            own.execute(f"detach {name}")


def _query(sql: str) -> str:
    # a comment may end it
    return f"(\n{sql}\n)"
