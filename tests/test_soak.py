"""Nights, one of them killed, beside an API, an app and readers: `make soak` in short."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb

import warehouse
from benchmarks.soak import soak
from core.sql import literal

NIGHTS = 2


def send_orders(inbox: Path, file: Path) -> list[date]:
    """Send an order, as one that the shop has, on each of the days after its last one."""
    with duckdb.connect(str(file), read_only=True) as connection:
        [(last,)] = connection.execute(
            "select as_of_date - 1 from intermediate.int_snapshots_scheduled where is_current"
        ).fetchall()
        [(order,)] = connection.execute(
            "select max(transaction_id) from intermediate.int_orders_totalled"
        ).fetchall()
        days = [last + timedelta(number) for number in range(1, NIGHTS + 1)]
        for day in days:
            (inbox / str(day)).mkdir(parents=True)
            for table, changed in (
                ("store_sales_header", ["transaction_date"]),
                ("store_sales_line_items", []),
            ):
                moments = [
                    f"timestamp '{day} 12:00' as {name}" for name in [*changed, "recorded_at"]
                ]
                ids = [f"'{day}' as transaction_id"]
                if not changed:
                    ids.append(f"'{day} ' || line_item_id as line_item_id")
                connection.execute(
                    f"copy (select * exclude (_loaded_at) replace ({', '.join([*ids, *moments])})"
                    f" from raw.{table} where transaction_id = {literal(order)})"
                    f" to {literal(str(inbox / str(day) / f'{table}.csv'))}"
                )
    return days


def test_no_reader_fails_or_meets_two_generations_at_once_while_nights_publish(shop_copy):
    place = warehouse.published()
    inbox = place.parent / "inbox"
    days = send_orders(inbox, place)
    outcome = soak(place, inbox, days, kills=1, pause=0.2)
    assert outcome.failures == []
    assert outcome.mixed == outcome.backwards == outcome.orders_lost == 0
    assert outcome.killed == 1
    # a night that was killed after it had published is played again
    assert NIGHTS <= outcome.generations <= NIGHTS + 1
    assert outcome.requests > 100
    assert outcome.queries > 30
