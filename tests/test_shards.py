"""Shards give the mart of one build, under any engine, after any kill."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys

import duckdb
import pytest

import warehouse
from core import dbt_runner
from core.store import Store, StoreError
from generate.shop.plan import Plan
from generate.synthetic import generate
from proof import building, histories
from proof.histories.many_worlds import many_worlds, together
from serve import serving_copy
from serve.one_customer import one_customer
from shards import driver, gather, layout, local, phases, split, ties
from shards.layout import Layout
from shards.phases import FILE, Settings
from shards.score import score_shards
from tests.object_store import BUCKET
from train.fit import fit
from train.forecaster import COLUMNS
from train.registry import versions

pytest_plugins = ("tests.object_store",)

SETTINGS = Settings(tuple(sorted(building.SETTINGS.items())), run_only=True)
SALES = ("store_sales_header", "store_sales_line_items")
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
        dbt_runner.build(
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


def test_what_builds_have_kept_of_a_customer_shards_keep_too(whole, tmp_path):
    file, out = tmp_path / "shop.duckdb", tmp_path / "out"
    shutil.copy(whole, file)
    kept = "select customer_id, region, changed_on from history.customer_history order by all"
    with building.in_warehouse(file):
        with warehouse.connect() as connection:
            connection.execute(
                "update raw.customer_details set region = 'Elsewhere'"
                " where hash(customer_id) % 7 = 0 and customer_id like 'C%'"
            )
        _build_whole(file)
        with warehouse.connect(read_only=True) as connection:
            before = connection.execute(kept).fetchall()
    assert len(before) > len({customer for customer, *_ in before})
    _build(file, out, 3)
    assert _differing(file, out) == NOTHING
    in_shards = []
    for shard in range(3):
        with duckdb.connect(str(Layout(out).shard(shard)), read_only=True) as connection:
            in_shards += connection.execute(kept).fetchall()
    assert sorted(in_shards) == before
    assert _build(file, out, 3) == 0


def test_rows_without_any_id_lie_in_one_shard_as_some_say_the_same(nasty, tmp_path):
    file = tmp_path / "shop.duckdb"
    shutil.copy(nasty, file)
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "insert into raw.store_sales_header (store_id, _loaded_at)"
            " select 'S1', timestamp '2024-01-01' + interval 1 day * day from range(9) as t(day)"
        )
        split.place(connection, 7)
        found = connection.execute(
            "select count(*) >= 9, count(distinct shard) from placed_store_sales_header"
            " where order_key is null and customer_key is null"
        ).fetchone()
    assert found == (True, 1)


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


@pytest.fixture(scope="module")
def raw(nasty, tmp_path_factory):
    """The raw tables as Parquet."""
    folder = tmp_path_factory.mktemp("raw")
    with duckdb.connect(str(nasty), read_only=True) as connection:
        for table in ("customer_details", "products", "loads", "planned_promotions", *SALES):
            connection.execute(f"copy raw.{table} to '{folder / table}.parquet'")
    return folder


DIES = """
import os, signal
from shards import driver
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
driver._add_up = die
"""
KILLS_ITS_EXECUTOR = """
import os, signal
from pathlib import Path
from shards import phases, spark
build_shard = phases.build_shard
def die_once(file, phase, settings):
    try:
        os.close(os.open({killed!r}, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return build_shard(file, phase, settings)
    # the JVM of the executor that started the daemon that started this worker
    daemon = os.getppid()
    executor = int(Path(f"/proc/{{daemon}}/stat").read_text().rsplit(")", 1)[1].split()[1])
    os.kill(executor, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)
run_task = spark._try
def run_or_die(one):
    phases.build_shard = die_once
    return run_task(one)
spark._try = run_or_die
"""


def _build_under_spark(raw, out, before="", shards=4, master="local-cluster[2,1,1024]"):
    program = f"""
from pathlib import Path
from shards import spark, phases
{before}
spark.build({str(raw)!r}, Path({str(out)!r}), {shards},
    phases.Settings({SETTINGS.variables!r}, run_only=True), {master!r})
"""
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYSPARK_PYTHON": sys.executable},
        timeout=400,
    ).returncode


@NEEDS_SPARK
def test_spark_whose_driver_and_executor_are_killed_gives_the_mart_of_one_build(
    raw, whole, tmp_path
):
    out = tmp_path / "out"
    killed = tmp_path / "killed"
    assert _build_under_spark(raw, out, DIES) == -signal.SIGKILL
    written = _notes(out)
    assert len(written) == 4
    assert _build_under_spark(raw, out, KILLS_ITS_EXECUTOR.format(killed=str(killed))) == 0
    assert killed.exists()
    assert written.items() <= _notes(out).items()
    assert _differing(whole, out) == NOTHING


@pytest.fixture(scope="module")
def gathered(nasty, tmp_path_factory):
    """A warehouse that has the tables of its shards, and was never built in one piece."""
    folder = tmp_path_factory.mktemp("gathered")
    file = folder / "shop.duckdb"
    shutil.copy(nasty, file)
    _build(file, folder / "out", 3)
    with building.in_warehouse(file):
        gather.gather(folder / "out", SETTINGS)
    return file


def test_a_warehouse_that_gathers_its_shards_has_the_tables_of_one_build(whole, gathered):
    with duckdb.connect() as connection:
        connection.execute(f"attach '{whole}' as one (read_only)")
        connection.execute(f"attach '{gathered}' as gathered (read_only)")
        for table in (*TABLES, "feat_customer_snapshots"):
            left, right = (
                f"select * from {database}.features.{table}" for database in ("one", "gathered")
            )
            assert connection.execute(f"{left} limit 1").fetchall()
            assert not connection.execute(
                f"({left} except all {right}) union all by name ({right} except all {left})"
            ).fetchall()


def test_a_warehouse_that_gathers_its_shards_has_every_model_and_notes_its_sql(gathered):
    models = {
        f"{node.schema}.{node.name}"
        for node in phases._parsed("{}").nodes.values()
        if node.resource_type == "model" and node.config.materialized != "ephemeral"
    }
    with duckdb.connect(str(gathered), read_only=True) as connection:
        noted = connection.execute("select model from main.model_sql").fetchall()
        relations = connection.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
            " union all select schema_name || '.' || function_name from duckdb_functions()"
        ).fetchall()
    assert {name for [name] in noted} == models
    assert models <= {name for [name] in relations}


def test_a_warehouse_that_gathers_its_shards_can_be_served(gathered, tmp_path):
    with building.in_warehouse(gathered):
        serving_copy.write(tmp_path / "copy.duckdb")
    with building.reading(gathered) as connection:
        [[day, customer]] = connection.execute(
            "select as_of_date, min(customer_id) from features.feat_customers"
            " where orders_lifetime > 1 group by all order by as_of_date desc limit 1"
        ).fetchall()
        mart = connection.execute(
            "from features.feat_customers where as_of_date = ? and customer_id = ?", [day, customer]
        )
        row = dict(zip([column for column, *_ in mart.description], mart.fetchone(), strict=True))
        with one_customer(connection) as one:
            found = one.features(customer, day)
    both = found.before.keys() & row.keys()
    assert len(both) > 60
    assert {name: found.before[name] for name in both} == {name: row[name] for name in both}


@NEEDS_SPARK
def test_one_shard_under_spark_gives_the_mart_of_one_build(raw, whole, tmp_path):
    assert _build_under_spark(raw, tmp_path, shards=1, master="local[2]") == 0
    assert _differing(whole, tmp_path) == NOTHING


@NEEDS_SPARK
def test_seven_shards_under_spark_of_rows_in_a_store_give_the_mart_of_one_build(
    raw, whole, tmp_path, s3, monkeypatch
):
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    store = Store(f"s3://{BUCKET}/raw")
    for file in raw.iterdir():
        # one table as a folder of files, as other systems leave them
        name = "products/part-0.parquet" if file.stem == "products" else file.name
        store.put(file, name)
    out = tmp_path / "out"
    assert _build_under_spark(f"s3://{BUCKET}/raw", out, shards=7, master="local[2]") == 0
    assert _differing(whole, out) == NOTHING


@NEEDS_SPARK
def test_a_store_without_rows_is_refused_by_name(tmp_path):
    from shards import spark

    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match=r"empty holds no file that ends in \.parquet"):
        spark.build(f"file://{tmp_path}/empty", tmp_path / "out", 2, SETTINGS, "local[1]")


@NEEDS_SPARK
def test_a_model_of_the_sharded_mart_and_its_scores_under_spark_are_those_of_one_machine(
    scored_shop, tmp_path, monkeypatch
):
    shop = scored_shop.copy_to(tmp_path / "shop")
    out = tmp_path / "out"
    with building.in_warehouse(shop.file):
        local.build(out, 3, Settings((), run_only=True))
    with building.in_warehouse(Layout(out).warehouse):
        versions.promote(fit(quick=True).version)
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    score_shards(out, "local[2]")
    with duckdb.connect() as connection:
        connection.execute(f"attach '{shop.file}' as one (read_only)")
        connection.execute(f"attach '{Layout(out).warehouse}' as sharded (read_only)")
        columns = "as_of_date, customer_id, model_version, " + ", ".join(COLUMNS)
        [[scores]] = connection.execute("select count(*) from one.main.predictions").fetchall()
        differing = connection.execute(
            f"(select {columns} from one.main.predictions except all"
            f" select {columns} from sharded.main.predictions) union all"
            f" (select {columns} from sharded.main.predictions except all"
            f" select {columns} from one.main.predictions)"
        ).fetchall()
    assert scores > 300
    assert differing == []


def test_what_a_driver_had_built_when_it_was_killed_is_not_built_again(nasty, whole, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shards.driver._add_up", lambda *_: _die(_))
        with pytest.raises(KeyboardInterrupt):
            _build(nasty, tmp_path, 4)
    written = _notes(tmp_path)
    _build(nasty, tmp_path, 4)
    assert len(written) == 4
    assert written.items() <= _notes(tmp_path).items()
    assert _differing(whole, tmp_path) == NOTHING


def _notes(folder):
    return {note: note.stat().st_mtime_ns for note in folder.glob("done/*/*.json")}


def test_a_build_says_how_many_shards_had_something_to_do(tiny, tmp_path):
    shutil.copy(tiny, tmp_path / "shop.duckdb")
    said = subprocess.run(
        [sys.executable, warehouse.ROOT / "shards" / "build.py", "--shards", "2", "--run-only"],
        env={**os.environ, "WAREHOUSE_PATH": str(tmp_path / "shop.duckdb")},
        stderr=subprocess.PIPE,
        text=True,
        check=True,
    ).stderr
    assert "phase 3: 2 shards built in" in said
    assert "2 of 2 shards had something to do" in said


def test_nothing_new_starts_no_shard(nasty, tmp_path):
    _build(nasty, tmp_path, 2)
    assert _build(nasty, tmp_path, 2) == 0


def test_a_shard_whose_file_is_lost_is_built_again(nasty, whole, tmp_path):
    _build(nasty, tmp_path, 2)
    Layout(tmp_path).shard(1).unlink()
    started = _build(nasty, tmp_path, 2)
    assert started == 1
    assert _differing(whole, tmp_path) == NOTHING


def test_a_part_of_the_mart_that_is_lost_is_built_again(nasty, whole, tmp_path):
    _build(nasty, tmp_path, 2)
    next(tmp_path.glob("mart/feat_customers/shard=1/*/*.parquet")).unlink()
    started = _build(nasty, tmp_path, 2)
    assert started == 1
    assert _differing(whole, tmp_path) == NOTHING


def test_a_shard_that_was_killed_before_it_had_taken_rows_begins_again(nasty, whole, tmp_path):
    place = Layout(tmp_path)
    layout.put({"shards": 2, "in_place": True, "states": {}}, place.plan)
    place.shard(1).parent.mkdir(parents=True)
    duckdb.connect(str(place.shard(1))).close()
    _build(nasty, tmp_path, 2)
    assert _differing(whole, tmp_path) == NOTHING


def test_a_second_build_in_the_same_folder_is_refused(nasty, tmp_path):
    with (
        Layout(tmp_path).alone(),
        pytest.raises(dbt_runner.BuildError, match="another build runs"),
    ):
        _build(nasty, tmp_path, 2)


def test_a_young_shop_without_labels_has_an_empty_table_of_them(tiny, tmp_path):
    file = tmp_path / "shop.duckdb"
    shutil.copy(tiny, file)
    with building.in_warehouse(file):
        with warehouse.connect(read_only=True) as connection:
            [(day,)] = connection.execute(
                "select cast(min(transaction_date) as date) + 25 from raw.store_sales_header"
            ).fetchall()
        settings = Settings((("as_of", day.isoformat()), *SETTINGS.variables), run_only=True)
        local.build(tmp_path / "out", 2, settings)
    with duckdb.connect(str(Layout(tmp_path / "out").warehouse)) as connection:
        [[customers]] = connection.execute(
            "select count(*) from features.feat_customer_snapshots"
        ).fetchall()
        labels = connection.execute("from features.feat_labels").fetchall()
    assert customers > 0
    assert labels == []


def test_a_plain_build_of_a_shard_is_refused(nasty, tmp_path):
    _build(nasty, tmp_path, 2)
    with (
        building.in_warehouse(Layout(tmp_path).shard(0)),
        pytest.raises(dbt_runner.BuildError, match="this warehouse is a shard"),
    ):
        dbt_runner.build(dict(SETTINGS.variables), select="+feat_labels", run_only=True)


def test_what_an_attempt_that_was_given_up_leaves_is_no_part_of_the_next_build(nasty, tmp_path):
    """As a worker of Spark may, whose driver has been killed and begun again with other rows."""
    file = tmp_path / "shop.duckdb"
    shutil.copy(nasty, file)
    out = tmp_path / "out"
    tasks = []

    def build(run):
        with building.in_warehouse(file), warehouse.connect(read_only=True) as connection:
            place = Layout(out)
            split.place(connection, 2)
            parts = split.count(connection)
            rows = place.new_split()
            split.hand_over(connection, parts, place.handed_over / rows)
            planned = driver.plan(place, 2, parts, rows, SETTINGS, in_place=False)
        tasks.extend(planned)
        return driver.build(place, planned, run)

    with pytest.raises(KeyboardInterrupt):
        build(_die)
    held_up = dataclasses.replace(tasks[0], states=())
    handed_over = Layout(out).handed_over
    shutil.copytree(handed_over, tmp_path / "kept")
    with building.in_warehouse(file), warehouse.connect() as connection:
        connection.execute(
            "delete from raw.store_sales_line_items"
            " where _loaded_at = (select min(_loaded_at) from raw.store_sales_line_items)"
        )

    def run_beside_the_old_one(waiting):
        if waiting[0].phase == 1:
            shutil.copytree(tmp_path / "kept", handed_over, dirs_exist_ok=True)
            held_up.run()
        for task in waiting:
            task.run()

    build(run_beside_the_old_one)
    _build_whole(file)
    assert _differing(file, out) == NOTHING


def _die(_tasks):
    raise KeyboardInterrupt
