"""Is what audience_results says of campaigns true? `make bench-campaigns`.

Campaigns with known effects are played on what the customers of a generated shop spent in 30 days:
persuadable ones buy only if contacted, sleeping dogs only if not, sure and lost ones do as they
would have done; in a placebo all do. Their spend goes through the models of the warehouse itself.
"""

from __future__ import annotations

import json
import os
import shutil
from datetime import timedelta
from typing import Annotated

import numpy as np
import pandas as pd
import typer

import warehouse
from benchmarks.measuring import RESULTS, WORK
from core import dbt_runner, tables
from generate.shop.plan import Plan
from generate.synthetic import generate
from serve.audience import save
from serve.campaign import Campaign, Uplift
from serve.choosing import choose
from serve.score import score
from train.fit import fit
from train.registry import versions

FILE = RESULTS / "campaigns.json"
SIZES, HELD_OUT = (300, 1_000, 3_000), (0.1, 0.2, 0.5)
# of a kind of campaign in each shop
CAMPAIGNS = 2_000
EVERYBODY = "everybody"
GRID = {"grid_days": 30}


def shop(seed: int, customers: int) -> pd.DataFrame:
    """Forecast a generated shop 30 days before its end, and let the days pass.

    Returns
    -------
    DataFrame
        The rows of int_audience_members_spent, of an audience of everybody.
    """
    plan = Plan(customers, seed)
    day = plan.start + timedelta(plan.days - warehouse.HORIZON_DAYS)
    then = dbt_runner.variables(day.isoformat(), **GRID)
    generate(plan, may_lose=True)
    dbt_runner.build(then)
    versions.promote(fit(quick=True).version)
    score()
    dbt_runner.build(then, select=dbt_runner.WRITTEN_BY_PYTHON)
    save(choose(Campaign(EVERYBODY, customers, 0, 1, uplift=Uplift(0.1, 0))))
    dbt_runner.build(dbt_runner.variables(None, **GRID))
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(
            "from intermediate.int_audience_members_spent order by customer_id"
        ).df()


def campaigns(members: pd.DataFrame, random: np.random.Generator, *, placebo: bool) -> pd.DataFrame:
    """Play campaigns of random size and effect on customers whose spend without them is known.

    Returns
    -------
    DataFrame
        Rows as of int_audience_members_spent, with true_lift: what contacts bring per customer of
        the audience.
    """
    played = []
    spends = members.loc[members["spend"] > 0, "spend"].to_numpy()
    for number in range(CAMPAIGNS):
        size = min(int(random.choice(SIZES)), len(members) // 2)
        pool = members.iloc[random.permutation(len(members))[: 2 * size]]
        # the half with the highest forecasts, or any half
        targeted = number % 2 == 0
        pool = pool.nlargest(size, "predicted_30d_spend") if targeted else pool.iloc[:size]
        without = pool["spend"].to_numpy()
        with_contact = without
        if not placebo:
            kind = random.choice(
                ["persuadable", "sleeping dog", "as ever"], size, p=random.dirichlet([2, 1, 5])
            )
            bought = np.where(without > 0, without, random.choice(spends, size))
            with_contact = np.select(
                [kind == "persuadable", kind == "sleeping dog"], [bought, 0 * without], without
            )
        held_out = random.choice(HELD_OUT)
        treated = random.permutation(size) >= round(held_out * size)
        played.append(
            pool.assign(
                audience=f"{number}",
                is_treated=treated,
                spend=np.where(treated, with_contact, without),
                true_lift=float(np.mean(with_contact - without)),
                size=size,
                hold_out=held_out,
            )
        )
    return pd.concat(played, ignore_index=True)


def judged(played: pd.DataFrame) -> pd.DataFrame:
    """Return what marts.audience_results says of campaigns, beside true_lift."""
    with warehouse.connect() as connection:
        connection.register("played", played)
        connection.execute(
            "delete from intermediate.int_audience_members_spent;"
            "insert into intermediate.int_audience_members_spent by name"
            " select * exclude (true_lift, size, hold_out) from played"
        )
        return connection.execute(
            """
            select results.*, truth.true_lift, truth.size, truth.hold_out
            from marts.audience_results as results
            inner join (
                select distinct audience, true_lift, size, hold_out from played
            ) as truth using (audience)
            """
        ).df()


def summarised(results: pd.DataFrame) -> dict[str, object]:
    """Return how often intervals hold the truth, and what verdicts say."""
    truth = results["true_lift"]
    said = results["verdict"].value_counts(normalize=True)
    return {
        "campaigns": len(results),
        "coverage_80": float(truth.between(results["lift_low"], results["lift_high"]).mean()),
        "coverage_95": float(truth.between(results["lift_low_95"], results["lift_high_95"]).mean()),
        "no_effect": float(said.get("no effect", 0)),
        "spent_more": float(said.get("spent more", 0)),
        "spent_less": float(said.get("spent less", 0)),
        "bias": float((results["lift"] - truth).mean() / results["lift_error"].mean()),
    }


def main(
    seed: Annotated[list[int] | None, typer.Option(help="Seeds of the shops.")] = None,
    customers: Annotated[int, typer.Option(help="Customers of each shop.")] = 8_000,
) -> None:
    """Measure, print a table, and keep the rows in benchmarks/results/campaigns.json."""
    folder = WORK / "campaigns"
    rows = []
    for number in seed or [42, 7, 11]:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        os.environ["WAREHOUSE_PATH"] = str(folder / "shop.duckdb")
        members = shop(number, customers)
        random = np.random.default_rng(number)
        for kind in ("effects", "placebo"):
            results = judged(campaigns(members, random, placebo=kind == "placebo"))
            rows.append({"seed": number, "kind": kind, **summarised(results)})
            typer.echo(json.dumps(rows[-1]))
    shutil.rmtree(folder)
    FILE.write_text("[\n" + ",\n".join(f"  {json.dumps(row)}" for row in rows) + "\n]\n")
    table = tables.new_table("Campaigns whose effects are known", *rows[0])
    for row in rows:
        table.add_row(
            *(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row.values())
        )
    tables.wide_console().print(table)


if __name__ == "__main__":
    typer.run(main)
