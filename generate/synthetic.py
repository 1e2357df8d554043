"""Generate a shop with faults as in real systems, and load it into the raw tables."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace as with_changes
from datetime import date, datetime
from typing import Annotated

import duckdb
import pyarrow as pa
import typer

import warehouse
from generate.faults import FAULTS, plant
from generate.raw_tables import TABLES, Summary, replace
from generate.shop import DAYS, START, Shop, draw_shop

log = logging.getLogger(__name__)


def generate(
    customers: int = 20_000,
    seed: int = 42,
    *,
    faults: bool = True,
    rates: Mapping[str, float] | None = None,
    start: date = START,
    days: int = DAYS,
) -> Summary:
    """Draw a shop, plant faults, and replace the raw tables by it in one transaction.

    Parameters
    ----------
    rates
        Rate by fault name, where it is not the fault's own.

    Raises
    ------
    ValueError
        If a size or rate is impossible.
    warehouse.WarehouseError
        If the warehouse cannot be opened.
    """
    shop = faulty_shop(customers, seed, faults=faults, rates=rates, start=start, days=days)
    return with_changes(write(shop), faults=shop.ledger["fault"].value_counts().to_dict())


def faulty_shop(
    customers: int,
    seed: int,
    *,
    faults: bool = True,
    rates: Mapping[str, float] | None = None,
    start: date = START,
    days: int = DAYS,
) -> Shop:
    """Draw a shop and plant faults, with their ledger; writes nothing. See `generate`."""
    if rates and not faults:
        raise ValueError("rates of faults were given, but no faults wanted")
    shop = draw_shop(customers, seed, start, days)
    shop.tables, shop.ledger = plant(shop.tables, FAULTS if faults else {}, rates or {}, seed)
    return shop


def write(shop: Shop) -> Summary:
    """Replace the raw tables by a shop's, in one transaction."""
    warehouse.path().parent.mkdir(parents=True, exist_ok=True)
    with warehouse.connect() as connection:
        return replace(connection, _sources(connection, shop))


def _sources(connection: duckdb.DuckDBPyConnection, shop: Shop) -> dict[str, str]:
    """Register the tables and return the SQL that turns their cents into money."""
    sources = {}
    for table in TABLES:
        frame = pa.Table.from_pandas(shop.tables[table.name], preserve_index=False)
        connection.register(f"shop_{table.name}", frame)
        columns = [
            f"cast(cast({column.name} as decimal(18, 0)) * 0.01 as decimal(18, 2)) as {column.name}"
            if column.data_type == "DECIMAL(18,2)"
            else column.name
            for column in table.columns
        ]
        # in order of time, so that reading a period reads a part of the file
        order = f" order by recorded_at, {table.key}" if "recorded_at" in frame.column_names else ""
        sources[table.name] = f"(select {', '.join(columns)} from shop_{table.name}{order})"
    return sources


def _rates(pairs: list[str]) -> dict[str, float]:
    rates = {}
    for pair in pairs:
        name, _, rate = pair.partition("=")
        try:
            rates[name] = float(rate)
        except ValueError as error:
            raise ValueError(f"{pair!r} is not NAME=RATE, as in late_rows=0.02") from error
    return rates


def _list_faults(wanted: bool) -> None:
    if wanted:
        for one in FAULTS.values():
            typer.echo(f"{one.name}={one.rate:g}  (of {one.table})")
        raise typer.Exit


def main(
    customers: Annotated[int, typer.Option(min=1, help="Number of customers.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal shops.")] = 42,
    start: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="First day of the data.")
    ] = datetime(START.year, START.month, START.day),
    days: Annotated[int, typer.Option(min=1, max=36_500, help="Days of data.")] = DAYS,
    faults: Annotated[
        bool, typer.Option("--faults/--no-faults", help="Plant faults as real systems have them.")
    ] = True,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=RATE",
            help="Share of rows that get this fault; repeat for several, 0 leaves it out.",
        ),
    ] = None,
    list_faults: Annotated[
        bool,
        typer.Option("--list-faults", is_eager=True, callback=_list_faults, help="Name them all."),
    ] = False,
) -> None:
    """Generate a shop and load it into the warehouse; the raw tables are replaced."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        summary = generate(
            customers,
            seed,
            faults=faults,
            rates=_rates(fault or []),
            start=start.date(),
            days=days,
        )
    except (ValueError, warehouse.WarehouseError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(str(summary))
    typer.echo(f"planted {sum(summary.faults.values()):,} faults of {len(summary.faults)} kinds")


if __name__ == "__main__":
    typer.run(main)
