"""The plain second computation of the mart, on worlds small enough to work out by hand."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import duckdb
import pytest

from proof import histories, oracle
from proof.compare import Difference, compare
from proof.histories.worlds import raw_row
from proof.oracle.past import halflife_weight

LOADED = datetime(2024, 12, 31)
D = date(2024, 6, 1)


def _header(transaction, day, customer="C1", store="S1", recorded=None, amount=None):
    return raw_row(
        "store_sales_header",
        transaction_id=transaction,
        customer_id=customer,
        store_id=store,
        transaction_date=datetime(2024, *day),
        recorded_at=datetime(2024, *recorded) if recorded else None,
        total_amount=amount,
        _loaded_at=LOADED,
    )


def _line(line, transaction, amount, recorded=None, product="P1", quantity=1, promotion=None):
    return raw_row(
        "store_sales_line_items",
        line_item_id=line,
        transaction_id=transaction,
        product_id=product,
        quantity=quantity,
        promotion_id=promotion,
        line_item_amount=None if amount is None else Decimal(str(amount)),
        recorded_at=datetime(2024, *recorded) if recorded else None,
        _loaded_at=LOADED,
    )


def _facts(headers, lines):
    tables = {
        "customer_details": [
            raw_row("customer_details", customer_id=name, region="North", _loaded_at=LOADED)
            for name in ("C1", "C2")
        ],
        "products": [
            raw_row("products", product_id=name, product_category=category, _loaded_at=LOADED)
            for name, category in (("P1", "Toys"), ("P2", "Home"))
        ],
        "store_sales_header": headers,
        "store_sales_line_items": lines,
    }
    with duckdb.connect() as connection:
        histories.write(connection, tables)
        return oracle.clean(connection)


def test_a_correction_counts_from_the_day_after_it_was_recorded():
    facts = _facts(
        [_header("T1", (5, 1))], [_line("L1", "T1", 10), _line("L1", "T1", 25, recorded=(5, 20))]
    )
    spend = {day: oracle.features(facts, "C1", date(2024, 5, day))["spend_30d"] for day in (20, 21)}
    assert spend == {20: Decimal(10), 21: Decimal(25)}


def test_a_rejected_correction_takes_no_effect():
    facts = _facts(
        [_header("T1", (5, 1)), _header("T1", (5, 1), customer="GHOST", recorded=(5, 3))],
        [_line("L1", "T1", 10), _line("L1", "T1", 5, recorded=(5, 4), quantity=-1)],
    )
    assert oracle.features(facts, "C1", D)["spend_lifetime"] == 10


def test_an_order_that_was_another_customers_moves_and_both_stay_known():
    facts = _facts(
        [_header("T1", (5, 1)), _header("T1", (5, 1), customer="C2", recorded=(5, 10))],
        [_line("L1", "T1", 10)],
    )
    before, after = date(2024, 5, 10), date(2024, 5, 11)
    assert oracle.features(facts, "C1", before)["orders_lifetime"] == 1
    assert oracle.features(facts, "C2", before) is None
    assert oracle.features(facts, "C1", after)["orders_lifetime"] == 0
    assert oracle.features(facts, "C2", after)["tenure_days"] == 1


def test_of_two_statements_of_one_day_the_later_holds_and_a_tie_goes_to_the_smaller():
    facts = _facts(
        [_header("T1", (5, 1)), _header("T2", (5, 1))],
        [
            _line("L1", "T1", 10, recorded=(5, 2, 9)),
            _line("L1", "T1", 30, recorded=(5, 2, 11)),
            _line("L2", "T2", 8, recorded=(5, 2, 9)),
            _line("L2", "T2", 7, recorded=(5, 2, 9)),
        ],
    )
    assert oracle.features(facts, "C1", D)["spend_lifetime"] == 37


def test_a_late_order_splits_no_gap_that_was_counted():
    facts = _facts(
        [
            _header("T1", (3, 1)),
            _header("T2", (3, 31)),
            _header("T3", (3, 11), recorded=(4, 20)),
        ],
        [_line("L1", "T1", 1), _line("L2", "T2", 1), _line("L3", "T3", 1)],
    )
    known = oracle.features(facts, "C1", D)
    assert (known["active_days_lifetime"], known["mean_gap_days"]) == (3, 30.0)


def test_windows_points_and_baskets_of_a_few_orders():
    facts = _facts(
        [_header("T1", (5, 31)), _header("T2", (5, 2)), _header("T3", (5, 1))],
        [
            _line("L1", "T1", "10.60", promotion="PR1"),
            _line("L2", "T2", "20.60", product="P2"),
            _line("L3", "T2", "0.60"),
            _line("L4", "T3", "-5", quantity=-1),
        ],
    )
    known = oracle.features(facts, "C1", D)
    assert (known["spend_7d"], known["spend_30d"]) == (Decimal("10.60"), Decimal("31.80"))
    assert (known["returns_30d"], known["returns_90d"]) == (0, 5)
    assert known["loyalty_points"] == 10 + 10 + 21
    assert (known["favourite_category"], known["categories_lifetime"]) == ("Home", 2)
    assert known["days_since_last_return"] == 31
    assert oracle.shop_features(facts, D)["shop_orders_30d"] == 2


def test_halves_of_a_weight_are_rounded_up():
    assert [halflife_weight(days) for days in (0, 90, 630)] == [1_000_000, 500_000, 7813]


@pytest.fixture(scope="module")
def history():
    """A small history."""
    return histories.history(6)


def test_a_history_is_the_same_for_the_same_seed_and_loads_lose_no_row(history):
    assert histories.history(6) == history
    for shuffled in (False, True):
        loads = histories.arrivals(history, 1, 5, shuffled=shuffled)
        assert len(loads) == 5
        for name, rows in history.items():
            assert sum(len(load[name]) for load in loads) == len(rows)


def test_the_order_in_which_loads_bring_rows_changes_nothing(history):
    at = history["products"][0]["_loaded_at"].date()
    with duckdb.connect() as one, duckdb.connect() as many:
        histories.write(one, history)
        for load in histories.arrivals(history, 1, 5, shuffled=True):
            histories.write(many, load, append=True)
        facts, again = oracle.clean(one), oracle.clean(many)
    for customer in facts.customers:
        assert oracle.features(facts, customer, at) == oracle.features(again, customer, at)


def test_a_value_of_the_mart_that_is_wrong_is_found():
    facts = _facts([_header("T1", (5, 1))], [_line("L1", "T1", 10)])
    expected = {**oracle.features(facts, "C1", D), **oracle.shop_features(facts, D)}
    wrong = {**expected, "spend_90d": Decimal(11)}
    with duckdb.connect() as connection:
        connection.execute("create schema features")
        columns = ", ".join(f"? as {name}" for name in wrong)
        connection.execute(
            f"create table features.feat_customer_snapshots as"
            f" select ? as as_of_date, 'C1' as customer_id, {columns}",
            [D, *wrong.values()],
        )
        found = compare(connection, facts, only=["spend_90d", "orders_90d", "region"])
    assert found == [Difference("C1", D, "spend_90d", Decimal(11), Decimal(10))]


def test_a_version_on_a_late_header_ends_nothing_twice():
    facts = _facts(
        [_header("T1", (5, 1)), _header("T2", (5, 1), recorded=(5, 20))],
        [
            _line("L1", "T1", 10, recorded=(5, 2)),
            _line("L1", "T2", 20, recorded=(5, 3)),
            _line("L1", "T1", 7, recorded=(5, 4)),
        ],
    )
    for day in (10, 25):
        assert oracle.features(facts, "C1", date(2024, 5, day))["spend_lifetime"] == 7
