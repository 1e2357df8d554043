"""Small queries whose raw columns can be told by hand."""

from __future__ import annotations

import pytest

from operate.lineage.models import Lineage

RAW = {"raw.sales": ("id", "customer", "amount", "day"), "raw.people": ("customer", "town")}


def behind(sql, column, models=None, histories=None):
    """The raw columns behind a column of a query, without the schema."""
    lineage = Lineage({"marts.asked": sql, **(models or {})}, RAW, histories or {})
    found = lineage.relation("marts.asked").columns[column]
    assert lineage.unresolved == []
    return {name.removeprefix("raw.") for name in found}


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select amount as x from raw.sales", {"sales.amount"}),
        ("select s.amount + 1 as x from raw.sales as s", {"sales.amount"}),
        ("select case when day > 1 then id end as x from raw.sales", {"sales.id", "sales.day"}),
        ("select sum(id) filter (where day > 1) as x from raw.sales", {"sales.id", "sales.day"}),
        ("with t as (select amount as a from raw.sales) select a as x from t", {"sales.amount"}),
        # an alias of the same SELECT; a column of that name in the source comes first
        ("select amount * 2 as twice, twice + 1 as x from raw.sales", {"sales.amount"}),
        ("select day as amount, amount as x from raw.sales", {"sales.amount"}),
        ("select t.x from (select amount as x from raw.sales) as t", {"sales.amount"}),
        ("select * exclude (day), day as x from raw.sales", {"sales.day"}),
        ("with t as (select *, amount as x from raw.sales) "
         "select * replace (day + 1 as x) from t", {"sales.day"}),
        ("with t as (select amount as x, day from raw.sales) "
         "select t.* exclude (day) from t", {"sales.amount"}),
        ("with t as (select amount as x from raw.sales) "
         "select columns(lambda name: name in ('x')) from t", {"sales.amount"}),
        ("with t as (select amount as x, day from raw.sales) "
         "select cast(columns(lambda name: name in ('x')) as decimal(18, 2)) from t",
         {"sales.amount"}),
        ("select hash(*columns(lambda name: name <> 'id')) as x from raw.people",
         {"people.customer", "people.town"}),
        ("select amount as x from raw.sales union all select day from raw.sales",
         {"sales.amount", "sales.day"}),
        ("select 1 as y, amount as x from raw.sales union all by name "
         "select town as x from raw.people", {"sales.amount", "people.town"}),
        ("with t as (select {'a': amount} as s from raw.sales) select s.a as x from t",
         {"sales.amount"}),
        ("select max(t) as x from raw.people as t", {"people.customer", "people.town"}),
        ("select amount in (select customer from raw.people) as x from raw.sales",
         {"sales.amount", "people.customer"}),
        ("select count(*) as x from (select * from raw.sales where day > 1)", {"sales.day"}),
        ("select month(as_of_date) as x from query_table(spine_table)", set()),
        ("select sum(amount) over w as x from raw.sales window w as (partition by customer)",
         {"sales.amount"}),
    ],
)  # fmt: skip
def test_the_columns_that_an_expression_names_are_followed_to_raw(sql, expected):
    assert behind(sql, "x") == expected


def test_joins_filters_groups_and_windows_decide_the_rows():
    sql = """
        with numbered as (
            select *, row_number() over (partition by customer order by day) as place
            from raw.sales
        )
        select town, sum(amount) as x
        from numbered inner join raw.people using (customer)
        where place = 1 and id > 0
        group by town
    """
    relation = Lineage({"marts.asked": sql}, RAW).relation("marts.asked")
    assert relation.columns["x"] == {"raw.sales.amount"}
    assert relation.rows == {
        *("raw.sales.customer", "raw.sales.day", "raw.sales.id"),
        *("raw.people.customer", "raw.people.town"),
    }


def test_models_table_functions_and_snapshots_are_read_through():
    models = {
        "staging.typed": "select amount, day as known_on from raw.sales",
        "history.kept": 'select * from "staging"."typed"',
        "features.of": "select amount, dbt_valid_from as since from history.kept",
    }
    sql = 'select amount as x, since as y from "features"."of"(\'pairs\')'
    dated = {"history.kept": "known_on"}
    assert behind(sql, "x", models, dated) == {"sales.amount"}
    assert behind(sql, "y", models, dated) == {"sales.day"}


def test_what_is_found_nowhere_is_named():
    lineage = Lineage({"marts.asked": "select price as x, s.y from raw.sales as s, other.t"}, RAW)
    assert lineage.relation("marts.asked").columns["x"] == set()
    assert lineage.unresolved == [
        "other.t in marts.asked",
        "price in marts.asked",
        "s.y in marts.asked",
    ]
