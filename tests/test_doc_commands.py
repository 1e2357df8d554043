"""The commands of README and docs, run as they stand there, on a small shop."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import warehouse
from tests import layout_files
from tests.test_docs import TEXTS, commands_of

BIN = Path(sys.executable).parent
# of a page that is made from the code each command has a help, which test_docs tries
WRITTEN_BY_HAND = {page: text for page, text in TEXTS.items() if "Made by `make" not in text}
COMMANDS = sorted({command for text in WRITTEN_BY_HAND.values() for command in commands_of(text)})

# what is not run here, and why
ELSEWHERE = {
    r"(make|shop) (api|app|mcp)( --host.*| --with-contacts| CONTACTS=1)?$": (
        "they serve until stopped: test_api, test_app"
    ),
    r"make bench-|python -m benchmarks": "figures of minutes to hours, on files that are not here",
    r"make (setup|spark)$": "they made the environment that runs this",
    r"make (test|test-long|lint|format)$|python -m pytest": "what CI itself runs",
    r"make (prove|audit)|make leak-demo": "test_prove and test_audit; the demo takes minutes",
    r"make lock$": "it needs uv and a registry",
    r"make examples|make -C|--publish-to|shop publish": "test_deploy and test_store",
    r"nightly|make soak": "test_nightly, test_operate_page, test_soak",
    r"shop erase": "test_erase",
    r"shop audience": "test_audiences, with its list in a folder of its own",
    r"(score|explain) --as-of 2025-12-02": "test_customer_changes; a day of the reader's own mart",
    r"fit --trust": "test_safety",
    r"make docs-site": "test_docs builds it",
    r"make run": "test_job runs it, with files and without",
    r"(make|shop|python train/)(backtest|backtest\.py| backtest)": "test_backtest runs it",
    r"spark|SHARED|FOLDER/mart\.duckdb|shards/score\.py": "test_shards runs them under Spark",
    r"shop shards --shards 8|SHARDS=8": "test_shards, with fewer",
    r"backup/": "it needs the backup of the lines before it",
    r"shop fit --mlflow$|--promote VERSION": "no whole command: the rest is the reader's",
    r"make fit$|python train/fit\.py$|shop fit$": "test_job fits; --quick is run here",
    r"shop fit --candidate": "it needs the file of its page; test_how_to_pages runs it",
    r"make profile DATA": "test_profile writes it from files",
    r"what-if$": "test_what_if; without a customer it asks for one",
    r"--timezone Europe/Berlin|REPLACE=1": "test_load_command",
    r"make export": "into the project's folder; test_export and test_export_tables",
    r"shop fit --rollback|shop load --undo 7": "no such past; test_promotion, test_undo",
    r"python train/fit\.py --mlflow": "as shop fit --mlflow, which is run",
}
# what stands for the reader's own, in the words of the pages
OWN = {
    "path/to/new/files": "{new}",
    "path/to/files": "{files}",
    "PATH": "{files}",
    "FILE": "{files}",
    "NIGHT": "{new}",
    "DAY": "2026-11-29",
    "mapping.yml": "{folder}/mapping.yml",
    "C0003927": "C0000007",
    "2025-12-20": "{before}",
    "2024-05-03": "{before}",
    "plan.csv": "{folder}/plan.csv",
    "rows.parquet": "{folder}/rows.parquet",
    "features.parquet": "{folder}/features.parquet",
    "sqlite:///runs.db": "sqlite:///{folder}/runs.db",
    "FOLDER": "{folder}/mart",
}


def _elsewhere(command):
    return any(re.search(pattern, command) for pattern in ELSEWHERE)


RUN_HERE = [command for command in COMMANDS if not _elsewhere(command)]
OF_FILES = [command for command in RUN_HERE if "load" in command and "--undo" not in command]
OF_THE_SHOP = [command for command in RUN_HERE if command not in OF_FILES]


def run(command, own):
    for word, place in OWN.items():
        command = re.sub(rf"(?<![\w/]){re.escape(word)}(?![\w/])", place.format(**own), command)
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=warehouse.ROOT,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def test_each_reason_not_to_run_a_command_is_of_one_that_is_there():
    for pattern in ELSEWHERE:
        assert any(re.search(pattern, command) for command in COMMANDS), pattern


@pytest.fixture
def own(tmp_path, monkeypatch):
    """What stands for the reader's files, days and folders."""
    files, new = tmp_path / "files", tmp_path / "new"
    files.mkdir()
    layout_files.shopify(files)
    shutil.copytree(files, new)
    (tmp_path / "plan.csv").write_text("start_date,end_date,name\n2026-01-07,2026-01-20,Winter\n")
    return {"folder": tmp_path, "files": files, "new": new, "before": ""}


@pytest.mark.parametrize("command", OF_THE_SHOP)
def test_a_command_of_the_pages_runs_on_a_shop(command, shop_copy, own):
    with warehouse.connect(read_only=True) as connection:
        [(today, before)] = connection.execute(
            "select max(as_of_date), max(as_of_date) - 12 from predictions"
        ).fetchall()
        connection.execute(
            "copy (select customer_id, as_of_date from predictions limit 50)"
            f" to '{own['folder']}/rows.parquet'"
        )
    assert today
    run(command, {**own, "before": before})


@pytest.mark.parametrize("command", OF_FILES)
def test_a_command_of_the_pages_loads_files(command, own, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(own["folder"] / "shop.duckdb"))
    if any(option in command for option in ("--append", "--list", "--promotions")):
        run("python load/load.py PATH", own)
    if "--mapping" in command:
        run("python load/load.py PATH --suggest --out mapping.yml", own)
    run(command, own)
