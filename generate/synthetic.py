"""Generate a shop with faults as in real systems, and load it into the raw tables."""

from __future__ import annotations

import logging
from dataclasses import replace as with_changes
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import duckdb
import pyarrow.parquet as pq
import typer

import warehouse
from core.expected_errors import expected_errors
from core.scratch import scratch
from core.sql import literal, path_literal
from generate import truth
from generate.faults import FAULTS
from generate.shop import optimum
from generate.shop.plan import DAYS, START, Plan
from generate.shop.presets import PRESETS
from generate.shop.process import Promoted
from generate.shop.stream import Drawn, draw
from load.raw_tables import (
    CUSTOMERS,
    HEADERS,
    LINES,
    PRODUCTS,
    PROMOTIONS,
    Summary,
    Table,
    make,
    now,
    refuse_to_generate,
    replace,
)

log = logging.getLogger(__name__)

# what DuckDB may hold of a shop at once; more is kept on disk meanwhile
_MEMORY = "3GB"
# how far behind the last day promotions are planned, and how long before they are told
_PLANNED_DAYS, _TOLD_DAYS = 365, 60
# the total order in which rows are written: in order of time, so that reading a period reads a
# part of the file
_ORDER = {
    HEADERS.name: "recorded_at, transaction_id, customer_id, total_amount",
    LINES.name: "recorded_at, line_item_id, transaction_id, product_id",
}


def generate(
    plan: Plan | None = None,
    *,
    jobs: int | None = None,
    chunk: int = 1,
    may_lose: bool = False,
) -> Summary:
    """Draw a shop, plant faults, and replace the raw tables and the truth in one transaction.

    Parameters
    ----------
    plan
        What to draw; the default shop when None.
    jobs, chunk
        See `stream.draw`; they change no row.
    may_lose
        Replace a shop of one's own, too.

    Raises
    ------
    LoadError
        If the warehouse holds a shop of one's own and `may_lose` does not say so.
    warehouse.WarehouseError
        If the warehouse cannot be opened.
    """
    plan = plan or Plan()
    _warn_of_days_to_come(plan)
    warehouse.path().parent.mkdir(parents=True, exist_ok=True)
    if warehouse.path().exists():
        # what stands in the way is noticed before the work, not after it
        with warehouse.writer() as connection:
            if not may_lose:
                refuse_to_generate(connection)
    with scratch() as folder:
        drawn = list(draw(plan, folder, optimum.snapshots(plan), jobs=jobs, chunk=chunk))
        files = {
            name: [part.files[name] for part in drawn if name in part.files]
            for name in drawn[0].files
        }
        files["expected_spend"] += _at_the_end(plan, drawn, folder)
        with warehouse.writer() as connection:
            connection.execute(f"set memory_limit = '{_MEMORY}'")
            connection.execute(f"set temp_directory = {literal(str(folder))}")
            summary = replace(
                connection,
                {
                    table.name: _source(table, files[table.name])
                    for table in (CUSTOMERS, PRODUCTS, HEADERS, LINES)
                },
                also=lambda inside: _beside(inside, plan, files, drawn),
                may_lose=may_lose,
            )
            planted = connection.execute(
                "select fault, count(*) from truth.faults group by all order by all"
            ).fetchall()
    return with_changes(summary, faults=dict(planted))


def _beside(
    connection: duckdb.DuckDBPyConnection,
    plan: Plan,
    files: dict[str, list[Path]],
    drawn: list[Drawn],
) -> None:
    """Write the truth, and the promotions that the shop has planned."""
    truth.write(
        connection,
        plan,
        files,
        sum(part.purchases for part in drawn),
        sum(part.cents for part in drawn),
    )
    if not isinstance(plan.process, Promoted):
        return
    make(connection, PROMOTIONS, anew=True)
    loaded_at = now()
    for planned in plan.process.calendar(plan.start, plan.days + _PLANNED_DAYS).promotions:
        last = planned.start + timedelta(planned.days - 1)
        told = planned.start - timedelta(_TOLD_DAYS)
        connection.execute(
            "insert into raw.planned_promotions values (?, ?, ?, null, ?, ?, ?)",
            [planned.start, last, planned.name, planned.factor - 1, told, loaded_at],
        )


def _warn_of_days_to_come(plan: Plan) -> None:
    last = plan.start + timedelta(plan.days - 1)
    if last > datetime.now(UTC).date():
        log.warning(
            "the period ends on %s, after today: cleaning quarantines what is dated in the future",
            last,
        )


def _at_the_end(plan: Plan, drawn: list[Drawn], folder: Path) -> list[Path]:
    """Write the best forecast at the day after the last known one, where that is not the end."""
    last_known = max((part.last_known for part in drawn if part.last_known), default=None)
    if last_known is None or last_known + timedelta(1) in optimum.snapshots(plan):
        return []
    file = folder / "expected_spend-at-the-end.parquet"
    pq.write_table(optimum.redraw(plan, [last_known + timedelta(1)]).rows, file)
    return [file]


def _source(table: Table, files: list[Path]) -> str:
    """Return the SQL that reads a table from files: cents become money, text is no value."""
    names = ", ".join(path_literal(file) for file in files)
    columns = []
    texts = {column.name for column in table.columns if column.name.endswith("_text")}
    for column in table.columns:
        value = column.name
        if column.data_type in ("DECIMAL(18,2)", "DECIMAL(18,4)"):
            value = f"cast(cast({value} as decimal(18, 0)) * 0.01 as {column.data_type})"
        if f"{column.name}_text" in texts:
            value = f"if({column.name}_text is null, {value}, null)"
        columns.append(f"{value} as {column.name}")
    order = f" order by {_ORDER[table.name]}" if table.name in _ORDER else ""
    return f"(select {', '.join(columns)} from read_parquet([{names}]){order})"


def _rates(pairs: list[str]) -> tuple[tuple[str, float], ...]:
    rates = []
    for pair in pairs:
        name, _, rate = pair.partition("=")
        try:
            rates.append((name, float(rate)))
        except ValueError as error:
            raise ValueError(f"{pair!r} is not NAME=RATE, as in late_rows=0.02") from error
    return tuple(rates)


def _list_faults(wanted: bool) -> None:
    if wanted:
        for fault in FAULTS.values():
            of = "days" if fault.whole_days else fault.table
            typer.echo(f"{fault.name}={fault.rate:g}  (of {of}; caught by {fault.rule})")
        raise typer.Exit


@expected_errors(ValueError, duckdb.Error, OSError)
def main(
    customers: Annotated[int, typer.Option(min=1, help="Number of customers.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds give equal shops.")] = 42,
    start: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="First day of the data.")
    ] = datetime(START.year, START.month, START.day),
    days: Annotated[int, typer.Option(min=1, max=36_500, help="Days of data.")] = DAYS,
    preset: Annotated[
        str, typer.Option(help=f"The process that customers follow: {' or '.join(PRESETS)}.")
    ] = "shop",
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
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Processes that draw; changes no row.")
    ] = None,
    chunk: Annotated[
        int, typer.Option(min=1, help="Blocks of customers drawn at once; changes no row.")
    ] = 1,
    may_lose: Annotated[
        bool, typer.Option("--replace", help="Replace a shop of your own files, too.")
    ] = False,
    list_faults: Annotated[
        bool,
        typer.Option("--list-faults", is_eager=True, callback=_list_faults, help="Name them all."),
    ] = False,
) -> None:
    """Generate a shop and load it into the warehouse; the raw tables are replaced."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    plan = Plan(customers, seed, start.date(), days, preset, faults, _rates(fault or []))
    summary = generate(plan, jobs=jobs, chunk=chunk, may_lose=may_lose)
    typer.echo(str(summary))
    typer.echo(f"planted {sum(summary.faults.values()):,} faults of {len(summary.faults)} kinds")


if __name__ == "__main__":
    typer.run(main)
