"""Who writes waits for readers of the warehouse; dbt says in a sentence when they stay."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

import warehouse
from core import dbt_runner
from generate import truth
from generate.shop.plan import Plan
from generate.synthetic import generate
from operate import catalog
from train.registry import artefact, versions

MODEL = "stg_retail__products"


@contextmanager
def reader(file: Path, seconds: float) -> Iterator[subprocess.Popen]:
    """Let another process hold the warehouse open for reading."""
    code = (
        "import sys, time, duckdb; held = duckdb.connect(sys.argv[1], read_only=True);"
        "print('open', flush=True); time.sleep(float(sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, file, str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "open\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_build_waits_for_a_reader_of_three_seconds(world):
    with reader(world("read").file, 3) as process:
        dbt_runner.build(select=MODEL)
        assert process.wait() == 0
    with warehouse.connect(read_only=True) as connection:
        assert connection.execute(f"select count(*) from staging.{MODEL}").fetchall()[0][0] > 0


def test_a_reader_that_stays_ends_a_build_with_one_line_that_says_what_to_do(world, monkeypatch):
    monkeypatch.setattr(warehouse, "ATTEMPTS", 2)
    file = world("held").file
    with reader(file, 120) as process, pytest.raises(dbt_runner.BuildError) as raised:
        dbt_runner.build(select=MODEL)
    message = str(raised.value)
    assert "\n" not in message
    assert f"{file} is held by process {process.pid} (python" in message
    assert "wait until it has ended, or stop it" in message


def test_dbt_itself_ends_with_a_sentence_instead_of_a_traceback(world):
    file = world("held").file
    project = warehouse.DBT_PROJECT
    started = time.monotonic()
    with reader(file, 120):
        build = subprocess.run(
            [Path(sys.executable).with_name("dbt"), "build", "--select", MODEL],
            cwd=project,
            env={
                **os.environ,
                "DBT_PROJECT_DIR": str(project),
                "DBT_PROFILES_DIR": str(project),
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert time.monotonic() - started < 40
    assert build.returncode != 0
    said = build.stdout.partition("Encountered an error:\n")[2].strip().splitlines()
    assert len(said) <= 3
    assert "wait until it has ended, or stop it" in said[-1]
    assert "Traceback" not in build.stdout + build.stderr


def test_commands_that_write_wait_for_a_reader(world):
    file = world("waiting").file
    with reader(file, 1.5):
        generate(Plan(20, 1, days=60))
    with reader(file, 1.5):
        assert truth.add([date(2022, 2, 20)]) > 0
    compiled = dbt_runner.build(select=MODEL)
    with reader(file, 1.5), pytest.raises(artefact.ArtefactError, match="no version was champion"):
        versions.roll_back()
    with reader(file, 1.5):
        catalog.write_lineage(compiled)
