"""What a night does to its private copy of the warehouse, step by step."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dbt.cli.main import dbtRunnerResult

import warehouse
from core import dbt_runner
from core.generations import DOCS, EXPORT, Copy
from load.staging import LoadError
from operate import catalog
from operate.night import due, receive
from operate.night.due import Fit
from operate.night.ledger import Ledger, Step
from operate.night.receive import Files
from serve.explain import explain
from serve.export_tables import export_tables
from serve.score import score
from train.fit import fit
from train.registry.promotion import CHAMPION


@dataclass(frozen=True)
class Wanted:
    """What a night was asked to do.

    Attributes
    ----------
    files
        Where the shop's files come in.
    fit
        When to fit.
    variables
        dbt's variables.
    export
        Write `main` and `marts` as Parquet into the generation, too.
    """

    files: Files = field(default_factory=Files)
    fit: Fit = Fit.AUTO
    variables: Mapping[str, Any] = field(default_factory=dict)
    export: bool = False


def work(wanted: Wanted, ledger: Ledger, copy: Copy) -> list[str]:
    """Load, build, fit if it is due, score, explain and document in a copy; return the warnings.

    Raises
    ------
    load.staging.LoadError, core.dbt_runner.BuildError
        If a file or a test stops the night.
    warehouse.ShopError
        If it fails otherwise.
    """
    warnings = []
    with ledger.step("load") as step:
        new = wanted.files.news()
        step.rows = sum(wanted.files.load(batch) for batch in new.batches)
        days = ", ".join(str(batch.day or "without a day") for batch in new.batches)
        step.message = f"files of {days}" if new.batches else "no new files"
        warnings += receive.left(new)
        if not receive.is_loaded():
            where = f"{wanted.files.data} has none" if wanted.files.data else "no --data is given"
            raise LoadError(f"no file is loaded yet, and {where}: nothing can be built")
        receive.receive(list(new.unread.values()))
    with warehouse.writer() as connection:
        # so that alarms know of the nights before, and of this one
        ledger.write(connection)
    variables = dict(wanted.variables)
    with ledger.step("build") as step:
        built = _build(variables)
        if _is_all_built():
            # in other nights the SQL is what it was
            catalog.write_lineage(built)
        warnings += _warnings(built)
        step.rows = _customers()
    if why := due.why_fit(wanted.fit):
        with ledger.step("fit") as step:
            warnings += _fit(why, step)
    with ledger.step("score") as step:
        scored = score()
        step.rows = scored.customers
        step.message = f"as of {scored.as_of} with {scored.model_version}"
    with ledger.step("explain") as step:
        step.rows = explain(scored.as_of).customers
    with ledger.step("marts"):
        warnings += _warnings(dbt_runner.build(variables, select=dbt_runner.WRITTEN_BY_PYTHON))
    with ledger.step("docs"):
        dbt_runner.docs(variables)
        target = copy.file.parent / DOCS
        target.mkdir(mode=0o700, exist_ok=True)
        shutil.copy2(dbt_runner.site(), target / "index.html")
    if wanted.export:
        with ledger.step("export"):
            export_tables(copy.file.parent / EXPORT)
    return list(dict.fromkeys(warnings))


def _fit(why: str, step: Step) -> list[str]:
    step.message = f"because {why}"
    try:
        fitted = fit()
    except warehouse.ShopError as error:
        # the present model goes on, if there is one: else scoring says so
        step.message += f"; it failed: {error}"
        return [f"a fit was due ({why}) and failed: {error}"]
    step.rows = fitted.rows
    step.message += f"; {fitted.version} is {fitted.verdict.status}: {fitted.verdict.reason}"
    if fitted.verdict.status != CHAMPION:
        return [f"{fitted.version}, fitted because {why}, is no better: {fitted.verdict.reason}"]
    return []


def _warnings(result: dbtRunnerResult) -> list[str]:
    return [
        f"{entry.node.name}: {' '.join((entry.message or '').split())}"
        for entry in dbt_runner.results_of(result)
        if entry.status == "warn"
    ]


def _build(variables: dict[str, Any]) -> dbtRunnerResult:
    """Build all; where a test stops that, say with the error what the alarms make of it."""
    try:
        return dbt_runner.build(variables)
    except dbt_runner.GateError as error:
        try:
            # they are built from what stands before the gates, so they know of tonight
            dbt_runner.build(variables, select="tag:alarms", run_only=True)
            found = alarms()
        except warehouse.ShopError as none_built:
            found = [f"no alarms can be made of it: {none_built}"]
        for alarm in found:
            error.add_note(alarm)
        raise


def alarms(most: int = 3) -> list[str]:
    """Return what needs a look, the most important first, each with what to do."""
    with warehouse.connect(read_only=True) as connection:
        rows = connection.execute(
            "select message, what_to_do from marts.alarms order by place limit ?", [most]
        ).fetchall()
    return [f"{message}: {what_to_do}" for message, what_to_do in rows]


def _is_all_built() -> bool:
    with warehouse.connect(read_only=True) as connection:
        return connection.execute("select why_all is not null from builds.plan").fetchall() == [
            (True,)
        ]


def _customers() -> int:
    with warehouse.connect(read_only=True) as connection:
        [(count,)] = connection.execute(
            "select count(*) from features.feat_customer_snapshots"
            " inner join intermediate.int_snapshots_scheduled using (as_of_date) where is_current"
        ).fetchall()
    return count
