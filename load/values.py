"""The SQL that reads numbers and moments as files write them.

How a column is written is found from its values, one way for the whole column: a day is never read
as a month in one row only, and a comma never once as a decimal sign and once between thousands.
"""

# currencies and thousands are written in signs that look like others
# ruff: noqa: RUF001

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from core.sql import literal, quoted
from load.staging import OUR, LoadError, scalar

# what exports write for "nothing" in a column of numbers, dates or ids
NOTHING = r"('', 'nan', 'nat', 'null', 'none', 'n/a', '#n/a', '<na>', '\n', '-', '--')"
_SAMPLE = 10_000

# six decimals are kept until the money of a line is made: exact for prices of four and sums of them
NUMBER_TYPE = "DECIMAL(18,6)"
# the sign or short name of a currency, before or after the number; never a k for thousands
_CURRENCY = (
    r"(?:[A-Z]{3}|[A-Z]{1,3}\p{Sc}|\p{Sc}|kr\.?|zł|Kč|Ft|Fr\.?|Rs\.?|RM|R|S/\.?|лв\.?|lei|руб\.?"
    r"|р\.|TL|din\.?)"
)


_SAME = {"€": "EUR", "£": "GBP", "₹": "INR"}


def _number_pattern(decimal: str) -> str:
    point, other = (r"\.", ",") if decimal == "." else (",", r"\.")
    # groups of two are how India counts: 12,34,567.00
    # a number has one sign between thousands: 1 234,500 is no million
    grouped = "".join(
        rf"|[0-9]{{1,3}}(?:{sign}[0-9]{{2,3}})*{sign}[0-9]{{3}}(?:{point}[0-9]*)?"
        for sign in (other, "'", "’", " ")
    )
    return rf"[0-9]+(?:{point}[0-9]*)?(?:[eE][-+]?[0-9]+)?|{point}[0-9]+{grouped}"


def _plain_blanks(text: str) -> str:
    """Return the SQL in which odd blanks and the long minus are plain ones."""
    return f"trim(translate({text}, chr(160) || chr(8239) || chr(8722), '  -'))"


def number_sql(text: str, decimal: str) -> str:
    """Return the SQL that reads a text as a number, null where it is none.

    It reads signs of currencies, thousands, minus before or after, brackets for a minus, and powers
    of ten: ($1,234.50), 1.234,50 €, 1'234.50, R$ 12,00-, 1.2E+03.

    Parameters
    ----------
    decimal
        The decimal sign, "." or ",".
    """
    plain = _plain_blanks(text)
    before = rf"\(?\s*[-+]?\s*{_CURRENCY}?\s*[-+]?\s*"
    pattern = rf"{before}({_number_pattern(decimal)})\s*{_CURRENCY}?\s*-?\s*\)?"
    core = f"regexp_extract({plain}, {literal(f'^{pattern}$')}, 1)"
    is_whole = f"contains({plain}, '(') = contains({plain}, ')')"
    # names that no file's column has: a column would stand before them
    text_of, number_of = quoted(OUR + "text"), quoted(OUR + "number")
    bare = f"regexp_replace({text_of}, '[{',' if decimal == '.' else '.'}''’ ]', '', 'g')"
    number = f"try_cast(replace(nullif({bare}, ''), ',', '.') as {NUMBER_TYPE})"
    is_minus = f"regexp_matches({plain}, '[(]|^[^0-9]*-|-$|-[^0-9]*$')"
    # found once: what stands in an expression many times takes long to plan
    signed = (
        f"list_transform([{core}], lambda {text_of}: list_transform([{number}], "
        f"lambda {number_of}: if({is_minus}, -{number_of}, {number_of}))[1])[1]"
    )
    signed = f"if({is_whole}, {signed}, null)"
    simple = r"'-?[0-9]+([.][0-9]+)?'" if decimal == "." else r"'-?[0-9]+'"
    # most numbers are written plainly, and a cast is many times faster
    return f"if(regexp_full_match({text}, {simple}), try_cast({text} as {NUMBER_TYPE}), {signed})"


def decimal_sign(
    connection: duckdb.DuckDBPyConnection, table: str, texts: Sequence[str], where: str
) -> str:
    """Return the decimal sign of a file from all its columns that are read as numbers.

    Raises
    ------
    LoadError
        If every number would be one with either sign, as 1,234 is.
    """
    if not texts:
        return "."
    for source in (f"(select * from {table} limit {_SAMPLE})", table):
        points, commas, open_signs = (
            sum(counts)
            for counts in zip(*(_signs(connection, source, text) for text in texts), strict=True)
        )
        if points or commas:
            return "," if commas > points else "."
    if open_signs:
        raise LoadError(
            f"{where}: {', '.join(dict.fromkeys(texts))}: 1,234 or 1.234 may be a thousand or a "
            "little more than one, and no value tells; state format: {decimal: ...} in the mapping"
        )
    return "."


def _signs(connection: duckdb.DuckDBPyConnection, source: str, text: str) -> tuple[int, int, int]:
    """Count the values that tell a decimal point, a decimal comma, and that leave it open."""
    bare = f"regexp_replace({_plain_blanks(text)}, '[ ''’]', '', 'g')"
    core = f"regexp_extract({bare}, '[0-9.,]*[0-9][0-9.,]*')"
    return connection.execute(
        rf"""
        select
            count(*) filter (
                regexp_full_match(core, '[0-9]*[.][0-9]*|[0-9]{{1,3}}(,[0-9]{{2,3}})+[.][0-9]*')
                    and not is_open
                or regexp_full_match(core, '[0-9]{{1,3}}(,[0-9]{{2,3}}){{2,}}')
            ),
            count(*) filter (
                regexp_full_match(core, '[0-9]{{1,3}}([.][0-9]{{3}})+,[0-9]*')
                or regexp_full_match(core, '[0-9]{{1,3}}([.][0-9]{{3}}){{2,}}')
                or regexp_full_match(core, '[0-9]*,[0-9]*') and not is_open
            ),
            count(*) filter (is_open)
        from (
            select core, regexp_full_match(core, '[1-9][0-9]{{0,2}}[.,][0-9]{{3}}') as is_open
            from (select {core} as core from {source})
        )
        """
    ).fetchall()[0]


def currencies(connection: duckdb.DuckDBPyConnection, table: str, text: str) -> list[str]:
    """Return the signs of currencies that stand beside the numbers of a column."""
    sign = f"regexp_extract({_plain_blanks(text)}, {literal(_CURRENCY)})"
    signs = connection.execute(
        f"select distinct sign from (select {sign} as sign from {table} "
        f"where not regexp_full_match({text}, '[-0-9.,]*')) where sign <> '' order by sign"
    ).fetchall()
    # one currency may be written as a sign here and as a code there
    return sorted({_SAME.get(sign, sign) for (sign,) in signs})


# what a date is called here: a pattern that its text fits, and its forms for strptime. Two digits
# and four of a year are two ways: 1/5/24 is no day of the year 24.
_Y4, _Y2 = "[0-9]{4}", "[0-9]{2}"
_D = "[0-9]{1,2}"
_NAME = r"\p{L}{3,9}\.?"
DATES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "year-month-day": (rf"{_Y4}[-/.]{_D}[-/.]{_D}", ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d")),
    "month/day/year": (rf"{_D}/{_D}/{_Y4}", ("%m/%d/%Y",)),
    "day/month/year": (rf"{_D}/{_D}/{_Y4}", ("%d/%m/%Y",)),
    "month/day/yy": (rf"{_D}/{_D}/{_Y2}", ("%m/%d/%y",)),
    "day/month/yy": (rf"{_D}/{_D}/{_Y2}", ("%d/%m/%y",)),
    "day.month.year": (rf"{_D}[.]{_D}[.]{_Y4}", ("%d.%m.%Y",)),
    "day.month.yy": (rf"{_D}[.]{_D}[.]{_Y2}", ("%d.%m.%y",)),
    "month-day-year": (rf"{_D}-{_D}-{_Y4}", ("%m-%d-%Y",)),
    "day-month-year": (rf"{_D}-{_D}-{_Y4}", ("%d-%m-%Y",)),
    "month-day-yy": (rf"{_D}-{_D}-{_Y2}", ("%m-%d-%y",)),
    "day-month-yy": (rf"{_D}-{_D}-{_Y2}", ("%d-%m-%y",)),
    "yy-month-day": (rf"{_Y2}[-/.]{_D}[-/.]{_D}", ("%y-%m-%d", "%y/%m/%d", "%y.%m.%d")),
    "yyyymmdd": ("(?:19|20)[0-9]{6}", ("%Y%m%d",)),
    "day month-name year": (
        rf"(?:\p{{L}}{{3,9}}, )?{_D}[- ]{_NAME}[- ,]+{_Y4}",
        ("%d %b %Y", "%d %B %Y"),
    ),
    "day month-name yy": (rf"{_D}[- ]{_NAME}[- ]{_Y2}", ("%d %b %y", "%d %B %y")),
    "month-name day, year": (
        rf"(?:\p{{L}}{{3,9}}, )?{_NAME} {_D},? {_Y4}",
        ("%b %d %Y", "%B %d %Y"),
    ),
}
# numbers that count days or seconds; the bounds are the years 1982 to 2100
_SERIALS: Mapping[str, tuple[str, int, int]] = {
    "days of a workbook": (
        "timestamp '1899-12-30' + to_microseconds(cast(round({} * 86400) as bigint) * 1000000)",
        30_000,
        73_415,
    ),
    "Unix seconds": (
        "make_timestamp(cast(round({} * 1000000) as bigint))",
        378_691_200,
        4_102_444_800,
    ),
    "Unix milliseconds": (
        "make_timestamp(cast(round({} * 1000) as bigint))",
        378_691_200_000,
        4_102_444_800_000,
    ),
}
_CLOCK = r"[ T,]+(?:at )?([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?)\s*([AaPp]\.?[Mm]\.?)?"
_ZONE = r"\s*(Z|UTC|GMT|[-+][01][0-9](?::?[0-9]{2})?)"
_ISO = r"'[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2})?)?'"


@dataclass(frozen=True)
class Moments:
    """How a column's moments are read: the SQL, its form in words, and whether zones are told."""

    sql: str
    form: str
    has_zones: bool = False


def moments(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    text: str,
    stated: Iterable[str] | None,
    zone: str,
) -> Moments:
    """Return the SQL that reads a column of text as moments of the shop's clock.

    A moment with an offset is put onto the shop's clock; one without is of that clock already.

    Parameters
    ----------
    stated
        strptime formats, or the name of a form of `DATES`; None: it is found from the values.
    zone
        The shop's time zone.

    Raises
    ------
    LoadError
        If every value fits in several ways that mean other days.
    """
    casts = {name: _moment(text, name, zone) for name in (*DATES, *_SERIALS)}
    if stated and all(form in casts for form in stated):
        casts = {name: casts[name] for name in stated}
    elif stated:
        return Moments(*_stated(text, list(stated), zone))
    has_zones = (
        f"regexp_matches({text}, '[0-9]' || {literal(_ZONE)} || '\\s*$') and contains({text}, ':')"
    )
    filled = f"from {table} where {text} is not null and lower(trim({text})) not in {NOTHING}"
    every, sample = f"(select * {filled})", f"(select * {filled} limit {_SAMPLE})"
    casts = _likely(connection, sample, text, casts)
    for source in (sample, every):
        if not casts:
            break
        rows, *fitting = _counts(connection, source, casts)
        most = max(fitting)
        casts = {
            name: cast for (name, cast), fits in zip(casts.items(), fitting, strict=True)
            if fits == most > 0
        }  # fmt: skip
        if len(casts) == 1 and most == rows:
            break
    if not casts:
        return Moments("cast(null as timestamp)", "a date, best as 2024-12-31 17:45:00")
    if most == rows:
        # where some value fits no form, that value is named
        casts = _without_days_to_come(connection, every, casts)
        _refuse_open(connection, every, text, casts)
    name, sql = next(iter(casts.items()))
    zones = scalar(connection, f"select count(*) > 0 from {table} where {has_zones}")
    return Moments(sql, f"a date written {name}", zones or "Unix" in name)


def _likely(
    connection: duckdb.DuckDBPyConnection, sample: str, text: str, casts: Mapping[str, str]
) -> dict[str, str]:
    """Return the forms that any value of a sample looks like; most columns are in one or two."""
    tests = {
        name: f"regexp_matches({_plain_blanks(text)}, {literal(_date_pattern(name))})"
        if name in DATES
        else f"regexp_matches({text}, '^\\s*[0-9.]+(E-[0-9]+)?\\s*$')"
        for name in casts
    }
    counts = ", ".join(f"count_if({test})" for test in tests.values())
    hits = connection.execute(f"select {counts} from {sample}").fetchall()[0]
    return {name: casts[name] for name, rows in zip(tests, hits, strict=True) if rows}


def _counts(
    connection: duckdb.DuckDBPyConnection, source: str, casts: Mapping[str, str]
) -> tuple[int, ...]:
    counts = ", ".join(f"count({cast})" for cast in casts.values())
    return connection.execute(f"select count(*), {counts} from {source}").fetchall()[0]


def _without_days_to_come(
    connection: duckdb.DuckDBPyConnection, source: str, casts: Mapping[str, str]
) -> dict[str, str]:
    """Leave out forms by which days lie ahead, where another form has none: 24-03-27 is no 2027."""
    if len(casts) == 1:
        return dict(casts)
    counts = ", ".join(
        f"count_if({cast} > now()::timestamp + to_days(2))" for cast in casts.values()
    )
    ahead = connection.execute(f"select {counts} from {source}").fetchall()[0]
    past = {name: casts[name] for name, rows in zip(casts, ahead, strict=True) if not rows}
    return past or dict(casts)


def _refuse_open(
    connection: duckdb.DuckDBPyConnection, source: str, text: str, casts: Mapping[str, str]
) -> None:
    first, *others = casts.values()
    for name, other in zip(list(casts)[1:], others, strict=True):
        differing = connection.execute(
            f"select {text} from {source} where {first} is distinct from {other} limit 1"
        ).fetchall()
        if differing:
            raise LoadError(
                f"column {text}: every date could be {next(iter(casts))} or {name}, as "
                f"{differing[0][0]!r}: state which in the mapping, as in format: {{dates: {name}}}"
            )


def _moment(text: str, name: str, zone: str) -> str:
    trimmed = _plain_blanks(text)
    if name in _SERIALS:
        made, low, high = _SERIALS[name]
        number = f"try_cast({trimmed} as double)"
        counted = made.format(number)
        if name.startswith("Unix"):
            counted = f"timezone({literal(zone)}, timezone('UTC', {counted}))"
        return f"if({number} between {low} and {high}, {counted}, null)"
    _, forms = DATES[name]
    # a name that no file's column has: a column would stand before it
    part = quoted(OUR + "part")
    # the parts are found once and then named, or the SQL would repeat itself a hundred times
    extracted = (
        f"regexp_extract({trimmed}, {literal(_date_pattern(name))}, "
        "['whole', 'day', 'clock', 'half', 'zone'])"
    )
    day = f"{part}.day"
    # names of weekdays tell nothing, and signs between the parts are all blanks where names are
    if "name" in name:
        day = f"regexp_replace(regexp_replace({part}.day, '^\\p{{L}}+, ', ''), '[-,. ]+', ' ', 'g')"
    listed = ", ".join(map(literal, forms))
    # 12 AM is midnight, 12 PM is noon
    is_twelve = f"starts_with({part}.clock, '12')"
    wall = (
        f"cast(try_strptime({day}, [{listed}]) as date) "
        f"+ coalesce(try_cast(nullif({part}.clock, '') as time), time '00:00') "
        f"+ to_hours(case upper({part}.half[1]) when 'P' then if({is_twelve}, 0, 12) "
        f"when 'A' then if({is_twelve}, -12, 0) else 0 end)"
    )
    hours = f"coalesce(try_cast(regexp_replace({part}.zone, '[^0-9]', '', 'g')[1:2] as integer), 0)"
    minutes = (
        f"coalesce(try_cast(regexp_replace({part}.zone, '[^0-9]', '', 'g')[3:4] as integer), 0)"
    )
    offset = f"to_minutes(if(starts_with({part}.zone, '-'), -1, 1) * (60 * {hours} + {minutes}))"
    there = f"timezone({literal(zone)}, timezone('UTC', {wall} - {offset}))"
    is_read = (
        f"{part}.whole <> '' and ({part}.clock = '' or try_cast({part}.clock as time) is not null)"
        f" and ({part}.half = '' or cast(split_part({part}.clock, ':', 1) as integer) <= 12)"
    )
    moment = f"if({is_read}, if({part}.zone = '', {wall}, {there}), null)"
    read = f"list_transform([{extracted}], lambda {part}: {moment})[1]"
    if name != "year-month-day":
        return read
    # most files write ISO, and a cast is many times faster
    return f"if(regexp_full_match({text}, {_ISO}), try_cast({text} as timestamp), {read})"


def _date_pattern(name: str) -> str:
    """Return the pattern of a text that is a date in a form, maybe with a clock and a zone."""
    return f"^(({DATES[name][0]})(?:{_CLOCK}{_ZONE}?)?)$"


def _stated(text: str, formats: list[str], zone: str) -> tuple[str, str, bool]:
    with_zone = [form for form in formats if "%z" in form.lower()]
    plain = [form for form in formats if form not in with_zone]
    reads = []
    if plain:
        reads.append(f"try_strptime(trim({text}), [{', '.join(map(literal, plain))}])")
    if with_zone:
        listed = ", ".join(map(literal, with_zone))
        reads.append(f"timezone({literal(zone)}, try_strptime(trim({text}), [{listed}]))")
    named = ", ".join(map(literal, formats))
    return f"coalesce({', '.join(reads)})", f"a date written {named}", bool(with_zone)
