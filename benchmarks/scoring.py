"""What scoring and explaining many customers takes: time and peak memory.

python -m benchmarks.scoring [--customers 1000000]

The customers of the warehouse's own shop, with its champion, are multiplied in a copy until there
are so many: what a forecast costs does not depend on whose it is.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import Annotated

import typer

import warehouse
from benchmarks.measuring import WORK, measure
from core import tables

PART = "features.feat_customers"
CURRENT = "(select as_of_date from intermediate.int_snapshots_scheduled where is_current)"


def multiply(customers: int) -> int:
    """Repeat the customers of the current as-of date under new ids; return how many there are."""
    with warehouse.connect() as connection:
        connection.execute(f"delete from {PART} where as_of_date <> {CURRENT}")
        [(present,)] = connection.execute(f"select count(*) from {PART}").fetchall()
        times = -(-customers // present)
        connection.execute(
            f"""
            insert into {PART}
            select mart.* replace (mart.customer_id || '-' || numbers.number as customer_id)
            from {PART} as mart
            cross join generate_series(1, {times - 1}) as numbers (number)
            """
        )
        connection.execute(
            f"""
            delete from {PART} where customer_id in (
                select customer_id from {PART} order by customer_id offset {customers}
            )
            """
        )
        return connection.execute(f"select count(*) from {PART}").fetchall()[0][0]


def main(
    customers: Annotated[int, typer.Option(min=1, help="How many customers.")] = 1_000_000,
    explained: Annotated[int, typer.Option(min=1, help="Of how many the reasons.")] = 20_000,
) -> None:
    """Score many customers with the warehouse's champion, and explain some of the forecasts."""
    folder = WORK / "scoring"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    file = folder / "shop.duckdb"
    shutil.copy(warehouse.path(), file)
    shutil.copytree(warehouse.models_dir(), folder / "models")
    environment = {"WAREHOUSE_PATH": str(file)}
    os.environ |= environment
    count = multiply(customers)
    measurements = [
        (f"score {count:,} customers", measure([sys.executable, "serve/score.py"], environment)),
        (
            f"explain {explained:,} of them",
            measure([sys.executable, "serve/explain.py", "--top", str(explained)], environment),
        ),
    ]
    table = tables.new_table("Scoring", "task", "wall s", "CPU s", "peak GB")
    for task, measured in measurements:
        cells = (measured["wall_s"], measured["cpu_s"], measured["peak_mb"] / 1000)
        table.add_row(task, *(f"{value:,.1f}" for value in cells))
    tables.wide_console().print(table)
    shutil.rmtree(folder)


if __name__ == "__main__":
    typer.run(main)
