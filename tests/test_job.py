"""The commands as a user types them."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

import warehouse


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=warehouse.ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """The main job on a very small shop, as if a day in its past were today."""
    folder = tmp_path_factory.mktemp("job")
    result = _run(
        *("operate/job.py", "--customers", "300", "--as-of", "2023-06-01", "--verbose"),
        WAREHOUSE_PATH=str(folder / "shop.duckdb"),
    )
    assert result.returncode == 0, result.stderr
    return folder, result.stdout


def test_the_summary_says_what_was_asked_for(job):
    folder, printed = job
    for expected in (
        r"store_sales_line_items +[\d,]+ +[\d,]+ +[\d,]+ +[\d,]+",
        r"quarantined +missing_customer",
        r"last 30 days",
        r"linear regression",
        r"gradient boosting",
        r"\(chosen\)",
        r"Expected revenue of the 30 days 2023-06-01 to 2023-06-30: [\d,]+",
        r"Known customers: [\d,]+, with a chance of 80 % between [\d,]+ and [\d,]+",
        r"Newcomers, whom nobody knows yet: [\d,]+, with",
        r"with a chance of 80 % between [\d,]+ and [\d,]+",
        r"Before: [\d,]+ in the last 30 days",
        r"its errors were \d+% (smaller|larger)",
        r"Stopped at the gate: [\d,]+ rows worth [\d,]+",
        r"top 10 % +share of the money that the 10 % ranked highest spent; best: 1",
        r"The 10 customers with the highest forecast",
        re.escape(str(folder / "shop.duckdb")),
        r"[\d.]+ s  Fit",
        r"[\d.]+ s  in all",
    ):
        assert re.search(expected, printed), expected
    assert "…" not in printed


def test_the_answer_comes_before_the_tables(job):
    _, printed = job
    places = [printed.index(text) for text in ("Expected revenue", "Is the model worth it", "Rows")]
    assert places == sorted(places)


def test_a_day_as_if_it_were_today_is_the_day_that_is_scored(job, monkeypatch):
    folder, _ = job
    monkeypatch.setenv("WAREHOUSE_PATH", str(folder / "shop.duckdb"))
    with warehouse.connect(read_only=True) as connection:
        days = connection.execute("select distinct as_of_date::varchar from predictions").fetchall()
        newest = connection.execute("select max(as_of_date)::varchar from features.feat_labels")
        assert days == [("2023-06-01",)]
        assert newest.fetchone()[0] <= "2023-05-02"


def test_the_catalog_is_complete(job, monkeypatch):
    folder, _ = job
    monkeypatch.setenv("WAREHOUSE_PATH", str(folder / "shop.duckdb"))
    with warehouse.connect(read_only=True) as connection:
        counts = connection.execute(
            """select count(*), count(source_columns), count(importance), count(drift)
            from marts.feature_catalog"""
        ).fetchone()
    assert counts == (len(warehouse.contract().features),) * 4


def test_files_that_are_not_there_are_one_clear_line(tmp_path):
    result = _run(
        *("operate/job.py", "--data", str(tmp_path / "nothing.csv")),
        WAREHOUSE_PATH=str(tmp_path / "shop.duckdb"),
    )
    assert result.returncode == 1
    assert "nothing.csv: no such file" in result.stderr
    assert "Traceback" not in result.stderr + result.stdout
    assert not (tmp_path / "shop.duckdb").exists()


def test_a_day_before_all_data_says_so(job):
    folder, _ = job
    result = _run(
        *("operate/job.py", "--customers", "300", "--as-of", "2001-01-01"),
        WAREHOUSE_PATH=str(folder / "early.duckdb"),
    )
    assert result.returncode == 1
    assert "2001-01-01" in result.stderr
    assert "Traceback" not in result.stderr + result.stdout


@pytest.mark.parametrize(
    "command",
    [
        "operate/job.py",
        "generate/synthetic.py",
        "load/load.py",
        "train/fit.py",
        "serve/score.py",
        "serve/api.py",
        "operate/catalog.py",
    ],
)
def test_every_command_explains_itself(command):
    result = _run(command, "--help")
    assert result.returncode == 0
    assert "Usage:" in result.stdout
    assert len(result.stdout) > 300
