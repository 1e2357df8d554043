"""Other futures of a shop: what happened or became known from a cut on, made different.

A future is drawn from a seed. Each kind of change (`proof/changes.py`) meets rows by chance, and
never one that an as-of date up to the cut may see: those stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

import duckdb

from proof.changes import CHANGES, LOADS

SHARES = (0.03, 0.2, 0.6, 1.0)
RAW = ("customer_details", "products", "store_sales_header", "store_sales_line_items")
CANONICAL = """
    case
        when regexp_full_match(upper(trim(id)), '[0-9]+([.]0+)?')
            then coalesce(nullif(ltrim(split_part(upper(trim(id)), '.', 1), '0'), ''), '0')
        else nullif(upper(trim(id)), '')
    end
"""


@dataclass(frozen=True)
class Future:
    """A cut, the last day of the future, and how likely which change meets a row of a world."""

    cut: date
    last_day: date
    seed: int
    shares: dict[str, dict[str, float]]

    def kinds(self, world: str) -> str:
        """Return what happens in a world, in words."""
        return ", ".join(sorted(self.shares[world]))


def draw(seed: int, worlds: list[str], cut: date, last_day: date) -> Future:
    """Draw a future: a few kinds of change for each world, seldom or often."""
    rng = Random(seed)
    shares = {}
    for world in worlds:
        kinds = rng.sample(list(CHANGES), rng.randint(2, 7))
        shares[world] = {kind: rng.choice(SHARES) for kind in kinds}
    return Future(cut, max(last_day, cut + timedelta(60)), seed, shares)


def apply(
    connection: duckdb.DuckDBPyConnection, future: Future, world_of: str = "''"
) -> dict[str, int]:
    """Change the raw tables of a warehouse into those of another future.

    Parameters
    ----------
    connection
        An open, writable warehouse, built as of the cut or without a history of attributes.
    world_of
        SQL for the world of an `id`; the default is one world named ''.

    Returns
    -------
    dict
        Rows that each kind of change met.
    """
    _prepare(connection, future, world_of)
    met = {}
    kinds = {kind for shares in future.shares.values() for kind in shares}
    for kind, statements in CHANGES.items():
        if kind in kinds:
            met[kind] = 0
            for statement in statements:
                sql = statement.replace("$kind", f"'{kind}'")
                met[kind] += connection.execute(sql).fetchone()[0]
    for table in ("rows_to_change", "people", "goods", "orders"):
        connection.execute(f"drop table if exists {table}")
    return met


def _prepare(connection: duckdb.DuckDBPyConnection, future: Future, world_of: str) -> None:
    """Make what the changes are written with: dice, days, and the rows that may change."""
    shares = {
        f"{world}|{kind}": share
        for world, kinds in future.shares.items()
        for kind, share in kinds.items()
    }
    entries = ", ".join(f"'{name}': {share}::double" for name, share in shares.items())
    days = (future.last_day - future.cut).days + 1
    cut = f"date '{future.cut}'"
    for sql in (
        f"macro canonical(id) as {CANONICAL}",
        f"macro world_of(id) as {world_of}",
        f"macro dice(id, what) as hash(id || '|' || what || '|{future.seed}') % 1000000 / 1e6",
        "macro falls(kind, id) as"
        f" dice(id, kind) < coalesce(map {{{entries}}}[world_of(id) || '|' || kind], 0)",
        f"macro cut() as {cut}",
        # often on the very day of the cut
        f"macro from_the_cut(id, what) as {cut} + case when dice(id, what || '?') < 0.3 then 0"
        f" else cast(floor(dice(id, what) * {days}) as integer) end",
        f"macro before_the_cut(id, what) as"
        f" {cut} - 1 - cast(floor(power(dice(id, what), 2) * 400) as integer)",
        f"macro loaded() as timestamp '{_next_load(connection, future)}'",
        f"macro other_name(id, what) as canonical(id) || '-' || what || '-{future.seed}'",
    ):
        connection.execute(f"create or replace temp {sql}")
    _list_what_there_is(connection)
    connection.execute(LOADS)


def _next_load(connection: duckdb.DuckDBPyConnection, future: Future) -> datetime:
    """Return when the future is loaded: after its last day, and after all that is there."""
    latest = [
        connection.execute(f"select max(_loaded_at) from raw.{table}").fetchone()[0]
        for table in RAW
    ]
    own = datetime.combine(future.last_day + timedelta(1), time(5))
    return max([own, *(moment + timedelta(hours=1) for moment in latest if moment)])


def _list_what_there_is(connection: duckdb.DuckDBPyConnection) -> None:
    for name, column, table in (
        ("people", "customer_id", "customer_details"),
        ("goods", "product_id", "products"),
        ("orders", "transaction_id", "store_sales_header"),
    ):
        connection.execute(
            f"create or replace temp table {name} as"
            f" select world_of({column}) as world, list(distinct canonical({column})) as ids"
            f" from raw.{table} where canonical({column}) is not null group by all"
        )
        connection.execute(
            f"create or replace temp macro one_of_{name}(id, what) as ("
            f" select ids[1 + cast(floor(dice(id, what) * len(ids)) as integer)] from {name}"
            f" where world = world_of(id))"
        )
