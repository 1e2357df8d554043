"""Turn staged columns into typed columns, or say which row does not fit."""

from __future__ import annotations

from pathlib import Path

import duckdb

from generate.read_files import LoadError, literal, quoted

_DATES = ("DATE", "TIMESTAMP")
# what exports write for "nothing" in a column of numbers or dates
_NOTHING = "('', 'nan', 'nat', 'null', 'none', 'n/a', '<na>')"

# one format must fit the whole column: a day is never read as a month in one row only
_DATE_FORMATS = {
    "year-month-day": None,
    "month/day/year": ("%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y"),
    "day/month/year": ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y"),
    "day.month.year": ("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y"),
}


def typed(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, data_type: str, file: Path
) -> str:
    """Return the SQL that casts a staged column to `data_type`.

    Raises
    ------
    LoadError
        If a value is no such thing; the message names file, column, row, value and what is
        expected.
    """
    source = _type_of(connection, table, column)
    as_text = quoted(column) if source == "VARCHAR" else f"cast({quoted(column)} as varchar)"
    if data_type == "VARCHAR":
        return as_text
    if source.startswith(_DATES) and data_type in _DATES:
        return f"cast({quoted(column)} as {data_type})"
    text = f"if(lower(trim({as_text})) in {_NOTHING}, null, trim({as_text}))"
    if data_type in _DATES:
        cast, expected = _date(connection, table, text)
    else:
        cast, expected = f"try_cast({text} as {data_type})", f"a number ({data_type})"
    _refuse_first_bad(connection, table, column, (text, cast, expected), file)
    return f"cast({cast} as {data_type})"


def _type_of(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> str:
    found = connection.execute(f"select any_value(typeof({quoted(column)})) from {table}")
    return str((found.fetchone() or ("VARCHAR",))[0])


def _date(connection: duckdb.DuckDBPyConnection, table: str, text: str) -> tuple[str, str]:
    """Return the SQL of the format that fits most of a column, and the format in words."""
    casts = {name: _parsed(text, formats) for name, formats in _DATE_FORMATS.items()}
    counts = ", ".join(f"count({cast})" for cast in casts.values())
    fitting = connection.execute(f"select {counts} from {table}").fetchone() or ()
    most, name = max(zip(fitting, casts, strict=True), key=lambda pair: pair[0])
    expected = f"a date written {name}" if most else "a date, best as 2024-12-31 17:45:00"
    return casts[name], expected


def _parsed(text: str, formats: tuple[str, ...] | None) -> str:
    if formats is None:
        # the cast alone would also read 1/12/10, as a day of the year 1
        return f"if(regexp_matches({text}, '^[0-9]{{4}}-'), try_cast({text} as timestamp), null)"
    return f"try_strptime({text}, [{', '.join(literal(one) for one in formats)}])"


def _refuse_first_bad(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    column: str,
    rule: tuple[str, str, str],
    file: Path,
) -> None:
    text, cast, expected = rule
    bad = connection.execute(
        f"select _row, _sheet, cast({quoted(column)} as varchar) from {table} "
        f"where {text} is not null and {cast} is null order by _sheet, _row limit 1"
    ).fetchone()
    if bad:
        row, sheet, value = bad
        place = f"sheet {sheet}, row {row}" if sheet else f"row {row}"
        raise LoadError(f"{file}: column {column}, {place}: {value!r} is not {expected}")
