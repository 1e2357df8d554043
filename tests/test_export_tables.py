"""All that people read, as Parquet."""

from __future__ import annotations

import duckdb
import pytest

import warehouse
from serve.export import ExportError
from serve.export_tables import export_tables


def test_each_table_of_main_and_marts_comes_back_as_it_is(small_shop, tmp_path):
    rows = export_tables(tmp_path / "tables")
    assert {"main.predictions", "marts.customers", "marts.total_forecasts"} <= set(rows)
    with warehouse.connect(read_only=True) as connection:
        for name, count in rows.items():
            schema, table = name.split(".")
            file = tmp_path / "tables" / schema / f"{table}.parquet"
            [(here,)] = connection.execute(f"select count(*) from {name}").fetchall()
            assert count == here
            assert not connection.execute(
                f"from {name} except all from read_parquet('{file}')"
            ).fetchall()
    [(predicted,)] = duckdb.sql(
        f"select count(*) from '{tmp_path}/tables/main/predictions.parquet'"
    ).fetchall()
    assert predicted > 500


def test_a_folder_with_something_in_it_is_left_as_it_is(small_shop, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ExportError, match="give a folder that is new or empty"):
        export_tables(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_an_export_that_fails_leaves_nothing(small_shop, tmp_path, monkeypatch):
    monkeypatch.setattr("serve.export_tables.SCHEMAS", ("nowhere",))
    with pytest.raises(ExportError, match="run `make build`"):
        export_tables(tmp_path / "tables")
    assert list(tmp_path.iterdir()) == []


def test_each_table_and_column_of_main_and_marts_says_what_it_is(small_shop):
    with warehouse.connect(read_only=True) as connection:
        silent = connection.execute(
            """
            select schema_name || '.' || table_name || '.' || column_name
            from duckdb_columns()
            where schema_name in ('main', 'marts') and comment is null and not internal
            union all
            select schema_name || '.' || table_name
            from duckdb_tables()
            where schema_name in ('main', 'marts') and comment is null and not internal
            """
        ).fetchall()
    assert silent == []
