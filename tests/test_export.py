"""The mart comes back from its Parquet folder as it is, and Feast reads it as the how-to says."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys

import duckdb
import pandas as pd
import pytest
from typer.testing import CliRunner

import warehouse
from serve import export as exporting
from serve.export import ExportError, export
from tests.conftest import in_warehouse
from tests.shop_files import query

pytestmark = pytest.mark.usefixtures("shop_of_few_dates")
PEERS = warehouse.ROOT / "benchmarks" / "work" / "peers"
MART = "features.feat_customer_snapshots"


@pytest.fixture(scope="module")
def few_dates(built_shop, tmp_path_factory):
    """The small shop with a few dates of its mart."""
    shop = built_shop.copy_to(tmp_path_factory.mktemp("few"))
    with in_warehouse(shop.file), warehouse.connect() as connection:
        for table in ("feat_customers", "feat_dates"):
            connection.execute(
                f"delete from features.{table} where (as_of_date - date '2000-01-01') % 150 <> 0"
            )
    return shop


@pytest.fixture
def shop_of_few_dates(few_dates, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(few_dates.file))


def read(sql, folder):
    with duckdb.connect() as connection:
        connection.execute(
            f"create view exported as from read_parquet('{folder}/*/*.parquet', "
            "hive_partitioning = true)"
        )
        return connection.execute(sql).fetchall()


def test_rows_and_types_come_back_as_they_are(tmp_path):
    result = export(tmp_path / "mart")
    dates = query(f"select as_of_date, count(*) from {MART} group by all order by all")
    assert result.dates == [day for day, _ in dates]
    assert result.rows == sum(rows for _, rows in dates)
    assert sorted(one.name for one in (tmp_path / "mart").iterdir()) == [
        f"as_of_date={day}" for day, _ in dates
    ]
    assert [one.name for one in tmp_path.iterdir()] == ["mart"]
    types = {name: kind for name, kind, *_ in read("describe exported", tmp_path / "mart")}
    assert types == {name: kind for name, kind, *_ in query(f"describe {MART}")}
    assert types == {
        column.name: column.data_type.upper() for column in warehouse.contract().columns
    }
    names = ", ".join(types)
    assert read(f"select {names} from exported order by all", tmp_path / "mart") == query(
        f"select {names} from {MART} order by all"
    )


def test_an_earlier_export_is_replaced_and_anything_else_is_left_alone(tmp_path):
    out = tmp_path / "mart"
    gone = out / "as_of_date=1999-01-01"
    gone.mkdir(parents=True)
    export(out)
    assert not gone.exists()
    (out / "notes.txt").write_text("mine")
    before = sorted(out.rglob("*"))
    with pytest.raises(ExportError, match=r"holds notes\.txt, which is no export"):
        export(out)
    assert sorted(out.rglob("*")) == before
    with pytest.raises(ExportError, match="is a file"):
        export(out / "notes.txt")
    with pytest.raises(ExportError, match="make it first"):
        export(tmp_path / "no" / "mart")


def test_what_fails_midway_leaves_the_earlier_export_whole(tmp_path, monkeypatch):
    out = tmp_path / "mart"
    export(out)
    before = {file: file.read_bytes() for file in out.rglob("*.parquet")}
    write = exporting._write

    def failing(connection, timestamp, day, folder):
        if str(day) > "2023-06-01":
            raise OSError("no space left on device")
        write(connection, timestamp, day, folder)

    monkeypatch.setattr(exporting, "_write", failing)
    with pytest.raises(OSError, match="no space"):
        export(out)
    assert {file: file.read_bytes() for file in out.rglob("*.parquet")} == before
    assert [one.name for one in tmp_path.iterdir()] == ["mart"]


def test_a_hidden_file_in_an_earlier_export_is_no_obstacle_and_stays(tmp_path):
    out = tmp_path / "mart"
    export(out)
    (out / ".DS_Store").write_text("of a file browser")
    (out / ".notes").mkdir()
    (out / ".notes" / "one").write_text("mine")
    dates = export(out).dates
    assert (out / ".DS_Store").read_text() == "of a file browser"
    assert (out / ".notes" / "one").read_text() == "mine"
    assert len(list(out.glob("as_of_date=*"))) == len(dates)
    assert [one.name for one in tmp_path.iterdir()] == ["mart"]


@pytest.mark.parametrize("out", [".", "..", "../mart"])
def test_the_current_folder_or_one_around_it_is_refused_by_name(tmp_path, monkeypatch, out):
    folder = tmp_path / "mart" / ("as_of_date=2024-01-01" if out == ".." else "")
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    app = exporting.typer.Typer()
    app.command()(exporting.main)
    done = CliRunner().invoke(app, ["--out", out])
    assert done.exit_code == 1
    assert f"error: {out} cannot be the current folder or one around it" in done.output
    assert folder.is_dir()


KILLED = """
import os, sys
from pathlib import Path
from serve import export
export.os.replace = lambda *_: os._exit(9)
export.export(Path(sys.argv[1]))
"""


def killed_between_the_renames(out):
    done = subprocess.run(
        [sys.executable, "-c", KILLED, out],
        env={**os.environ, "PYTHONPATH": str(warehouse.ROOT)},
        check=False,
        timeout=100,
    )
    assert done.returncode == 9
    assert not out.exists()


def test_what_a_killed_export_left_hidden_is_put_back_by_the_next_one(
    tmp_path, monkeypatch, caplog
):
    out, other = tmp_path / "mart", tmp_path / "mart-b"
    export(out)
    before = {file: file.read_bytes() for file in out.rglob("*.parquet")}
    killed_between_the_renames(out)
    # one that fails, so that what was put back is still seen; and not in another's place
    monkeypatch.setattr(exporting, "_write", lambda *_: 1 / 0)
    for folder in (other, out):
        with pytest.raises(ZeroDivisionError):
            export(folder)
    assert {file: file.read_bytes() for file in out.rglob("*.parquet")} == before
    assert [one.name for one in tmp_path.iterdir()] == ["mart"]
    assert f"{out} was put back" in caplog.text


def test_what_a_killed_export_left_hidden_is_reported_where_another_took_its_place(
    tmp_path, caplog
):
    out = tmp_path / "mart"
    export(out)
    killed_between_the_renames(out)
    out.mkdir()
    with caplog.at_level(logging.WARNING):
        export(out)
    [left] = tmp_path.glob(".export-*/old/mart")
    assert f"{left} is an earlier export" in caplog.text
    assert list(left.glob("*/*.parquet"))


def test_what_fails_between_the_renames_leaves_the_earlier_export(tmp_path, monkeypatch):
    out = tmp_path / "mart"
    export(out)
    before = {file: file.read_bytes() for file in out.rglob("*.parquet")}

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(exporting.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        export(out)
    assert {file: file.read_bytes() for file in out.rglob("*.parquet")} == before


def test_the_command_says_what_it_wrote_and_what_is_wrong(tmp_path, monkeypatch):
    app = exporting.typer.Typer()
    app.command()(exporting.main)
    done = CliRunner().invoke(app, ["--out", str(tmp_path / "mart")])
    assert done.exit_code == 0
    [(rows, dates, first, last)] = query(
        f"select count(*), count(distinct as_of_date), min(as_of_date), max(as_of_date) from {MART}"
    )
    assert f"{rows:,} rows, {dates} as-of dates from {first} to {last}" in done.output
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "empty.duckdb"))
    warehouse.connect().close()
    wrong = CliRunner().invoke(app, ["--out", str(tmp_path / "other")])
    assert wrong.exit_code == 1
    assert "is not built yet: run `make build`" in wrong.output
    assert not (tmp_path / "other").exists()


@pytest.mark.skipif(not (PEERS / "ready").exists(), reason="`make bench-features` sets Feast up")
def test_feast_registers_the_export_and_looks_up_what_the_mart_holds(tmp_path):
    page = (warehouse.ROOT / "docs" / "how-to" / "use-with-feast.md").read_text()
    settings, view, retrieval = re.findall(r"```(?:yaml|python)\n(.*?)```", page, re.DOTALL)
    (tmp_path / "feature_store.yaml").write_text(settings)
    (tmp_path / "customer_snapshots.py").write_text(view)
    export(tmp_path / "mart")
    run(PEERS / "bin" / "feast", "apply", folder=tmp_path)
    with warehouse.connect(read_only=True) as connection:
        right = connection.execute(
            f"select customer_id, as_of_date, spend_30d::double as spend_30d, region from {MART} "
            "where hash(customer_id, as_of_date) % 5 = 0 order by all"
        ).df()
    right[["customer_id", "as_of_date"]].to_csv(tmp_path / "spine.csv", index=False)
    run(
        PEERS / "bin" / "python",
        "-c",
        f"{retrieval}\nfound.to_csv('found.csv', index=False)",
        folder=tmp_path,
    )
    found = pd.read_csv(tmp_path / "found.csv")
    found["as_of_date"] = pd.to_datetime(found.pop("event_timestamp")).dt.tz_localize(None)
    found = found[list(right)].sort_values(["customer_id", "as_of_date"], ignore_index=True)
    assert len(found) > 300
    pd.testing.assert_frame_equal(found, right, check_dtype=False)


def run(*command, folder):
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(warehouse.ROOT), "FEAST_USAGE": "False"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
