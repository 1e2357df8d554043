"""Is the forecast of newcomers right, and its interval honest? On the same shops: no fit is needed.

python -m benchmarks.level.newcomers [--kind steady] [--seed 1 --seed 2]
"""

from __future__ import annotations

import json
import shutil
from typing import Annotated

import pandas as pd
import typer

import warehouse
from benchmarks.level.shops import KINDS, draw, load_drawn
from benchmarks.measuring import RESULTS, WORK
from core import dbt_runner, tables

FILE = RESULTS / "newcomers.json"
HALF_A_YEAR = 182
# every date whose window has ended, and how old the shop's data were
PAST = """
    select
        forecast.as_of_date::varchar as as_of_date,
        forecast.as_of_date - (
            select min(known_date) from intermediate.int_newcomers_counted
        ) as days,
        round(forecast.expected_spend) as forecast,
        round(spent.spend) as actual,
        spent.spend between forecast.total_low and forecast.total_high as is_covered
    from intermediate.int_newcomers_forecast as forecast
    inner join intermediate.int_newcomers_spent as spent using (as_of_date)
    order by as_of_date
"""


def measure(name: str, seed: int) -> pd.DataFrame:
    """Draw a shop, build what newcomers need, and return all its past dates.

    Returns
    -------
    DataFrame
        kind, seed, as_of_date, days (since the first one), forecast, actual, is_covered.
    """
    folder = WORK / "newcomers"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with warehouse.in_warehouse(folder / "shop.duckdb"):
        load_drawn(draw(KINDS[name], seed), folder)
        dbt_runner.build(
            select="+int_newcomers_forecast +int_newcomers_spent",
            run_only=True,
        )
        with warehouse.connect(read_only=True) as connection:
            past = connection.execute(PAST).df()
    shutil.rmtree(folder)
    past.insert(0, "kind", name)
    past.insert(1, "seed", seed)
    return past


def summarised(past: pd.DataFrame) -> pd.DataFrame:
    """Return a line per kind of shop, and one of all: dates, sum_ratio, coverage, and later ones.

    Those of the first half year, when old customers look new, are left out of later_*.
    """
    named = [*past.groupby("kind", sort=False), ("all", past)]
    lines = {}
    for kind, of_kind in named:
        lines[kind] = {"dates": len(of_kind)}
        for prefix, rows in (("", of_kind), ("later_", of_kind[of_kind["days"] > HALF_A_YEAR])):
            lines[kind][f"{prefix}sum_ratio"] = rows["forecast"].sum() / max(
                rows["actual"].sum(), 1
            )
            lines[kind][f"{prefix}coverage"] = rows["is_covered"].mean()
    return pd.DataFrame.from_dict(lines, orient="index")


def main(
    kind: Annotated[
        list[str] | None, typer.Option(help=f"One of: {', '.join(KINDS)}; all by default.")
    ] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Seeds of the shops.")] = None,
) -> None:
    """Measure, print the table, and keep it in benchmarks/results/newcomers.json."""
    parts = []
    for name in kind or KINDS:
        parts += [measure(name, number) for number in seed or [1, 2, 3]]
        typer.echo(f"{name}: done")
    summary = summarised(pd.concat(parts))
    if not kind:
        rows = summary.reset_index(names="kind").to_dict("records")
        FILE.write_text("[\n" + ",\n".join(f"  {json.dumps(row)}" for row in rows) + "\n]\n")
    table = tables.new_table(
        "What newcomers spend in 30 days, at all past dates, and half a year after the first",
        *("kind of shop", "dates", "sum ratio", "covered", "later: sum ratio", "covered"),
    )
    for name, line in summary.iterrows():
        table.add_row(
            str(name),
            f"{line['dates']:,.0f}",
            f"{line['sum_ratio']:.2f}",
            f"{line['coverage']:.0%}",
            f"{line['later_sum_ratio']:.2f}",
            f"{line['later_coverage']:.0%}",
        )
    tables.wide_console().print(table)


if __name__ == "__main__":
    typer.run(main)
