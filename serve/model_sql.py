"""Which models lie between the cleaned lines and the features, with the SQL that built them.

Every build notes the SQL of each model in `memory.built`, so that nothing here needs dbt.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import duckdb
from sqlglot import exp, parse_one

import warehouse

FEATURES = "features.customers_as_of"
HEADERS, LINES = "intermediate.int_headers_checked", "intermediate.int_lines_checked"
# what all customers say together: one order more hardly changes it, so it is read as it stands
OF_THE_SHOP = ("intermediate.int_line_sizes_binned", "intermediate.int_shop_days_summed")
# tables that no model makes, so no SQL of theirs is noted
NO_MODELS = ("raw", "history")


@dataclass(frozen=True)
class Steps:
    """How the features of customers follow from their cleaned lines.

    Attributes
    ----------
    copied
        Tables that are read and do not follow from the lines of one customer.
    computed
        By `schema.name`, in the order in which they can be made: the SQL of what follows from them.
    features
        The SQL of the table function; it reads the table that `spine_table` names.
    """

    copied: tuple[str, ...]
    computed: dict[str, str]
    features: str


def noted(connection: duckdb.DuckDBPyConnection) -> Steps:
    """Read from an open warehouse how its features were made.

    Raises
    ------
    warehouse.WarehouseError
        If the SQL of a model is not noted: the last build was one of an earlier version.
    """
    try:
        rows = connection.execute(
            "select split_part(node, '.', 3), sql from memory.built"
            " where starts_with(node, 'model.') and sql is not null order by node"
        ).fetchall()
    except duckdb.BinderException:
        # the column is as new as this file
        rows = []
    return _steps(tuple(rows))


# reading SQL takes longer than all else; between two builds it is the same
@cache
def _steps(rows: tuple[tuple[str, str], ...]) -> Steps:
    sql = dict(rows)
    reads: dict[str, list[str]] = {}

    def follow(table: str) -> bool:
        """Note what a table reads, parents first; return whether it follows from the lines."""
        if table in (HEADERS, LINES):
            return True
        schema, name = table.split(".")
        if table in OF_THE_SHOP or schema in NO_MODELS:
            return False
        if table not in reads:
            if name not in sql:
                raise warehouse.WarehouseError(
                    f"the warehouse does not note by which SQL {table} was built: run `make build`"
                )
            parents = _tables(sql[name])
            # all of them: each has to be noted before what reads it
            follows[table] = any([follow(parent) for parent in parents])
            reads[table] = parents
        return follows[table]

    follows: dict[str, bool] = {}
    follow(FEATURES)
    computed = [table for table in reads if follows[table]]
    read = {parent for table in computed for parent in reads[table]}
    return Steps(
        copied=tuple(sorted(read - set(computed))),
        computed={table: sql[table.split(".")[1]] for table in computed if table != FEATURES},
        features=sql[FEATURES.split(".")[1]],
    )


def _tables(sql: str) -> list[str]:
    """Return the tables that a query reads, as `schema.name`."""
    found = parse_one(sql, dialect="duckdb").find_all(exp.Table)
    return sorted({f"{table.db}.{table.name}" for table in found if table.db})
