"""The finished mart looked up for customers and days by DuckDB, with a join on both.

python -m benchmarks.peers.ours_retrieval FOLDER
"""

from __future__ import annotations

import duckdb

from benchmarks.peers import common
from benchmarks.peers.common import Task


def work(task: Task) -> None:
    """Write the features of the task."""
    columns = ", ".join(f"mart.{name}" for name in task.names)
    mart = task.mart if task.mart.is_file() else task.mart / "**" / "*.parquet"
    with duckdb.connect() as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute(
            f"""
            copy (
                select spine.customer_id, spine.as_of_date, {columns}
                from read_parquet('{task.spine}') as spine
                left join read_parquet('{mart}') as mart
                    on mart.customer_id = spine.customer_id and mart.as_of_date = spine.as_of_date
            ) to '{task.result}' (format parquet)
            """
        )


if __name__ == "__main__":
    common.run("equality join", work, retrieval=True)
