"""Writing the rows of a history into a warehouse, at once or in several loads."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from random import Random

import duckdb
import pyarrow as pa

from load.raw_tables import PROMOTIONS, TABLES, make
from proof.histories.worlds import COLUMNS, Row, Tables
from proof.oracle.settings import Settings
from proof.oracle.spelling import read_date


def write(connection: duckdb.DuckDBPyConnection, tables: Tables, *, append: bool = False) -> None:
    """Write rows into the raw tables of a warehouse.

    Parameters
    ----------
    connection
        An open, writable warehouse.
    tables
        Rows by raw table.
    append
        Add to the tables that are there; otherwise they are made anew.
    """
    connection.execute("create schema if not exists raw")
    for table in (*TABLES, PROMOTIONS):
        make(connection, table, anew=not append)
        _insert(connection, table.name, tables.get(table.name, []))


def _insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[Row]) -> None:
    schema = connection.sql(f"select * from raw.{table} limit 0").to_arrow_table().schema
    connection.register("rows_to_write", pa.Table.from_pylist(rows, schema))
    connection.execute(f"insert into raw.{table} by name select * from rows_to_write")
    connection.unregister("rows_to_write")


def arrivals(tables: Tables, seed: int, parts: int, *, shuffled: bool = False) -> list[Tables]:
    """Split the rows of a history into several loads.

    The rows of one customer or product stay together, since a later row of theirs would be another
    opinion, not a copy.

    Parameters
    ----------
    tables
        What `history` returned.
    seed
        Of the cuts between the loads.
    parts
        Number of loads; one may bring little, or nothing.
    shuffled
        False: rows come in the order in which they became known, customers when they registered,
        products first, and each load runs in the night after the last of its days. True: in any
        order, all in the night after the end of the history: what a load may say of the future does
        not depend on the order.

    Returns
    -------
    list of dict
        For each load its rows by raw table, with the `_loaded_at` of the load.
    """
    rng = Random(seed)
    if shuffled:
        return _shuffled(tables, rng, parts)
    return _in_order(tables, rng, parts)


def _shuffled(tables: Tables, rng: Random, parts: int) -> list[Tables]:
    end = max(row["_loaded_at"] for rows in tables.values() for row in rows)
    loads = [{name: [] for name in tables} for _ in range(parts)]
    together: dict[tuple[str, str], int] = {}
    for name, rows in tables.items():
        for row in rows:
            part = rng.randrange(parts)
            if name in ("customer_details", "products"):
                part = together.setdefault((name, _plain(row[COLUMNS[name][0]])), part)
            loads[part][name].append({**row, "_loaded_at": end + timedelta(seconds=part)})
    return loads


def _in_order(tables: Tables, rng: Random, parts: int) -> list[Tables]:
    days = _known_days(tables)
    last_day = max(row["_loaded_at"] for row in tables["products"]).date() - timedelta(1)
    steps = sorted(
        {min(day, last_day) for known_days in days.values() for day in known_days} - {date.min}
    )
    ends = [*sorted(rng.choice(steps) for _ in range(parts - 1)), last_day]
    loads = [{name: [] for name in tables} for _ in ends]
    for name, rows in tables.items():
        for number, row in enumerate(rows):
            day = min(days[name][number], last_day)
            part = next(part for part, end in enumerate(ends) if day <= end)
            loads[part][name].append({**row, "_loaded_at": _night_after(ends[part])})
    return loads


def _night_after(day: date) -> datetime:
    return datetime.combine(day + timedelta(1), time(3))


def _known_days(tables: Tables) -> dict[str, list[date]]:
    """Return the day on which each row arrives; a line without one comes with its header."""
    headers = tables["store_sales_header"]
    of_headers = [max(_day(row["recorded_at"]), _stated_day(row)) for row in headers]
    first: dict[str, date] = {}
    for row, day in zip(headers, of_headers, strict=True):
        key = _plain(row["transaction_id"])
        first[key] = min(first.get(key, day), day)
    of_lines = [
        _day(row["recorded_at"] or first.get(_plain(row["transaction_id"])))
        for row in tables["store_sales_line_items"]
    ]
    return {
        "customer_details": _registration_days(tables["customer_details"]),
        "products": [date.min] * len(tables["products"]),
        "store_sales_header": of_headers,
        "store_sales_line_items": of_lines,
        "planned_promotions": [
            row["announced_on"] or date.min for row in tables["planned_promotions"]
        ],
    }


def _registration_days(rows: list[Row]) -> list[date]:
    """Return the latest day on which any row of the same customer has them registered."""
    latest: dict[str, date] = {}
    for row in rows:
        key = _plain(row["customer_id"])
        latest[key] = max(latest.get(key, date.min), _day(row["customer_since"]))
    return [latest[_plain(row["customer_id"])] for row in rows]


def _stated_day(row: Row) -> date:
    stated, text = row["transaction_date"], row["transaction_date_text"]
    return _day(read_date(stated, text, Settings().date_formats))


def _day(moment: datetime | date | None) -> date:
    if moment is None:
        return date.min
    return moment.date() if isinstance(moment, datetime) else moment


def _plain(text: str | None) -> str:
    """Return an id without what only its spelling adds; good enough for the ids of a history."""
    return (text or "").strip().upper().removesuffix(".0").lstrip("0")
