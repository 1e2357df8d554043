"""Which generation a file is, written in the file itself."""

from __future__ import annotations

import duckdb

import warehouse


def sign(connection: duckdb.DuckDBPyConnection, number: int, run_id: str | None = None) -> None:
    """Write into a warehouse which generation it is.

    Parameters
    ----------
    run_id
        Of the nightly run that made it; None where it was another command.
    """
    columns = warehouse.written_columns("generation")
    with warehouse.transaction(connection):
        connection.execute(f"create table if not exists main.generation ({', '.join(columns)})")
        # not replaced: what is said of the table would be lost
        connection.execute("delete from main.generation")
        connection.execute(
            """
            insert into main.generation by name
            select
                ? as number,
                ? as run_id,
                as_of_date,
                model_version,
                timezone('UTC', now()) as created_at
            from intermediate.int_snapshots_scheduled
            left join main.scoring_runs using (as_of_date)
            where is_current
            """,
            [number, run_id],
        )
