"""Numbers, days and values of the data as a reader wants to see them."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import TypeVar

Number = TypeVar("Number", float, Decimal)

NOTHING = "-"
LONGEST = 40

_E_MAIL = re.compile(r"[^\s@\"']+@[^\s@\"']+")


def count(value: float | Decimal | None) -> str:
    """Return `12,345`."""
    return NOTHING if value is None else f"{value:,.0f}"


def counted(value: int, singular: str, many: str | None = None) -> str:
    """Return `1 day` or `2 days`; `many` where an s is not enough."""
    return f"{value:,} {singular if value == 1 else many or singular + 's'}"


def money(value: Number | None) -> str:
    """Return `12,345`, and cents only where they matter."""
    if value is None:
        return NOTHING
    # a sum of -0.2 cents is no debt
    digits = 0 if abs(value) >= 1000 else 2
    return f"{round(value, digits) + 0:,.{digits}f}"


def share(part: float | Decimal | None, total: float | Decimal | None = 1) -> str:
    """Return `12.3 %`; a hyphen where there is nothing to be a part of."""
    if part is None or not total:
        return NOTHING
    percent = 100 * float(part) / float(total)
    if 0 < abs(percent) < 0.05:
        return "< 0.1 %"
    return f"{percent:,.1f} %"


def day(value: dt.date | None) -> str:
    """Return `2010-12-24`."""
    return NOTHING if value is None else f"{value:%Y-%m-%d}"


def words(name: str) -> str:
    """Return the name of a rule or table as words."""
    return name.replace("_", " ")


def value_text(value: object) -> str:
    """Return a value of the data, shortened, with anything like an e-mail address hidden."""
    if value is None:
        return NOTHING
    text = _E_MAIL.sub("(e-mail hidden)", " ".join(str(value).split()))
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
