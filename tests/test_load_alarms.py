"""Load alarms: incidents are named with their cause, everyday noise is not, errors stop a build."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

import warehouse
from benchmarks.alarms import alarms, known_days, measure_clean, measure_incidents
from benchmarks.incidents import BY_NAME, Incident, plant
from core import dbt_runner
from generate.shop.plan import Plan
from load.loader import load
from tests.conftest import DAYS, in_warehouse

PLAN = Plan(6_000, 3, date(2023, 1, 1), 730)
NAMES = (
    "no rows",
    "half of the headers, all lines",
    "the day again under new ids",
    "cents for euros",
    "no customers",
    "a category under a new name",
)
NOTHING = Incident("nothing", "", "select 1")
TEST = "assert_the_newest_load_raises_no_error"
# in a shop of few orders a day
DAY = date(2022, 1, 1) + timedelta(DAYS - 17)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A clean shop's false alarms, then how incidents planted in it fared, and all other alarms."""
    with in_warehouse(tmp_path_factory.mktemp("alarms") / "shop.duckdb"):
        clean = measure_clean("clean", PLAN)
        rows, others = measure_incidents(PLAN, [BY_NAME[name] for name in NAMES])
        with warehouse.connect(read_only=True) as connection:
            quiet = connection.execute("select day from intermediate.int_quiet_days_listed")
            return clean, rows, others, {day for (day,) in quiet.fetchall()}


def test_a_clean_shop_raises_at_most_one_alarm_a_year(measured):
    assert len(measured[0].alarms) <= measured[0].years


def test_each_incident_is_named_with_its_cause_and_no_other(measured):
    _, rows, others, _ = measured
    assert {row["incident"]: row["causes_found"] for row in rows} == {
        "no rows": ["empty_day"],
        "half of the headers, all lines": ["half_day"],
        "the day again under new ids": ["doubled_day"],
        "cents for euros": ["hundredfold_amounts"],
        "no customers": ["nulls_jump"],
        "a category under a new name": ["category_renamed"],
        "nothing for five days": ["stale"],
    }
    assert len(others) <= 2


def test_all_but_a_stale_load_would_have_stopped_the_build(measured):
    assert {row["incident"] for row in measured[1] if not row["stops"]} == {"nothing for five days"}


@pytest.mark.parametrize(
    ("day", "is_quiet"),
    [
        (date(2010, 4, 4), True),  # Easter
        (date(2024, 3, 29), True),  # Good Friday
        (date(2024, 4, 1), True),  # Easter Monday
        (date(2024, 4, 2), False),
        (date(2049, 4, 18), True),  # Gauss's rule needs its exception
        (date(2010, 5, 3), True),  # the first Monday of May
        (date(2010, 5, 31), True),  # the last
        (date(2010, 8, 30), True),  # the last of August
        (date(2024, 9, 2), True),  # Labor Day
        (date(2024, 11, 28), True),  # Thanksgiving
        (date(2024, 12, 23), False),
        (date(2024, 12, 25), True),
    ],
)
def test_holidays_are_quiet(measured, day, is_quiet):
    assert (day in measured[3]) == is_quiet


def test_an_error_of_the_newest_load_stops_before_the_mart_until_it_is_accepted(world):
    world("stopped")
    with warehouse.connect() as connection:
        plant(connection, [BY_NAME["cents for euros"]], DAY, 1)
    with pytest.raises(dbt_runner.BuildError) as raised:
        dbt_runner.build()
    message = str(raised.value)
    assert TEST in message
    for part in (
        "load_id: 2",
        f"day: {DAY}",
        "table_name: store_sales_line_items",
        "column_name: line_item_amount",
        "cause: hundredfold_amounts",
        "% of the lines cost 20 times the usual price of their product or more",
        "--vars '{accepted_loads: [2]}'",
    ):
        assert part in message
    with warehouse.connect(read_only=True) as connection:
        assert connection.execute(
            "select cause, severity from marts.load_alarms where load_id = 2"
        ).fetchall() == [("hundredfold_amounts", "error")]
        for table in ("int_shop_days_summed", "int_snapshots_scheduled"):
            assert not warehouse.has_table(connection, "intermediate", table)
        assert not warehouse.has_table(connection, "features", "feat_customer_snapshots")

    dbt_runner.build(select="load_alarms int_shop_days_summed", vars={"accepted_loads": [2]})


def test_an_alarm_of_an_older_load_stays_listed_and_stops_nothing(world):
    world("older")
    with warehouse.connect() as connection:
        plant(connection, [BY_NAME["cents for euros"], NOTHING], DAY, 1)
    dbt_runner.build(select="+load_alarms")
    with warehouse.connect(read_only=True) as connection:
        assert connection.execute(
            "select load_id, cause, severity, is_of_newest_load from marts.load_alarms"
            " where severity = 'error'"
        ).fetchall() == [(2, "hundredfold_amounts", "error", False)]


def test_a_small_shop_with_few_orders_a_day_raises_only_what_was_planted(world):
    world("small")
    found = alarms()
    with warehouse.connect(read_only=True) as connection:
        spoilt = known_days(connection)
    assert set(found["day"].dt.date) <= spoilt


def test_the_real_file_raises_no_alarm_but_on_its_one_odd_day(real_file, tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "real.duckdb"))
    load(real_file)
    found = alarms()
    # 113 of 180 orders name no customer
    assert [(row.day.date(), row.cause, row.severity) for row in found.itertuples()] == [
        (date(2010, 5, 11), "nulls_jump", "warn")
    ]
