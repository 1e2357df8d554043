"""What lies after the last day that the data reach is not known; a shop too short is refused."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date, timedelta

import pytest

import warehouse
from core import dbt_runner
from load.loader import load
from tests.shop_files import LINES_HEADER, LINES_MAPPING, query
from train.dataset import check_raw

FIRST, DAYS = date(2024, 1, 1), 150
LAST = FIRST + timedelta(DAYS - 1)


@pytest.fixture
def files(tmp_path, monkeypatch, dbt_folders):
    """A warehouse of its own, and a shop with two orders of 10 on each day, and rows on request."""
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "warehouse" / "shop.duckdb"))
    (tmp_path / "mapping.yml").write_text(LINES_MAPPING)

    def write(*others: date):
        days = [FIRST + timedelta(n // 2) for n in range(2 * DAYS)]
        rows = [f"T{n},{day},C{n % 7},S1,1,10" for n, day in enumerate([*days, *others])]
        (tmp_path / "lines.csv").write_text("\n".join([LINES_HEADER, *rows, ""]))
        return tmp_path / "lines.csv", tmp_path / "mapping.yml"

    return write


def load_and_build(files, as_of=None, select="+feat_labels +data_quality"):
    lines, mapping = files
    load(lines, mapping=mapping)
    build(as_of, select)


def build(as_of=None, select="+feat_labels +data_quality"):
    dbt_runner.build(
        dbt_runner.variables(as_of and as_of.isoformat()), select=select, run_only=True
    )


def current_date():
    return query("select current_as_of_date from intermediate.int_snapshot_grid")


def beyond_reach():
    return query(
        "select table_name, rows, money from marts.data_quality "
        "where rule = 'beyond_reach' order by all"
    )


def test_a_day_that_the_data_do_not_reach_is_refused_at_once_with_the_last_that_they_do(files):
    as_of = LAST + timedelta(60)
    with pytest.raises(dbt_runner.BuildError) as refusal:
        load_and_build(files(), as_of)
    for said in (
        f"as_of {as_of}",
        f"through {LAST}",
        f"Choose {LAST + timedelta(1)}",
        "--known-on",
    ):
        assert said in str(refusal.value)
    # before the long build
    assert not query("from duckdb_tables() where schema_name = 'staging'")


def run_job(files, *more):
    lines, mapping = files
    return subprocess.run(
        [sys.executable, "operate/job.py", "--data", lines, "--mapping", mapping, *more],
        cwd=warehouse.ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_make_run_refuses_it_in_a_sentence(files):
    result = run_job(files(), "--as-of", str(LAST + timedelta(2)))
    assert result.returncode == 1
    assert f"lies beyond the data, which reach through {LAST}" in result.stderr
    assert "Traceback" not in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("changed", "more", "said"),
    [
        ((",1,10\n", ",-1,-10\n"), [], "no customer bought anything at all"),
        (("2024-0[1-5]", "2024-05"), [], "the orders begin on 2024-05-01. Load sales that begin"),
        (("", ""), ["--as-of", "2024-03-30"], "too little history as of 2024-03-30"),
    ],
    ids=["returns only", "a month", "89 days before the as-of date"],
)
def test_make_run_refuses_what_nothing_can_be_learned_from_right_after_the_load(
    files, changed, more, said
):
    lines, mapping = files()
    lines.write_text(re.sub(*changed, lines.read_text()))
    result = run_job((lines, mapping), *more)
    assert result.returncode == 1
    assert said in result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    # no build was begun
    assert not query("from duckdb_tables() where schema_name <> 'raw'")


def test_ninety_days_with_a_sale_are_not_refused(files):
    lines, mapping = files()
    load(lines, mapping=mapping)
    with warehouse.connect(read_only=True) as connection:
        check_raw(connection, date(2024, 3, 31))


def test_the_day_after_the_last_is_today_and_labels_end_with_the_data(files):
    load_and_build(files(), LAST + timedelta(1))
    [(today,)] = current_date()
    [(latest,)] = query("select max(as_of_date) from features.feat_labels")
    assert today == LAST + timedelta(1)
    assert LAST - timedelta(34) <= latest <= LAST - timedelta(29)
    assert beyond_reach() == []


def test_one_row_of_a_far_year_does_not_move_today_and_is_counted(files):
    odd = date(2026, 3, 1)
    load_and_build(files(odd))
    assert current_date() == [(LAST + timedelta(1),)]
    assert beyond_reach() == [("store_sales_header", 1, 10), ("store_sales_line_items", 1, 10)]
    # nor does it let a day be chosen that the other rows do not reach
    with pytest.raises(dbt_runner.BuildError, match=f"reach through {LAST}"):
        build(odd)


@pytest.mark.parametrize("days_ahead", [1, 365])
def test_a_few_rows_dated_and_recorded_tomorrow_do_not_move_today(files, days_ahead):
    # tomorrow by the clock: the shop's files end long before it
    odd = date.today() + timedelta(days_ahead)
    load_and_build(files(odd, odd), select="+int_snapshot_grid +int_today_found")
    assert current_date() == [(LAST + timedelta(1),)]
    assert query("select today from intermediate.int_today_found") == [(LAST + timedelta(1),)]


def test_days_that_a_load_states_are_reached_though_nothing_was_sold(files):
    as_of = LAST + timedelta(60)
    lines, mapping = files()
    load(lines, mapping=mapping)
    with warehouse.connect() as connection:
        connection.execute("alter table raw.loads add column if not exists data_through date")
        connection.execute("update raw.loads set data_through = ?", [as_of - timedelta(1)])
    build()
    assert current_date() == [(as_of,)]
    build(as_of)
    with pytest.raises(dbt_runner.BuildError, match=f"reach through {as_of - timedelta(1)}"):
        build(as_of + timedelta(1))


def test_a_ledger_of_an_earlier_version_is_given_what_it_lacks(files):
    lines, mapping = files()
    load(lines, mapping=mapping)
    with warehouse.connect() as connection:
        for column in ("timezone", "data_through"):
            connection.execute(f"alter table raw.loads drop column if exists {column}")
    build(select="stg_retail__loads")
    assert query("select timezone, data_through from raw.loads") == [(None, None)]
    # and the loader writes into it
    lines.write_text(lines.read_text() + f"late,{LAST + timedelta(1)},C1,S1,1,10\n")
    load(lines, mapping=mapping, append=True, known_on=LAST + timedelta(1))
    build()
    assert current_date() == [(LAST + timedelta(2),)]
