"""The peers of `make bench-features` compute what a plain reading of the rules computes."""

import json
import random
import subprocess
import sys
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import warehouse
from benchmarks.peers import common

PEERS = warehouse.ROOT / "benchmarks" / "work" / "peers" / "bin" / "python"
DAY = date(2024, 1, 1)
NEVER = date(9999, 12, 31)


def customer_days(seed):
    """Days of a few customers, some known late, some known to be otherwise later."""
    chance = random.Random(seed)
    for customer in range(12):
        for _ in range(chance.randrange(60)):
            event = DAY + timedelta(chance.randrange(900))
            known = event + timedelta(chance.choice([0, 0, 0, 1, 5, 40]))
            until = known + timedelta(chance.randrange(1, 200)) if chance.random() < 0.3 else NEVER
            orders = chance.randrange(3)
            gap = chance.choice([None, chance.randrange(90)])
            yield {
                "customer_id": f"C{customer}",
                "event_date": event,
                "known_date": known,
                "known_until": until,
                "spend": orders * chance.randrange(10_000) / 100,
                "orders": orders,
                "returned": chance.choice([0, chance.randrange(5_000) / 100]),
                "promoted": chance.randrange(1_000) / 100,
                "items": chance.randrange(9_000) / 1_000,
                "lines": chance.randrange(9),
                "active_days": min(orders, 1),
                "gaps": int(gap is not None),
                "gap_days": gap,
                "gap_days_squared": gap and gap * gap,
                "largest_order": chance.randrange(9_000) / 100 if orders else None,
            }


def by_hand(row, days, name):
    feature = common.parse(name)
    as_of = row["as_of_date"]
    valid = [
        day
        for day in days
        if day["customer_id"] == row["customer_id"]
        and day["event_date"] < as_of
        and day["known_date"] < as_of <= day["known_until"]
        and feature.first <= (as_of - day["event_date"]).days <= (feature.last or 10_000)
    ]
    if feature.how in ("first", "last"):
        dates = [day["event_date"] for day in valid if day["orders"] > 0]
        return (min if feature.how == "first" else max)(dates, default=None)
    values = [day[feature.column] or 0 for day in valid]
    return float(sum(values) if feature.how == "sum" else max(values, default=0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("peers")
    days = list(customer_days(1))
    # one customer more than has days, and as-of dates before, between and after them
    spine = [
        {"customer_id": f"C{customer}", "as_of_date": DAY + timedelta(offset)}
        for customer in range(13)
        for offset in range(0, 1_000, 37)
    ]
    pq.write_table(pa.Table.from_pylist(days), folder / "customer_days.parquet")
    pq.write_table(pa.Table.from_pylist(spine), folder / "spine.parquet")
    right = [
        {**row, **{name: by_hand(row, days, name) for name in common.FEATURES}} for row in spine
    ]
    pq.write_table(pa.Table.from_pylist(right), folder / "right.parquet")
    mart = [{**row, "region": "a'b", "share": i / 7} for i, row in enumerate(right)]
    pq.write_table(pa.Table.from_pylist(mart), folder / "mart.parquet")
    return folder


def run(python, module, folder, *arguments):
    command = [str(python), "-m", f"benchmarks.peers.{module}", str(folder), *arguments]
    done = subprocess.run(
        command, cwd=warehouse.ROOT, capture_output=True, text=True, check=True, timeout=300
    )
    return json.loads(done.stdout)


def reference(folder, file="right.parquet", names=common.FEATURES):
    rows, columns = common.checksums(folder / file, names)
    return {"rows": rows, "columns": columns, "checksum": common.total(rows, columns)}


@pytest.mark.parametrize("module", ["duckdb_features", "pandas_features"])
def test_features_are_as_by_hand(module, folder):
    record = run(sys.executable, module, folder)
    right = reference(folder)
    assert common.differences(record, right) == []
    assert record["checksum"] == right["checksum"]
    assert (record["features"], record["stopped"]) == (len(common.FEATURES), False)
    assert record["wall_s"] > 0
    assert record["peak_mb"] > 10


@pytest.mark.skipif(not PEERS.exists(), reason="`make bench-features` sets the peers up")
@pytest.mark.parametrize(
    "module",
    ["duckdb_features", "pandas_features", "polars_features", "featuretools_features"],
)
def test_features_are_as_by_hand_in_the_environment_of_the_peers(module, folder):
    assert common.differences(run(PEERS, module, folder), reference(folder)) == []


def test_a_few_features_on_request(folder):
    record = run(sys.executable, "pandas_features", folder, "--features", "spend_31_60d")
    assert list(record["columns"]) == ["spend_31_60d"]
    assert common.differences(record, reference(folder)) == []


def test_the_mart_is_looked_up(folder):
    names = [*common.FEATURES, "region", "share"]
    right = reference(folder, "mart.parquet", names)
    assert run(sys.executable, "ours_retrieval", folder)["checksum"] == right["checksum"]
    if PEERS.exists():
        assert run(PEERS, "feast_retrieval", folder)["checksum"] == right["checksum"]


def test_what_takes_too_long_is_stopped(folder):
    record = run(sys.executable, "pandas_features", folder, "--limit", "0.001")
    assert record["stopped"]
    assert (record["rows"], record["checksum"]) == (None, None)


@pytest.mark.parametrize("name", ["spend", "region", "spend_to_30d_", "x_days_since"])
def test_other_names_are_no_windows(name):
    with pytest.raises(ValueError, match="no windowed feature"):
        common.parse(name)


def test_the_checksum_sees_values_and_not_how_they_are_kept(tmp_path):
    def checksum(table):
        pq.write_table(table, tmp_path / "t.parquet")
        return common.total(*common.checksums(tmp_path / "t.parquet", ["a", "b", "c"]))

    table = pa.table(
        {
            "customer_id": ["x", "y", "z"],
            "as_of_date": [DAY, DAY, DAY + timedelta(1)],
            "a": pc.cast(pa.array([1.25, None, 3.0]), pa.decimal128(18, 2)),
            "b": [DAY, None, DAY],
            "c": ["p", "q", None],
        }
    )
    right = checksum(table)
    assert checksum(table.take([2, 0, 1])) == right
    other = {
        "customer_id": table["customer_id"].combine_chunks().dictionary_encode(),
        "as_of_date": pc.cast(table["as_of_date"], pa.timestamp("us", "UTC")),
        "a": pa.array([1.25, float("nan"), 3.0]),
        "b": pc.cast(table["b"], pa.timestamp("ns")),
        "c": pc.cast(table["c"], pa.large_string()),
    }
    assert checksum(pa.table(other)) == right
    for name in ("a", "b", "c"):
        # the same values, at other customers
        place = table.column_names.index(name)
        moved = table.set_column(place, name, table[name].take([1, 0, 2]))
        assert checksum(moved) != right, name
