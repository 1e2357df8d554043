"""What needs a look in the morning: loads, nights, forecasts, drift and the age of the data."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest

import warehouse
from core import dbt_runner
from tests.conftest import DAYS
from warehouse import in_warehouse

# the generated shop ends the day before
TODAY = date(2022, 1, 1) + timedelta(DAYS)
ALARMS = warehouse.DBT_PROJECT / "models" / "intermediate" / "quality" / "alarms"
PAGE = warehouse.ROOT / "docs" / "how-to" / "read-alarms.md"
QUERY = "select cause, alarm_kind, severity, since, message, what_to_do from marts.alarms"


def _query(sql):
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def morning(scored_shop, tmp_path_factory):
    """Alarms after four nights without a file, one of which failed, with a model of last spring."""
    copy = scored_shop.copy_to(tmp_path_factory.mktemp("morning"))
    with in_warehouse(copy.file):
        with warehouse.connect() as connection:
            connection.execute(
                """
                insert into main.runs (run_id, night, started_at, outcome, message) values
                    ('1', $day::date + 3, $day::timestamp, 'failed', 'the disk is full'),
                    ('2', $day::date + 4, $day::timestamp + interval 1 day, 'running', null);
                """,
                {"day": TODAY.isoformat()},
            )
            connection.execute(
                "update main.model_registry set as_of_date = as_of_date - 100"
                " where status = 'champion'"
            )
        dbt_runner.build(select="tag:alarms")
        return {row[0]: row[1:] for row in _query(f"{QUERY} order by place")}


def test_a_first_build_has_no_alarm_of_nights_forecasts_or_the_age_of_its_data(built_shop):
    with in_warehouse(built_shop.file):
        assert {kind for [kind] in _query("select alarm_kind from marts.alarms")} <= {"load"}
        assert _query("select today from intermediate.int_today_found") == [(TODAY,)]


def test_a_shop_just_scored_has_none_either(small_shop):
    assert {kind for [kind] in _query("select alarm_kind from marts.alarms")} <= {"load", "drift"}


def test_nights_without_a_file_make_the_data_older(morning):
    kind, severity, since, message, _ = morning["stale"]
    assert (kind, severity, since) == ("freshness", "error", TODAY)
    assert message.startswith(f"no orders since {TODAY - timedelta(1)}: 4 days")


def test_a_night_that_failed_is_told_with_its_reason(morning):
    assert morning["night_failed"][:4] == (
        *("run", "warn", TODAY + timedelta(3)),
        f"1 night not published since {TODAY + timedelta(3)}: the disk is full",
    )


def test_a_model_of_last_spring_is_stale(morning):
    assert morning["model_stale"][:2] == ("forecast", "warn")
    assert "is 104 days old" in morning["model_stale"][3]


def test_errors_come_first_and_each_says_what_to_do(morning):
    assert next(iter(morning)) == "stale"
    assert all(what_to_do for *_, what_to_do in morning.values())


def test_each_cause_has_a_remedy_and_a_line_in_the_page():
    remedies = set(
        re.findall(r"^    '(\w+)':", (ALARMS / "int_remedies_listed.sql").read_text(), re.M)
    )
    causes = {"much_quarantined", "much_dropped", "much_corrected", "much_capped"}
    for file in ALARMS.glob("*.sql"):
        text = file.read_text()
        causes |= set(re.findall(r"'(\w+)' as cause", text))
        causes |= set(re.findall(r"(?:then|else) '(\w+)'$", text, re.M))
    listed = (ALARMS.parent / "load_alarms" / "int_alarm_causes_listed.sql").read_text()
    causes |= set(re.findall(r"'\w+', (?:headers|lines|'products'), '\w+', '(\w+)'", listed))
    causes |= {
        f"{what}_{way}" for what in ("demand", "store", "category") for way in ("fell", "rose")
    }
    assert causes == remedies
    rows = re.findall(r"^\| (`.+?) \|", PAGE.read_text(), re.M)
    assert causes == {cause for row in rows for cause in re.findall(r"`(\w+)`", row)}
