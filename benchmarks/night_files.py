"""A generated shop as its tills would send it: a first export, and a folder of files each night.

python -m benchmarks.night_files inbox --customers 5000 --nights 50
"""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import duckdb
import typer

import warehouse
from core.sql import literal
from generate.shop.plan import Plan
from generate.synthetic import generate

# when a row of a raw table becomes known; products are all there from the beginning
KNOWN = {
    "customer_details": "customer_since",
    "products": "timestamp '0001-01-01'",
    "store_sales_header": "recorded_at",
    "store_sales_line_items": "recorded_at",
}
# what only the warehouse knows
LEFT_OUT = "exclude (_loaded_at)"


def write(plan: Plan, folder: Path, nights: int) -> list[date]:
    """Write all that is known before the last `nights` days at once, and then each day's rows.

    Parameters
    ----------
    folder
        Made if it is missing; each day has a folder in it with a CSV file per raw table.

    Returns
    -------
    list of date
        The days: that of the first export, then one per night.
    """
    last = plan.start + timedelta(plan.days - 1)
    days = [last - timedelta(back) for back in reversed(range(nights + 1))]
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole.duckdb"
        with warehouse.in_warehouse(whole):
            generate(plan)
        with duckdb.connect(str(whole), read_only=True) as connection:
            for number, day in enumerate(days):
                into = folder / day.isoformat()
                into.mkdir(parents=True)
                for table, known in KNOWN.items():
                    which = "<=" if number == 0 else "="
                    rows = f"from raw.{table} where cast({known} as date) {which} date '{day}'"
                    [(count,)] = connection.execute(f"select count(*) {rows}").fetchall()
                    if count:
                        file = literal(str(into / f"{table}.csv"))
                        connection.execute(f"copy (select * {LEFT_OUT} {rows}) to {file}")
    return days


def main(
    folder: Annotated[Path, typer.Argument(help="The folder to write.")],
    customers: Annotated[int, typer.Option(help="Size of the shop.")] = 2_000,
    nights: Annotated[int, typer.Option(help="How many nights follow the first export.")] = 3,
    days: Annotated[int, typer.Option(help="Length of the shop's history.")] = 900,
    seed: Annotated[int, typer.Option(help="Seed of the shop.")] = 5,
) -> None:
    """Write a generated shop's first export and the files of some nights."""
    written = write(Plan(customers, seed, days=days), folder, nights)
    typer.echo(f"{folder}: {written[0]} and {nights} nights until {written[-1]}")


if __name__ == "__main__":
    typer.run(main)
