"""Shards give the mart of one build, under any engine, after any kill."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys

import duckdb
import pytest

import warehouse
from generate.shop.plan import Plan
from generate.synthetic import generate
from proof import building, histories
from proof.histories.many_worlds import many_worlds, together
from shards import layout, local, phases, split, ties
from shards.layout import Layout
from shards.phases import FILE, Settings

SETTINGS = Settings(tuple(sorted(building.SETTINGS.items())), run_only=True)
TABLES = ("feat_customers", "feat_labels", "feat_dates")
NEEDS_SPARK = pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or shutil.which("java") is None,
    reason="pyspark (extra `spark`) and Java are not installed",
)


@pytest.fixture(scope="module")
def nasty(tmp_path_factory, dbt_folders):
    """A generated shop beside nasty ones, in two loads, built in one piece after each."""
    file = tmp_path_factory.mktemp("nasty") / "shop.duckdb"
    with building.in_warehouse(file):
        generate(Plan(2000, 5, days=500))
        worlds = together(many_worlds(list(range(20)), _middle()).values())
        with warehouse.connect() as connection:
            histories.write(connection, worlds, append=True)
    return file


def _middle():
    with warehouse.connect(read_only=True) as connection:
        [[day]] = connection.execute(
            "select date '2000-01-01' + cast(median(transaction_date::date - date '2000-01-01')"
            " // 30 * 30 as int) from raw.store_sales_header"
        ).fetchall()
    return day


@pytest.fixture(scope="module")
def whole(nasty, tmp_path_factory):
    """The mart of one build."""
    file = tmp_path_factory.mktemp("whole") / "shop.duckdb"
    shutil.copy(nasty, file)
    _build_whole(file)
    return file


def _build_whole(file):
    with building.in_warehouse(file):
        building.transform.build(
            dict(SETTINGS.variables), select="+feat_customer_snapshots +feat_labels", run_only=True
        )


def _build(file, folder, shards):
    with building.in_warehouse(file):
        return local.build(folder, shards, SETTINGS)


def _differing(whole, folder):
    """Rows by table that only one of the two marts has."""
    listed = json.loads((folder / "manifest.json").read_text())["tables"]
    with duckdb.connect() as connection:
        connection.execute(f"attach '{whole}' as whole (read_only)")
        found = {}
        for table in TABLES:
            files = [str(folder / file) for file in listed[table]]
            columns = connection.execute(
                "select string_agg(column_name, ', ' order by column_index) from duckdb_columns()"
                " where database_name = 'whole' and schema_name = 'features' and table_name = ?",
                [table],
            ).fetchone()[0]
            left, right = (
                f"select {columns} from {relation}"
                for relation in (f"whole.features.{table}", "read_parquet($files)")
            )
            [[rows, differing]] = connection.execute(
                f"select (select count(*) from whole.features.{table}), (select count(*) from"
                f" (({left} except all {right}) union all ({right} except all {left})))",
                {"files": files},
            ).fetchall()
            assert rows > 0
            found[table] = differing
    return found


NOTHING = dict.fromkeys(TABLES, 0)


@pytest.mark.parametrize("shards", [1, 4, 7])
def test_shards_one_after_another_give_the_mart_of_one_build(nasty, whole, tmp_path, shards):
    _build(nasty, tmp_path, shards)
    assert _differing(whole, tmp_path) == NOTHING


def test_a_late_line_starts_its_own_shard_and_gives_the_mart_of_one_build(nasty, tmp_path):
    file = tmp_path / "shop.duckdb"
    shutil.copy(nasty, file)
    _build(file, tmp_path / "out", 4)
    with building.in_warehouse(file), warehouse.connect() as connection:
        connection.execute(
            "insert into raw.store_sales_line_items by name"
            " select * replace ('LATE' as line_item_id,"
            " _loaded_at + interval 1 day as _loaded_at, null as recorded_at)"
            " from raw.store_sales_line_items"
            " where transaction_id like 'T%' and line_item_amount > 1"
            " order by line_item_id limit 1"
        )
    started = _build(file, tmp_path / "out", 4)
    _build_whole(file)
    assert _differing(file, tmp_path / "out") == NOTHING
    assert started == 1


def test_a_build_of_a_shard_without_the_facts_of_the_shop_is_refused(nasty, tmp_path):
    file = tmp_path / FILE
    shutil.copy(nasty, file)
    phases.build_shard(file, 0, SETTINGS)
    with pytest.raises(Exception, match="int_line_months_listed of the whole shop"):
        phases.build_shard(file, 1, SETTINGS)


def test_customers_of_an_order_that_changed_hands_lie_in_one_shard(nasty):
    with duckdb.connect(str(nasty), read_only=True) as connection:
        split.place(connection, 7)
        found = connection.execute(
            "select count(*), count(*) filter (where shards > 1) from (select order_key,"
            " count(distinct customer_key) as customers, count(distinct shard) as shards"
            " from placed_store_sales_header where order_key is not null group by all)"
            " where customers > 1"
        ).fetchone()
    assert found[0] > 0
    assert found[1] == 0


def test_an_id_that_ties_too_many_customers_is_refused_by_name(nasty, tmp_path):
    file = tmp_path / "shop.duckdb"
    shutil.copy(nasty, file)
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "insert into raw.store_sales_header (transaction_id, customer_id, _loaded_at)"
            " select 'NO RECEIPT', customer_id, timestamp '2024-01-01' from raw.customer_details"
        )
        with pytest.raises(ties.SplitError, match="NO RECEIPT"):
            split.place(connection, 4)


@NEEDS_SPARK
def test_spark_gives_the_mart_of_one_build_though_an_executor_is_killed(nasty, whole, tmp_path):
    raw = tmp_path / "raw"
    raw.mkdir()
    with duckdb.connect(str(nasty), read_only=True) as connection:
        for table in ("customer_details", "products", "loads"):
            connection.execute(f"copy raw.{table} to '{raw / table}.parquet'")
        for table in ("store_sales_header", "store_sales_line_items"):
            connection.execute(f"copy raw.{table} to '{raw / table}.parquet'")
    out = tmp_path / "out"
    killed = tmp_path / "killed"
    program = f"""
import os, signal
from pathlib import Path
from shards import spark, phases, task
build_shard = phases.build_shard
def die_once(file, phase, settings):
    try:
        os.close(os.open({str(killed)!r}, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return build_shard(file, phase, settings)
    # the JVM of the executor that started the daemon that started this worker
    daemon = os.getppid()
    executor = int(Path(f"/proc/{{daemon}}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(executor, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
run = task.Task.run
def run_or_die(self):
    task.phases.build_shard = die_once
    run(self)
task.Task.run = run_or_die
spark.build(Path({str(raw)!r}), Path({str(out)!r}), 4,
    phases.Settings({SETTINGS.variables!r}, run_only=True), "local-cluster[2,1,1024]")
"""
    subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        env={**os.environ, "PYSPARK_PYTHON": sys.executable},
        timeout=400,
    )
    assert killed.exists()
    assert _differing(whole, out) == NOTHING


def test_what_a_driver_had_built_when_it_was_killed_is_not_built_again(nasty, whole, tmp_path):
    with pytest.MonkeyPatch.context() as patch:

        def die(*_args):
            raise KeyboardInterrupt

        patch.setattr("shards.driver._add_up", die)
        with pytest.raises(KeyboardInterrupt):
            _build(nasty, tmp_path, 4)
    written = {n: Layout(tmp_path).done(0, n).stat().st_mtime_ns for n in range(4)}
    _build(nasty, tmp_path, 4)
    assert _differing(whole, tmp_path) == NOTHING
    assert written == {n: Layout(tmp_path).done(0, n).stat().st_mtime_ns for n in range(4)}
    assert layout.get(Layout(tmp_path).plan)["shards"] == 4
