"""What the nights did: a line of JSON for each event, and the tables `runs` and `run_steps`.

The lines in `logs/runs.jsonl`, beside the warehouse, are written as things happen, whatever becomes
of the night. Each night brings what they say into its copy of the warehouse: so the tables know of
nights that published nothing, and of all nights after a generation was rolled back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

import warehouse

PUBLISHED, WARNED, STOPPED, FAILED, HELD = 0, 10, 20, 30, 40
OUTCOMES = {
    PUBLISHED: "published",
    WARNED: "published with warnings",
    STOPPED: "stopped by a gate",
    FAILED: "failed",
}
RUNNING, KILLED = "running", "killed"


def now() -> datetime:
    """Return the present moment as the tables hold it: UTC, without saying so."""
    return datetime.now(UTC).replace(tzinfo=None)


@dataclass
class Step:
    """A step of a run; what the block that does it has to say is put into `rows` and `message`."""

    run_id: str
    step: str
    started_at: datetime
    ended_at: datetime | None = None
    rows: int | None = None
    exit_code: int | None = None
    message: str | None = None


@dataclass
class Run:
    """A nightly run."""

    night: date
    started_at: datetime = field(default_factory=now)
    run_id: str = ""
    ended_at: datetime | None = None
    outcome: str = RUNNING
    exit_code: int | None = None
    generation: int | None = None
    message: str | None = None

    def __post_init__(self) -> None:
        """Name the run after its start and process."""
        self.run_id = self.run_id or f"{self.started_at:%Y%m%dT%H%M%S}-{os.getpid()}"


class Ledger:
    """The ledger of one run, and through the log that of all before it.

    Parameters
    ----------
    log
        The file of JSON lines.
    run
        The present run; its start is written at once.
    """

    def __init__(self, log: Path, run: Run) -> None:
        self.log, self.run = log, run
        self.steps: list[Step] = []
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._append("run", run)

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Note when a step starts and ends, and how."""
        step = Step(self.run.run_id, name, now())
        self.steps.append(step)
        self._append("step", step)
        try:
            yield step
            step.exit_code = 0
        except BaseException as error:
            step.exit_code = 1
            step.message = str(error) or type(error).__name__
            raise
        finally:
            step.ended_at = now()
            self._append("step", step)

    def end(self, exit_code: int, message: str | None, generation: int | None = None) -> None:
        """Note how the run ended."""
        self.conclude(exit_code, message, generation)
        self._append("run", self.run)

    def conclude(self, exit_code: int, message: str | None, generation: int | None) -> None:
        """Say how the run will have ended, for the tables of the generation that it publishes."""
        run = self.run
        run.exit_code, run.outcome = exit_code, OUTCOMES[exit_code]
        run.message, run.generation, run.ended_at = message, generation, now()

    def write(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Bring all that the log and this run say into `runs` and `run_steps`.

        Runs whose log is gone stay as the tables have them.
        """
        runs, steps = _read(self.log)
        runs[self.run.run_id] = asdict(self.run)
        for step in self.steps:
            steps[(step.run_id, step.step)] = asdict(step)
        for run in runs.values():
            if run["outcome"] == RUNNING and run["run_id"] != self.run.run_id:
                # only one runs at a time: it never came to its end
                run["outcome"] = KILLED
        with warehouse.transaction(connection):
            for table, rows in (("runs", list(runs.values())), ("run_steps", list(steps.values()))):
                columns = warehouse.written_columns(table)
                connection.execute(
                    f"create table if not exists main.{table} ({', '.join(columns)})"
                )
                ids = sorted({row["run_id"] for row in rows})
                connection.execute(
                    f"delete from main.{table} where list_contains(?, run_id)", [ids]
                )
                if not rows:
                    continue
                names = [column.split()[0] for column in columns]
                connection.executemany(
                    f"insert into main.{table} ({', '.join(names)})"
                    f" values ({', '.join('?' * len(names))})",
                    [[row[name] for name in names] for row in rows],
                )

    def _append(self, kind: str, what: Run | Step) -> None:
        line = json.dumps({"kind": kind, **asdict(what)}, default=str)
        handle = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "a", encoding="utf-8") as log:
            log.write(f"{line}\n")


def _read(log: Path) -> tuple[dict[str, dict[str, Any]], dict[tuple[str, str], dict[str, Any]]]:
    """Return the newest word of the log on each run, and on each step."""
    runs: dict[str, dict[str, Any]] = {}
    steps: dict[tuple[str, str], dict[str, Any]] = {}
    for line in log.read_text(encoding="utf-8").splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            # the last line of a run that was killed while it wrote
            continue
        kind = said.pop("kind")
        if kind == "run":
            runs[said["run_id"]] = said
        else:
            steps[(said["run_id"], said["step"])] = said
    return runs, steps
