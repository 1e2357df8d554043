"""Any file of customers and days gets the features that the mart would hold for them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import warehouse
from core.ids import canonical
from serve import features

pytestmark = pytest.mark.usefixtures("small_shop")


def spine_of(sql: str, file) -> None:
    with warehouse.connect(read_only=True) as connection:
        connection.execute(f"copy ({sql}) to '{file}'")


def read(file, sql="from rows"):
    with duckdb.connect() as connection:
        connection.execute(f"create view rows as from '{file}'")
        return connection.execute(sql).df()


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_rows_of_the_mart_come_back_with_the_marts_own_values(tmp_path, suffix, monkeypatch):
    spine, out = tmp_path / f"spine.{suffix}", tmp_path / f"out.{suffix}"
    spine_of(
        "select 'x' || customer_id as note, customer_id, as_of_date "
        "from features.feat_customer_snapshots where hash(customer_id) % 3 = 0",
        spine,
    )
    monkeypatch.setattr(features.yaml, "safe_load", lambda _: {"vars": {"rows_at_a_time": 10_000}})
    result = features.add_features(spine, out)
    assert result.rows > 30_000
    assert result.unknown == result.after_today == 0
    columns = ", ".join(warehouse.contract().features)
    with warehouse.connect(read_only=True) as connection:
        source = f"read_csv('{out}')" if suffix == "csv" else f"'{out}'"
        mart = f"(select as_of_date, customer_id, {columns} from features.feat_customer_snapshots)"
        rows = f"(select as_of_date, customer_id, {columns} from {source})"
        [(differing,)] = connection.execute(
            f"select count(*) from (from {rows} except from {mart})"
        ).fetchall()
        [(notes,)] = connection.execute(
            f"select count(*) from {source} where note = 'x' || customer_id"
        ).fetchall()
    assert differing == 0
    assert notes == result.rows


def test_any_day_is_a_day_and_repeated_or_respelt_rows_keep_their_places(tmp_path):
    spine, out = tmp_path / "spine.csv", tmp_path / "out.parquet"
    days = ["2023-08-30", "2023-08-31 17:45:00", "2023-09-01", "2023-08-30", "2022-01-01"]
    ids = ["C0000001", "c0000001 ", "C0000001", "C0000001", "GHOST"]
    pd.DataFrame({"customer_id": ids, "as_of_date": days, "row": range(5)}).to_csv(
        spine, index=False
    )
    result = features.add_features(spine, out)
    found = read(out)
    assert found["row"].astype(int).tolist() == list(range(5))
    assert found["customer_id"].tolist() == ids
    assert found["tenure_days"].diff().tolist()[1:3] == [1, 1]
    assert found.loc[0, list(warehouse.contract().features)].equals(
        found.loc[3, list(warehouse.contract().features)]
    )
    assert (result.rows, result.unknown) == (5, 1)
    assert found.loc[4, list(warehouse.contract().features)].isna().all()


def test_days_after_the_current_date_are_counted(tmp_path):
    spine, out = tmp_path / "spine.csv", tmp_path / "out.csv"
    pd.DataFrame({"customer_id": ["C0000001"], "as_of_date": ["2031-01-01"]}).to_csv(
        spine, index=False
    )
    assert features.add_features(spine, out).after_today == 1


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"customer": ["C1"], "as_of_date": ["2024-01-01"]}, "needs one column customer_id"),
        (
            {"customer_id": ["C1", "C2"], "as_of_date": ["2024-01-01", "soon"]},
            "row 2, column as_of_date: 'soon' is not a date such as",
        ),
        (
            {"customer_id": ["C1", None], "as_of_date": ["2024-01-01"] * 2},
            "row 2, column customer_id: None is not an id",
        ),
        (
            {"customer_id": ["C1"], "as_of_date": ["2024-01-01"], "spend_30d": [1]},
            "spend_30d is the name of a feature",
        ),
        (
            {"customer_id": ["C1"], "as_of_date": ["2024-01-01"], "Spend_30d": [1]},
            "Spend_30d is the name of a feature",
        ),
        (
            {"customer_id": ["C1"], "as_of_date": ["2024-01-01"], "note": [1], "Note": [2]},
            "note, Note are names of one column in SQL",
        ),
    ],
)
def test_what_is_no_spine_is_refused_by_row_and_column_and_nothing_is_written(
    tmp_path, columns, message
):
    spine, out = tmp_path / "spine.csv", tmp_path / "out.csv"
    pd.DataFrame(columns).to_csv(spine, index=False)
    with pytest.raises(features.SpineError, match=message):
        features.add_features(spine, out)
    assert [file.name for file in tmp_path.iterdir()] == ["spine.csv"]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_columns_named_like_the_commands_own_come_back_as_they_are(tmp_path, suffix):
    spine, out = tmp_path / f"spine.{suffix}", tmp_path / f"out.{suffix}"
    own = {"customer_id": "c0000001 ", "as_of_date": "2024-01-01"} | {
        name: f"{name} of the user"
        for name in (
            *("spine_row", "spine_date", "spine_customer_id", "spine_rows", "found", "own_0"),
            *("Own_1", "rows_read", "columns", "a b", 'a "b"'),
        )
    }
    table = pa.table({name: [value] for name, value in own.items()})
    with duckdb.connect() as connection:
        connection.register("made", table)
        connection.execute(f"copy made to '{spine}'")
    features.add_features(spine, out)
    with duckdb.connect() as connection:
        source = f"read_csv('{out}', all_varchar = true)" if suffix == "csv" else f"'{out}'"
        found = connection.execute(f"from {source}").df()
    assert found.columns.tolist() == [*own, *warehouse.contract().features]
    assert found.loc[0, list(own)].tolist() == list(own.values())
    assert found["tenure_days"].notna().all()


def test_columns_of_a_parquet_file_that_differ_in_case_alone_are_refused_by_name(tmp_path):
    spine = tmp_path / "spine.parquet"
    names = {"customer_id": ["C1"], "as_of_date": ["2024-01-01"], "note": [1], "Note": [2]}
    pq.write_table(pa.table(names), spine)
    with pytest.raises(features.SpineError, match="note, Note are names of one column"):
        features.add_features(spine, tmp_path / "out.csv")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_moment_with_a_time_zone_is_its_day_in_utc_on_every_machine(tmp_path, suffix):
    spine, out = tmp_path / f"spine.{suffix}", tmp_path / "out.parquet"
    # the last is a day later in Tokyo than in UTC
    spine_of(
        "select 'C0000001' as customer_id, unnest([timestamptz '2024-05-03 00:00+00', "
        "timestamptz '2024-05-04 00:00+00', timestamptz '2024-05-03 20:30+00']) as as_of_date",
        spine,
    )
    command = [sys.executable, warehouse.ROOT / "serve" / "features.py"]
    done = subprocess.run(
        [*command, "--spine", spine, "--out", out],
        env={**os.environ, "PYTHONPATH": str(warehouse.ROOT), "TZ": "Asia/Tokyo"},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    found = read(out, "select tenure_days from rows")
    assert found["tenure_days"].diff().tolist()[1:] == [1, -1]
    given = f"read_csv('{spine}', all_varchar = true)" if suffix == "csv" else f"'{spine}'"
    moments = "select typeof(as_of_date) as type, as_of_date::varchar as moment from"
    assert read(out, f"{moments} rows").equals(read(out, f"{moments} {given}"))


@pytest.fixture
def zoned(shop_copy):
    """Let a load state the shop's time zone."""

    def state(*zones):
        with warehouse.connect() as connection:
            connection.execute("alter table raw.loads add column if not exists timezone varchar")
            connection.execute("delete from raw.loads")
            for number, zone in enumerate(zones):
                connection.execute(
                    "insert into raw.loads by name select $number as load_id,"
                    " timestamp '2025-01-01' + to_days($number) as loaded_at, $zone as timezone",
                    {"number": number, "zone": zone},
                )

    return state


def days_of(folder, moments, suffix="csv"):
    """The days that the command takes moments for, by how long a customer is known then."""
    spine, out = folder / f"moments.{suffix}", folder / "found.csv"
    if suffix == "csv":
        spine.write_text("\n".join(["customer_id,as_of_date", *(f"C0000001,{m}" for m in moments)]))
    else:
        ids = ["C0000001"] * len(moments)
        pq.write_table(pa.table({"customer_id": ids, "as_of_date": moments}), spine)
    features.add_features(spine, out)
    plain = folder / "plain.csv"
    plain.write_text("customer_id,as_of_date\nC0000001,2024-01-01\n")
    features.add_features(plain, folder / "first.csv")
    [first] = pd.read_csv(folder / "first.csv")["tenure_days"]
    tenures = pd.read_csv(out)["tenure_days"]
    return [f"{date(2024, 1, 1) + timedelta(int(tenure - first))}" for tenure in tenures]


ONE_INSTANT = (
    *("2024-12-30T22:00:00-05:00", "2024-12-31T03:00:00Z", "2024-12-31 08:30:00+0530"),
    *("2024-12-31 03:00 +00:00", "2024-12-31T03:00:00.000z", "2024-12-30 17:00:00-10"),
)


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/New_York", "2024-12-30"),
        ("Asia/Kolkata", "2024-12-31"),
        (None, "2024-12-31"),
    ],
)
def test_an_instant_in_any_spelling_is_its_day_in_the_shops_time_zone(zoned, tmp_path, zone, day):
    zoned(zone)
    assert days_of(tmp_path, ONE_INSTANT) == [day] * 6
    instant = [datetime(2024, 12, 31, 3, tzinfo=UTC)]
    assert days_of(tmp_path, instant, "parquet") == [day]


def test_a_wall_time_and_a_date_are_the_shops_own_also_where_its_clock_skips_them(zoned, tmp_path):
    zoned("Africa/Cairo")
    # midnight of 26 April is skipped, the last hour of October comes twice
    walls = ["2024-04-26 00:30:00", "2024-04-26", "2024-10-31 23:30", "2024/10/31 23:59:59.9"]
    assert days_of(tmp_path, walls) == [*["2024-04-26"] * 2, *["2024-10-31"] * 2]
    naive = [datetime(2024, 4, 26, 0, 30), datetime(2024, 10, 31, 23, 59)]
    assert days_of(tmp_path, naive, "parquet") == ["2024-04-26", "2024-10-31"]


@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("Africa/Cairo", "2024-04-25T21:59:59Z", "2024-04-25"),
        ("Africa/Cairo", "2024-04-25T22:00:00Z", "2024-04-26"),
        # the same wall time twice, then midnight
        ("Africa/Cairo", "2024-10-31T20:30:00Z", "2024-10-31"),
        ("Africa/Cairo", "2024-10-31T21:30:00Z", "2024-10-31"),
        ("Africa/Cairo", "2024-10-31T22:00:00Z", "2024-11-01"),
        # five hours behind in winter, four in summer
        ("America/New_York", "2024-03-10T04:59:59Z", "2024-03-09"),
        ("America/New_York", "2024-03-11T03:59:59Z", "2024-03-10"),
        ("America/New_York", "2024-11-03T03:59:59Z", "2024-11-02"),
        ("America/New_York", "2024-11-04T04:59:59Z", "2024-11-03"),
        ("Asia/Kolkata", "2024-06-01T18:29:59Z", "2024-06-01"),
        ("Asia/Kolkata", "2024-06-01T18:30:00Z", "2024-06-02"),
    ],
)
def test_midnight_is_the_shops_whatever_its_clock_does_that_day(zoned, tmp_path, zone, moment, day):
    zoned(zone)
    assert days_of(tmp_path, [moment]) == [day]


def test_the_newest_load_that_states_a_time_zone_counts(zoned):
    for zones, expected in (
        ((), "UTC"),
        ((None,), "UTC"),
        (("Asia/Kolkata", "Africa/Cairo", None), "Africa/Cairo"),
    ):
        zoned(*zones)
        with warehouse.connect(read_only=True) as connection:
            assert warehouse.shop_timezone(connection) == expected
    with warehouse.connect() as connection:
        connection.execute("drop table raw.loads")
        assert warehouse.shop_timezone(connection) == "UTC"


def test_a_moment_of_the_evening_knows_no_order_of_that_evening(zoned, tmp_path):
    zoned("America/New_York")
    with warehouse.connect(read_only=True) as connection:
        [(customer, day)] = connection.execute(
            "select customer_id, event_date from intermediate.int_customer_days_spaced"
            " where orders = 1 and known_date = event_date and year(event_date) = 2024"
            " order by all limit 1"
        ).fetchall()
    spine, out = tmp_path / "evening.csv", tmp_path / "out.csv"
    evening = f"{day}T22:00:00-05:00"
    spine.write_text(
        f"customer_id,as_of_date\n{customer},{evening}\n{customer},{day}\n"
        f"{customer},{day + timedelta(1)}\n"
    )
    features.add_features(spine, out)
    at_evening, at_start, day_after = pd.read_csv(out)["orders_lifetime"]
    assert at_evening == at_start == day_after - 1


@pytest.mark.parametrize(
    "value",
    ["2024-12-30 10:00 PM", "2024-02-30", "infinity", "2024-12-30T25:00:00Z", "2024-12-30 soon"],
)
def test_what_is_no_day_is_named_by_file_column_and_row(tmp_path, value):
    spine = tmp_path / "spine.csv"
    spine.write_text(f"customer_id,as_of_date\nC1,2024-01-01\nC1,{value}\n")
    message = f"{spine}, row 2, column as_of_date: '{value}' is not a date"
    assert message in refused(spine, tmp_path / "out.csv")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_path_is_a_path_whatever_signs_it_has(tmp_path, suffix):
    for name, day in ((f"rows[1].{suffix}", "2024-05-03"), (f"rows1.{suffix}", "2023-05-03")):
        spine_of(f"select 'C0000001' as customer_id, '{day}' as as_of_date", tmp_path / name)
    out = tmp_path / "out*.csv"
    features.add_features(tmp_path / f"rows[1].{suffix}", out)
    assert pd.read_csv(out)["as_of_date"].tolist() == ["2024-05-03"]


def test_a_moment_with_a_time_zone_in_a_csv_file_is_the_one_in_a_parquet_file(tmp_path):
    spine, out = tmp_path / "spine.csv", tmp_path / "out.csv"
    days = ["2024-05-03", "2024-05-03 23:30:00-08:00", "2024-05-04 01:00:00+09:00"]
    pd.DataFrame({"customer_id": ["C0000001"] * 3, "as_of_date": days}).to_csv(spine, index=False)
    features.add_features(spine, out)
    found = pd.read_csv(out)
    assert found["tenure_days"].diff().tolist()[1:] == [1, -1]
    assert found["as_of_date"].tolist() == days


def refused(spine, out):
    """What the command says of a spine that it cannot use; it leaves no file."""
    app = features.typer.Typer()
    app.command()(features.main)
    before = sorted(spine.parent.rglob("*"))
    done = CliRunner().invoke(app, ["--spine", str(spine), "--out", str(out)])
    assert done.exit_code == 1
    assert isinstance(done.exception, SystemExit)
    assert sorted(spine.parent.rglob("*")) == before
    return done.output


@pytest.fixture
def one_row(tmp_path):
    spine = tmp_path / "spine.csv"
    spine.write_text("customer_id,as_of_date\nC0000001,2024-01-01\n")
    return spine


def test_a_folder_that_does_not_exist_is_named_by_the_command(one_row, tmp_path):
    assert f"{tmp_path / 'no'} is no folder" in refused(one_row, tmp_path / "no" / "out.csv")


def test_a_folder_in_the_place_of_the_output_is_named_by_the_command(one_row, tmp_path):
    (tmp_path / "out.csv").mkdir()
    assert f"{tmp_path / 'out.csv'} is a folder" in refused(one_row, tmp_path / "out.csv")


@pytest.mark.parametrize("row", [1, 3, 30_001])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("C0000001,2024-01-01,x,y", "4 fields where the first row names 3"),
        ("C0000001,2024-01-01", "2 fields where the first row names 3"),
    ],
)
def test_a_row_with_other_fields_than_the_first_names_is_named_by_the_command(
    tmp_path, row, text, message
):
    spine = tmp_path / "spine.csv"
    rows = ["C0000001,2024-01-01,x"] * 30_010
    rows[row - 1] = text
    spine.write_text("\n".join(["customer_id,as_of_date,note", *rows]))
    assert f"{spine}, row {row:,}: {message}" in refused(spine, tmp_path / "out.csv")


@pytest.mark.parametrize("rows", [1, 30_000])
def test_a_file_that_is_not_utf_8_is_named_by_the_command(tmp_path, rows):
    spine = tmp_path / "spine.csv"
    row = "C0000001,2024-01-01,x\n"
    spine.write_bytes(f"customer_id,as_of_date,note\n{row * rows}".encode() + b"C1,2024-01-01,\xe9")
    output = refused(spine, tmp_path / "out.csv")
    assert str(spine) in output
    assert "not UTF-8" in output


def test_a_broken_parquet_file_is_named_by_the_command(tmp_path):
    (tmp_path / "spine.parquet").write_bytes(b"PAR1 and no more")
    output = refused(tmp_path / "spine.parquet", tmp_path / "out.csv")
    assert f"{tmp_path / 'spine.parquet'} cannot be read" in output


def test_a_feature_of_the_contract_that_is_not_built_is_named_by_the_command(
    one_row, tmp_path, monkeypatch
):
    contract = warehouse.contract()
    new = replace(contract.columns[-1], name="spend_of_tomorrow")
    monkeypatch.setattr(
        warehouse, "contract", lambda: replace(contract, columns=(*contract.columns, new))
    )
    output = refused(one_row, tmp_path / "out.csv")
    assert "has not built spend_of_tomorrow yet: run `make build`" in output


def test_a_quoted_field_far_below_the_first_rows_is_one_field(tmp_path):
    spine, out = tmp_path / "spine.csv", tmp_path / "out.parquet"
    rows = ["C0000001,2024-01-01,x"] * 30_000 + ['C0000001,2024-01-01,"x, ""y""\nz"']
    spine.write_text("\n".join(["customer_id,as_of_date,note", *rows]))
    features.add_features(spine, out)
    assert read(out)["note"].iloc[-1] == 'x, "y"\nz'


@pytest.fixture
def shop_of_numbers(shop_copy):
    """A shop in which a customer is known whose id is the number 12."""
    with warehouse.connect() as connection:
        connection.execute(
            "update intermediate.int_customers_known set customer_id = '12' "
            "where customer_id = 'C0000001'"
        )


@pytest.fixture
def in_sql():
    """A connection to the warehouse, and the two statements of the how-to, in order."""
    page = (warehouse.ROOT / "docs" / "how-to" / "features-for-any-rows.md").read_text()
    with warehouse.connect(read_only=True) as connection:
        yield connection, *re.findall(r"```sql\n(.*?)```", page, re.DOTALL)


def test_the_function_in_sql_gives_one_row_per_known_customer_and_day(in_sql):
    connection, function, _ = in_sql
    connection.execute(
        """
        create temp table my_table as
        select unnest(['C0000001', 'c0000001 ', 'C0000001', 'GHOST', null]) as customer_id,
        '2024-01-01' as as_of_date
        """
    )
    found = connection.execute(function).df()
    assert found["customer_id"].tolist() == ["C0000001"]
    assert found.columns.tolist() == [one.name for one in warehouse.contract().columns]


def test_the_join_of_the_readme_gives_ones_own_rows_as_the_command_does(in_sql, tmp_path):
    connection, _, join = in_sql
    connection.execute(
        """
        create temp table my_table as
        select row_number() over () as place, customer_id, day as as_of_date, 'mine' as note
        from (
            select unnest(['C0000001', 'c0000003 ', 'C0000001', 'GHOST', ' C0000003']),
            unnest(['2024-01-01', '2024-01-01 17:45:00', '2024-01-01', '2024-01-01', '1990-01-01'])
        ) as given (customer_id, day)
        """
    )
    found = connection.execute(f"from ({join}) order by place").df()
    connection.execute(f"copy my_table to '{tmp_path / 'spine.parquet'}'")
    features.add_features(tmp_path / "spine.parquet", tmp_path / "out.parquet")
    pd.testing.assert_frame_equal(found, read(tmp_path / "out.parquet"), check_dtype=False)
    assert found["tenure_days"].notna().tolist() == [True, True, True, False, False]


def test_the_join_of_the_readme_spells_ids_as_staging_does(in_sql):
    connection, _, join = in_sql
    ids = ["0", "00", "007", "7.0", "7.00", "100", "0100.0", "7.5", "007A", " c 1 ", "1e3", "-1"]
    readme = join.partition("found.customer_id = ")[2].strip()
    staging = canonical("customer_id")
    connection.execute("create temp table my_table as select unnest(?) as customer_id", [ids])
    spelt = connection.execute(f"select {readme}, {staging} from my_table").fetchall()
    assert [one for one, _ in spelt] == [other for _, other in spelt]
    assert len(spelt) == len(ids)


@pytest.mark.parametrize("kind", ["bigint", "double", "varchar"])
def test_an_id_that_is_a_number_is_found_by_the_function_in_sql(shop_of_numbers, kind):
    with warehouse.connect(read_only=True) as connection:
        connection.execute(
            f"create temp table spine as select 12::{kind} as customer_id, today() as as_of_date"
        )
        found = connection.execute("from features.features_as_of('spine')").df()
    assert found["customer_id"].tolist() == ["12"]


def test_the_shops_features_in_sql_need_dates_alone(in_sql):
    connection, *_ = in_sql
    connection.execute(
        """
        create temp table my_table as
        select unnest(['2024-01-01', '2024-01-01 08:00:00', '2024-01-02', null]) as as_of_date
        """
    )
    found = connection.execute("from features.shop_as_of('my_table') order by as_of_date").df()
    assert found["as_of_date"].astype(str).tolist() == ["2024-01-01", "2024-01-02"]


def test_the_command_says_what_it_wrote_and_what_is_wrong(tmp_path, monkeypatch):
    app = features.typer.Typer()
    app.command()(features.main)
    spine, out = tmp_path / "spine.csv", tmp_path / "out.csv"
    pd.DataFrame({"customer_id": ["C0000001", "X"], "as_of_date": ["2024-01-01"] * 2}).to_csv(
        spine, index=False
    )
    done = CliRunner().invoke(app, ["--spine", str(spine), "--out", str(out)])
    assert done.exit_code == 0
    assert f"2 rows, {len(warehouse.contract().features)} features" in done.output
    assert "1 rows have none" in done.output
    wrong = CliRunner().invoke(app, ["--spine", str(tmp_path / "no.csv"), "--out", str(out)])
    assert wrong.exit_code == 1
    assert "does not exist" in wrong.output
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "other.duckdb"))
    missing = CliRunner().invoke(app, ["--spine", str(spine), "--out", str(out)])
    assert missing.exit_code == 1
    assert "does not exist" in missing.output
