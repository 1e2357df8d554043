"""Does a forecast know how good it is? A shop played night by night: `make bench-scorecard`.

python -m benchmarks.scorecard [--seed 1 --seed 2] [--customers 1500]

Each night the rows that have become known are loaded, the mart is built and all customers scored;
now and then the model is fitted anew. When all windows have ended, `marts.forecast_scorecard` holds
what came true against what each run had expected of itself.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

import warehouse
from benchmarks.measuring import RESULTS, WORK
from benchmarks.night_files import KNOWN
from core import dbt_runner, tables
from generate.shop.plan import Plan
from generate.synthetic import generate
from proof import building
from serve.score import score
from train.fit import fit
from train.registry import versions

FILE = RESULTS / "scorecard.json"
HORIZON = 30
# what a fit and a score read
READ = f"{building.MART} +feat_labels"


@dataclass(frozen=True)
class Nights:
    """When a shop is scored: so many times, so many days apart, with a fit every so many times."""

    number: int = 48
    apart: int = 9
    fit_every: int = 7

    def days(self, plan: Plan) -> list[date]:
        """Return the as-of dates; the window of the last one ends with the shop."""
        last = plan.start + timedelta(plan.days - HORIZON)
        return [last - timedelta(self.apart * back) for back in reversed(range(self.number))]


def play(plan: Plan, nights: Nights, folder: Path, *, quick: bool = False) -> pd.DataFrame:
    """Play a shop night by night in a warehouse of its own, and judge every run.

    Parameters
    ----------
    folder
        Empty; the warehouse and its models are left there.
    quick
        Fit from fewer rows.

    Returns
    -------
    DataFrame
        `marts.forecast_scorecard`.
    """
    whole = folder / "whole.duckdb"
    with warehouse.in_warehouse(whole):
        generate(plan)
    with warehouse.in_warehouse(folder / "shop.duckdb"):
        for number, day in enumerate(nights.days(plan)):
            load_until(whole, day)
            dbt_runner.build(select=READ, run_only=True)
            if number % nights.fit_every == 0:
                fitted = fit(quick=quick)
                if quick:
                    versions.promote(fitted.version)
            score()
        load_until(whole, plan.start + timedelta(plan.days))
        dbt_runner.build(select=f"{READ} +forecast_scorecard", run_only=True)
        with warehouse.connect(read_only=True) as connection:
            return connection.execute(
                "from marts.forecast_scorecard order by as_of_date, metric"
            ).df()


def load_until(whole: Path, day: date) -> None:
    """Add what has become known of a shop before a day and is not there yet."""
    loaded_at = datetime(day.year, day.month, day.day, 3)
    with warehouse.connect() as connection:
        building.attach(connection, whole, "whole")
        connection.execute("create schema if not exists raw")
        for table, known in KNOWN.items():
            of_shop = f"from whole.raw.{table}"
            connection.execute(f"create table if not exists raw.{table} as {of_shop} where false")
            connection.execute(
                f"""
                insert into raw.{table} by name
                select * replace ($loaded_at::timestamp as _loaded_at) {of_shop}
                where {known} < $day and coalesce(
                    {known} >= (select max(_loaded_at)::date from raw.{table}), true
                )
                """,
                {"loaded_at": loaded_at, "day": day},
            )
        connection.execute("detach whole")
        building.state_reach(connection, day)


def summarised(cards: pd.DataFrame) -> pd.DataFrame:
    """Return a line per metric, and one of all: runs, as_expected (a share), below and above."""
    lines = {}
    for metric, of_metric in [*cards.groupby("metric"), ("all", cards)]:
        lines[metric] = {
            "runs": len(of_metric),
            "as_expected": of_metric["is_as_expected"].mean(),
            "below": (of_metric["realised"] < of_metric["low"]).mean(),
            "above": (of_metric["realised"] > of_metric["high"]).mean(),
        }
    return pd.DataFrame.from_dict(lines, orient="index")


def main(
    seed: Annotated[list[int] | None, typer.Option(help="Seeds of the shops.")] = None,
    customers: Annotated[int, typer.Option(help="Customers of each shop.")] = 1_500,
) -> None:
    """Play the shops, print a table, and keep the runs in benchmarks/results/scorecard.json."""
    cards = []
    for number in seed or [1, 2]:
        folder = WORK / "scorecard" / str(number)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        building.set_up(folder)
        start = time.perf_counter()
        card = play(Plan(customers, number, days=1_250), Nights(), folder)
        typer.echo(f"seed {number}: {time.perf_counter() - start:,.0f} s")
        cards.append(card.assign(seed=number))
    rows = pd.concat(cards)
    _keep(rows)
    table = tables.new_table(
        "Was a run as good as it had expected of itself, with a chance of 80 %?",
        *("metric", "runs", "as expected", "below", "above"),
    )
    for metric, line in summarised(rows).iterrows():
        shares = (f"{line[name]:.1%}" for name in ("as_expected", "below", "above"))
        table.add_row(str(metric), f"{line['runs']:,.0f}", *shares)
    tables.wide_console().print(table)


def _keep(rows: pd.DataFrame) -> None:
    columns = ["seed", "as_of_date", "metric", "realised", "expected", "low", "high"]
    kept = rows[columns].assign(as_of_date=rows["as_of_date"].astype(str)).round(4)
    lines = (json.dumps(row) for row in kept.to_dict("records"))
    FILE.write_text("[\n" + ",\n".join(f"  {line}" for line in lines) + "\n]\n")


if __name__ == "__main__":
    typer.run(main)
