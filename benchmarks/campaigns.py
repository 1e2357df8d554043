"""Is what audience_results says of campaigns true? `make bench-campaigns`.

Campaigns with known effects are played on what the customers of a generated shop spent in 30 days:
persuadable ones buy only if contacted, sleeping dogs only if not, sure and lost ones do as they
would have done; in a placebo all do. Their spend goes through the models of the warehouse itself.
"""

from __future__ import annotations

import json
import os
import shutil
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
# a like forecast: so many places above and below
NEAR = 10
GRID = {"grid_days": 30}


def shop(seed: int, customers: int) -> pd.DataFrame:
    """Forecast a generated shop as of a day whose 30 days have passed, and choose everybody.

    Returns
    -------
    DataFrame
        The rows of int_audience_members_spent.
    """
    generate(Plan(customers, seed), may_lose=True)
    dbt_runner.build(GRID, run_only=True)
    with warehouse.connect(read_only=True) as connection:
        [(day,)] = connection.execute("select max(as_of_date) from features.feat_labels").fetchall()
    versions.promote(fit(day, quick=True).version)
    score(day)
    dbt_runner.build(GRID, select=dbt_runner.WRITTEN_BY_PYTHON, run_only=True)
    save(choose(Campaign("everybody", customers, 0, 1, uplift=Uplift(0.1, 0))))
    dbt_runner.build(GRID, select="stg_scoring__audiences+")
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(
            "from intermediate.int_audience_members_spent order by customer_id"
        ).df()


def campaigns(members: pd.DataFrame, random: np.random.Generator, *, placebo: bool) -> pd.DataFrame:
    """Play campaigns of random size and effect on customers whose spend without them is known.

    Returns
    -------
    DataFrame
        Rows as of int_audience_members_spent, with true_lift, what contacts bring per customer of
        such an audience, and lift_here, what they would have brought in this very one.
    """
    buyers = members[members["spend"] > 0].sort_values("predicted_30d_spend")
    played = []
    for number in range(CAMPAIGNS):
        size = min(int(random.choice(SIZES)), len(members) // 2)
        pool = members.iloc[random.permutation(len(members))[: 2 * size]]
        # the half with the highest forecasts, or any half
        targeted = number % 2 == 0
        pool = pool.nlargest(size, "predicted_30d_spend") if targeted else pool.iloc[:size]
        without = pool["spend"].to_numpy()
        effect, expected = np.zeros(size), 0.0
        if not placebo:
            shares = random.dirichlet([2, 1, 5])
            kind = random.choice(["persuadable", "sleeping dog", "sure or lost"], size, p=shares)
            # who is persuaded spends what a buyer with a like forecast has spent
            place = np.searchsorted(buyers["predicted_30d_spend"], pool["predicted_30d_spend"])
            near = np.clip(place[:, None] + np.arange(-NEAR, NEAR), 0, len(buyers) - 1)
            baskets = np.where(without > 0, 0.0, buyers["spend"].to_numpy()[near].T)
            drawn = baskets[random.integers(len(baskets), size=size), np.arange(size)]
            effect = np.select([kind == "persuadable", kind == "sleeping dog"], [drawn, -without])
            expected = float(shares[0] * baskets.mean() - shares[1] * without.mean())
        treated = random.permutation(size) >= round(random.choice(HELD_OUT) * size)
        played.append(
            pool.assign(
                audience=f"{number}",
                is_treated=treated,
                spend=np.where(treated, without + effect, without),
                true_lift=expected,
                lift_here=float(effect.mean()),
            )
        )
    return pd.concat(played, ignore_index=True)


def judged(played: pd.DataFrame) -> pd.DataFrame:
    """Return what marts.audience_results says of campaigns, beside what is true."""
    with warehouse.connect() as connection:
        connection.register("played", played)
        connection.execute(
            "delete from intermediate.int_audience_members_spent;"
            "insert into intermediate.int_audience_members_spent by name"
            " select * exclude (true_lift, lift_here) from played"
        )
        return connection.execute(
            """
            select results.*, truth.true_lift, truth.lift_here
            from marts.audience_results as results
            inner join (select distinct audience, true_lift, lift_here from played) as truth
                using (audience)
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
        "coverage_80_here": float(
            results["lift_here"].between(results["lift_low"], results["lift_high"]).mean()
        ),
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
        cells = (f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row.values())
        table.add_row(*cells)
    tables.wide_console().print(table)


if __name__ == "__main__":
    typer.run(main)
