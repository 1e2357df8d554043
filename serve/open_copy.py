"""A serving copy that is open while it is served, with what is the same for all requests."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb

import warehouse
from serve import repository
from serve.one_customer import OneCustomer, one_customer
from serve.ranges import Ranges


class OpenCopy:
    """A copy that nobody writes any more.

    Parameters
    ----------
    file
        The copy.

    Attributes
    ----------
    date
        The current as-of date.

    Raises
    ------
    warehouse.WarehouseError
        If it cannot be opened, is of another horizon than forecasts are, or has no as-of date.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        with warehouse.pinned(file):
            self._connection = warehouse.connect(read_only=True)
        # a query reads little: threads inside one only take the cores from another
        self._connection.execute("set threads = 1")
        warehouse.horizon(self._connection)
        with repository.built_or_error():
            self.date = repository.current_date(self._connection)
        # what was answered, by customer: most are asked for again and again
        self.answers: dict[str, bytes] = {}
        self._idle: list[duckdb.DuckDBPyConnection] = []
        # making one takes ten times as long as asking it
        self._one_customer: OneCustomer | None = None
        self._alone = threading.Lock()
        self._closed = ExitStack()

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Lend a connection that nobody else uses in the block.

        Raises
        ------
        warehouse.WarehouseError
            If the block misses a table: the warehouse was not built whole.
        """
        try:
            cursor = self._idle.pop()
        except IndexError:
            cursor = self._connection.cursor()
        with repository.built_or_error():
            yield cursor
        self._idle.append(cursor)

    def is_whole(self) -> bool:
        """Return whether the lists that people read are made of the newest forecasts.

        Who scores or promotes by hand writes the forecasts first, and builds the marts on them
        afterwards: a copy made between would say two things of a customer.
        """
        with self.cursor() as cursor:
            [(is_whole,)] = cursor.execute(
                """
                with listed as (select max(scored_at) as scored_at from marts.customer_predictions)
                select listed.scored_at is not distinct from (
                    select arg_max(scored_at, as_of_date) from main.scoring_runs
                    where as_of_date <= $date
                )
                from listed
                """,
                {"date": self.date},
            ).fetchall()
            return bool(is_whole)

    def ranges_of(self, model_version: str) -> Ranges:
        """Read what a model learned from: takes the whole mart, so it is for once."""
        with self.cursor() as cursor:
            found = Ranges.of(cursor, model_version)
            # what was read stays in memory, half of a small shop's mart, and nobody asks for it
            cursor.execute("set memory_limit = '32MB'")
            cursor.execute("reset memory_limit")
            return found

    @contextmanager
    def one_customer(self) -> Iterator[OneCustomer]:
        """Lend the warehouse of one customer; who comes meanwhile waits."""
        with self._alone:
            if self._one_customer is None:
                made = one_customer(self._connection.cursor())
                self._one_customer = self._closed.enter_context(made)
            yield self._one_customer
