"""Prove that the mart is right: make prove, or make prove PART=futures.

oracle       every feature of 1,000 customers at all snapshots, computed a second time
futures      200 random futures leave all features of earlier dates bit-identical
incremental  50 histories, load by load and in any order, give the mart of one full build
mutants      mistakes made in the SQL on purpose are found
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from core.dbt_runner import BuildError
from proof import building
from proof.checks import (
    futures_unseen,
    mart_equals_oracle,
    mutants_found,
    nights_equal_full_build,
)
from proof.outcome import Outcome, Task

PARTS = {
    check.PART: check
    for check in (nights_equal_full_build, futures_unseen, mart_equals_oracle, mutants_found)
}
SHOWN = 20


def prove(tasks: list[Task], processes: int) -> Iterator[Outcome]:
    """Do the pieces of a proof, each in a folder of its own, and return what they found."""
    with (
        tempfile.TemporaryDirectory(prefix="prove-") as folder,
        ProcessPoolExecutor(processes, get_context("spawn"), _set_up, (folder,)) as pool,
    ):
        try:
            for done in as_completed([pool.submit(_do, folder, task) for task in tasks]):
                yield done.result()
        finally:
            # what failed is told at once, not when all others are done
            pool.shutdown(cancel_futures=True)


def _set_up(folder: str) -> None:
    building.set_up(Path(folder) / f"dbt-{os.getpid()}")


def _do(folder: str, task: Task) -> Outcome:
    begun = time.monotonic()
    with (
        tempfile.TemporaryDirectory(dir=folder) as own,
        open(os.devnull, "w") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
    ):
        try:
            outcome = task.function(Path(own), *task.arguments)
        except BuildError as error:
            part = sys.modules[task.function.__module__].PART
            outcome = Outcome(part, "does not build", differences=[f"{task.arguments}: {error}"])
    return replace(outcome, seconds=time.monotonic() - begun)


def show(console: Console, outcome: Outcome) -> None:
    """Print one line for a piece, and its differences."""
    count = len(outcome.differences)
    console.print(
        f"{outcome.part:<12} {outcome.name:<26} {outcome.values:>11,} values"
        f"  {count or 'no':>4} differences  {outcome.seconds:5.0f} s  {outcome.what}",
        highlight=False,
        style="red" if count else None,
    )
    for line in outcome.differences[:SHOWN]:
        console.print(f"    {line}", highlight=False, markup=False)
    if count > SHOWN:
        console.print(f"    and {count - SHOWN:,} more")


def summary(outcomes: list[Outcome], parts: list[str]) -> Table:
    """Return the table of all parts."""
    table = Table(title="What was compared")
    table.add_column("part")
    for name in ("cases", "customers", "dates", "values", "differences", "minutes"):
        table.add_column(name, justify="right")
    for part in parts:
        own = [outcome for outcome in outcomes if outcome.part == part]
        table.add_row(
            part,
            f"{sum(outcome.cases for outcome in own):,}",
            f"{sum(outcome.customers for outcome in own):,}",
            f"{sum(outcome.dates for outcome in own):,}",
            f"{sum(outcome.values for outcome in own):,}",
            f"{sum(len(outcome.differences) for outcome in own):,}",
            f"{sum(outcome.seconds for outcome in own) / 60:.1f}",
        )
    return table


def main(
    part: Annotated[list[str] | None, typer.Option(help="One part; repeat for several.")] = None,
    share: Annotated[float, typer.Option(min=0, max=1, help="Share of the full counts.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all that is random.")] = 1,
    processes: Annotated[int, typer.Option(min=1, help="How many work at once.")] = 2,
) -> None:
    """Compare, print what was compared, and fail where anything differs."""
    parts = part or list(PARTS)
    if unknown := set(parts) - PARTS.keys():
        raise typer.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(PARTS)}")
    console = Console(width=max(120, Console().width))
    begun = time.monotonic()
    outcomes = []
    for outcome in prove([t for name in parts for t in PARTS[name].tasks(share, seed)], processes):
        outcomes.append(outcome)
        show(console, outcome)
    console.print(summary(outcomes, parts))
    differences = sum(len(outcome.differences) for outcome in outcomes)
    minutes = (time.monotonic() - begun) / 60
    console.print(f"{differences or 'No'} differences, {minutes:.1f} minutes")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    typer.run(main)
