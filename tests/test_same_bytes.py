"""A fit and its forecasts are the same bytes, whatever clock, language and number of cores."""

from __future__ import annotations

import os
import subprocess
import sys

import warehouse
from tests.conftest import in_warehouse

SURROUNDINGS = (
    {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1"},
    {"TZ": "America/New_York", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2", "OMP_NUM_THREADS": "2"},
)
PROGRAM = """
from serve.explain import explain
from serve.score import score
from train.fit import fit
from train.registry import versions
versions.promote(fit(quick=True).version)
score()
explain()
"""
TABLES = ("predictions", "predictions_by_horizon", "customer_lifetimes", "prediction_reasons")


def test_a_fit_and_its_forecasts_are_the_same_bytes_in_any_surroundings(built_shop, tmp_path):
    made = []
    for number, surroundings in enumerate(SURROUNDINGS):
        shop = built_shop.copy_to(tmp_path / str(number))
        env = {**os.environ, "WAREHOUSE_PATH": str(shop.file), "PYTHONPATH": str(warehouse.ROOT)}
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            cwd=warehouse.ROOT,
            env=env | surroundings,
            check=True,
            capture_output=True,
        )
        models = shop.file.parent / "models"
        files = {
            str(file.relative_to(models)): file.read_bytes()
            for file in sorted(models.rglob("*"))
            if file.is_file()
        }
        with in_warehouse(shop.file), warehouse.connect(read_only=True) as connection:
            rows = {}
            for table in TABLES:
                names = connection.execute(f"describe main.{table}").fetchall()
                kept = ", ".join(name for name, kind, *_ in names if kind != "TIMESTAMP")
                rows[table] = connection.execute(
                    f"select {kept} from main.{table} order by all"
                ).fetchall()
        made.append((files, rows))
    (files, rows), (other_files, other_rows) = made
    assert len(files) >= 4
    assert files.keys() == other_files.keys()
    assert [name for name in files if files[name] != other_files[name]] == []
    assert [table for table in TABLES if rows[table] != other_rows[table]] == []
