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
# before the ids of those who are the same but for what is added: they sort among themselves as ever
TWIN = chr(1)


@dataclass(frozen=True)
class Line:
    """An order, or a return, of one line; known on the day it happened, as most are."""

    amount: Decimal  # negative for a return
    items: int
    day: date
    category: str
    store: str
    promotion: str = NO_PROMOTION


@dataclass(frozen=True)
class Found:
    """The mart's row of a customer as it is and as it would be.

    Attributes
    ----------
    before, after
        A value per feature, in the contract's order; None if the customer is not known on the day.
    counted
        What each of the added lines counts for, in their order: a line may be capped.
    """

    before: dict[str, Any] | None
    after: dict[str, Any] | None
    counted: list[Decimal]


class OneCustomer:
    """The features of one customer after another, as they are or would be; see `one_customer`.

    The customer is there twice, with the added lines and without, so that the SQL runs once. DuckDB
    keeps no plans: to plan it is nine tenths of the work.

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
        self._whole = quoted(database)
        for table in (*model_sql.GIVEN, *steps.copied, *steps.computed):
            self._execute(f"create schema if not exists {table.split('.')[0]}")
        # in the order in which they are filled: lines are found by the headers
        self._of_a_customer: dict[str, list[str]] = {HEADERS: [], LINES: []}
        for table in steps.copied:
            self._copy(table)
        self._execute(f"create table {SPINE} (customer_id varchar, as_of_date date)")
        # what a build computed anew, all there is here
        touched, orders = model_sql.CUSTOMERS_TOUCHED, model_sql.ORDERS_TOUCHED
        self._execute(f"create table {touched} (customer_id varchar)")
        self._execute(f"create view {orders} as select distinct transaction_id from {HEADERS}")
        self._execute(
            f"""create table {model_sql.MONTHS} as
            select unnest(range(min(known_month), now, interval 1 month)) as event_month
            from {model_sql.LINE_SIZES}, (
                select max(as_of_date) as now
                from {self._whole}.intermediate.int_snapshots_scheduled
            )
            group by now"""
        )
        self._execute(f"create table {model_sql.CAPS} as from {_query(steps.caps)}")
        for table, sql in steps.computed.items():
            self._execute(f"create table {table} as from {_query(sql)} limit 0")

    def features(self, customer_id: str, day: date, lines: Sequence[Line] = ()) -> Found:
        """Return the mart's row of a customer on a date, without these lines and with them.

        The features of the date, the shop's level among them, are those that the warehouse has.
        """
        self._execute("begin transaction")
        try:
            return self._features(customer_id, day, lines)
        finally:
            # the tables are as empty for the next one as they were for this one
            self._execute("rollback")

    def _features(self, customer_id: str, day: date, lines: Sequence[Line]) -> Found:
        for table in self._of_a_customer:
            self._fill(table, customer_id)
        self._add(TWIN + customer_id, lines)
        for each in (customer_id, TWIN + customer_id):
            self._execute(f"insert into {model_sql.CUSTOMERS_TOUCHED} values (?)", each)
            self._execute(f"insert into {SPINE} values (?, ?)", each, day)
        for table, sql in self._steps.computed.items():
            self._execute(f"insert into {table} {_query(sql)}")
        names = repository.contract().features
        rows = self._execute(
            f"""select customer_id, {", ".join(names)}
            from {_query(self._steps.features)} as features
            inner join {self._whole}.features.feat_dates as dates using (as_of_date)"""
        ).fetchall()
        found = {row[0]: dict(zip(names, row[1:], strict=True)) for row in rows}
        counted = self._execute(
            f"""select spend - returned from {ORDERS} where starts_with(transaction_id, ?)
            order by transaction_id""",
            TWIN + NAME,
        ).fetchall()
        return Found(
            found.get(customer_id),
            found.get(TWIN + customer_id),
            [amount for (amount,) in counted],
        )

    def _copy(self, table: str) -> None:
        names = [row[0] for row in self._execute(f"describe {self._whole}.{table}").fetchall()]
        if "customer_id" in names:
            self._of_a_customer[table] = names
        limit = "limit 0" if table in self._of_a_customer else ""
        self._execute(f"create table {table} as from {self._whole}.{table} {limit}")

    def _fill(self, table: str, customer_id: str) -> None:
        """Copy the rows of a customer, and once more under other ids."""
        condition = {
            # a line has the customer of its header's first version. To look for its transaction
            # alone, all lines of the shop were read: at 6 million .25 s
            LINES: f"""customer_id in (select customer_id from {HEADERS})
                and transaction_id in (select transaction_id from {HEADERS})""",
        }.get(table, "customer_id = $customer")
        own = f"from {self._whole}.{table} where {condition}"
        if table == HEADERS:
            # a restated transaction may have been another customer's for a while
            own = f"""{own} union all from {self._whole}.{HEADERS}
            where versions > 1 and customer_id is distinct from $customer and transaction_id in (
                select transaction_id from {self._whole}.{HEADERS} where customer_id = $customer
            )"""
        renamed = ["if(customer_id = $customer, $twin || customer_id, customer_id) as customer_id"]
        for name in ("transaction_id", "line_item_id"):
            if name in self._of_a_customer[table]:
                renamed.append(f"$twin || {name} as {name}")
        self._connection.execute(
            f"""insert into {table}
            with own as materialized ({own})
            from own
            union all
            select * replace ({", ".join(renamed)}) from own""",
            {"customer": customer_id, "twin": TWIN},
        )

    def _add(self, customer_id: str, lines: Sequence[Line]) -> None:
        """Add lines: headers and lines that passed all rules."""
        for place, line in enumerate(lines):
            name = f"{TWIN}{NAME} {place:04d}"
            checked = {
                "transaction_id": name,
                "customer_id": customer_id,
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
