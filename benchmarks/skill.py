"""The skill figures of the README: forecasts as if past days were today, beside what happened.

python -m benchmarks.skill FILE 2010-08-01 2010-09-01 2010-10-01 2010-11-01
"""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

import warehouse
from core import dbt_runner, tables
from core.metrics import METRICS, Forecast, evaluate
from load.loader import load
from serve.score import score
from train.learn import fit
from train.registry import versions

WORK = warehouse.ROOT / "benchmarks" / "work"

# the simplest forecasts a user could make from the same mart
BASELINES = {
    "last 30 days": "spend_30d - returns_30d",
    "monthly mean": "net_spend_lifetime / max(days_since_first_order) over () * 30",
}


def forecast_at(day: date) -> pd.DataFrame:
    """Do the main job as if a day were today.

    Returns
    -------
    DataFrame
        One row per customer with a purchase before the day: customer_id, the project's
        forecast and probability, one column per baseline, all in money but the probability.
    """
    variables = dbt_runner.variables(day.isoformat())
    dbt_runner.build(variables)
    # what is measured is this day's fit, also where it is worse than that of the day before
    versions.promote(fit().version)
    score()
    columns = ", ".join(f'({sql})::double as "{name}"' for name, sql in BASELINES.items())
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(
            f"""
            select
                as_of_date, customer_id, predicted_30d_spend, purchase_probability, spend_p50,
                {columns}
            from features.{warehouse.FEATURE_MART}
            inner join predictions using (as_of_date, customer_id)
            where as_of_date = ? and orders_lifetime > 0
            """,
            [day],
        ).df()


def order_lines(file: Path) -> None:
    """Write the lines with a customer as they came: customer_id, d, order_id, signed amount."""
    with warehouse.connect(read_only=True) as connection:
        connection.execute(
            f"""
            copy (
                select customer_id, transaction_date::date as d, transaction_id as order_id,
                    line_item_amount as amount
                from raw.store_sales_line_items
                inner join raw.store_sales_header using (transaction_id)
                where customer_id is not null
            ) to '{file}' (format parquet)
            """
        )


def actual_after(lines: Path, day: date, customers: pd.Series) -> np.ndarray:
    """Net spend of the 30 days from a day on, floored at 0, straight from the lines."""
    with warehouse.connect(read_only=True) as connection:
        spent = connection.execute(
            f"""
            select customer_id, greatest(sum(amount), 0)::double as spend
            from read_parquet('{lines}')
            where d >= $day and d < $day::date + 30
            group by all
            """,
            {"day": day},
        ).df()
    return spent.set_index("customer_id").spend.reindex(customers).fillna(0).to_numpy()


def main(
    data: Annotated[Path, typer.Argument(help="The shop's files.")],
    days: Annotated[list[datetime], typer.Argument(formats=["%Y-%m-%d"], help="Days to test.")],
) -> None:
    """Forecast as of each day from what was known before it, and measure against what happened."""
    WORK.mkdir(exist_ok=True)
    os.environ["WAREHOUSE_PATH"] = str(WORK / "skill.duckdb")
    console = tables.wide_console()
    load(data, may_lose=True)
    lines = WORK / "lines.parquet"
    order_lines(lines)
    by_day, forecasts = [], []
    for day in (moment.date() for moment in days):
        forecast = forecast_at(day)
        actual = actual_after(lines, day, forecast["customer_id"])
        numbers = {name: forecast[name].to_numpy(float) for name in BASELINES}
        rows = {
            name: evaluate(actual, Forecast(number, median=number))
            for name, number in numbers.items()
        }
        rows["this project"] = evaluate(
            actual,
            Forecast(
                forecast["predicted_30d_spend"].to_numpy(),
                forecast["purchase_probability"].to_numpy(),
                forecast["spend_p50"].to_numpy(),
            ),
        )
        table = pd.DataFrame.from_dict(rows, orient="index", columns=list(METRICS))
        console.print(tables.metric_table(f"As of {day}", table))
        by_day.append(table)
        forecasts.append(forecast)
    mean = sum(by_day) / len(by_day)
    console.print(tables.metric_table(f"Mean over {len(by_day)} days", mean))
    pd.concat(forecasts).to_parquet(WORK / "predictions.parquet")
    console.print(f"Forecasts and lines lie in {WORK}")


if __name__ == "__main__":
    typer.run(main)
