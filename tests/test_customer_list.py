"""Lists of customers: filters, order, pages, sums and exports."""

from __future__ import annotations

import io

import pandas as pd
import pytest

import warehouse
from serve import customer_list
from serve.customer_list import SORTS, Filters, Order

MART = "marts.customer_predictions"


def asked(query):
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(query).fetchall()


def some(column):
    [(value,)] = asked(
        f"select {column} from {MART} group by all order by count(*) desc, 1 limit 1"
    )
    return value


@pytest.mark.parametrize(
    ("name", "value", "condition"),
    [
        ("id_part", "c00000", "customer_id like '%C00000%'"),
        ("deciles", (1, 3), "spend_decile in (1, 3)"),
        ("tenure_from", 400, "tenure_days >= 400"),
        ("tenure_to", 400, "tenure_days <= 400"),
        ("since_order_from", 30, "last_order_date <= as_of_date - 30"),
        ("since_order_to", 30, "last_order_date >= as_of_date - 30"),
        ("cold_start", True, "is_cold_start"),
        ("cold_start", False, "not is_cold_start"),
        ("min_expected", 20.0, "predicted_30d_spend >= 20"),
    ],
)
def test_each_filter_keeps_those_of_its_condition(small_shop, name, value, condition):
    expected = {row[0] for row in asked(f"select customer_id from {MART} where {condition}")}
    rows = customer_list.page(Filters(**{name: value}), Order(), 10_000)
    assert set(rows["customer_id"]) == expected
    [(everybody,)] = asked(f"select count(*) from {MART}")
    assert 0 < len(expected) < everybody


@pytest.mark.parametrize(
    ("name", "column"),
    [("segments", "segment_id"), ("regions", "region"), ("categories", "favourite_category")],
)
def test_filters_by_name_keep_those_of_the_name(small_shop, name, column):
    value = some(column)
    rows = customer_list.page(Filters(**{name: (value,)}), Order(), 10_000)
    assert set(rows[column]) == {value}
    assert len(rows) == asked(f"select count(*) from {MART} where {column} = '{value}'")[0][0]
    assert value in customer_list.choices()[column]


@pytest.mark.parametrize("by", SORTS)
@pytest.mark.parametrize("descending", [True, False])
def test_pages_in_any_order_hold_each_customer_once(small_shop, by, descending):
    order = Order(by, descending)
    pages = [customer_list.page(Filters(), order, 300, offset) for offset in (0, 300, 600)]
    ids = [each for page in pages for each in page["customer_id"]]
    assert len(ids) == len(set(ids)) == asked(f"select count(*) from {MART}")[0][0]
    if by == "expected spend":
        values = pd.concat(pages)["predicted_30d_spend"]
        assert values.is_monotonic_decreasing if descending else values.is_monotonic_increasing


def test_a_row_has_two_years_of_its_customers_revenue(small_shop):
    row = customer_list.page(Filters(), Order("spent so far"), 1).iloc[0]
    history = customer_list.history(row["customer_id"])
    assert list(row["revenue"]) == history["money"].tolist()
    assert len(history) == 24
    assert history["money"].sum() == float(
        asked(
            "select sum(revenue) from marts.customer_revenue"
            f" where customer_id = '{row.customer_id}'"
        )[0][0]
    )


def test_the_sum_of_a_list_is_that_of_its_forecasts_and_everybodys_that_of_the_mart(small_shop):
    region = some("region")
    total = customer_list.total(Filters(regions=(region,)))
    [(customers, spend)] = asked(
        f"select count(*), sum(predicted_30d_spend) from {MART} where region = '{region}'"
    )
    assert total["customers"] == customers
    assert total["expected_spend"] == pytest.approx(spend)
    assert total["total_low"] < spend < total["total_high"]
    assert customer_list.total(Filters(id_part="nobody"))["customers"] == 0
    [(low, high)] = asked(
        "select total_low, total_high from marts.total_forecasts where set_kind = 'all'"
    )
    everybody = customer_list.total(Filters())
    assert (everybody["total_low"], everybody["total_high"]) == pytest.approx((low, high))


def test_an_export_has_all_rows_of_the_list_in_its_order_with_reasons_and_no_contact(small_shop):
    order = Order("days as a customer", descending=False)
    text = customer_list.csv(Filters(deciles=(1, 2)), order)
    rows = pd.read_csv(io.BytesIO(text))
    expected = customer_list.page(Filters(deciles=(1, 2)), order, 10_000)
    assert rows["customer_id"].tolist() == expected["customer_id"].tolist()
    assert rows["predicted_30d_spend"].tolist() == expected["predicted_30d_spend"].tolist()
    assert rows["reasons"].tolist() == ["; ".join(each) for each in expected["reasons"]]
    assert rows["as_of_date"].nunique() == 1
    assert b"@" not in text


def test_the_most_alike_customer_is_one_of_the_same_numbers(shop_copy):
    with warehouse.connect() as connection:
        connection.execute(
            f"""insert into {MART} by name
            select * replace ('C-TWIN' as customer_id) from {MART}
            where customer_id = 'C0000094'"""
        )
    alike = customer_list.similar("C0000094")
    assert alike["customer_id"].iloc[0] == "C-TWIN"
    assert "C0000094" not in set(alike["customer_id"])
