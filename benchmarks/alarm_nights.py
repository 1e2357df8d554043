"""What `marts.alarms` says in the morning: a year of nights, and nights on which something happens.

python -m benchmarks.alarm_nights [--customers 1500] [--large 20000] [--part year --part day ...]
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import duckdb
import pandas as pd
import typer

import warehouse
from benchmarks.incidents import BY_NAME, Incident, plant
from benchmarks.measuring import RESULTS, WORK
from benchmarks.scorecard import load_until
from core import dbt_runner, tables
from generate.shop.plan import Plan
from generate.synthetic import generate
from proof import building
from serve.explain import explain
from serve.score import score
from train.fit import fit
from train.registry import versions

FILE = RESULTS / "alarm_nights.json"
START, DAYS = date(2022, 1, 1), 1_200
# a year with a Christmas in it, a night each fortnight, a fit every two months
FIRST_NIGHT, APART, NIGHTS, FIT_EVERY = START + timedelta(700), 15, 25, 4
FEED = "+int_feed_alarms_raised"
# incidents of one day, each as the last night's load
OF_A_DAY = (
    *("half of the orders", "lines broken off at noon", "half of the week missing"),
    *("the day again under new ids", "cents for euros", "amounts with their signs flipped"),
    *("amounts of zero", "no amounts", "another currency", "customers moved by one"),
    *(
        "products mixed up",
        "products moved by one",
        "the three largest stores left out",
        "two regions swapped",
    ),
    *("a category under a new name", "dates nine hours late", "dates nine hours early"),
    "dates and times of recording nine hours late",
)
Part = StrEnum("Part", ["year", "day", "whole"])


@dataclass(frozen=True)
class Morning:
    """What was planted, what should be named, and which causes the morning's alarms name."""

    incident: str
    expected: frozenset[str]
    causes: tuple[str, ...]

    @property
    def is_found(self) -> bool:
        """Whether anything is said."""
        return bool(self.causes)

    @property
    def is_right(self) -> bool:
        """Whether the cause that is named first is the right one."""
        return self.is_found and self.causes[0] in self.expected


def alarms() -> pd.DataFrame:
    """Return what holds now, the most important first."""
    with warehouse.connect(read_only=True) as connection:
        return connection.execute("from marts.alarms order by place").df()


def load_night(whole: Path, day: date) -> None:
    """Load what has become known before a day, and enter it in the ledger as a night does."""
    load_until(whole, day)
    with warehouse.connect() as connection:
        connection.execute(
            """
            insert into raw.loads (load_id, mode, known_on, loaded_at)
            -- the first load brings the past, known when it happened
            select
                count(*),
                if(count(*) = 1, 'replace', 'append'),
                if(count(*) = 1, null, $day),
                $day + interval 3 hour
            from raw.loads
            """,
            {"day": day},
        )


def be_today(connection: duckdb.DuckDBPyConnection, day: date) -> None:
    """Enter a night that ran and loaded nothing."""
    connection.execute(
        "insert into main.runs (run_id, night, started_at, outcome)"
        " values ($day, $day::date, $day::timestamp, 'running')",
        {"day": day.isoformat()},
    )


def night(*, fits: bool = False, explains: bool = True) -> pd.DataFrame:
    """Build, fit where it is due, score, explain; return the alarms."""
    dbt_runner.build(run_only=True)
    if fits:
        versions.promote(fit(quick=True).version)
    score()
    if explains:
        explain()
    dbt_runner.build(select=dbt_runner.WRITTEN_BY_PYTHON, run_only=True)
    return alarms()


def play_year(whole: Path, nights: Iterable[int]) -> pd.DataFrame:
    """Play the nights of a year in which nothing was planted; return each alarm once."""
    raised = []
    for number in nights:
        day = FIRST_NIGHT + timedelta(APART * number)
        load_night(whole, day)
        raised.append(night(fits=number % FIT_EVERY == 0).assign(night=day))
    # the same word about the same thing is one alarm, however many nights it holds
    return pd.concat(raised).drop_duplicates(["cause", "about"])


def copied(shop: Path, to: Path) -> Path:
    """Copy a warehouse and its models; nobody may hold the file."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(shop.parent, to)
    return to / shop.name


def play_days(shop: Path, whole: Path, last_night: date, folder: Path) -> list[Morning]:
    """Plant each incident in the day after the last night, in a copy; return what is said of it."""
    with warehouse.in_warehouse(shop):
        before = alarms()
    mornings = []
    for name in OF_A_DAY:
        incident = BY_NAME[name]
        with warehouse.in_warehouse(copied(shop, folder)):
            plant_night(whole, last_night, incident)
            dbt_runner.build(select=f"{FEED} tag:alarms", run_only=True)
            mornings.append(_morning(name, {incident.cause, incident.also} - {""}, before))
    for days in (2, 60):
        with warehouse.in_warehouse(copied(shop, folder)):
            with warehouse.connect() as connection:
                be_today(connection, last_night + timedelta(days))
            dbt_runner.build(select="tag:alarms", run_only=True)
            mornings.append(_morning(f"no file for {days - 1} days", {"stale"}, before))
    return mornings


def plant_night(whole: Path, day: date, incident: Incident) -> None:
    """Load the day, spoilt, and what follows it if the incident goes on."""
    load_night(whole, day + timedelta(incident.days + (incident.days > 1)))
    with warehouse.connect() as connection:
        plant(connection, [incident], day, 1)


def _said(frame: pd.DataFrame) -> list[tuple[object, ...]]:
    return list(frame[["cause", "about", "since"]].itertuples(index=False, name=None))


def _morning(name: str, expected: Iterable[str], before: pd.DataFrame) -> Morning:
    """Return what is said now and was not before."""
    known = set(_said(before))
    causes = tuple(str(said[0]) for said in _said(alarms()) if said not in known)
    return Morning(name, frozenset(expected), causes)


def _all_lines(change: str, header: str) -> str:
    return (
        f"update raw.store_sales_line_items set line_item_amount = {change};"
        f"update raw.store_sales_header set total_amount = {header}"
    )


# the whole feed says something else than the night before, and nothing in it contradicts the rest
OF_THE_WHOLE = {
    "all amounts x100": _all_lines("line_item_amount * 100", "total_amount * 100"),
    "all signs flipped": _all_lines("-line_item_amount", "-total_amount"),
    "all amounts zero": _all_lines("0", "0"),
    "all amounts x0.85": _all_lines("line_item_amount * 0.85", "total_amount * 0.85"),
    "all rows doubled under new ids": """
        insert into raw.store_sales_header by name
        select * replace ('X' || transaction_id as transaction_id) from raw.store_sales_header;
        insert into raw.store_sales_line_items by name
        select * replace (
            'X' || transaction_id as transaction_id, 'X' || line_item_id as line_item_id
        ) from raw.store_sales_line_items
    """,
    "all customers moved by one": """
        create temp table moved as
        select customer_id as was, lead(customer_id, 1, 'C0') over (order by customer_id) as becomes
        from (select distinct customer_id from raw.customer_details);
        update raw.store_sales_header set customer_id = becomes from moved where customer_id = was
    """,
}


def play_whole(shop: Path, whole: Path, last_night: date, folder: Path) -> list[Morning]:
    """Change the whole feed on the next night, in a copy; return what is said of it."""
    with warehouse.in_warehouse(shop):
        before = alarms()
    mornings = []
    for name, sql in OF_THE_WHOLE.items():
        with warehouse.in_warehouse(copied(shop, folder)):
            load_night(whole, last_night + timedelta(1))
            with warehouse.connect() as connection:
                for statement in sql.split(";"):
                    connection.execute(statement)
            mornings.append(_next_night(name, before))
    return mornings


def _next_night(name: str, before: pd.DataFrame) -> Morning:
    try:
        dbt_runner.build(full_refresh=True)
        score()
    except warehouse.ShopError as error:
        return Morning(name, frozenset({"refused"}), ("refused", str(error)[:60]))
    dbt_runner.build(select=dbt_runner.WRITTEN_BY_PYTHON, run_only=True)
    return _morning(name, {"forecast_jumped"}, before)


def play_slow(shop: Path, whole: Path, last_night: date, folder: Path) -> list[Morning]:
    """Let demand fall for six weeks, and a model grow old, in copies; return what is said of it."""
    with warehouse.in_warehouse(shop):
        before = alarms()
    mornings = []
    with warehouse.in_warehouse(copied(shop, folder)):
        for number in (1, 2, 3):
            load_night(whole, last_night + timedelta(APART * number))
            with warehouse.connect() as connection:
                for table in ("header", "line_items"):
                    connection.execute(
                        f"delete from raw.store_sales_{table} where hash(transaction_id) % 100 < ?"
                        f" and _loaded_at = (select max(loaded_at) from raw.loads)",
                        [20 * number],
                    )
            night()
            name = f"demand {20 * number} % lower, {number * APART} days after it began to fall"
            mornings.append(_morning(name, {"demand_fell"}, before))
    with warehouse.in_warehouse(copied(shop, folder)):
        load_night(whole, last_night + timedelta(95))
        night(explains=False)
        mornings.append(_morning("no fit for 95 days and more", {"model_stale"}, before))
    return mornings


def show(mornings: list[Morning], year: pd.DataFrame | None) -> None:
    """Print what was said of each incident, and what of the year without."""
    console = tables.wide_console()
    table = tables.new_table("In the morning", "incident", "should be", "named", "found", "first")
    for morning in mornings:
        table.add_row(
            morning.incident,
            ", ".join(sorted(morning.expected)),
            ", ".join(morning.causes),
            "yes" if morning.is_found else "NO",
            "yes" if morning.is_right else "NO",
        )
    console.print(table)
    if year is not None:
        console.print(f"A year with nothing planted: {len(year)} alarms")
        for alarm in year.itertuples():
            console.print(f"  {alarm.night} {alarm.severity} {alarm.cause}: {alarm.message}")


def main(
    part: Annotated[list[Part] | None, typer.Option(help="What to play; default: all.")] = None,
    customers: Annotated[int, typer.Option(help="Of the shop that is scored.")] = 1_500,
    large: Annotated[int, typer.Option(help="Of the shop whose days are spoilt.")] = 20_000,
    nights: Annotated[int, typer.Option(help="Of the year; two a month.")] = NIGHTS,
) -> None:
    """Play a year, spoilt days and spoilt feeds; keep what was said."""
    parts = part or list(Part)
    folder = WORK / "alarm_nights"
    shutil.rmtree(folder, ignore_errors=True)
    building.set_up(folder)
    mornings: list[Morning] = []
    year = None
    start = time.perf_counter()
    if Part.day in parts:
        whole, shop = _shop(folder / "large", Plan(large, 2, START, DAYS, faults=False))
        last_night = FIRST_NIGHT
        with warehouse.in_warehouse(shop):
            load_night(whole, last_night)
            dbt_runner.build(select="+alarms", run_only=True)
        mornings += play_days(shop, whole, last_night, folder / "copy")
        typer.echo(f"days: {time.perf_counter() - start:,.0f} s")
    if Part.year in parts or Part.whole in parts:
        whole, shop = _shop(folder / "small", Plan(customers, 3, START, DAYS))
        with warehouse.in_warehouse(shop):
            year = play_year(whole, range(nights if Part.year in parts else 1))
        typer.echo(f"year: {time.perf_counter() - start:,.0f} s")
        last_night = FIRST_NIGHT + timedelta(APART * ((nights if Part.year in parts else 1) - 1))
        if Part.whole in parts:
            mornings += play_whole(shop, whole, last_night, folder / "copy")
            mornings += play_slow(shop, whole, last_night, folder / "copy")
            typer.echo(f"feeds: {time.perf_counter() - start:,.0f} s")
    show(mornings, year)
    FILE.write_text(
        json.dumps(
            {
                "incidents": [
                    {
                        "incident": morning.incident,
                        "expected": sorted(morning.expected),
                        "named": list(morning.causes),
                    }
                    for morning in mornings
                ],
                "year": None
                if year is None
                else year[["cause", "about", "message"]].to_dict("records"),
            },
            indent=1,
        )
        + "\n"
    )


def _shop(folder: Path, plan: Plan) -> tuple[Path, Path]:
    """Return the file of a whole generated shop, and that of a warehouse to be filled from it."""
    (folder / "shop").mkdir(parents=True)
    with warehouse.in_warehouse(folder / "whole.duckdb"):
        generate(plan)
    return folder / "whole.duckdb", folder / "shop" / "shop.duckdb"


if __name__ == "__main__":
    typer.run(main)
