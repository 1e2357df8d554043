"""Planted faults on whole shops: each is caught by its rule, and nothing else is lost."""

from __future__ import annotations

import pytest

import warehouse
from benchmarks import fault_audit
from core import dbt_runner
from generate.faults import FAULTS
from generate.shop.plan import Plan
from generate.synthetic import generate
from tests.conftest import in_warehouse


@pytest.fixture(scope="module", params=[1, 2, 3])
def audit(request, tmp_path_factory):
    with in_warehouse(tmp_path_factory.mktemp(f"faults-{request.param}") / "shop.duckdb"):
        generate(Plan(1500, seed=request.param, days=800))
        dbt_runner.build(select="+int_repairs_counted", run_only=True)
        with warehouse.connect() as connection:
            return fault_audit.audit(connection)


def test_at_least_twenty_kinds_are_planted(audit):
    assert set(audit.caught.index) == set(FAULTS)
    assert len(audit.caught) >= 20
    assert (audit.caught["planted"] > 0).all()


def test_every_certain_rule_catches_every_fault_meant_for_it(audit):
    certain = audit.caught[[not FAULTS[name].is_outlier for name in audit.caught.index]]
    assert len(certain) >= 20
    missed = certain[certain["recall"] < 1]
    assert missed.empty, missed


def test_no_clean_row_is_touched_but_by_a_cap(audit):
    alarms = audit.false_alarms
    assert alarms[~alarms["rule"].str.endswith("_capped")].empty, alarms


def test_caps_catch_some_outliers_and_few_clean_lines(audit):
    outliers = audit.caught[[FAULTS[name].is_outlier for name in audit.caught.index]]
    assert set(outliers["rule"]) == {"amount_capped", "quantity_capped"}
    # a hundredfold small quantity is no outlier, and there is no cap before there is a history
    assert outliers.loc["amounts_times_100", "recall"] > 0.2
    assert audit.false_alarms["rows"].sum() < 0.001 * audit.money["lines"].sum()


def test_the_cleaned_facts_equal_the_clean_shop_where_nothing_is_lost(audit):
    assert audit.wrong.empty, audit.wrong
    assert audit.surplus == 0


def test_money_differs_only_by_rules_whose_faults_lose_it(audit):
    losing = {fault.rule for fault in FAULTS.values() if fault.loses} - {"known_late"}
    differing = set(audit.money.index[audit.money["difference"].abs() > 0.005])
    # caps cut clean lines and lines with harmless faults alike, now and then
    cut = audit.false_alarms["rule"].eq("amount_capped").any()
    others = audit.money.loc[sorted(differing - losing)]
    assert others.empty or cut
    assert others["difference"].abs().sum() < 0.001 * audit.money["clean_money"].sum()
    # a quarantined line takes exactly its money along
    for rule in ("missing_customer", "unknown_product", "future_date", "without_lines"):
        assert audit.money.loc[rule, "cleaned_money"] == 0
        assert audit.money.loc[rule, "clean_money"] != 0
