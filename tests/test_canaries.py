"""Names, e-mail addresses and phone numbers are nowhere but in raw; SQL in ids has no effect."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

import warehouse
from core import dbt_runner
from core.sql import literal, quoted
from operate import catalog
from pages.profile.write import write
from serve.explain import explain
from serve.export import export
from serve.export_tables import export_tables
from serve.score import score
from train.fit import fit
from train.registry import versions

CANARY = "Zzyzxcanary"
SQL = "'; drop schema raw cascade; --"


@pytest.fixture(scope="module")
def everything(generated_shop, tmp_path_factory):
    """All that the product writes of a shop whose customers bear canaries."""
    folder = tmp_path_factory.mktemp("canaries")
    patch = pytest.MonkeyPatch()
    shop = generated_shop.copy_to(folder / "shop")
    patch.setenv("WAREHOUSE_PATH", str(shop.file))
    for variable, place in (("DBT_TARGET_PATH", "target"), ("DBT_LOG_PATH", "logs")):
        patch.setenv(variable, str(folder / place))
    with warehouse.connect() as connection:
        connection.execute(
            f"""
            update raw.customer_details set first_name = '{CANARY}' || rowid,
                email = '{CANARY}' || rowid || '@mail.org', customer_phone = '+49{CANARY}' || rowid;
            update raw.store_sales_header set customer_phone = '+49{CANARY}' || rowid;
            update raw.store_sales_header set store_id = {literal(SQL)} where store_id in (
                select min(store_id) from raw.store_sales_header
            );
            update raw.products set product_category = {literal(SQL)} where product_category in (
                select min(product_category) from raw.products
            )
            """
        )
    log = (folder / "printed").open("w")
    program = "import tests.test_canaries as canaries, sys; canaries.run_all(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", program, folder],
        cwd=warehouse.ROOT,
        env={**os.environ, "PYTHONPATH": str(warehouse.ROOT)},
        stdout=log,
        stderr=subprocess.STDOUT,
        check=False,
    )
    log.close()
    assert done.returncode == 0, (folder / "printed").read_text()[-3000:]
    yield folder
    patch.undo()


def run_all(place: str) -> None:
    """Do what a user does, from the build to the exports."""
    folder = Path(place)
    catalog.write_lineage(dbt_runner.build())
    versions.promote(fit(quick=True).version)
    score()
    explain()
    dbt_runner.build(select=dbt_runner.WRITTEN_BY_PYTHON)
    write()
    export(folder / "mart")
    export_tables(folder / "tables")
    dbt_runner.docs()


def test_personal_data_are_in_no_table_but_raw(everything):
    with warehouse.connect(read_only=True) as connection:
        tables = connection.execute(
            "select table_schema, table_name from information_schema.tables"
        ).fetchall()
        found = {
            schema
            for schema, table in tables
            if connection.execute(
                f"select count(*) from {quoted(schema)}.{quoted(table)} as all_of_it"
                f" where contains(cast(all_of_it as varchar), '{CANARY}')"
            ).fetchone()
            != (0,)
        }
    assert len(tables) > 100
    assert found == {"raw"}


def test_personal_data_are_in_no_file_but_the_warehouse(everything):
    files = [file for file in everything.rglob("*") if file.is_file()]
    kinds = {file.suffix for file in files}
    assert {".parquet", ".html", ".joblib", ".json", ".log", ".png"} <= kinds
    with duckdb.connect() as connection:
        for file in files:
            if file.suffix == ".parquet":
                rows = connection.execute(
                    f"select count(*) from {literal(str(file))} as all_of_it"
                    f" where contains(cast(all_of_it as varchar), '{CANARY}')"
                ).fetchone()
                assert rows == (0,), file
            elif file.suffix != ".duckdb":
                assert CANARY.encode() not in file.read_bytes(), file


def test_sql_in_ids_and_names_is_text(everything):
    with warehouse.connect(read_only=True) as connection:
        [(orders, categories)] = connection.execute(
            f"""
            select
                (select count(*) from raw.store_sales_header where store_id = {literal(SQL)}),
                (select count(*) from raw.products where product_category = {literal(SQL)})
            """
        ).fetchall()
    assert orders > 0
    assert categories > 0
