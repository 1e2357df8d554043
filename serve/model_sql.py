"""Which models lie between the cleaned lines and the features, with the SQL that built them.

Every build notes the SQL of each model in `main.model_sql`, so that nothing here needs dbt.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import duckdb
from sqlglot import exp, parse_one

import warehouse

FEATURES = "features.feat_customers"
SPINE = "intermediate.int_customer_dates"
# whom and what a build computes: given instead of read, as all of it is this one customer's
CUSTOMERS_TOUCHED = "intermediate.int_customers_touched"
ORDERS_TOUCHED = "intermediate.int_orders_touched"
HEADERS, LINES = "intermediate.int_headers_checked", "intermediate.int_lines_checked"
# what all customers say together: one order more hardly changes it, so it is read as it stands
LINE_SIZES = "intermediate.int_line_sizes_binned"
OF_THE_SHOP = (LINE_SIZES, "intermediate.int_shop_days_summed")
# a cap follows from the lines of earlier months: made once, for each month a line may be added in
MONTHS, CAPS = "intermediate.int_line_months_listed", "intermediate.int_line_caps_set"
GIVEN = (SPINE, CUSTOMERS_TOUCHED, ORDERS_TOUCHED, MONTHS, CAPS)
# tables that no model makes, so no SQL of theirs is noted
NO_MODELS = ("raw.", "history.")


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
        The SQL of the mart; its rows are those that `SPINE` names.
    caps
        The SQL of `CAPS`, for the months that `MONTHS` names.
    """

    copied: tuple[str, ...]
    computed: dict[str, str]
    features: str
    caps: str


def noted(connection: duckdb.DuckDBPyConnection) -> Steps:
    """Read from an open warehouse how its features were made.

    Raises
    ------
    warehouse.WarehouseError
        If the SQL of a model is not noted: the last build was one of an earlier version.
    """
    try:
        rows = connection.execute("select model, sql from main.model_sql order by all").fetchall()
    except duckdb.CatalogException:
        # the table is as new as this file
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
        if table in (*OF_THE_SHOP, *GIVEN) or table.startswith(NO_MODELS):
            return False
        if table not in reads:
            if table not in sql:
                raise warehouse.WarehouseError(
                    f"the warehouse does not note by which SQL {table} was built: run `make build`"
                )
            parents = _tables(sql[table])
            # all of them: each has to be noted before what reads it
            follows[table] = any([follow(parent) for parent in parents])
            reads[table] = parents
        return follows[table]

    follows: dict[str, bool] = {}
    follow(FEATURES)
    computed = [table for table in reads if follows[table]]
    read = {parent for table in computed for parent in reads[table]}
    return Steps(
        copied=tuple(sorted((read | {LINE_SIZES}) - set(computed) - set(GIVEN))),
        computed={table: sql[table] for table in computed if table != FEATURES},
        features=sql[FEATURES],
        caps=sql[CAPS],
    )


def _tables(sql: str) -> list[str]:
    """Return the tables that a query reads, as `schema.name`."""
    tables = parse_one(sql, dialect="duckdb").find_all(exp.Table)
    return sorted({f"{table.db}.{table.name}" for table in tables if table.db})
