"""Four classic mistakes beside an honest fit, on a shop whose optimum is known.

python -m benchmarks.leak_demo [--customers N] [--seed S]

The simple process of many tutorials is generated; the same model learns the same target five times.
Only what it is given, and how it is tested, differs. No forecast can be better than the optimum,
so whatever looks better knows the answer.
"""

from __future__ import annotations

import os
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

import warehouse
from core import dbt_runner, tables
from generate.shop.plan import Plan
from generate.synthetic import generate

WORK = warehouse.ROOT / "benchmarks" / "work"
DAYS = 1_300
# snapshots to learn from; one more is the test
SNAPSHOTS = 20

# what the shop knows today, about today: the last purchase and the points of then lie in them
_ATTRIBUTES = """
    coalesce(last_purchase_date::date - mart.as_of_date, -9999)::double as days_to_last_purchase,
    total_loyalty_points::double as total_loyalty_points
"""


def read() -> pd.DataFrame:
    """Read labels, features as of the day and as of the label window's end, and attributes.

    Returns
    -------
    DataFrame
        One row per customer and snapshot: as_of_date, target, the features by name, the same
        with the prefix `later_`, two attributes, and the optimum `expected`.
    """
    features = warehouse.contract().numeric
    now = ", ".join(f"mart.{name}::double as {name}" for name in features)
    later = ", ".join(f"later.{name}::double as later_{name}" for name in features)
    mart = f"features.{warehouse.FEATURE_MART}"
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(
            f"""
            with days as (
                select distinct as_of_date from features.feat_labels
                order by as_of_date desc limit {SNAPSHOTS + 6}
            )
            select
                mart.as_of_date, labels.target_30d_spend::double as target, {now}, {later},
                {_ATTRIBUTES}, truth.expected_30d_spend as expected
            from {mart} as mart
            inner join days using (as_of_date)
            inner join features.feat_labels as labels using (as_of_date, customer_id)
            inner join {mart} as later
                on later.customer_id = mart.customer_id and later.as_of_date = mart.as_of_date + 30
            inner join raw.customer_details as details on details.customer_id = mart.customer_id
            inner join truth.expected_spend as truth
                on truth.as_of_date = mart.as_of_date and truth.customer_id = mart.customer_id
            order by mart.as_of_date, mart.customer_id
            """
        ).df()


def compare(rows: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Fit honestly and with each mistake.

    Returns
    -------
    DataFrame
        By fit: r2 on the rows it is tested on, and optimum, the best possible on the same rows.
    """
    honest = list(warehouse.contract().numeric)
    later = [f"later_{name}" for name in honest]
    attributes = ["days_to_last_purchase", "total_loyalty_points"]
    rows = rows.assign(log_of_target=np.log1p(rows["target"]))
    test_day = rows["as_of_date"].max()
    test = rows[rows["as_of_date"] == test_day]
    # all labels were known on the test day
    train = rows[rows["as_of_date"] + pd.Timedelta(days=30) <= test_day]
    mixed, held_out = train_test_split(rows, test_size=0.25, random_state=seed)

    def score(train: pd.DataFrame, test: pd.DataFrame, columns: list[str]) -> tuple[float, float]:
        model = RandomForestRegressor(
            30, min_samples_leaf=2, max_features=0.3, n_jobs=-1, random_state=seed
        )
        model.fit(train[columns], train["target"])
        r2 = r2_score(test["target"], model.predict(test[columns]))
        return float(r2), float(r2_score(test["target"], test["expected"]))

    return pd.DataFrame.from_dict(
        {
            "honest fit": score(train, test, honest),
            "features taken after the label window": score(train, test, later),
            "a log of the target left among the features": score(
                train, test, [*honest, "log_of_target"]
            ),
            "customer attributes that know the future": score(train, test, [*honest, *attributes]),
            "random split of overlapping windows": score(mixed, held_out, honest),
        },
        orient="index",
        columns=["r2", "optimum"],
    )


def main(
    customers: Annotated[int, typer.Option(min=500, help="Size of the shop.")] = 2_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the shop and the models.")] = 42,
) -> None:
    """Show what each mistake does to R2 beside an honest fit and the exact optimum."""
    console = tables.wide_console()
    WORK.mkdir(parents=True, exist_ok=True)
    os.environ["WAREHOUSE_PATH"] = str(WORK / "leak_demo.duckdb")
    generate(Plan(customers, seed, days=DAYS, preset="classic", faults=False))
    dbt_runner.build(
        {"grid_days": 5}, select=f"+{warehouse.FEATURE_MART} +feat_labels", run_only=True
    )
    result = compare(read(), seed)
    table = tables.new_table(
        "One target, one model, five ways to fit it", "fit", "R2", "possible", ""
    )
    for name, (r2, optimum) in result.iterrows():
        verdict = "impossible" if r2 > optimum + 0.02 else ""
        table.add_row(name, f"{r2:.3f}", f"{optimum:.3f}", verdict)
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
