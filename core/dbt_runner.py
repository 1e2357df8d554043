"""Run dbt in this process, with a progress bar, and say in plain words what failed."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.artifacts.schemas.catalog import CatalogArtifact
from dbt.artifacts.schemas.run import RunExecutionResult, RunResult
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt_common.events.base_types import EventMsg

import warehouse
from core.bar import bar

# what Python writes into the warehouse after a build, and all that is made of it
WRITTEN_BY_PYTHON = "source:scoring+"
# one page, with all that it needs
SITE = "static_index.html"


class BuildError(warehouse.ShopError):
    """A model or test failed; the message names it, counts the rows and shows examples."""


class GateError(BuildError):
    """Tests stopped a build, and nothing but tests: the data are not what they should be."""


def variables(as_of: str | None = None, **others: object) -> dict[str, object]:
    """Return dbt variables; `as_of` (ISO date) makes that day the current as-of date."""
    return {**({"as_of": as_of} if as_of else {}), **others}


def build(
    vars: dict[str, object] | None = None,
    select: str | None = None,
    *,
    run_only: bool = False,
    full_refresh: bool = False,
) -> dbtRunnerResult:
    """Run `dbt build` without unit tests; a red test stops what lies behind it.

    Parameters
    ----------
    select
        dbt's node selection; None builds everything.
    run_only
        Build the models and leave the tests out.
    full_refresh
        Build everything anew, also what has not changed.

    Raises
    ------
    BuildError
        If a model or a test with severity error fails, or raw tables are missing.
    """
    # unit tests try the SQL on made-up rows; they belong to a change of the SQL, not to a refresh
    left_out = ["unit_test", "test"] if run_only else ["unit_test"]
    command = ["build", "--exclude-resource-type", *left_out]
    if select:
        # a test also runs when the selection leaves out something that it reads, if that is built
        command += ["--select", select, "--indirect-selection", "buildable"]
    if full_refresh:
        command.append("--full-refresh")
    return _invoke(command, vars)


def unit_tests(select: str, vars: dict[str, object] | None = None) -> dbtRunnerResult:
    """Try the SQL of selected models on made-up rows; the warehouse must have what they read.

    Raises
    ------
    BuildError
        If a unit test fails.
    """
    chosen = [f"{model},test_type:unit" for model in select.split()]
    return _invoke(["test", "--select", *chosen], vars)


def compiled(vars: dict[str, object] | None = None) -> dbtRunnerResult:
    """Compile all models and run none: the result's nodes have their SQL."""
    return _invoke(["compile"], vars)


def docs(vars: dict[str, object] | None = None) -> None:
    """Write the documentation site, one self-contained page, to `dbt_project/target`."""
    _invoke(["docs", "generate", "--static"], vars)


def site() -> Path:
    """Return the file that `docs` writes."""
    return target_folder() / SITE


def target_folder() -> Path:
    """Return where dbt writes what it compiles."""
    return Path(os.environ.get("DBT_TARGET_PATH") or warehouse.DBT_PROJECT / "target")


def log_folder() -> Path:
    """Return where dbt writes its log."""
    return Path(os.environ.get("DBT_LOG_PATH") or warehouse.DBT_PROJECT / "logs")


def _invoke(command: list[str], vars: dict[str, object] | None) -> dbtRunnerResult:
    project = str(warehouse.DBT_PROJECT)
    arguments = [*command, "--project-dir", project, "--profiles-dir", project, "--quiet"]
    if vars:
        arguments += ["--vars", json.dumps(vars)]
    with (
        warehouse.in_warehouse(warehouse.path()),
        _progress() as callback,
        warnings.catch_warnings(),
    ):
        # dbt leaves its log file open; after fits in threads Python's own filter may be gone
        warnings.simplefilter("ignore", ResourceWarning)
        result = dbtRunner(callbacks=[callback]).invoke(arguments)
        # dbt keeps the file open after it has run, and an open writer blocks everybody else
        DuckDBConnectionManager.close_all_connections()
    raise_if_failed(result)
    return result


def raise_if_failed(result: dbtRunnerResult) -> None:
    """Say in plain words what failed of a run of dbt; the warehouse is asked for examples.

    Raises
    ------
    BuildError
        If something did.
    """
    if result.exception:
        message = " ".join(str(result.exception).split())
        raise BuildError(f"dbt stopped: {message}") from result.exception
    if result.success:
        return
    if isinstance(result.result, CatalogArtifact):
        errors = result.result.errors or ["a model does not compile, as logs/dbt.log says"]
        raise BuildError(f"dbt's documentation: {'; '.join(errors)}")
    failed = {entry.status for entry in results_of(result)}
    raise (BuildError if "error" in failed else GateError)(_explain(result))


@contextmanager
def _progress() -> Iterator[Callable[[EventMsg], None]]:
    with bar() as progress:
        task = progress.add_task("dbt: reading the project", total=None)

        def follow(event: EventMsg) -> None:
            if event.info.name == "LogStartLine":
                progress.update(
                    task,
                    description=f"dbt: {event.data.description}",
                    completed=event.data.index,
                    total=event.data.total,
                )

        yield follow


def results_of(result: dbtRunnerResult) -> Sequence[RunResult]:
    """Return what a run of dbt says of each node that it ran.

    Raises
    ------
    TypeError
        If it was a command that gives something else back.
    """
    if not isinstance(result.result, RunExecutionResult):
        raise TypeError(f"dbt gave back a {type(result.result).__name__}, no results of nodes")
    return result.result.results


def _explain(result: dbtRunnerResult) -> str:
    failed = [entry for entry in results_of(result) if entry.status in ("error", "fail")]
    skipped = sum(entry.status == "skipped" for entry in results_of(result))
    lines = [f"dbt: {len(failed)} failed, {skipped} behind them not run"]
    for entry in failed:
        message = " ".join((entry.message or "").split())
        lines.append(f"  {entry.node.resource_type} {entry.node.name}: {message}")
        sql = getattr(entry.node, "compiled_code", None)
        if entry.status == "fail" and sql:
            lines += [f"    for example {row}" for row in _examples(sql)]
    return "\n".join(lines)


def _examples(sql: str) -> list[str]:
    with warehouse.connect(read_only=True) as connection:
        try:
            cursor = connection.execute(f"select * from ({sql}) limit 3")
        except duckdb.Error as error:
            return [f"(no example: {error})"]
        names = [column[0] for column in cursor.description]
        return [
            ", ".join(f"{name}: {value}" for name, value in zip(names, row, strict=True))
            for row in cursor.fetchall()
        ]
