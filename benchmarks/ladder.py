"""Where the seconds of a full build go: from plain SQL to the mart with all tests, rung by rung.

python -m benchmarks.ladder [--size m]
"""

from __future__ import annotations

import json
import re
import shutil
import time
from typing import Annotated

import duckdb
import typer
from rich.console import Console

from benchmarks.feature_runs import ROWS_AT_A_TIME, Shop
from benchmarks.kernel import compiled, run
from benchmarks.measuring import RESULTS, Size
from core import tables

FILE = RESULTS / "ladder.json"

# two dedupes by the id as it stands, orders, days and ten windows: what any feature table costs
PLAIN = {
    "dedupe of lines": """
        create table lines as from shop.raw.store_sales_line_items
        qualify row_number() over (partition by line_item_id order by recorded_at desc) = 1
    """,
    "dedupe of headers": """
        create table headers as from shop.raw.store_sales_header
        qualify row_number() over (partition by transaction_id order by recorded_at desc) = 1
    """,
    "orders": """
        create table orders as
        select headers.customer_id, headers.transaction_id,
            cast(headers.transaction_date as date) as event_date,
            sum(lines.line_item_amount) as spend
        from headers inner join lines on headers.transaction_id = lines.transaction_id
        group by all
    """,
    "days": """
        create table days as
        select customer_id, event_date, sum(spend) as spend, count(*) as orders
        from orders group by all
    """,
    "ten windows": """
        create table windows as
        select days.customer_id, dates.as_of_date, {windows}
        from days inner join dates on days.event_date < dates.as_of_date
        group by all
    """,
}
WINDOW = (
    "sum({measure}) filter (where days.event_date >= dates.as_of_date - {days})"
    " as {measure}_{days}d"
)

# by rung: what names of models or tests begin with; the first that fits counts
RUNGS = {
    "tests": "(test|operation)[.]",
    "read and typed once": "model[.].*[.]stg_retail__store_sales",
    "versions and checks of headers": "model[.].*[.]int_headers_checked",
    "versions and checks of lines": "model[.].*[.]int_lines_checked",
    "caps": "model[.].*[.]int_(line_|lines_capped|caps_)",
    "orders as they were known": "model[.].*[.](int_orders_totalled|int_active_days)",
    "days": "model[.].*[.]int_customer_days",
    "categories": "model[.].*[.]int_category",
    "customers, products, history": (
        "(model|snapshot)[.].*(customer|product)s?_?"
        "(details|checked|versioned|history|known|products)"
    ),
    "what is touched": "model[.].*[.]int_\\w+_(touched|changed|renewed)",
    "windows and features": "model[.].*[.](feat_customers|feat_dates)",
    "labels": "model[.].*[.]feat_labels",
    "load alarms, counts, catalog, marts": "",
}


def _plain(shop: Shop) -> dict[str, float]:
    """Return the seconds of each step of plain SQL."""
    out = shop.folder / "plain.duckdb"
    windows = ", ".join(
        WINDOW.format(measure=measure, days=days)
        for measure in ("spend", "orders")
        for days in (30, 60, 90, 180, 360)
    )
    listed = ", ".join(f"date '{day}'" for day in shop.dates())
    seconds = {}
    with duckdb.connect(str(out)) as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute(f"attach '{shop.warehouse}' as shop (read_only)")
        connection.execute(f"create table dates as select unnest([{listed}]) as as_of_date")
        for step, sql in PLAIN.items():
            start = time.perf_counter()
            connection.execute(sql.format(windows=windows))
            seconds[step] = time.perf_counter() - start
    out.unlink()
    return seconds


def _kernel(shop: Shop) -> dict[str, float]:
    """Return the seconds of each table of the bare kernel; batches of features in one."""
    out = shop.folder / "kernel.duckdb"
    seconds: dict[str, float] = {}
    start = time.perf_counter()
    for sql in run.build(compiled.statements(shop.dates(), ROWS_AT_A_TIME), shop.warehouse, out):
        made = re.search(r"create (?:or replace )?(?:table|view)\s+(\S+)", sql)
        step = made[1] if made else "features"
        now = time.perf_counter()
        seconds[step] = seconds.get(step, 0) + now - start
        start = now
    out.unlink()
    return seconds


def _dbt(shop: Shop) -> dict[str, float]:
    """Return the seconds of each rung of `dbt build --full-refresh`, and of dbt's own start."""
    measured = shop.build("--full-refresh")
    seconds = dict.fromkeys(RUNGS, 0.0)
    for node, taken in shop.seconds_of_nodes().items():
        rung = next(rung for rung, pattern in RUNGS.items() if re.match(pattern, node))
        seconds[rung] += taken
    return {**seconds, "dbt's start": measured["wall_s"] - sum(seconds.values())}


def main(size: Annotated[Size, typer.Option(help="s, m or l.")] = Size.m) -> None:
    """Measure the three ways one after the other, print them, keep them in ladder.json."""
    shop = Shop(size.value)
    shutil.rmtree(shop.folder, ignore_errors=True)
    shop.folder.mkdir(parents=True)
    shop.generate()
    shop.build()
    ways = {"plain SQL": _plain(shop), "bare kernel": _kernel(shop), "dbt build": _dbt(shop)}
    shutil.rmtree(shop.folder)
    kept = {
        way: {step: round(taken, 1) for step, taken in seconds.items()}
        for way, seconds in ways.items()
    }
    results = json.loads(FILE.read_text()) if FILE.exists() else {}
    FILE.write_text(json.dumps({**results, size.value: kept}, indent=1) + "\n")
    for way, seconds in kept.items():
        table = tables.new_table(f"{way}, {size.value}: {sum(seconds.values()):.0f} s", "step", "s")
        for step, taken in seconds.items():
            table.add_row(step, f"{taken:.1f}")
        Console().print(table)


if __name__ == "__main__":
    typer.run(main)
