"""Drift: the change of the total forecast in rows that add up, and what was planted named first."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

import warehouse
from benchmarks.incidents import BY_NAME, plant
from core import dbt_runner
from generate.shop.plan import Plan
from generate.synthetic import generate
from serve.explain import explain
from serve.score import score
from tests.conftest import Shop
from train.fit import fit
from train.registry import versions
from warehouse import in_warehouse

PLAN = Plan(6_000, 4, date(2022, 1, 1), 1_000)
GRID = {"grid_days": 30}
TODAY = PLAN.start + timedelta(PLAN.days)
IN_QUESTION = f"""(
    select transaction_id from raw.store_sales_header
    where transaction_date >= date '{TODAY}' - 28
)"""
LARGEST_STORE = """(
    select store_id from raw.store_sales_header where store_id is not null
    group by all order by count(*) desc, store_id limit 1
)"""
# what is planted in the last four weeks, and what should be named: dimension, raw column, measure
PLANTED = {
    "a third dearer in one category": (
        f"""
        update raw.store_sales_line_items set line_item_amount = line_item_amount * 1.3
        where transaction_id in {IN_QUESTION} and product_id in (
            select product_id from raw.products where product_category = 'Toys'
        )
        """,
        ("category", "Toys", "unit price"),
    ),
    "a store closed": (
        f"""
        create temp table closed as from {IN_QUESTION}
        semi join (
            from raw.store_sales_header where store_id = {LARGEST_STORE}
        ) using (transaction_id);
        delete from raw.store_sales_line_items where transaction_id in (from closed);
        delete from raw.store_sales_header where transaction_id in (from closed)
        """,
        ("store", None, "lines"),
    ),
    "half of the orders without a customer": (
        f"""
        update raw.store_sales_header set customer_id = null
        where transaction_id in {IN_QUESTION} and hash(transaction_id) % 2 = 0
        """,
        ("raw column", "store_sales_header.customer_id", "missing"),
    ),
    "half of the amounts missing": (
        f"""
        update raw.store_sales_line_items set line_item_amount = null
        where transaction_id in {IN_QUESTION} and hash(line_item_id) % 2 = 0
        """,
        ("raw column", "store_sales_line_items.line_item_amount", "missing"),
    ),
}


def drift():
    with warehouse.connect(read_only=True) as connection:
        return connection.execute("from marts.forecast_drift").df()


def scored_anew(day=None):
    score(day)
    explain(day)
    dbt_runner.build(GRID, select=dbt_runner.WRITTEN_BY_PYTHON)
    return drift()


@pytest.fixture(scope="module")
def fitted(tmp_path_factory, dbt_folders):
    """A shop of nearly three years with a champion."""
    shop = Shop(tmp_path_factory.mktemp("drift") / "shop.duckdb")
    with in_warehouse(shop.file):
        generate(PLAN)
        dbt_runner.build(GRID, run_only=True)
        versions.promote(fit(quick=True).version)
    return shop


@pytest.fixture
def shop(fitted, tmp_path, monkeypatch):
    """A copy of it to spoil."""
    copy = fitted.copy_to(tmp_path / "copy")
    monkeypatch.setenv("WAREHOUSE_PATH", str(copy.file))
    return copy


def named_first(rows):
    [first] = rows[rows["unusual_place"] == 1].to_dict("records")
    return first


@pytest.mark.parametrize("planted", PLANTED)
def test_what_is_planted_is_named_first(shop, planted):
    sql, (dimension, member, measure) = PLANTED[planted]
    with warehouse.connect() as connection:
        [(store,)] = connection.execute(f"select {LARGEST_STORE}").fetchall()
        connection.execute(sql)
    dbt_runner.build({**GRID, "accepted_loads": [1]}, run_only=True, full_refresh=True)
    first = named_first(scored_anew())
    assert (first["dimension"], first["measure"]) == (dimension, measure)
    assert first["member"] == (member or str(store))
    assert first["message"].startswith(f"{dimension} {first['member']}, {measure}: ")


def test_a_doubled_load_is_named_first(shop):
    with warehouse.connect() as connection:
        [load] = plant(
            connection, [BY_NAME["the day again under new ids"]], TODAY - timedelta(3), 1
        )
    dbt_runner.build({**GRID, "accepted_loads": [1, load]}, run_only=True, full_refresh=True)
    first = named_first(scored_anew())
    assert (first["dimension"], first["member"]) == ("load", str(load))
    assert first["measure"] == "repeated"
    assert first["value_now"] == pytest.approx(0.5, abs=0.05)
    assert first["money_explained"] > 0


def test_each_dimension_adds_up_to_the_change_in_money(shop):
    rows = scored_anew()
    with warehouse.connect(read_only=True) as connection:
        [(now, parts, then)] = connection.execute(
            """
            select
                (select sum(predicted_30d_spend) from main.predictions),
                (select sum(change) from main.forecast_changes),
                (select sum(distinct forecast_then) from main.forecast_changes)
            """
        ).fetchall()
    assert parts == pytest.approx(now - then, rel=1e-9)
    sums = rows.groupby("dimension")["money_explained"].sum()
    assert set(sums.index) == {"forecast", "shop", "store", "category", "raw column", "load"}
    assert sums.to_numpy() == pytest.approx([now - then] * 6, abs=1e-6 * now)


def test_a_year_without_an_incident_has_one_unusual_row_at_most(shop):
    with warehouse.connect(read_only=True) as connection:
        days = connection.execute(
            """
            select distinct as_of_date from features.feat_customer_snapshots
            where as_of_date > $today::date - 365
            order by as_of_date
            """,
            {"today": TODAY},
        ).fetchall()
    found = [scored_anew(day) for [day] in days]
    assert len(found) >= 12
    assert any(rows["as_of_date"].iloc[0].month == 12 for rows in found)
    assert sum(rows["is_unusual"].sum() for rows in found) <= 1
