"""The MCP server over stdio, asked by the client of the official SDK."""

from __future__ import annotations

import json
import sys

import anyio
import pytest
from mcp import Client, StdioServerParameters

import warehouse
from core.generations import state

TOOLS = {
    *("expected_revenue", "customer_forecast", "list_customers", "totals_of_list"),
    *("feature_catalog", "data_quality_and_alarms"),
}


def asked(query):
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def best(scored_shop):
    """The three customers of whom most is expected: id, expected spend."""
    with warehouse.in_warehouse(scored_shop.file):
        return asked(
            """select customer_id, predicted_30d_spend from marts.customer_predictions
            order by predicted_30d_spend desc limit 3"""
        )


def conversation(file, calls):
    """Start `shop mcp` and make calls; return the tools and, by name, each answer."""

    async def talk():
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "operate.shop", "mcp"],
            env={"WAREHOUSE_PATH": str(file)},
            cwd=warehouse.ROOT,
        )
        async with Client(server) as client:
            tools = (await client.list_tools()).tools
            return tools, {
                name: await client.call_tool(tool, arguments)
                for name, (tool, arguments) in calls.items()
            }

    return anyio.run(talk)


@pytest.fixture(scope="module")
def told(scored_shop, best):
    """What the server answers to one call of each kind, the tools, and whether the file changed."""
    ids = [customer.lower() for customer, _ in best]
    before = state(scored_shop.file)
    tools, answers = conversation(
        scored_shop.file,
        {
            "revenue": ("expected_revenue", {}),
            "customer": ("customer_forecast", {"customer_id": best[0][0]}),
            "nobody": ("customer_forecast", {"customer_id": "nobody"}),
            "list": (
                "list_customers",
                {
                    "filters": {"deciles": [10]},
                    "sort_by": "customer",
                    "descending": False,
                    "limit": 5,
                },
            ),
            "unknown filter": ("list_customers", {"filters": {"where": "1 = 1"}}),
            "too many": ("list_customers", {"limit": 100_000}),
            "unknown order": ("list_customers", {"sort_by": "email"}),
            "total": ("totals_of_list", {"customer_ids": [*ids, "nobody"]}),
            "features": ("feature_catalog", {"text": "loyalty points", "limit": 3}),
            "quality": ("data_quality_and_alarms", {}),
        },
    )
    return tools, answers, before == state(scored_shop.file)


def test_all_tools_are_there_and_say_that_they_only_read(told):
    tools, _, is_unchanged = told
    assert {tool.name for tool in tools} == TOOLS
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools)
    assert is_unchanged


def test_expected_revenue_is_that_of_the_mart(told, small_shop):
    answer = told[1]["revenue"].structured_content
    [(spend, low, high)] = asked(
        """select expected_spend, total_low, total_high from marts.total_forecasts
        where set_kind = 'whole shop'"""
    )
    [whole] = [each for each in answer["expected"] if each["set_kind"] == "whole shop"]
    assert (whole["expected_spend"], whole["total_low"], whole["total_high"]) == (spend, low, high)
    assert answer["as_of_date"] == str(asked("select max(as_of_date) from predictions")[0][0])
    assert "orders instead of" in json.dumps(answer["moved"]["segment"])


def test_a_customer_comes_with_forecast_reasons_and_two_years(told, best, small_shop):
    answer = told[1]["customer"].structured_content
    assert (answer["customer_id"], answer["predicted_30d_spend"]) == best[0]
    [(reasons,)] = asked(
        f"select reasons from marts.customer_predictions where customer_id = '{best[0][0]}'"
    )
    assert answer["reasons"] == reasons
    assert len(answer["revenue_by_30_days"]) == 24


def test_a_list_has_the_rows_of_its_filters_and_the_sum_of_all_of_them(told, small_shop):
    answer = told[1]["list"].structured_content
    rows = asked(
        """select customer_id from marts.customer_predictions where spend_decile = 10
        order by customer_id"""
    )
    assert [each["customer_id"] for each in answer["customers"]] == [row[0] for row in rows[:5]]
    assert answer["total"]["customers"] == len(rows)


def test_the_total_of_a_list_takes_ids_in_any_spelling_and_says_how_many_are_known(told, best):
    answer = told[1]["total"].structured_content
    assert (answer["asked"], answer["customers"]) == (4, 3)
    assert answer["expected_spend"] == pytest.approx(sum(spend for _, spend in best))
    assert answer["total_low"] < answer["expected_spend"] < answer["total_high"]


def test_catalog_and_quality_come_from_their_marts(told, small_shop):
    features = told[1]["features"].structured_content["features"]
    assert "loyalty_points" in {each["name"] for each in features}
    assert len(features) <= 3
    quality = told[1]["quality"].structured_content
    assert len(quality["data_quality"]) == asked("select count(*) from marts.data_quality")[0][0]
    assert len(quality["alarms"]) == asked("select count(*) from marts.alarms")[0][0]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nobody", "no customer 'nobody'"),
        ("unknown filter", "filters.where"),
        ("too many", "less than or equal to 200"),
        ("unknown order", "a list can be sorted by"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_the_reason(told, name, words):
    answer = told[1][name]
    assert answer.is_error
    assert words in answer.content[0].text


def test_no_answer_has_a_name_or_an_address_of_a_customer(told, small_shop):
    text = " ".join(str(answer.content) for answer in told[1].values())
    names = asked("select first_name, email from raw.customer_details where email is not null")
    assert "@" not in text
    assert not {email for _, email in names if email and email in text}


def test_without_a_warehouse_the_answer_names_no_path(tmp_path):
    _, answers = conversation(tmp_path / "none.duckdb", {"revenue": ("expected_revenue", {})})
    assert answers["revenue"].is_error
    assert "there is no warehouse" in answers["revenue"].content[0].text
    assert str(tmp_path) not in answers["revenue"].content[0].text
