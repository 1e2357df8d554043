"""Erasing two customers of the small shop, once killed on the way: nothing of them is left."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

import warehouse
from benchmarks.erasing import differing, never_seen
from core import dbt_runner
from core.generations import Generations, state
from operate.erase import Erasure, erase
from operate.shop import shop as command
from serve import serving_copy
from serve.score import score
from train.registry import artefact
from warehouse import in_warehouse

MART = "features.feat_customer_snapshots"
# the spelling that raw tables have is another one
SPELT = "upper(trim(customer_id))"


@dataclass(frozen=True)
class Before:
    """What was there of two customers before they were erased."""

    file: Path
    ids: list[str]
    words: list[str]
    catalog: dict[str, list]
    forecasts: list
    result: Erasure


def query(sql, *values, file=None):
    with duckdb.connect(str(file or warehouse.path()), read_only=True) as connection:
        return connection.execute(sql, list(values)).fetchall()


def catalog():
    return {
        name: query(
            f"select {columns} from duckdb_{name}() where database_name = 'shop'"
            " and schema_name <> 'builds' order by all"
        )
        for name, columns in {
            "tables": "schema_name, table_name, comment",
            "views": "schema_name, view_name, comment",
            "columns": "schema_name, table_name, column_name, data_type, is_nullable, comment",
            "functions": "schema_name, function_name, cast(parameters as varchar)",
        }.items()
    }


def two_customers(file):
    """One who is a golden row of the model, and one who bought and is in its evidence."""
    card = artefact.champion()
    same = " and ".join(
        f"mart.{name}::double is not distinct from golden.{name}"
        for name in warehouse.contract().numeric
    )
    [(first,)] = query(
        f"select mart.customer_id from {MART} as mart"
        f" inner join '{card.folder / 'golden.parquet'}' as golden on {same}"
        " order by mart.orders_30d desc, mart.customer_id limit 1",
        file=file,
    )
    evidence = card.evidence()
    bought = evidence.loc[evidence["actual"] > 0, "customer_id"]
    second = min(set(bought) - {first})
    return [first, second]


def plant(file, ids):
    """Say something of the first where products keep things that no generated shop has."""
    [(mail, phone)] = query(
        f"select email, customer_phone from raw.customer_details where {SPELT} = ? limit 1", ids[0]
    )
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "insert into raw.rejected (table_name, row_text) values"
            f" ('store_sales_header', '{{\"customer_id\": \"{ids[0].lower()}\"}}'), ('x', 'kept')"
        )
        connection.execute(
            "create table raw.tickets as select ' ' || ? as customer_id, 'broken' as what"
            " union all select 'C9999999', 'called by ' || ?",
            [ids[0], mail],
        )
        # of nobody, with the phone
        connection.execute(
            "insert into raw.store_sales_header by name select 'T-NOBODY' as transaction_id,"
            " timestamp '2024-01-01' as transaction_date, ? as customer_phone,"
            " (select max(_loaded_at) from raw.store_sales_header) as _loaded_at",
            [phone],
        )
    folder = file.parent
    (folder / "reports").mkdir(exist_ok=True)
    (folder / "reports" / "named.html").write_text(f"<td>{ids[0]}</td>")
    (folder / "reports" / "general.html").write_text("<td>all customers</td>")
    (folder / "logs").mkdir()
    (folder / "logs" / "runs.jsonl").write_text(f'{{"message": "for {mail}", "rows": 3}}\n')
    (folder / "mart").mkdir()
    with duckdb.connect(str(file), read_only=True) as connection:
        connection.execute(f"copy {MART} to '{folder / 'mart' / 'mart.parquet'}'")


def killed_on_the_way(file, ids):
    """Start the command and kill it while it works on its copy."""
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    with subprocess.Popen(
        [sys.executable, "operate/erase.py", *ids],
        cwd=warehouse.ROOT,
        env={**os.environ, "WAREHOUSE_PATH": str(file)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        copies = file.parent / "generations"
        deadline = time.monotonic() + 120
        while not list(copies.glob(".work-*/shop.duckdb.wal")):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert hashlib.sha256(file.read_bytes()).hexdigest() == before
    assert list(copies.glob(".work-*"))


@pytest.fixture(scope="module")
def erased(scored_shop, tmp_path_factory):
    shop = scored_shop.copy_to(tmp_path_factory.mktemp("erased") / "copy")
    # where a server of the shop has a copy of them
    cache = {"GENERATION_CACHE": str(shop.file.parent / "copies")}
    with in_warehouse(shop.file), warehouse.environment(**cache):
        ids = two_customers(shop.file)
        words = [
            word
            for row in query(
                f"select email, customer_phone from raw.customer_details where {SPELT} in (?, ?)",
                *ids,
            )
            for word in row
        ]
        plant(shop.file, ids)
        forecasts = query("select run_id, predicted_spend from published_forecasts order by all")
        listed = catalog()
        serving_copy.of_state(warehouse.path(), state(warehouse.path()))
        killed_on_the_way(shop.file, ids)
        result = erase([f" {ids[0].lower()} ", ids[1]])
        yield Before(shop.file, ids, words, listed, forecasts, result)


def test_features_and_labels_of_all_others_are_those_of_a_shop_that_never_saw_them(
    erased, generated_shop, tmp_path
):
    never = generated_shop.copy_to(tmp_path / "never").file
    never_seen(never, erased.ids)
    found = differing(warehouse.path(), never)
    assert len(found) == 3
    for table, (rows, others) in found.items():
        assert rows > 600
        assert (table, others) == (table, 0)


def test_no_column_of_any_table_says_a_word_of_them(erased):
    words = [*erased.ids, *erased.words]
    columns = query(
        "select schema_name, table_name, column_name from duckdb_columns()"
        " where database_name = 'shop' and not internal"
    )
    assert len(columns) > 1000
    with duckdb.connect(str(warehouse.path()), read_only=True) as connection:
        said = [
            column
            for *table, column in columns
            if connection.execute(
                f"select count(*) from {'.'.join(table)} where list_has_any([true],"
                f' [contains(lower(cast("{column}" as varchar)), lower(word)) for word in ?])',
                [words],
            ).fetchall()
            != [(0,)]
        ]
    assert said == []


def test_no_file_holds_a_word_of_them(erased):
    files = [file for file in erased.file.parent.rglob("*") if file.is_file()]
    assert len(files) > 8
    for file in files:
        content = file.read_bytes().lower()
        if file.suffix == ".parquet":
            content = str(duckdb.read_parquet(str(file)).fetchall()).lower().encode()
        for word in (*erased.ids, *erased.words):
            assert word.lower().encode() not in content, file
    assert erased.result.searched.hits == []
    assert erased.result.searched.columns > 300


def test_reports_that_name_them_go_and_others_stay(erased):
    reports = warehouse.reports_dir()
    assert not (reports / "named.html").exists()
    assert (reports / "general.html").exists()
    assert not (erased.file.parent / "mart").exists()
    assert '"for erased"' in (erased.file.parent / "logs" / "runs.jsonl").read_text()


def test_rows_of_other_tables_go_and_rows_of_others_lose_the_word_alone(erased):
    assert query("select table_name, row_text from raw.rejected") == [("x", "kept")]
    assert query("from raw.tickets") == [("C9999999", None)]
    assert query(
        "select customer_phone from raw.store_sales_header where transaction_id = 'T-NOBODY'"
    ) == [(None,)]


def test_older_generations_and_what_the_killed_run_left_are_gone(erased):
    generations = Generations(warehouse.published())
    assert generations.kept == [generations.current] == [erased.result.generation]
    assert list(generations.folder.glob(".work-*")) == []
    assert query("select number from main.generation") == [(generations.current,)]


def test_tables_views_functions_and_comments_are_those_of_before(erased):
    found = catalog()
    ledger = [row for row in found["tables"] if row[1] == "erasures"]
    for kind, before in erased.catalog.items():
        assert set(before) <= set(found[kind]), kind
    assert len(ledger) == 1


def test_the_next_build_finds_nothing_to_build_anew(erased, tmp_path):
    copy = tmp_path / "shop.duckdb"
    shutil.copy(warehouse.path(), copy)
    with in_warehouse(copy):
        dbt_runner.build()
        assert query("select why_all from builds.plan", file=copy) == [(None,)]


def test_the_model_loads_keeps_nothing_of_them_and_is_flagged(erased):
    champion = artefact.champion()
    assert not set(erased.ids) & set(champion.evidence()["customer_id"])
    assert any(name.endswith("golden.parquet") for name in erased.result.rewritten)
    assert query("select distinct trained_with_erased from main.model_registry") == [(True,)]
    assert query("select count(*) from predictions") == query(
        f"select count(*) from {MART} inner join intermediate.int_snapshots_scheduled"
        " using (as_of_date) where is_current"
    )


def test_a_published_forecast_stays_without_the_person_and_is_not_judged(erased):
    kept = query(
        "select run_id, predicted_spend from published_forecasts where run_id in"
        " (select run_id from published_forecasts where customer_id like 'erased-%') order by all"
    )
    assert kept == erased.forecasts
    assert query(
        "select count(distinct customer_id) from published_forecasts"
        " where customer_id like 'erased-%'"
    ) == [(2,)]


def test_the_ledger_knows_them_by_a_hash_alone(erased):
    lines = query("select salt, id_hash, hits, rows_removed, files_searched from main.erasures")
    assert sorted(
        each
        for each in erased.ids
        for salt, kept, *_ in lines
        if hashlib.sha256(f"{salt}{each}".encode()).hexdigest() == kept
    ) == sorted(erased.ids)
    assert {line[2] for line in lines} == {0}
    assert lines[0][3]["raw.customer_details"] >= 2
    assert lines[0][4] > 3


def test_asking_twice_changes_nothing_and_says_so(erased):
    before = warehouse.path()
    result = CliRunner().invoke(command, ["erase", *erased.ids])
    assert result.exit_code == 0, result.output
    assert "0 customers erased" in result.output
    assert warehouse.path() == before


def test_an_unknown_customer_is_an_error_that_changes_nothing(erased):
    before = hashlib.sha256(warehouse.path().read_bytes()).hexdigest()
    result = CliRunner().invoke(command, ["erase", "C7777777", *erased.ids])
    assert result.exit_code == 1
    assert "knows no customer C7777777" in result.output
    assert hashlib.sha256(warehouse.path().read_bytes()).hexdigest() == before


def test_a_word_in_a_table_that_nothing_rebuilds_is_refused(erased):
    # left to a table of one's own within what dbt builds, no rule tells what to do with it
    [(customer,)] = query(f"select min(customer_id) from {MART}")
    with warehouse.writer() as connection:
        connection.execute(f"create table features.mine as select '{customer}' as who")
    number = Generations(warehouse.published()).current
    result = CliRunner().invoke(command, ["erase", customer])
    assert result.exit_code == 1
    assert "features.mine, column who" in result.output
    assert Generations(warehouse.published()).current == number
    assert query(f"select count(*) > 0 from {MART} where customer_id = ?", customer) == [(True,)]
    with warehouse.writer() as connection:
        connection.execute("drop table features.mine")


def test_scoring_goes_on(erased):
    assert score().customers > 600
