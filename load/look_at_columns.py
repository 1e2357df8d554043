"""Look at the values of a column: dates, numbers and how they are written, ids, or text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

# as DuckDB reads them too; the first that fits nearly all values is it
DATE_FORMATS = (
    *(f"{day}{time}" for day in ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y/%m/%d")
      for time in ("", " %H:%M", " %H:%M:%S")),
    "%Y%m%d",
    "%d.%m.%y",
    "%d %b %Y",
    "%d-%b-%Y",
    "%b %d, %Y",
)  # fmt: skip
ISO = "ISO 8601"
_ISO = re.compile(
    r"[12]\d{3}-[01]\d-[0-3]\d([T ][0-2]\d:[0-5]\d(:[0-5]\d(\.\d+)?)?( ?(Z|[+-]\d\d:?\d\d))?)?"
)
# a share of odd values is no reason to see no dates: the load names them
_NEARLY = 0.95
_CURRENCY = re.compile(r"[$€£¥]|\b(?:USD|EUR|GBP|CHF|kr)\b")
# decimal point or comma, with or without thousands
_NUMBERS = {
    (".", None): re.compile(r"[+-]?(\d+\.?\d*|\.\d+)"),
    (",", None): re.compile(r"[+-]?\d+(,\d+)?"),
    (".", ","): re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d*)(\.\d*)?"),
    (",", "."): re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d*)(,\d*)?"),
    (".", "'"): re.compile(r"[+-]?(\d{1,3}('\d{3})+|\d*)(\.\d*)?"),
    (",", " "): re.compile(r"[+-]?(\d{1,3}([ \u00a0\u202f]\d{3})+|\d*)(,\d*)?"),
}


@dataclass(frozen=True)
class Look:
    """What the values of a column look like."""

    name: str
    filled: float  # share of rows with a value
    distinct: float  # share of the values that differ
    dates: tuple[str, ...] = ()  # formats that fit, ISO among them
    numbers: tuple[tuple[str, str | None], ...] = ()  # decimal and thousands signs that fit
    currency: str | None = None
    is_whole: bool = False
    is_negative: bool = False  # some are
    typical: float = 0.0  # median of numbers
    prefix: str | None = None  # a letter that few values begin with, where the rest are digits

    @property
    def is_date(self) -> bool:
        """Whether the values are dates."""
        return bool(self.dates)

    @property
    def is_number(self) -> bool:
        """Whether the values are numbers."""
        return bool(self.numbers)


def look_at(name: str, values: Sequence[str | None]) -> Look:
    """Look at a sample of a column's values, as text."""
    filled = [text for value in values if value and (text := value.strip())]
    share = len(filled) / len(values) if values else 0.0
    distinct = len(set(filled)) / len(filled) if filled else 0.0
    if not filled:
        return Look(name, share, distinct)
    dates = tuple(one for one in (ISO, *DATE_FORMATS) if _fit(filled, one))
    marks = {mark for value in filled if (mark := _CURRENCY.search(value))}
    currency = next(iter(marks)).group() if marks else None
    bare = [value.replace(currency, "").strip() if currency else value for value in filled]
    numbers = tuple(
        form
        for form, pattern in _NUMBERS.items()
        if sum(bool(one) and bool(pattern.fullmatch(one)) for one in bare) >= _NEARLY * len(bare)
    )
    sizes = sorted(_size(one, numbers[0]) for one in bare) if numbers else [0.0]
    return Look(
        name,
        share,
        distinct,
        dates,
        numbers,
        currency if numbers else None,
        bool(numbers) and all(one.is_integer() for one in sizes),
        bool(numbers) and sizes[0] < 0,
        sizes[len(sizes) // 2],
        _rare_prefix(filled),
    )


def _fit(values: Sequence[str], form: str) -> bool:
    # most columns are no dates: a few values tell
    if not any(_is_date(value, form) for value in values[:20]):
        return False
    return sum(_is_date(value, form) for value in values) >= _NEARLY * len(values)


def _is_date(value: str, form: str) -> bool:
    if form == ISO:
        return bool(_ISO.fullmatch(value))
    if form == "%Y%m%d" and not (len(value) == 8 and value.isdigit() and value[:2] in ("19", "20")):
        return False
    try:
        datetime.strptime(value, form)
    except ValueError:
        return False
    return True


def _size(value: str, form: tuple[str, str | None]) -> float:
    decimal, thousands = form
    plain = re.sub(r"[\u00a0\u202f ]", "", value.replace(thousands or " ", ""))
    try:
        return float(plain.replace(decimal, "."))
    except ValueError:
        return 0.0


def _rare_prefix(values: Sequence[str]) -> str | None:
    """Return a letter that a few of otherwise numeric ids begin with, as in C536379."""
    letters = {value[0] for value in values if value[0].isalpha() and value[1:].isdigit()}
    digits = sum(value.isdigit() for value in values)
    return letters.pop() if len(letters) == 1 and digits > 0.7 * len(values) else None
