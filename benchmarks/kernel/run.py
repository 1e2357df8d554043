"""Run the kernel's statements: python benchmarks/kernel/run.py STATEMENTS SHOP OUT.

SHOP is a warehouse with raw tables, opened read-only; OUT the database to write.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb

PAIRS = """
    create or replace temp table pairs as
    select known.customer_id, batches.as_of_date
    from batches
    inner join intermediate.int_customers_known as known
        on known.known_from_date < batches.as_of_date
    where batches.batch = ?
"""


def build(statements: list[str], shop: Path, out: Path) -> Iterator[str]:
    """Build the table `features`; yield each statement when it is through."""
    *steps, empty, insert = statements
    with duckdb.connect(str(out)) as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute(f"attach '{shop}' as shop (read_only)")
        for step in steps:
            connection.execute(step)
            yield step
        batches = connection.execute("select distinct batch from batches order by 1").fetchall()
        for number, batch in enumerate(batches):
            connection.execute(PAIRS, batch)
            if number == 0:
                connection.execute(empty)
            connection.execute(insert)
            yield insert


def main(statements: Path, shop: Path, out: Path) -> None:
    """Build the table `features` by the statements in a file."""
    for _ in build(json.loads(statements.read_text()), shop, out):
        pass


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
