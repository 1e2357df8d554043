"""The main job: raw tables, features, model, forecasts, documentation, and a summary."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

import warehouse
from core import dbt_runner
from core.bar import bar
from core.expected_errors import expected_errors
from core.tables import wide_console
from generate.shop.plan import Plan
from generate.synthetic import generate
from load.loader import load
from load.options import Layout, Mapping, Replace, Timezone
from operate import catalog, summary
from serve.explain import explain
from serve.score import score
from train.dataset import check_raw
from train.fit import fit
from train.options import Own
from train.registry.promotion import CHAMPION

console = wide_console()


@dataclass
class Stopwatch:
    """Seconds that each step took, in order."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Announce a step, run the block, say how long it took."""
        console.print(f"[bold]{name}[/bold]")
        start = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - start
        console.print(f"  done in {self.seconds[name]:.1f} s")


def run(
    data: Path | None = None,
    layout: str | None = None,
    as_of: str | None = None,
    customers: int = 20_000,
    seed: int = 42,
    mapping: Path | None = None,
    *,
    timezone: str | None = None,
    may_lose: bool = False,
    own: Sequence[str] = (),
) -> Stopwatch:
    """Do the main job on a generated shop, or on the files at `data`.

    Parameters
    ----------
    data
        A user's own files; None generates a shop of `customers` from `seed`.
    layout, mapping, timezone, may_lose
        How the files are laid out, and whether they may replace more; see `load`.
    as_of
        ISO date that is taken for today; None: the day after the last one that the data reach.
    own
        Candidates that are no part of the project; see `fit`.

    Raises
    ------
    ShopError
        With a message that says what to do.
    """
    watch = Stopwatch()
    variables = dbt_runner.variables(as_of)
    if data is None:
        with watch.step(f"Generate a shop of {customers:,} customers and load it"):
            generate(Plan(customers, seed), may_lose=may_lose)
    else:
        with watch.step(f"Load {data}"):
            load(data, layout, mapping=mapping, timezone=timezone, may_lose=may_lose)
    # a fit would say so too, but behind a whole build
    with warehouse.connect(read_only=True) as connection:
        check_raw(connection, date.fromisoformat(as_of) if as_of else None)
    with watch.step("Clean, gate and build the features (dbt build)"):
        built = dbt_runner.build(variables)
        catalog.write_lineage(built)
    with watch.step("Fit"), bar() as progress:
        fitted = fit(own=own, progress=progress)
    if fitted.verdict.status != CHAMPION:
        console.print(f"  {fitted.version} is kept as a challenger: {fitted.verdict.reason}")
        console.print(f"  to score with it: python train/fit.py --promote {fitted.version}")
    with watch.step("Score"):
        scored = score()
    with watch.step("Explain"), bar() as progress:
        explain(scored.as_of, progress=progress)
    with watch.step("Test the scores and build the marts on them"):
        dbt_runner.build(variables, select=dbt_runner.WRITTEN_BY_PYTHON)
    with watch.step("Write the documentation"):
        dbt_runner.docs(variables)
    return watch


@expected_errors()
def main(
    data: Annotated[
        Path | None, typer.Option(help="Your own files; without it a shop is generated.")
    ] = None,
    layout: Layout = None,
    mapping: Mapping = None,
    timezone: Timezone = None,
    replace: Replace = False,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Do the job as if this day were today."),
    ] = None,
    customers: Annotated[int, typer.Option(min=1, help="Size of the generated shop.")] = 20_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the generated shop.")] = 42,
    candidate: Own = None,
    verbose: Annotated[bool, typer.Option(help="Print all tables, not only the answer.")] = False,
) -> None:
    """Load, build, fit, score, document, and print what came out."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    # what a load leaves out or takes for nobody's is said here too
    logging.getLogger("load").setLevel(logging.INFO)
    day = as_of.date().isoformat() if as_of else None
    watch = run(
        data,
        layout,
        day,
        customers,
        seed,
        mapping,
        timezone=timezone,
        may_lose=replace,
        own=candidate or (),
    )
    summary.show(console, watch.seconds, verbose=verbose)


if __name__ == "__main__":
    typer.run(main)
