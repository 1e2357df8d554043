"""A night, unattended: what is new is loaded, built, scored and published all at once, or not.

python operate/nightly.py --data inbox [--mapping mapping.yml] [--fit auto|weekly|monthly|never]
    [--notify URL] [--publish-to URL] [--dry-run]

The night works on a private copy; `warehouse.duckdb` changes by one rename at the end, when every
test has passed. Ends with 0 (published), 10 (published, with warnings), 20 (stopped by a gate), 30
(failed) or 40 (another run is on); the published generation stays in the last three.
"""

from __future__ import annotations

import json
import logging
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
import yaml

import warehouse
from core import lock
from core.dbt_runner import GateError
from core.expected_errors import expected_errors
from core.generations import KEEP, Generations
from load.options import Layout, Mapping, Timezone
from load.staging import LoadError
from operate import summary
from operate.night import due, metrics, receive, steps
from operate.night.due import Fit
from operate.night.ledger import FAILED, HELD, PUBLISHED, STOPPED, WARNED, Ledger, Run
from operate.night.notify import NotifyError, notify
from operate.night.receive import Files
from operate.night.sign import sign
from operate.night.steps import Wanted
from operate.to_store import publish_to

log = logging.getLogger(__name__)

LOGS, RUNS, METRICS = "logs", "runs.jsonl", "shop.prom"


def nightly(
    wanted: Wanted,
    *,
    keep: int = KEEP,
    most_bytes: int | None = None,
    prometheus: Path | None = None,
    store: str | None = None,
) -> tuple[Run, list[str]]:
    """Run a night on the warehouse.

    Parameters
    ----------
    keep, most_bytes
        How many generations stay, and how large all may be; see `Generations.prune`.
    prometheus
        Where the metrics of the run go; `logs/shop.prom` beside the warehouse by default.
    store
        The address of an object store that the generation goes to once it is published here; where
        it does not get there, the night ends with a warning.

    Returns
    -------
    Run
        How it ended; `message` says why it did not publish.
    list of str
        What to tell of it: alarms, warnings, the revenue to expect.

    Raises
    ------
    core.lock.RunningError
        If another run is on.
    """
    place = warehouse.published()
    logs = place.parent / LOGS
    with lock.held("the nightly run"):
        ledger = Ledger(logs / RUNS, Run(wanted.files.as_of or datetime.now(UTC).date()))
        measured: dict[str, float] = {}
        try:
            ledger.run.night = wanted.files.tonight()
            code, told, measured = _publish(Generations(place), wanted, ledger)
            if problems := _after_publishing(Generations(place), ledger, keep, most_bytes, store):
                code, told = WARNED, [*problems, *told]
            ledger.end(code, told[0] if code else None, ledger.run.generation)
        except (GateError, LoadError) as error:
            told = [receive.without_values(str(error)), *getattr(error, "__notes__", ())]
            ledger.end(STOPPED, told[0])
        except Exception as error:
            if not isinstance(error, warehouse.ShopError | OSError):
                # nobody has thought of it: where it came from is worth a look
                log.exception("the night failed")
            told = [receive.without_values(f"{error}" or type(error).__name__)]
            ledger.end(FAILED, told[0])
        except BaseException as error:
            ledger.end(FAILED, f"ended from outside ({type(error).__name__})")
            raise
        try:
            metrics.write(prometheus or logs / METRICS, ledger.run, ledger.steps, measured)
        except OSError as error:
            told = [*told, f"the metrics cannot be written: {error}"]
    return ledger.run, told


def _publish(
    generations: Generations, wanted: Wanted, ledger: Ledger
) -> tuple[int, list[str], dict[str, float]]:
    """Make the next generation; return the exit code, what to tell, and what was measured."""
    with ExitStack() as stack:
        with ledger.step("copy"):
            copy = stack.enter_context(generations.private_copy())
        number = generations.next_number
        with warehouse.in_warehouse(copy.file):
            warnings = steps.work(wanted, ledger, copy)
            told = [*steps.alarms(), *warnings]
            with warehouse.writer() as connection:
                revenue = summary.revenue_lines(connection)
                measured = metrics.values_of(connection, ledger.run.night)
                code = WARNED if told else PUBLISHED
                ledger.conclude(code, told[0] if told else None, number)
                ledger.write(connection)
                sign(connection, number, ledger.run.run_id)
                connection.execute("checkpoint")
        with ledger.step("publish"):
            generations.publish(copy)
    return code, [*told, *revenue], measured


def _after_publishing(
    generations: Generations,
    ledger: Ledger,
    keep: int,
    most_bytes: int | None,
    store: str | None,
) -> list[str]:
    """Do what may fail without taking back what is published; return what did."""
    problems = []
    try:
        generations.prune(keep, most_bytes)
    except OSError as error:
        problems.append(f"older generations cannot be removed: {error}")
    if store and (problem := _to_store(store, ledger, keep)):
        problems.append(problem)
    return problems


def _to_store(store: str, ledger: Ledger, keep: int) -> str | None:
    """Upload what is published; return why that failed, if it did: here it is published anyway."""
    try:
        with ledger.step("store") as step:
            step.rows = len(publish_to(store, keep).files)
    except (warehouse.ShopError, OSError) as error:
        return f"published here, not in the store, which `shop publish --to-store` mends: {error}"
    return None


@expected_errors()
def main(
    data: Annotated[
        Path | None,
        typer.Option(help="The folder that receives the shop's files; without it none is loaded."),
    ] = None,
    mapping: Mapping = None,
    layout: Layout = None,
    timezone: Timezone = None,
    quarantine: Annotated[
        bool,
        typer.Option("--quarantine", help="Keep what does not fit in raw.rejected, load the rest."),
    ] = False,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="As if the night began this day: only files of days before it. Replays a backlog.",
        ),
    ] = None,
    fit: Annotated[
        Fit,
        typer.Option(
            help="When to fit. auto: when there is no usable model, or its published forecasts "
            "fall behind what they expected of themselves."
        ),
    ] = Fit.AUTO,
    vars: Annotated[
        str, typer.Option(help="dbt's variables, as in '{accepted_loads: [3]}'.")
    ] = "{}",
    export: Annotated[
        bool, typer.Option("--export", help="Write main and marts as Parquet, too.")
    ] = False,
    keep: Annotated[int, typer.Option(min=2, help="How many generations stay.")] = KEEP,
    keep_gigabytes: Annotated[
        float | None, typer.Option(help="How large all generations together may be.")
    ] = None,
    notify_url: Annotated[
        list[str] | None,
        typer.Option(
            "--notify",
            metavar="URL",
            envvar="NOTIFY_URLS",
            help="Tell of the night here, as in mailto://..., slack://...; may be repeated.",
        ),
    ] = None,
    prometheus: Annotated[
        Path | None, typer.Option(help="Where the metrics go. Default: logs/shop.prom.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            "--publish-to",
            metavar="URL",
            envvar="PUBLISH_TO",
            help="Publish in this object store, too: s3://, gs://, az:// or file://.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what a night would do; change nothing.")
    ] = False,
) -> None:
    """Load what is new, build, fit if it is due, score, and publish it all as one generation."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    day = as_of.date() if as_of else None
    if day and day > datetime.now(UTC).date() + timedelta(2):
        raise typer.BadParameter(f"--as-of {day} lies ahead")
    files = Files(data, mapping, layout, timezone, quarantine, day)
    wanted = Wanted(files, fit, _variables(vars), export)
    if dry_run:
        _say_what_would_be(wanted)
        return
    try:
        most_bytes = int(keep_gigabytes * 1e9) if keep_gigabytes else None
        run, told = nightly(
            wanted, keep=keep, most_bytes=most_bytes, prometheus=prometheus, store=store
        )
    except lock.RunningError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(HELD) from error
    code = run.exit_code if run.exit_code is not None else FAILED
    title = f"Night of {run.night}: {run.outcome}"
    if run.generation is not None:
        title += f", generation {run.generation}"
    typer.echo(json.dumps({**asdict(run), "told": told}, default=str) if as_json else title)
    if not as_json:
        for line in told:
            typer.echo(f"  {line}")
    try:
        notify(notify_url or (), title, "\n".join(told), code)
    except NotifyError as error:
        typer.echo(f"error: {error}", err=True)
        # what was published is published; but nobody knows of it
        raise typer.Exit(code or WARNED) from error
    raise typer.Exit(code)


def _variables(text: str) -> dict[str, object]:
    try:
        variables = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        raise typer.BadParameter(f"--vars is no YAML: {text}") from error
    if not isinstance(variables, dict):
        raise typer.BadParameter(f"--vars is no mapping of names to values: {text}")
    return variables


def _say_what_would_be(wanted: Wanted) -> None:
    generations = Generations(warehouse.published())
    found = wanted.files.news()
    for batch in found.batches:
        typer.echo(f"load    {batch.day or 'without a day'}: {', '.join(batch.files)}")
    for line in receive.left(found):
        typer.echo(line)
    if warehouse.path().exists():
        why = due.why_fit(wanted.fit)
        typer.echo(f"fit     {why or 'not due'}, as the mart is now")
    typer.echo(f"publish generation {generations.next_number}; now {generations.current or 'none'}")


if __name__ == "__main__":
    typer.run(main)
