"""What sums over customers is known by name: a shard must not take its part for the whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlglot import exp, parse_one

import warehouse
from core import dbt_runner
from shards.facts import PHASES

# what one row of an aggregate may be of: never more than one shard has
KEYS = {"customer_id", "transaction_id", "line_item_id", "id_hash", "customer_key", "word_id"}
# of products and loads each shard has all; what is derived of facts is the same in each
ALIKE = {"stg_retail__loads", "stg_retail__products"}
DERIVED = {
    *("int_line_caps_set", "int_reach_found", "int_snapshot_grid", "int_snapshots_scheduled"),
    *("int_newcomers_windowed", "int_newcomers_expected"),
    *("int_newcomers_forecast", "int_newcomers_spent"),
}
FACTS = {fact.model for facts in PHASES for fact in facts}


@pytest.fixture(scope="module")
def compiled(built_shop):
    """Compiled SQL of the models between raw and the mart, by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE_PATH", str(built_shop.file))
        nodes = [entry.node for entry in dbt_runner.compiled().result.results]
    folders = ("models/staging/retail", "models/intermediate")
    # of the whole shop, and made where it is whole
    made_whole = ("alarms", "load_alarms", "drift", "catalog", "changes", "audiences")
    return {
        node.name: node.compiled_code
        for node in nodes
        if node.resource_type == "model"
        and node.original_file_path.startswith(folders)
        and Path(node.original_file_path).parent.name not in made_whole
    }


def sums_over_customers(sql):
    """Whether some aggregate of a query has no key of a customer, order or line."""
    for select in parse_one(sql, dialect="duckdb").find_all(exp.Select):
        group = select.args.get("group")
        aggregates = [
            found
            for projection in select.expressions
            for found in projection.find_all(exp.AggFunc)
            if not found.find_ancestor(exp.Window) and found.find_ancestor(exp.Select) is select
        ]
        if group is None and not aggregates and not select.args.get("distinct"):
            continue
        of = select.expressions if group is None or group.args.get("all") else group.expressions
        names = {column.name for entry in of for column in entry.find_all(exp.Column)}
        plain = {e.alias_or_name for e in of if not e.find(exp.AggFunc)}
        if not (names | plain) & KEYS:
            return True
    return False


def test_a_model_that_sums_over_customers_is_known_as_one(compiled):
    found = {name for name, sql in compiled.items() if sums_over_customers(sql)}
    of_products = {name for name in found if "product" in name}
    assert found - of_products - ALIKE - DERIVED <= FACTS


def test_an_aggregate_without_a_customer_is_found():
    assert sums_over_customers("select event_date, sum(spend) as spend from days group by all")
    assert sums_over_customers("select max(spend) as spend from days")
    assert not sums_over_customers("select customer_id, sum(spend) as s from days group by all")


def test_only_the_door_of_facts_reads_a_fact_of_the_shop():
    readers = [
        file.name
        for file in warehouse.DBT_PROJECT.joinpath("models").rglob("*.sql")
        for fact in FACTS
        if f"ref('{fact}')" in file.read_text()
    ]
    assert readers == []
