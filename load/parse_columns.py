"""The SQL that turns text, as files write it, into numbers and dates."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from load.file_format import Format
from load.staging import literal, quoted

log = logging.getLogger(__name__)

_DATES = ("DATE", "TIMESTAMP")
# what exports write for "nothing" in a column of numbers, dates or ids
NOTHING = r"('', 'nan', 'nat', 'null', 'none', 'n/a', '#n/a', '<na>', '\n')"
_SAMPLE = 10_000

# one format must fit the whole column: a day is never read as a month in one row only
DATE_FORMATS: Mapping[str, tuple[str, ...] | None] = {
    "year-month-day": None,
    "month/day/year": ("%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y"),
    "day/month/year": ("%d/%m/%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%d/%m/%Y"),
    "day.month.year": ("%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y"),
}


@dataclass(frozen=True)
class Cast:
    """How a staged column is read: the SQL, the SQL of what does not fit, and what would."""

    sql: str
    misfit: str | None = None
    expected: str = ""


def cast_of(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    column: tuple[str, str],
    data_type: str,
    stated: Format,
) -> Cast:
    """Return how a staged column is cast to `data_type`.

    Parameters
    ----------
    column
        Its name and its type as staged.
    """
    name, staged_type = quoted(column[0]), column[1]
    if data_type == "VARCHAR":
        return Cast(name if staged_type == "VARCHAR" else f"cast({name} as varchar)")
    if staged_type.startswith(_DATES) and data_type in _DATES:
        return Cast(f"cast({name} as {data_type})")
    text = name if staged_type == "VARCHAR" else f"cast({name} as varchar)"
    if data_type in _DATES:
        parsed, expected = _date(connection, table, text, stated)
        parsed = f"cast({parsed} as {data_type})"
    else:
        plain = number_text(text, stated) if staged_type == "VARCHAR" else text
        parsed, expected = f"try_cast({plain} as {data_type})", f"a number ({data_type})"
        if stated.decimal != "." or stated.thousands:
            example = f"1{stated.thousands or ''}234{stated.decimal}50"
            expected = f"a number written as {example} ({data_type})"
    nothing = f"lower(trim({text})) in {NOTHING}"
    return Cast(parsed, f"{text} is not null and {parsed} is null and not {nothing}", expected)


def number_text(text: str, stated: Format) -> str:
    """Return the SQL that brings a number to the form 1234.50; null where it has another form."""
    if stated.currency:
        text = f"trim(replace({text}, {literal(stated.currency)}, ''))"
    if not stated.thousands and stated.decimal == ".":
        return text
    decimal = stated.decimal
    if stated.thousands:
        # strict: in a file of 1.234,50 a stray 1.5 must not become 15
        if stated.thousands == " ":
            text = f"replace(replace({text}, chr(160), ' '), chr(8239), ' ')"
        groups = rf"[0-9]{{1,3}}([{stated.thousands}][0-9]{{3}})+|[0-9]*"
        form = literal(rf"\s*[+-]?({groups})([{decimal}][0-9]*)?\s*")
        plain = f"replace({text}, {literal(stated.thousands)}, '')"
        text = f"if(regexp_full_match({text}, {form}), {plain}, null)"
    elif decimal == ",":
        text = f"if(contains({text}, '.'), null, {text})"
    return text if decimal == "." else f"replace({text}, ',', '.')"


def _date(
    connection: duckdb.DuckDBPyConnection, table: str, text: str, stated: Format
) -> tuple[str, str]:
    """Return the SQL that reads a column of dates, and its form in words."""
    if stated.dates:
        formats = ", ".join(literal(one) for one in stated.dates)
        return f"try_strptime(trim({text}), [{formats}])", f"a date written {formats}"
    casts = {name: parsed_date(text, formats) for name, formats in DATE_FORMATS.items()}
    filled = f"{text} is not null and not lower(trim({text})) in {NOTHING}"
    sample = f"(select * from {table} where {filled} limit {_SAMPLE})"
    rows, *fitting = _counts(connection, sample, casts)
    whole = [name for name, fits in zip(casts, fitting, strict=True) if rows and fits == rows]
    if len(whole) == 1:
        return casts[whole[0]], f"a date written {whole[0]}"
    # the sample leaves it open: day or month first, or several forms
    open_casts = {name: casts[name] for name in whole or casts}
    _, *fitting = _counts(connection, table, open_casts)
    most, name = max(zip(fitting, open_casts, strict=True), key=lambda pair: pair[0])
    if most and fitting.count(most) > 1:
        # a day above 12 would tell
        log.warning(
            "column %s: every date could be %s; read as the first. State it in a mapping: "
            'format: {dates: "%%d/%%m/%%Y"}',
            text,
            " or ".join(one for one, fits in zip(open_casts, fitting, strict=True) if fits == most),
        )
    expected = f"a date written {name}" if most else "a date, best as 2024-12-31 17:45:00"
    return casts[name], expected


def _counts(
    connection: duckdb.DuckDBPyConnection, source: str, casts: Mapping[str, str]
) -> tuple[int, ...]:
    counts = ", ".join(f"count({cast})" for cast in casts.values())
    return connection.execute(f"select count(*), {counts} from {source}").fetchall()[0]


def parsed_date(text: str, formats: tuple[str, ...] | None) -> str:
    """Return the SQL that reads a date in one of some strptime formats; None: as in ISO 8601."""
    if formats is None:
        # the cast alone would also read 1/12/10, as a day of the year 1
        return f"if(trim({text}) like '____-%', try_cast(trim({text}) as timestamp), null)"
    # %Y alone would also read 1/5/24, as a day of the year 24, and 'epoch' and 'infinity'
    listed = ", ".join(literal(one) for one in formats)
    return f"if(regexp_matches({text}, '[0-9]{{4}}'), try_strptime(trim({text}), [{listed}]), null)"
