"""Run the project's dbt build in a shard, phase by phase, or what is left of it on the driver."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

import warehouse
from core import dbt_runner
from shards.facts import PHASES

FILE = "part.duckdb"
# behind the facts that the last phase leaves, what is asked of the customers themselves
ASKED = (
    (),
    (),
    (
        "feat_customers",
        "feat_labels",
        "int_header_totals_recomputed",
    ),
)
# what the driver builds of the facts that a phase has left, and the gates that stop the next phase
DRIVEN = (
    (
        "+load_alarms",
        "+int_line_caps_set",
        "assert_the_newest_load_raises_no_error",
        "assert_the_quarantine_is_bounded",
        "assert_dropped_rows_are_bounded",
    ),
    ("+int_snapshots_scheduled", "+feat_dates", "assert_caps_are_bounded"),
    ("+data_quality",),
)
# what looks at the whole shop, and has nothing to say of a shard
OF_THE_SHOP = ("assert_the_current_date_has_a_population",)


@dataclass(frozen=True)
class Settings:
    """How a shop is built: dbt's variables, and whether its tests run."""

    variables: tuple[tuple[str, object], ...] = ()
    run_only: bool = False

    @property
    def vars(self) -> dict[str, object]:
        """The variables of dbt in a shard."""
        return {**dict(self.variables), "shard": True}


def build_shard(file: Path, phase: int, settings: Settings) -> None:
    """Build one phase (0, 1, 2) in a shard's warehouse; facts of the shop must lie in it.

    Raises
    ------
    BuildError
        If a model or a test fails.
    """
    before = [f"+{name}" for earlier in range(phase) for name in _left_by(earlier)]
    select = [f"+{name}" for name in _left_by(phase)]
    _build(file, select, [*before, *OF_THE_SHOP], settings)
    if phase == len(PHASES) - 1:
        _invoke(file, ["run-operation", "note_shard_built"], settings)


def build_driver(file: Path, phase: int, settings: Settings) -> None:
    """Build what follows from the facts of the shop after a phase, and ask its gates.

    Raises
    ------
    BuildError
        If a model or a test fails, as a gate does.
    """
    before = [name for earlier in DRIVEN[:phase] for name in earlier if name.startswith("+")]
    _build(file, DRIVEN[phase], before, settings)


def _left_by(phase: int) -> list[str]:
    return [*(fact.model for fact in PHASES[phase]), *ASKED[phase]]


def _build(file: Path, select: Sequence[str], exclude: Sequence[str], settings: Settings) -> None:
    left_out = ["unit_test", *(["test"] if settings.run_only else [])]
    command = ["build", "--exclude-resource-type", *left_out, "--indirect-selection", "buildable"]
    command += ["--select", *select]
    if exclude:
        command += ["--exclude", *exclude]
    _invoke(file, command, settings)


def _invoke(file: Path, command: Sequence[str], settings: Settings) -> None:
    text = json.dumps(settings.vars, sort_keys=True, default=str)
    if file.name != FILE:
        # what dbt has read of the project names the database, and that is named after the file
        raise ValueError(f"{file}: the warehouse of a shard is a file {FILE}")
    with warehouse.in_warehouse(file):
        # a run writes into what it is given
        result = dbtRunner(manifest=_parsed(text).deepcopy()).invoke(
            [*command, *_project(), "--vars", text]
        )
        # dbt keeps the file open after it has run
        DuckDBConnectionManager.close_all_connections()
        dbt_runner.raise_if_failed(result)


@cache
def _parsed(variables: str) -> Manifest:
    result = dbtRunner().invoke(["parse", *_project(), "--vars", variables])
    dbt_runner.raise_if_failed(result)
    assert isinstance(result.result, Manifest)
    return result.result


def _project() -> list[str]:
    project = str(warehouse.DBT_PROJECT)
    return ["--quiet", "--project-dir", project, "--profiles-dir", project]
