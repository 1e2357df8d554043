"""Fill the feature catalog: the raw columns behind each feature, then the catalog's own models.

python operate/catalog.py [--as-of DATE]
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Annotated

import duckdb
import typer
from dbt.cli.main import dbtRunnerResult
from dbt.contracts.graph.nodes import ModelNode, SnapshotNode
from sqlglot.errors import SqlglotError

import warehouse
from core import dbt_runner
from core.expected_errors import expected_errors
from operate.lineage.models import Lineage
from operate.lineage.relation import NOTHING

log = logging.getLogger(__name__)

CATALOG = "marts.feature_catalog"
# the mart joins them: features of customers, and of dates
PARTS = ("features.feat_customers", "features.feat_dates")
# what a feature is computed from that needs nothing but the date
CALENDAR = ["calendar"]


def write_lineage(result: dbtRunnerResult) -> int:
    """Write the raw columns behind each feature to the warehouse, as the table `feature_lineage`.

    Parameters
    ----------
    result
        Of a `dbt build`, or a `dbt compile` after one, of all models.

    Returns
    -------
    int
        How many features have a raw column behind them; the others need the calendar only. 0,
        after a warning, where SQL cannot be read.

    Raises
    ------
    warehouse.WarehouseError
        If the warehouse is held by another process.
    """
    with warehouse.writer() as connection:
        lineage = _lineage(connection, result)
        try:
            parts = [lineage.relation(name) for name in PARTS]
        except (SqlglotError, KeyError) as error:
            # no reason to stop a job: DuckDB has understood the SQL
            log.warning("the lineage of features is left as it was, the SQL is not read: %s", error)
            return 0
        rows = []
        for feature in warehouse.contract().features:
            part = next((part for part in parts if feature in part.columns), None)
            sources, chosen_by = (part.columns[feature], part.rows) if part else (NOTHING, NOTHING)
            rows.append(
                (feature, sorted(sources) or CALENDAR, sorted(chosen_by if sources else NOTHING))
            )
        for name in dict.fromkeys(lineage.unresolved):
            log.warning("the lineage of features leaves out %s: it is found in no table", name)
        with warehouse.transaction(connection):
            connection.execute("delete from main.feature_lineage")
            connection.executemany(
                "insert into main.feature_lineage values (?, ?, ?, timezone('UTC', now()))", rows
            )
    return sum(sources != CALENDAR for _, sources, _ in rows)


def _lineage(connection: duckdb.DuckDBPyConnection, result: dbtRunnerResult) -> Lineage:
    nodes = [
        entry.node
        for entry in dbt_runner.results_of(result)
        if isinstance(entry.node, ModelNode | SnapshotNode)
    ]
    columns = connection.execute(
        "select schema_name || '.' || table_name, list(column_name order by column_index)"
        " from duckdb_columns() where database_name = current_database() and schema_name = 'raw'"
        " group by all"
    ).fetchall()
    return Lineage(
        models={
            f"{node.schema}.{node.name}": node.compiled_code for node in nodes if node.compiled_code
        },
        raw=dict(columns),
        histories={
            f"{node.schema}.{node.name}": node.config.updated_at
            for node in nodes
            if isinstance(node, SnapshotNode) and node.config.updated_at
        },
    )


def _check_built() -> None:
    with warehouse.connect(read_only=True) as connection:
        if not warehouse.has_table(connection, "main", "feature_lineage"):
            raise warehouse.WarehouseError(f"{warehouse.path()} is not built yet: run `make build`")


@expected_errors()
def main(
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The day that `dbt build` took for today."),
    ] = None,
) -> None:
    """Bring `marts.feature_catalog` up to date after a `dbt build` or a fit of your own."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    variables = dbt_runner.variables(as_of.date().isoformat() if as_of else None)
    _check_built()
    write_lineage(dbt_runner.compiled(variables))
    dbt_runner.build(variables, select=dbt_runner.WRITTEN_BY_PYTHON)
    with warehouse.connect(read_only=True) as connection:
        [(features,)] = connection.execute(f"select count(*) from {CATALOG}").fetchall()
    typer.echo(f"{CATALOG}: {features} features")


if __name__ == "__main__":
    typer.run(main)
