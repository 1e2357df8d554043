"""What is behind a generated shop: the schema `truth`, which dbt and the models never see.

python generate/truth.py 2024-05-03 2024-06-03    # adds the best forecast at these days

| table | one row per |
|---|---|
| truth.shop | shop: the plan that it was drawn from |
| truth.customers | customer: kind, day of entry, latent values |
| truth.expected_spend | as-of date and customer known before it: the best forecast |
| truth.faults | planted fault: table, row key, fault, rule meant to catch it, value before |
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import duckdb
import typer

import warehouse
from core.expected_errors import expected_errors
from core.sql import path_literal
from generate.shop import optimum
from generate.shop.plan import Plan

TABLES = ("customers", "faults", "expected_spend")


class TruthError(warehouse.ShopError):
    """The warehouse holds no generated shop, or one that cannot be drawn again."""


def write(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    files: Mapping[str, Sequence[Path]],
    purchases: int,
    cents: int,
) -> None:
    """Write the schema; call it inside the transaction that writes the raw tables.

    Parameters
    ----------
    files
        Parquet files of customers, faults and expected_spend, in order.
    purchases, cents
        Number and value of all purchases; a later draw of the same plan must find them again.
    """
    connection.execute("create schema truth")
    connection.execute(
        "create table truth.shop as "
        "select $plan as plan, $purchases::bigint as purchases, $cents::bigint as cents",
        {"plan": plan.to_json(), "purchases": purchases, "cents": cents},
    )
    for table in TABLES:
        names = ", ".join(path_literal(file) for file in files[table])
        connection.execute(f"create table truth.{table} as select * from read_parquet([{names}])")


def plan_of(connection: duckdb.DuckDBPyConnection) -> Plan:
    """Return the plan of the generated shop in the warehouse.

    Raises
    ------
    TruthError
        If the shop was not generated.
    """
    return _shop(connection)[0]


def _shop(connection: duckdb.DuckDBPyConnection) -> tuple[Plan, int, int]:
    try:
        rows = connection.execute("select plan, purchases, cents from truth.shop").fetchall()
    except duckdb.CatalogException as error:
        raise TruthError(
            f"{warehouse.path()} holds no generated shop, so nothing is known of its truth: run "
            "`python generate/synthetic.py`"
        ) from error
    plan, purchases, cents = rows[0]
    try:
        return Plan.from_json(plan), purchases, cents
    except (KeyError, TypeError, ValueError) as error:
        raise TruthError(
            f"the plan of the generated shop cannot be read ({error}): another version generated "
            "it; run `python generate/synthetic.py` again"
        ) from error


def add(days: Sequence[date]) -> int:
    """Add the best forecast at some days to `truth.expected_spend`; returns the rows written.

    The shop is drawn again from its plan; rows of these days that are there already are replaced.

    Raises
    ------
    TruthError
        If the shop was not generated, or is no longer drawn as it was.
    ValueError
        If a day lies outside the shop's period.
    """
    with warehouse.connect(read_only=True) as connection:
        plan, purchases, cents = _shop(connection)
    redraw = optimum.redraw(plan, days)
    if (redraw.purchases, redraw.cents) != (purchases, cents):
        raise TruthError(
            f"drawing the shop again gave {redraw.purchases:,} purchases instead of {purchases:,}: "
            "another version generated it; run `python generate/synthetic.py` again"
        )
    with warehouse.writer() as connection:
        connection.register("redrawn", redraw.rows)
        with warehouse.transaction(connection):
            connection.execute(
                "delete from truth.expected_spend"
                " where as_of_date in (select unnest($days::date[]))",
                {"days": list(days)},
            )
            connection.execute("insert into truth.expected_spend select * from redrawn")
    return len(redraw.rows)


@expected_errors(ValueError)
def main(
    days: Annotated[
        list[datetime],
        typer.Argument(formats=["%Y-%m-%d"], help="Days inside the shop's period, or its end."),
    ],
) -> None:
    """Add the best possible forecast at some days to truth.expected_spend."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    wanted = sorted({day.date() for day in days})
    rows = add(wanted)
    typer.echo(f"truth.expected_spend: {rows:,} rows of {', '.join(map(str, wanted))}")


if __name__ == "__main__":
    typer.run(main)
