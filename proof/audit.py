"""Does a feature know the future? make audit, after adding one, on your own warehouse and project.

A copy of the warehouse is built as if some earlier as-of date, the cut, were today. Then the raw
rows that happened or became known from the cut on are deleted, rewritten, added to, and so on, and
the mart is built again. A feature that has another value at a date up to the cut knows the future.
So does one that reads the clock, chance, or a table that the mart is not made from, by its SQL.
The warehouse itself is only read.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Annotated

import duckdb
import typer
from rich.console import Console

import warehouse
from core.expected_errors import expected_errors
from core.scratch import scratch
from proof import building, futures
from proof.leaks import depends_on_other_rows, forbidden_reads
from proof.leaks.found import EMPTIED, Audit, Leak, tell
from proof.mart_difference import MART, changed
from proof.outcome import sizes

FUTURES = {
    "deleted": ("headers deleted", "lines deleted", "customers deleted"),
    "rewritten": ("headers rewritten", "lines rewritten"),
    "added": ("orders added", "newcomers", "new products"),
    "known late": ("orders known late", "lines known late"),
    "restated": ("headers restated", "lines restated"),
    "customers and products changed": (
        "customers changed",
        "customers told anew",
        "products changed",
        "products told anew",
    ),
    "promotions planned": ("promotions told", "promotions called off"),
    # no raw row changes, but every table that no feature may read
    EMPTIED: (),
}
SHARE = 0.5


def audit(cuts: int = 2, seed: int = 1, kinds: list[str] | None = None) -> Audit:
    """Build the mart of the current warehouse for other futures and compare.

    Parameters
    ----------
    cuts
        How many as-of dates to cut at, chosen from those of the mart.
    seed
        Of the cuts and the futures.
    kinds
        Futures to try; None for all.

    Raises
    ------
    WarehouseError
        If there is no built warehouse.
    BuildError
        If the project does not build.
    """
    chosen, grid_days, end = _choose_cuts(cuts, seed)
    values, leaks, readings, others = 0, {}, [], {}
    with scratch() as folder:
        for number, cut in enumerate(chosen):
            base = folder / f"base-{number}.duckdb"
            building.copy_warehouse(base)
            variables = {"grid_days": grid_days, "snapshots_kept": 0}
            as_of = {**variables, "as_of": cut.isoformat()}
            built = building.build(base, as_of, full_refresh=True)
            with building.reading(base) as connection:
                readings = readings or forbidden_reads.readings(connection, built)
                for difference in depends_on_other_rows.compared_with_others(connection, cut):
                    others.setdefault(difference.feature, difference)
            for kind in kinds or FUTURES:
                other = folder / f"other-{number}.duckdb"
                shutil.copy(base, other)
                if kind == EMPTIED:
                    with building.in_warehouse(other), warehouse.connect() as connection:
                        forbidden_reads.empty(connection, built)
                else:
                    _change(other, cut, end, kind, seed)
                as_of = {**variables, "as_of": end.isoformat()}
                building.build(other, as_of, full_refresh=True)
                with building.reading(other, base=base) as connection:
                    values += sizes(connection, f"as_of_date <= '{cut}'")["values"]
                    for difference in changed(connection, cut, "base"):
                        leaks.setdefault(difference.feature, []).append(Leak(cut, kind, difference))
    return Audit(chosen, values, leaks, readings, list(others.values()))


def _choose_cuts(cuts: int, seed: int) -> tuple[list[date], int, date]:
    """Return as-of dates with a past and a future, their distance, and the latest of all."""
    with warehouse.connect(read_only=True) as connection:
        if not warehouse.has_table(connection, "features", "feat_dates"):
            raise warehouse.WarehouseError("the warehouse has no mart: run `make build` first")
        days = connection.execute(
            "select as_of_date from features.feat_dates order by all"
        ).fetchall()
        grid = connection.execute("select grid_days from intermediate.int_snapshot_grid")
        grid_days = grid.fetchone()[0]
    dates = [day for (day,) in days]
    end = dates[-1]
    # half of a horizon at least has passed, so that there are rows to change
    possible = [day for day in dates[len(dates) // 3 :] if day <= end - timedelta(15)]
    if not possible:
        raise warehouse.WarehouseError("the mart has too few as-of dates to cut between them")
    return sorted(Random(seed).sample(possible, min(cuts, len(possible)))), grid_days, end


def _change(file: Path, cut: date, end: date, kind: str, seed: int) -> None:
    shares = {"": dict.fromkeys(FUTURES[kind], SHARE)}
    with building.in_warehouse(file), warehouse.connect() as connection:
        futures.apply(connection, futures.Future(cut, end - timedelta(1), seed, shares))


@expected_errors(duckdb.Error)
def main(
    cuts: Annotated[int, typer.Option(min=1, help="As-of dates to cut at.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Seed of cuts and futures.")] = 1,
) -> None:
    """Name every feature of the mart that knows the future; fails if there is one."""
    console = Console(width=max(100, Console().width))
    with tempfile.TemporaryDirectory() as folder, building.set_up_within(Path(folder)):
        result = audit(cuts, seed)
    console.print(
        f"{len(FUTURES)} futures from each of {', '.join(map(str, result.cuts))}:"
        f" {result.values:,} values of {MART} compared",
        highlight=False,
    )
    faults = tell(console, result)
    for fault in faults:
        console.print(fault, style="red", highlight=False)
    if faults:
        sys.exit(1)
    console.print("no feature knows the future")


if __name__ == "__main__":
    typer.run(main)
