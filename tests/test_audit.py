"""The leak audit names the features that know the future, and no others."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

import warehouse
from load.raw_tables import TABLES
from proof import audit, building, histories
from proof.leaks import found

# what was said of the whole history, of the days ahead, of customers and products as of today,
# and what is a table that the mart is not made from
LEAKS = {
    "share_of_all_spend": (
        "spend_lifetime / (select sum(spend) from {{ ref('int_customer_days_spaced') }})"
    ),
    "spend_ahead": (
        "(select coalesce(sum(days.spend), 0) from {{ ref('int_customer_days_spaced') }} as days"
        " where days.customer_id = histories.customer_id"
        " and days.event_date - histories.as_of_date between 0 and 29)"
    ),
    "points_today": (
        "(select max(total_loyalty_points) from raw.customer_details as today"
        " where upper(trim(today.customer_id)) = histories.customer_id)"
    ),
    "longest_name_today": "(select max(length(product_name)) from raw.products)",
    "spend_labelled": (
        "(select max(target_30d_spend) from features.feat_labels as labels"
        " where labels.customer_id = histories.customer_id"
        " and labels.as_of_date = histories.as_of_date)"
    ),
    "chance_of_truth": "(select max(p) from truth.customers)",
}
# what other futures do not change, and what it reads
READ = {
    "days_since_today": ("current_date - last_order_date", "current_date()"),
    "age_of_last_order": ("date_part('day', age(cast(last_order_date as timestamp)))", "age()"),
    "draw": ("(hash(customer_id) % 7) * 0 + (random() < -1)::integer", "random()"),
    "forecast": (
        "(select max(predicted_30d_spend) from predictions as forecasts"
        " where forecasts.customer_id = histories.customer_id)",
        "main.predictions",
    ),
    "file_beside": ("(select max(x) from read_csv('BESIDE'))", "read_csv()"),
}
TOGETHER = {
    "spend_rank": "percent_rank() over (partition by as_of_date order by spend_360d)",
    "days_since_dates_before": (
        "as_of_date - lag(as_of_date) over (partition by customer_id order by as_of_date)"
    ),
}
PLANTED = LEAKS | {name: sql for name, (sql, _) in READ.items()} | TOGETHER


@pytest.fixture(scope="module")
def shop(tmp_path_factory, dbt_folders):
    """A small history, built, with tables that no feature may read."""
    file = tmp_path_factory.mktemp("audit") / "shop.duckdb"
    tables = histories.history(6)
    for number, row in enumerate(tables["customer_details"]):
        row["total_loyalty_points"] = number
    building.write(file, tables)
    building.build(file, building.GRID)
    with building.in_warehouse(file), warehouse.connect() as connection:
        connection.execute(
            "create table features.feat_labels as"
            " select as_of_date, customer_id, 5 as target_30d_spend from features.feat_customers;"
            "create schema truth;"
            "create table truth.customers as select 0.5 as p"
        )
    return file


@pytest.fixture
def leaking_project(tmp_path):
    """A copy of the project with features that no mart should have, in the part and the yml."""
    (tmp_path / "beside.csv").write_text("x\n1\n")
    project = tmp_path / "dbt_project"
    shutil.copytree(warehouse.DBT_PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    part = project / "models" / "features" / "feat_loyalty.sql"
    leaks = "".join(
        f"        cast({sql} as double) as {name},\n" for name, sql in PLANTED.items()
    ).replace("BESIDE", str(tmp_path / "beside.csv"))
    part.write_text(
        part.read_text().replace(
            "        points_lifetime as", f"{leaks}        points_lifetime as", 1
        )
    )
    contract = project / "models" / "features" / "_features__models.yml"
    models = yaml.safe_load(contract.read_text())
    mart = next(one for one in models["models"] if one["name"] == warehouse.FEATURE_MART)
    for name in PLANTED:
        meta = {"role": "feature", "nullable": True}
        mart["columns"].append(
            {"name": name, "description": name, "data_type": "double", "config": {"meta": meta}}
        )
    contract.write_text(yaml.safe_dump(models, sort_keys=False))
    return project


def test_features_that_know_the_future_are_named_and_no_others(shop, leaking_project, monkeypatch):
    before = shop.read_bytes()
    # the contract is the copy's as well
    contract = leaking_project / "models" / "features" / "_features__models.yml"
    monkeypatch.setattr(warehouse, "FEATURES_YML", contract)
    kinds = ["rewritten", "customers and products changed", audit.EMPTIED]
    with building.in_warehouse(shop), building.in_project(leaking_project):
        result = audit.audit(cuts=1, kinds=kinds)
    assert set(result.leaks) == set(LEAKS)
    [leak] = result.leaks["points_today"]
    assert leak.future == "customers and products changed"
    assert leak.changed.after == 999999
    assert {one.future for one in result.leaks["spend_ahead"]} == {"rewritten"}
    assert {one.future for one in result.leaks["spend_labelled"]} == {audit.EMPTIED}
    named = {name: (what,) for name, (_, what) in READ.items()}
    # which columns a file has is not known, so the part that reads it is named
    named["feat_loyalty"] = named.pop("file_beside")
    named |= {"spend_labelled": ("features.feat_labels",), "chance_of_truth": ("truth.customers",)}
    assert {one.reader: one.read for one in result.readings} == named
    assert {one.feature for one in result.together} == set(TOGETHER)
    shown = io.StringIO()
    assert len(found.tell(Console(file=shown, width=300), result)) == 3
    assert "days_since_today reads current_date()" in shown.getvalue()
    assert "model feat_loyalty reads read_csv()" in shown.getvalue()
    assert shop.read_bytes() == before


def test_the_command_passes_an_honest_project(shop, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(shop))
    monkeypatch.setattr(audit, "FUTURES", {"known late": audit.FUTURES["known late"]})
    app = audit.typer.Typer()
    app.command()(audit.main)
    result = CliRunner().invoke(app, ["--cuts", "1"])
    assert result.exit_code == 0, result.output
    assert "no feature knows the future" in result.output


def test_some_future_of_the_audit_rewrites_every_raw_column_but_ids(shop, tmp_path):
    file = tmp_path / "shop.duckdb"
    shutil.copy(shop, file)
    with building.reading(file) as connection:
        cut, end = connection.execute(
            "select quantile_disc(as_of_date, 0.5), max(as_of_date) from features.feat_dates"
        ).fetchone()
    missed = {
        f"{table.name}.{column.name}"
        for table in TABLES
        for column in table.columns
        # a store, a segment and a promotion are said of something, they are not its id
        if column.name not in ("customer_id", "product_id", "transaction_id", "line_item_id")
    }
    for kind in audit.FUTURES:
        audit._change(file, cut, end, kind, seed=1)
        with building.reading(file, before=shop) as connection:
            missed -= {one for one in missed if _has_new_values(connection, one)}
    assert not missed


def _has_new_values(connection, column):
    table, name = column.split(".")
    new = f"select {name} from raw.{table} except select {name} from before.raw.{table}"
    return connection.execute(f"select count({name}) from ({new})").fetchone()[0] > 0


def test_a_copy_of_the_warehouse_leaves_it_locked_or_closed_as_it_was(shop, tmp_path):
    before = shop.read_bytes()
    with building.in_warehouse(shop), warehouse.connect(read_only=True) as connection:
        building.copy_warehouse(tmp_path / "copy.duckdb")
        assert "Conflicting lock" in _write_elsewhere(shop)
        with building.reading(tmp_path / "copy.duckdb") as copy:
            for sql in (
                "select schema_name, table_name, estimated_size from duckdb_tables() where {}",
                "select schema_name, view_name from duckdb_views() where not internal and {}",
                "select schema_name, function_name, parameters from duckdb_functions() where {}",
                "from features.feat_customer_snapshots",
                "from builds.loads_read",
            ):
                query = sql.format("database_name = current_database()") + " order by all"
                assert copy.execute(query).fetchall() == connection.execute(query).fetchall()
    assert shop.read_bytes() == before
    assert not _write_elsewhere(shop)


def _write_elsewhere(file):
    """Open a file to write in another process; return what it complains of."""
    command = [sys.executable, "-c", f"import duckdb; duckdb.connect({str(file)!r}).close()"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


def test_a_warehouse_without_a_mart_is_refused(tmp_path):
    file = tmp_path / "shop.duckdb"
    building.write(file, histories.history(6))
    with (
        building.in_warehouse(file),
        pytest.raises(warehouse.WarehouseError, match="has no mart"),
    ):
        audit.audit()
