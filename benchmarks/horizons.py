"""Longer horizons beside the best possible forecast, on generated shops: `make bench-horizons`.

python -m benchmarks.horizons [--seed 42 --seed 7]
"""

from __future__ import annotations

import json
import os
import shutil
from datetime import date, timedelta
from typing import Annotated

import numpy as np
import pandas as pd
import typer

import warehouse
from benchmarks.measuring import RESULTS, WORK
from core import dbt_runner, tables
from core.metrics import Forecast, evaluate
from generate.shop import optimum
from generate.shop.plan import Plan
from generate.synthetic import generate
from serve.score import score
from train.fit import fit
from train.horizons import HORIZONS

FILE = RESULTS / "horizons.json"
# what the customers of a forecast spent on its days, as it is known at the end
HAPPENED = """
    with known as (
        select days.* from intermediate.int_customer_days_spaced as days
        inner join intermediate.int_snapshots_scheduled as snapshots
            on days.known_date < snapshots.as_of_date
            and days.known_until >= snapshots.as_of_date
        where snapshots.is_current
    ),

    spent as (
        select customer_id, sum(spend - returned)::double as spend
        from known
        where event_date >= $day::date and event_date < $day::date + $horizon::integer
        group by all
    )

    select forecasts.*, greatest(coalesce(spent.spend, 0), 0) as actual
    from main.predictions_by_horizon as forecasts
    left join spent using (customer_id)
    where forecasts.as_of_date = $day and forecasts.horizon_days = $horizon
"""


def measure(seed: int, customers: int) -> list[dict[str, object]]:
    """Forecast a shop as if a year before its end were today; hold it against that year.

    Returns
    -------
    list of dict
        seed, horizon_days, basis, r2, possible_r2, share, auc_share, sum_ratio (forecast over
        actual), sum_over_truth (over the best forecast's sum), coverage, coverage_nonzero.
    """
    plan = Plan(customers, seed)
    day = plan.start + timedelta(plan.days - HORIZONS[-1])
    generate(plan, may_lose=True)
    dbt_runner.build(dbt_runner.variables(day.isoformat()))
    fit(day)
    score()
    dbt_runner.build()
    return [_beside_truth(plan, day, horizon) for horizon in HORIZONS]


def _beside_truth(plan: Plan, day: date, horizon: int) -> dict[str, object]:
    best = optimum.redraw(plan, [day], horizon).rows.to_pandas()
    with warehouse.connect(read_only=True) as connection:
        frame = connection.execute(HAPPENED, {"day": day, "horizon": horizon}).df()
    both = frame.merge(best, on="customer_id", suffixes=("", "_best"))
    actual = both["actual"].to_numpy()
    inside = (actual >= both["spend_low"]) & (actual <= both["spend_high"])
    ours, possible = (
        evaluate(actual, Forecast(np.maximum(both[spend].to_numpy(), 0.0), both[chance].to_numpy()))
        for spend, chance in (
            ("predicted_spend", "purchase_probability"),
            ("expected_30d_spend", "purchase_probability_best"),
        )
    )
    return {
        "seed": plan.seed,
        "horizon_days": horizon,
        "basis": both["basis"].iloc[0],
        "r2": ours["r2"],
        "possible_r2": possible["r2"],
        "share": ours["r2"] / possible["r2"],
        "auc_share": (ours["auc"] - 0.5) / (possible["auc"] - 0.5),
        "sum_ratio": ours["sum_ratio"],
        "sum_over_truth": both["predicted_spend"].sum() / both["expected_30d_spend"].sum(),
        "coverage": float(inside.mean()),
        "coverage_nonzero": float(inside[both["spend_high"] > 0].mean()),
    }


def main(
    seed: Annotated[list[int] | None, typer.Option(help="Seeds of the shops.")] = None,
    customers: Annotated[int, typer.Option(help="Customers of each shop.")] = 20_000,
) -> None:
    """Measure, print a table, and keep the rows in benchmarks/results/horizons.json."""
    folder = WORK / "horizons"
    rows = []
    for number in seed or [42, 7, 11]:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        os.environ["WAREHOUSE_PATH"] = str(folder / "shop.duckdb")
        rows += measure(number, customers)
        typer.echo(f"seed {number}: done")
    shutil.rmtree(folder)
    FILE.write_text("[\n" + ",\n".join(f"  {json.dumps(row)}" for row in rows) + "\n]\n")
    frame = pd.DataFrame(rows)
    table = tables.new_table("Horizons beside the best possible forecast", *frame.columns)
    for line in frame.itertuples(index=False):
        table.add_row(*(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in line))
    tables.wide_console().print(table)


if __name__ == "__main__":
    typer.run(main)
