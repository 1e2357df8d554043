"""The page on running the nights, performed: a first run, the timer's own command on three days."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

import warehouse
from benchmarks import night_files
from generate.shop.plan import Plan

PAGE = (warehouse.ROOT / "docs" / "how-to" / "operate.md").read_text()
UNIT = (warehouse.ROOT / "deploy" / "shop-nightly.service").read_text()
NIGHTS = 3


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is /var/lib/shop in the unit: a first run has been made, three days are to come."""
    folder = tmp_path_factory.mktemp("home")
    days = night_files.write(Plan(300, 11, days=500), folder / "sent", NIGHTS)
    done = run(folder, "shop", "run", "--data", str(folder / "sent" / days[0].isoformat()))
    assert done.returncode == 0, done.stderr
    (folder / "inbox").mkdir()
    for day in days[1:]:
        (folder / "sent" / day.isoformat()).rename(folder / "inbox" / day.isoformat())
        night = run(folder, *timers_command(folder))
        # files of years ago are old news, which is a warning
        assert night.returncode in (0, 10), night.stdout + night.stderr
    return folder


def timers_command(folder: Path) -> list[str]:
    [line] = re.findall(r"^ExecStart=(.*)$", UNIT, re.MULTILINE)
    words = shlex.split(line.replace("/var/lib/shop", str(folder)))
    assert Path(words[0]).name == "shop"
    return ["shop", *words[1:]]


def run(folder: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name(program)), *arguments],
        cwd=warehouse.ROOT,
        env={**os.environ, "WAREHOUSE_PATH": str(folder / "warehouse.duckdb")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_day_that_came_in_is_a_generation(home):
    listed = run(home, "shop", "publish", "--list").stdout.splitlines()
    # and the first run is the way back from the first night
    assert [line.split()[0] for line in listed] == [str(number) for number in range(NIGHTS + 1)]
    assert listed[0].endswith("before the first night")
    assert listed[-1].endswith("published")


def test_what_an_operator_reads_in_the_morning_is_there(home):
    queries = [query for block in blocks("sql") for query in block.split(";") if query.strip()]
    assert len(queries) == 2
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        runs, steps = (connection.execute(query).fetchall() for query in queries)
        alarms = connection.execute("select cause from marts.alarms order by place").fetchall()
    assert [(outcome, generation) for _, outcome, generation, _ in runs] == [
        ("published with warnings", number) for number in reversed(range(1, NIGHTS + 1))
    ]
    assert {"copy", "load", "build", "score", "marts"} <= {step for step, *_ in steps}
    assert ("stale",) in alarms


def test_everything_lies_where_the_page_says(home):
    assert os.readlink(home / "warehouse.duckdb") == "generations/current/warehouse.duckdb"
    current = home / "generations" / f"{NIGHTS:06d}"
    assert (home / "generations" / "current").resolve() == current
    for name in ("warehouse.duckdb", "models", "reports/report.html", "docs/index.html"):
        assert (current / name).exists()
        assert name.partition("/")[0] in PAGE
    for name in ("logs/runs.jsonl", "logs/shop.prom"):
        assert (home / name).exists()
        assert name in PAGE


def test_a_roll_back_is_one_command(home):
    assert "shop publish --rollback" in PAGE
    done = run(home, "shop", "publish", "--rollback")
    assert done.stdout.startswith(f"generation {NIGHTS - 1} is published")
    assert run(home, "shop", "publish", "--to", str(NIGHTS)).returncode == 0
