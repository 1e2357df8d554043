"""The one door to the warehouse."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import warehouse
from shards import split


def test_a_relative_path_starts_at_the_root_for_python_and_dbt_alike(monkeypatch, tmp_path):
    monkeypatch.setenv("WAREHOUSE_PATH", "elsewhere/shop.duckdb")
    assert warehouse.path() == warehouse.ROOT / "elsewhere" / "shop.duckdb"
    monkeypatch.setenv("DBT_PROJECT_DIR", str(warehouse.DBT_PROJECT))
    debug = subprocess.run(
        [Path(sys.executable).parent / "dbt", "debug", "--profiles-dir", warehouse.DBT_PROJECT],
        cwd=warehouse.DBT_PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"path: {warehouse.DBT_PROJECT}/../elsewhere/shop.duckdb" in debug.stdout


@pytest.mark.parametrize("schema", warehouse.SCHEMAS)
def test_a_file_named_like_a_schema_is_refused(monkeypatch, tmp_path, schema):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / f"{schema}.duckdb"))
    with pytest.raises(warehouse.WarehouseError, match="another WAREHOUSE_PATH"):
        warehouse.connect()


def test_a_file_of_another_kind_is_refused_and_left_alone(monkeypatch, tmp_path):
    file = tmp_path / "shop.csv"
    file.write_text("a,b\n1,2\n")
    monkeypatch.setenv("WAREHOUSE_PATH", str(file))
    with pytest.raises(warehouse.WarehouseError):
        warehouse.connect()
    assert file.read_text() == "a,b\n1,2\n"


def test_a_missing_warehouse_is_not_made_by_a_reader(monkeypatch, tmp_path):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "shop.duckdb"))
    with pytest.raises(warehouse.WarehouseError, match="make run"):
        warehouse.connect(read_only=True)
    assert not (tmp_path / "shop.duckdb").exists()


def test_the_contract_hash_moves_with_a_unit_and_not_with_a_description(tmp_path):
    original = warehouse.FEATURES_YML.read_text()
    changed = tmp_path / "models.yml"
    changed.write_text(original.replace("unit: money", "unit: cents"))
    assert warehouse.contract(changed).hash != warehouse.contract().hash
    changed.write_text(original.replace("Number of product categories", "Count of categories"))
    assert warehouse.contract(changed).hash == warehouse.contract().hash


def test_the_contract_says_by_what_a_row_is_found(tmp_path):
    contract = warehouse.contract()
    assert (contract.entity, contract.timestamp) == ("customer_id", "as_of_date")
    changed = tmp_path / "models.yml"
    changed.write_text(
        warehouse.FEATURES_YML.read_text().replace("timestamp: as_of_date", "timestamp: region")
    )
    with pytest.raises(warehouse.WarehouseError, match=r"config\.meta\.entity"):
        warehouse.contract(changed)


def test_a_split_into_shards_keeps_to_the_memory_of_a_build(tiny, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tiny))
    monkeypatch.setenv("DUCKDB_MEMORY_LIMIT", "512MiB")
    with warehouse.connect(read_only=True) as connection:
        split.place(connection, 2)
        [(limit,)] = connection.execute("select current_setting('memory_limit')").fetchall()
    assert limit == "512.0 MiB"


def test_a_build_takes_as_many_cores_as_it_may(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "shop.duckdb"))
    monkeypatch.setenv("DUCKDB_THREADS", "1")
    with warehouse.connect() as connection:
        warehouse.bound_memory(connection)
        assert connection.execute("select current_setting('threads')").fetchall() == [(1,)]
    query = "select current_setting('threads') as cores"
    shown = subprocess.run(
        [Path(sys.executable).parent / "dbt", "show", "--inline", query, "--output", "json"],
        cwd=warehouse.DBT_PROJECT,
        env={**os.environ, "DBT_PROFILES_DIR": str(warehouse.DBT_PROJECT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    assert '"cores": 1' in shown.stdout


def test_rows_that_come_behind_none_are_seen_before_their_transaction_ends(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "shop.duckdb"))
    rows, number = tmp_path / "rows.parquet", 130_000
    with warehouse.connect() as connection:
        warehouse.bound_memory(connection)
        connection.execute("set threads = 2")
        connection.execute(f"copy (select range as place from range({number})) to '{rows}'")
        with warehouse.transaction(connection):
            connection.execute(f"create table taken as from read_parquet('{rows}') limit 0")
            connection.execute(f"insert into taken from read_parquet('{rows}')")
            found = connection.execute("select sum(place) from taken").fetchall()
    assert found == [(number * (number - 1) // 2,)]
