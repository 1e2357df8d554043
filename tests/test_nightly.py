"""Nights on a small shop that receives files: what is published, and what stops a night."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

import warehouse
from benchmarks import night_files
from core import lock
from core.generations import Generations, state
from generate.shop.plan import Plan
from operate.night.ledger import FAILED, HELD, PUBLISHED, STOPPED, WARNED, Ledger, Run
from operate.night.receive import Files
from operate.night.steps import Wanted
from operate.nightly import nightly

NIGHTS = 6
DONE = (PUBLISHED, WARNED)


class Shop:
    """A shop's folder, the files that it receives, and the nights on it, in order."""

    def __init__(self, folder: Path) -> None:
        self.place = folder / "shop.duckdb"
        self.kept = folder / "sent"
        self.inbox = folder / "inbox"
        self.inbox.mkdir()
        self.days = night_files.write(Plan(300, 9, days=500), self.kept, NIGHTS)
        self.sent = 0

    def receive(self) -> Path:
        """Let the next day's files come in; return their folder."""
        day = self.days[self.sent].isoformat()
        self.sent += 1
        (self.kept / day).rename(self.inbox / day)
        return self.inbox / day

    @property
    def tonight(self) -> date:
        return self.days[self.sent - 1] + timedelta(1)

    def night(self, **options: object) -> tuple[Run, list[str]]:
        wanted = Wanted(Files(self.inbox, as_of=self.tonight), **options)
        with warehouse.in_warehouse(self.place):
            return nightly(wanted)

    def ask(self, query: str) -> list[tuple]:
        with duckdb.connect(str(self.place), read_only=True) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, dbt_folders: None) -> Shop:
    """The tests below are the nights of one shop, each beginning where the one before ended."""
    return Shop(tmp_path_factory.mktemp("nights"))


def test_the_first_night_fits_and_publishes_a_whole_generation(shop):
    shop.receive()
    run, told = shop.night()
    assert run.exit_code in DONE
    assert run.generation == 1
    assert shop.ask("select number, as_of_date from main.generation") == [(1, shop.tonight)]
    assert shop.ask("select distinct as_of_date from main.predictions") == [(shop.tonight,)]
    assert "the warehouse has no model yet" in "".join(
        message or "" for (message,) in shop.ask("select message from main.run_steps")
    )
    generation = Generations(shop.place).folder_of(1)
    assert (generation / "docs" / "index.html").stat().st_size > 100_000
    assert (generation / "reports" / "report.html").exists()
    assert [line for line in told if line.startswith("Expected revenue")]


def test_each_step_is_in_the_tables_and_in_the_log(shop):
    steps = ["copy", "load", "build", "fit", "score", "explain", "marts", "docs"]
    rows = shop.ask(
        "select step, exit_code, ended_at >= started_at from main.run_steps order by started_at"
    )
    assert rows == [(step, 0, True) for step in steps]
    log = (shop.place.parent / "logs" / "runs.jsonl").read_text().splitlines()
    assert json.loads(log[-1])["outcome"].startswith("published")
    assert {json.loads(line).get("step") for line in log} == {None, *steps, "publish"}


def test_the_last_run_is_told_to_prometheus(shop):
    text = (shop.place.parent / "logs" / "shop.prom").read_text()
    told = dict(line.split() for line in text.splitlines() if not line.startswith("#"))
    assert told["shop_generation"] == "1.0"
    assert told["shop_data_age_days"] == "1.0"
    assert float(told['shop_step_seconds{step="build"}']) > 0
    assert float(told["shop_expected_revenue"]) > 0


def test_a_night_loads_what_is_new_and_fits_no_more(shop):
    shop.receive()
    before = shop.ask("select count(*) from raw.store_sales_header")[0][0]
    run, _ = shop.night()
    assert (run.exit_code in DONE, run.generation) == (True, 2)
    assert shop.ask("select count(*) from raw.store_sales_header")[0][0] > before
    assert shop.ask("select known_on from raw.loads order by load_id desc limit 1") == [
        (shop.days[1],)
    ]
    assert shop.ask("select as_of_date from main.generation") == [(shop.tonight,)]
    steps = shop.ask(f"select step from main.run_steps where run_id = '{run.run_id}'")
    assert ("fit",) not in steps


def test_a_night_without_news_is_a_night(shop):
    before = shop.ask("select count(*) from raw.store_sales_header")
    run, _ = shop.night()
    assert (run.exit_code in DONE, run.generation) == (True, 3)
    assert shop.ask("select count(*) from raw.store_sales_header") == before
    assert shop.ask(
        f"select message from main.run_steps where step = 'load' and run_id = '{run.run_id}'"
    ) == [("no new files",)]


def test_what_a_night_would_do_is_said_without_doing_it(shop):
    shop.receive()
    before = state(shop.place.resolve())
    done = command(shop, "--dry-run")
    assert done.returncode == 0
    assert f"load    {shop.days[2]}: " in done.stdout
    assert "fit     not due" in done.stdout
    assert "publish generation 4; now 3" in done.stdout
    assert state(shop.place.resolve()) == before
    assert Generations(shop.place).current == 3


def test_a_file_that_does_not_fit_stops_the_night_and_names_itself(shop):
    broken = shop.inbox / shop.days[2].isoformat() / "store_sales_line_items.csv"
    text = broken.read_text()
    broken.write_text(text.replace("\n", "\nnot,a,line\n", 1))
    before = state(shop.place.resolve())
    done = command(shop)
    assert done.returncode == STOPPED
    assert "store_sales_line_items.csv" in done.stdout
    assert "Traceback" not in done.stderr
    assert state(shop.place.resolve()) == before
    broken.write_text(text)


def test_a_red_gate_publishes_nothing_and_the_published_generation_stays(shop):
    before = state(shop.place.resolve())
    run, told = shop.night(variables={"max_quarantined_share": 0.000001})
    assert run.exit_code == STOPPED
    assert "assert_the_quarantine_is_bounded" in told[0]
    assert state(shop.place.resolve()) == before
    assert Generations(shop.place).current == 3


def test_after_the_files_are_mended_the_same_command_publishes(shop):
    run, _ = shop.night()
    assert (run.exit_code in DONE, run.generation) == (True, 4)
    outcomes = shop.ask("select outcome, exit_code from main.runs order by started_at")
    # the nights that stopped published nothing, and are known all the same
    assert outcomes.count(("stopped by a gate", STOPPED)) == 2


def test_a_killed_night_is_known_as_killed_and_missed_nights_are_caught_up_in_order(shop):
    shop.receive()
    with subprocess.Popen(
        [sys.executable, "operate/nightly.py", "--data", shop.inbox],
        cwd=warehouse.ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(shop),
    ) as process:
        log = shop.place.parent / "logs" / "runs.jsonl"
        lines = len(log.read_text().splitlines())
        while len(log.read_text().splitlines()) < lines + 3:
            assert process.poll() is None
        process.kill()
    shop.receive()
    run, _ = shop.night()
    assert run.exit_code in DONE
    assert shop.ask(
        "select known_on from raw.loads where file = 'store_sales_header.csv'"
        " order by load_id desc limit 2"
    ) == [(shop.days[4],), (shop.days[3],)]
    assert ("killed",) in shop.ask("select outcome from main.runs")
    assert shop.ask("select count(*) from main.runs where outcome = 'running'") == [(0,)]


def test_a_second_run_is_told_who_runs_and_ends_with_40(shop):
    with warehouse.in_warehouse(shop.place), lock.held("the nightly run"):
        done = command(shop)
    assert done.returncode == HELD
    assert "the nightly run of process" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_model_that_may_be_used_and_without_a_fit_a_night_fails_and_says_so(shop):
    champion = shop.ask("select version from main.model_registry where status = 'champion'")[0][0]
    folder = shop.place.resolve().parent / "models" / champion
    folder.rename(folder.with_name("elsewhere"))
    done = command(shop, "--fit", "never", "--json")
    folder.with_name("elsewhere").rename(folder)
    assert done.returncode == FAILED
    assert "run `python train/fit.py`" in json.loads(done.stdout)["message"]


def test_a_roll_back_takes_all_back_and_the_next_night_goes_on_from_there(shop):
    current = Generations(shop.place).current
    done = subprocess.run(
        [sys.executable, "operate/publish.py", "--rollback", "--list"],
        cwd=warehouse.ROOT,
        capture_output=True,
        text=True,
        env=environment(shop),
        check=True,
    )
    assert f"generation {current - 1} is published" in done.stdout
    assert shop.ask("select number from main.generation") == [(current - 1,)]
    run, _ = shop.night()
    assert run.generation == current + 1
    # what was rolled back was of files, which are new again
    assert shop.ask("select as_of_date from main.generation") == [(shop.tonight,)]
    assert ("killed",) in shop.ask("select outcome from main.runs")


def test_a_run_whose_log_is_gone_stays_in_the_tables(shop, tmp_path):
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(shop.place.read_bytes())
    [(before,)] = shop.ask("select count(*) from main.runs")
    with duckdb.connect(str(copy)) as connection:
        Ledger(tmp_path / "logs" / "runs.jsonl", Run(date(2024, 1, 1))).write(connection)
        runs = connection.execute("select count(*) from main.runs").fetchall()
    assert runs == [(before + 1,)]


def environment(shop: Shop) -> dict[str, str]:
    return {**os.environ, "WAREHOUSE_PATH": str(shop.place)}


def command(shop: Shop, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "operate/nightly.py", "--data", str(shop.inbox)),
            *("--as-of", shop.tonight.isoformat(), *options),
        ],
        cwd=warehouse.ROOT,
        env=environment(shop),
        capture_output=True,
        text=True,
        check=False,
    )
