"""A load, an append or an undo that is killed at any moment happened or did not."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest

import warehouse
from tests.shop_files import content, query

KILLS = 20
MAPPING = """
order_lines:
  columns: {transaction_id: invoice, transaction_date: day, customer_id: client,
            line_item_amount: amount}
"""


def rows(first, last, amount):
    lines = [f"{n},2024-01-{1 + n % 28:02d},C{n % 99},{amount}" for n in range(first, last)]
    return "\n".join(["invoice,day,client,amount", *lines, ""])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "warehouse" / "shop.duckdb"))
    (tmp_path / "mapping.yml").write_text(MAPPING)
    (tmp_path / "first.csv").write_text(rows(0, 4000, "2.50"))
    (tmp_path / "second.csv").write_text(rows(0, 4500, "3.00"))
    # corrects the second half and goes on
    (tmp_path / "late.csv").write_text(rows(2000, 6000, "9.00"))
    return tmp_path


def start(folder, *arguments):
    return subprocess.Popen(
        [sys.executable, str(warehouse.ROOT / "load" / "load.py"), *arguments],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(warehouse.ROOT)},
        text=True,
    )


def state():
    return content() | {"loads": query("select * exclude (loaded_at) from raw.loads order by all")}


def finished(folder, *arguments):
    """Run a command to its end; return how long it took and what it left."""
    began = time.monotonic()
    process = start(folder, *arguments)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    return time.monotonic() - began, state()


def test_twenty_kills_leave_the_tables_as_before_or_as_after(folder):
    draw = random.Random(11)
    file = warehouse.path()
    by = ("--mapping", "mapping.yml")
    commands = {
        "load": ("second.csv", *by),
        "append": ("late.csv", *by, "--append", "--known-on", "2024-03-01"),
        "undo": ("--undo", "2"),
    }
    # what each command begins with, ends with, and how long it takes
    steps = {}
    finished(folder, "first.csv", *by)
    for name, command in commands.items():
        begin = folder / f"{name}.duckdb"
        shutil.copy(file, begin)
        before = state()
        seconds, after = finished(folder, *command)
        assert after != before
        steps[name] = command, begin, before, after, seconds
        if name == "load":
            shutil.copy(begin, file)
    killed = []
    for turn in range(KILLS):
        name = list(steps)[turn % len(steps)]
        command, begin, before, after, seconds = steps[name]
        file.with_name(f"{file.name}.wal").unlink(missing_ok=True)
        shutil.copy(begin, file)
        process = start(folder, *command)
        # the last part of a command is where it writes
        time.sleep(seconds * draw.uniform(0.3, 1.0))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed.append(process.returncode == -signal.SIGKILL)
        found = state()
        assert found in (before, after), (name, turn)
    # how many come before the end depends on what else the machine does
    assert sum(killed) >= KILLS // 4
    # and the next command works on what is left
    shutil.copy(steps["append"][1], file)
    assert finished(folder, *commands["append"])[1] == steps["append"][3]
    assert not list(file.parent.glob(".scratch-*"))
