"""Look at the values of columns (dates, numbers, ids, text): what a suggestion rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from core.sql import quoted
from load.staging import LoadError, scalar
from load.values import DATES, NOTHING, decimal_sign, moments, number_sql

# a share of odd values is no reason to see no dates: the load names them
_NEARLY = 0.95
# counts of days and seconds are numbers like others, unless the column's name says a time
_SERIALS = ("days of a workbook", "Unix seconds", "Unix milliseconds", "yyyymmdd")


@dataclass(frozen=True)
class Look:
    """What the values of a column look like.

    Parameters
    ----------
    filled, distinct
        Share of the rows with a value, and of the values that differ.
    date
        The form of its dates, a name of `values.DATES`; none if it has no dates.
    doubt
        Why its dates or numbers may be read in two ways.
    number
        The SQL that reads it as a number; none if it has no numbers.
    is_used
        Some of its numbers are not 0.
    values
        The most frequent values, where there are few.
    prefix
        A letter that a few of ids begin with that are numbers otherwise, as in C536379.
    """

    name: str
    filled: float = 0.0
    distinct: float = 0.0
    date: str | None = None
    doubt: str | None = None
    number: str | None = None
    is_whole: bool = False
    is_negative: bool = False
    typical: float = 0.0
    is_used: bool = False
    values: tuple[str, ...] = ()
    prefix: str | None = None

    @property
    def is_date(self) -> bool:
        """Whether the values are dates."""
        return self.date is not None

    @property
    def is_number(self) -> bool:
        """Whether the values are numbers."""
        return self.number is not None


def look_at(
    connection: duckdb.DuckDBPyConnection, table: str, columns: dict[str, str]
) -> list[Look]:
    """Look at each column of a staged table, of which a sample is enough."""
    return [_look(connection, table, name, kind) for name, kind in columns.items()]


def _look(connection: duckdb.DuckDBPyConnection, table: str, name: str, kind: str) -> Look:
    text = f"cast({quoted(name)} as varchar)"
    is_filled = f"{quoted(name)} is not null and lower(trim({text})) not in {NOTHING}"
    rows, filled, distinct = connection.execute(
        f"select count(*), count_if({is_filled}), count(distinct {text}) filter ({is_filled}) "
        f"from {table}"
    ).fetchall()[0]
    if not filled:
        return Look(name)
    frequent = connection.execute(
        f"select {text} from {table} where {is_filled} "
        "group by all order by count(*) desc, 1 limit 6"
    ).fetchall()
    look = Look(
        name,
        filled / rows,
        distinct / filled,
        values=tuple(value for (value,) in frequent) if distinct <= 12 else (),
        prefix=_rare_prefix(connection, table, text, filled),
    )
    dated = _dated(connection, table, text, kind, filled)
    number = _numbered(connection, table, text, filled)
    return Look(**(vars(look) | dated | number))


def _rare_prefix(
    connection: duckdb.DuckDBPyConnection, table: str, text: str, filled: int
) -> str | None:
    letter = f"regexp_extract(trim({text}), '^([A-Za-z])[0-9]+$', 1)"
    letters, first, digits = connection.execute(
        f"select count(distinct nullif({letter}, '')), max({letter}), "
        f"count_if(regexp_full_match(trim({text}), '[0-9]+')) from {table}"
    ).fetchall()[0]
    return first if letters == 1 and digits > 0.7 * filled else None


def _dated(
    connection: duckdb.DuckDBPyConnection, table: str, text: str, kind: str, filled: int
) -> dict[str, Any]:
    if kind == "DATE" or kind.startswith("TIMESTAMP"):
        return {"date": "a date"}
    try:
        read = moments(connection, table, text, None, "UTC")
    except LoadError as error:
        return {"date": "month/day/year", "doubt": str(error)}
    form = read.form.removeprefix("a date written ")
    if form not in (*DATES, *_SERIALS):
        return {}
    fits = scalar(connection, f"select count({read.sql}) from {table}")
    return {"date": form} if fits >= _NEARLY * filled else {}


def _numbered(
    connection: duckdb.DuckDBPyConnection, table: str, text: str, filled: int
) -> dict[str, Any]:
    doubt = {}
    try:
        decimal = decimal_sign(connection, table, [text], "the file")
    except LoadError as error:
        decimal, doubt = ".", {"doubt": str(error)}
    number = number_sql(text, decimal)
    fits, is_whole, negative, used, typical = connection.execute(
        f"select count(n), bool_and(n = floor(n)), count_if(n < 0), count_if(n <> 0), median(n) "
        f"from (select {number} as n from {table})"
    ).fetchall()[0]
    if fits < _NEARLY * filled:
        return {}
    return doubt | {
        "number": number,
        "is_whole": is_whole,
        "is_negative": negative > 0,
        "is_used": used > 0,
        "typical": float(typical),
    }


def is_value(connection: duckdb.DuckDBPyConnection, cells: Sequence[str]) -> bool:
    """Return whether any cell is a date or a number, as none in a header is."""
    connection.execute("create or replace temp table cells (cell varchar)")
    for cell in cells:
        connection.execute("delete from cells")
        connection.execute("insert into cells values (?)", [cell])
        look = _look(connection, "cells", "cell", "VARCHAR")
        if look.is_date or look.is_number:
            return True
    return False
