"""How load alarms fare: what they find of planted incidents, the cause they name, false alarms.

python -m benchmarks.alarms [--data FILE]
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import duckdb
import pandas as pd
import typer
from rich.console import Console

import warehouse
from benchmarks.incidents import INCIDENTS, STALE, Incident, plant, plant_quiet_loads
from benchmarks.measuring import RESULTS
from core import dbt_runner, tables
from generate.shop.plan import Plan
from generate.synthetic import generate
from load.loader import load

START, DAYS = date(2023, 1, 1), 1095
# the first year is the past that the incidents are held against
FIRST, APART = START + timedelta(400), 31
MODELS = "+load_alarms"
# what needs this many orders a day to be told from chance is left out of smaller shops
FEW_ORDERS = (
    "half of the orders",
    "a third of the orders",
    "half of the lines of each order",
    "the three largest stores left out",
    "half of the stores left out",
    "customers moved by one",
    "products mixed up",
)
# regions are no part of the rows of a day: marts.alarms names them; of dates nine hours early only
# one in thirteen is of another day; products whose ids are neighbours cost alike in generated shops
UNSEEN = ("two regions swapped", "dates nine hours early", "products moved by one")
SIZES = ((20_000, 1), (20_000, 2), (5_000, 3))


@dataclass(frozen=True)
class Shop:
    """A shop in which nothing was planted, and the alarms that it raised all the same."""

    name: str
    years: float
    alarms: pd.DataFrame


def alarms() -> pd.DataFrame:
    """Build what the alarms need, and return them."""
    dbt_runner.build(select=MODELS, run_only=True)
    with warehouse.connect(read_only=True) as connection:
        return connection.execute("from marts.load_alarms order by day, cause").df()


def known_days(connection: duckdb.DuckDBPyConnection) -> set[date]:
    """Return the days that the generator spoilt: an alarm of theirs is no false one."""
    rows = connection.execute(
        "select distinct cast(headers.transaction_date as date) from truth.faults"
        " inner join raw.store_sales_header as headers on row_key = transaction_id"
        " where fault in ('day_half_loaded', 'file_doubled')"
    ).fetchall()
    return {day for (day,) in rows if day}


def measure_clean(name: str, plan: Plan, *, strong_christmas: bool = False) -> Shop:
    """Return the alarms of a shop as it is generated, but for the days that are spoilt there."""
    generate(plan)
    with warehouse.connect() as connection:
        if strong_christmas:
            thin_out(connection)
        spoilt = known_days(connection)
    raised = alarms()
    return Shop(name, plan.days / 365, raised[~raised["day"].dt.date.isin(spoilt)])


def thin_out(connection: duckdb.DuckDBPyConnection) -> None:
    """Leave half of the orders outside of Advent away: Christmas becomes twice as strong."""
    connection.execute(
        """
        create temp table thinned as
        select transaction_id from raw.store_sales_header
        where hash(transaction_id) % 2 = 0
            and strftime(transaction_date, '%m-%d') not between '11-15' and '12-24';
        delete from raw.store_sales_header
        where transaction_id in (select transaction_id from thinned);
        delete from raw.store_sales_line_items
        where transaction_id in (select transaction_id from thinned)
        """
    )


def measure_incidents(
    plan: Plan, incidents: Iterable[Incident]
) -> tuple[list[dict[str, object]], pd.DataFrame]:
    """Plant incidents in the warehouse's shop; return how each fared, and all other alarms."""
    with warehouse.connect() as connection:
        spoilt = known_days(connection)
        planted = plant(connection, incidents, FIRST, APART, spoilt)
        last_load = max(planted) + 1
        planted[last_load] = (STALE, plant_quiet_loads(connection, last_load, 5))
    raised = alarms()
    raised["day"] = raised["day"].dt.date
    rows = []
    for number, (incident, day) in planted.items():
        # a category counts from the day on which the load became known
        near = abs(raised["day"] - day) <= timedelta(incident.days)
        mine = raised[near & ((raised["load_id"] == number) | (incident.days > 1))]
        rows.append(
            {
                "incident": incident.name,
                "customers": plan.customers,
                "seed": plan.seed,
                "cause": incident.cause,
                "found": len(mine) > 0,
                "causes_found": sorted(set(mine["cause"])),
                "right": set(mine["cause"]) in ({incident.cause}, {incident.also}),
                "stops": bool((mine["severity"] == "error").any()),
            }
        )
        raised = raised.drop(mine.index)
    return rows, raised[~raised["day"].isin(spoilt)]


def show(console: Console, rows: list[dict[str, object]], shops: list[Shop]) -> dict[str, object]:
    """Print both tables; return the figures in short."""
    table = tables.new_table(
        "Incidents", "incident", "customers", "cause", "found", "causes found", "right", "stops"
    )
    for row in rows:
        yes = ("yes" if row[name] else "NO" for name in ("found", "right"))
        detected, right = yes
        table.add_row(
            str(row["incident"]),
            f"{row['customers']:,}",
            str(row["cause"]),
            detected,
            ", ".join(row["causes_found"]),
            right,
            "yes" if row["stops"] else "-",
        )
    console.print(table)
    table = tables.new_table("Nothing planted", "shop", "years", "alarms", "a year")
    for shop in shops:
        count = len(shop.alarms)
        table.add_row(shop.name, f"{shop.years:.1f}", str(count), f"{count / shop.years:.2f}")
    console.print(table)
    for shop in shops:
        if len(shop.alarms):
            console.print(shop.name, shop.alarms[["day", "cause", "severity", "message"]])
    return {
        "incidents": len(rows),
        "recall": round(sum(bool(row["found"]) for row in rows) / len(rows), 4),
        "right_cause": round(sum(bool(row["right"]) for row in rows) / len(rows), 4),
        "false_alarms_a_year": {
            shop.name: round(len(shop.alarms) / shop.years, 2) for shop in shops
        },
    }


def main(
    data: Annotated[Path | None, typer.Option(help="A real file that should raise none.")] = None,
) -> None:
    """Plant incidents in generated shops and report how the alarms fare; keeps the figures."""
    console = tables.wide_console()
    rows: list[dict[str, object]] = []
    shops: list[Shop] = []
    with tempfile.TemporaryDirectory() as folder:
        for customers, seed in SIZES:
            plan = Plan(customers, seed, START, DAYS)
            with warehouse.in_warehouse(Path(folder) / f"{customers}-{seed}.duckdb"):
                shops.append(measure_clean(f"{customers:,} customers, seed {seed}", plan))
                large = customers >= 20_000
                chosen = [
                    incident
                    for incident in INCIDENTS
                    if incident.name not in UNSEEN and (large or incident.name not in FEW_ORDERS)
                ]
                half = chosen[seed % 2 :: 2] if large else chosen
                shop_rows, others = measure_incidents(plan, half[: (DAYS - 410) // APART])
                rows += shop_rows
                shops.append(
                    Shop(
                        f"{customers:,} customers, seed {seed}, beside the incidents",
                        DAYS / 365,
                        others,
                    )
                )
        for name, plan, strong in (
            ("700 customers, seed 5", Plan(700, 5, START, DAYS), False),
            ("20,000 customers, seed 4, strong Christmas", Plan(20_000, 4, START, DAYS), True),
            (
                "20,000 customers, seed 6, no faults",
                Plan(20_000, 6, START, DAYS, faults=False),
                False,
            ),
        ):
            file = Path(folder) / f"{name}.duckdb".replace(" ", "-")
            with warehouse.in_warehouse(file):
                shops.append(measure_clean(name, plan, strong_christmas=strong))
        if data:
            with warehouse.in_warehouse(Path(folder) / "real.duckdb"):
                load(data)
                raised = alarms()
                with warehouse.connect(read_only=True) as connection:
                    (days,) = connection.execute(
                        "select count(*) from intermediate.int_load_days_listed"
                    ).fetchone()
                shops.append(Shop(data.name, days / 365, raised))
    figures = show(console, rows, shops)
    RESULTS.mkdir(parents=True, exist_ok=True)
    parts = [f'  "{name}": {json.dumps(value)}' for name, value in figures.items()]
    listed = ",\n".join(f"    {json.dumps(row)}" for row in rows)
    kept = ",\n".join([*parts, f'  "rows": [\n{listed}\n  ]'])
    (RESULTS / "alarms.json").write_text(f"{{\n{kept}\n}}\n")
    console.print(
        f"{figures['incidents']} incidents: recall {figures['recall']:.1%}, "
        f"right cause {figures['right_cause']:.1%}"
    )


if __name__ == "__main__":
    typer.run(main)
