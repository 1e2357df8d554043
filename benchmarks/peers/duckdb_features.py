"""Windowed features from customer days by one DuckDB query, as the feature mart has them.

python -m benchmarks.peers.duckdb_features FOLDER
"""

from __future__ import annotations

import duckdb

from benchmarks.peers import common
from benchmarks.peers.common import Feature, Task


def expression(feature: Feature) -> str:
    """Return the aggregate of a feature over pairs of a spine row and a customer day."""
    if feature.how in ("first", "last"):
        aggregate = "min" if feature.how == "first" else "max"
        return f"{aggregate}(case when orders > 0 then event_date end)"
    bounds = [f"days_before >= {feature.first}"] if feature.first > 1 else []
    bounds += [f"days_before <= {feature.last}"] if feature.last else []
    value = (
        f"case when {' and '.join(bounds)} then {feature.column} end" if bounds else feature.column
    )
    # `case` takes two thirds of the time of `filter` here
    return f"coalesce({feature.how}({value}), 0)"


def query(features: list[Feature], spine: str, days: str) -> str:
    """Return the SQL that computes features of a spine from customer days."""
    columns = ",\n    ".join(f"{expression(feature)} as {feature.name}" for feature in features)
    return f"""
select
    customer_id,
    as_of_date,
    {columns}
from (
    select
        spine.customer_id,
        spine.as_of_date,
        spine.as_of_date - days.event_date as days_before,
        days.* exclude (customer_id)
    from {spine} as spine
    left join {days} as days
        on spine.customer_id = days.customer_id
        and days.event_date < spine.as_of_date
        and days.known_date < spine.as_of_date
        and days.known_until >= spine.as_of_date
)
group by all
"""


def work(task: Task) -> None:
    """Write the features of the task."""
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = false")
        sql = query(
            task.features,
            f"read_parquet('{task.spine}')",
            f"read_parquet('{task.customer_days}')",
        )
        connection.execute(f"copy ({sql}) to '{task.result}' (format parquet)")


if __name__ == "__main__":
    common.run("duckdb", work)
