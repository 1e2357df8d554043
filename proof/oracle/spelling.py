"""One form for what was spelt in many: ids, labels, names, dates and amounts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation

CENT, SMALLEST = Decimal("0.01"), Decimal("0.0001")
LARGEST = Decimal(10) ** 14  # the first amount that decimal(18,4) cannot hold
WORDS_FOR_NO_PROMOTION = {"", "N/A", "NA", "NONE", "NULL", "-"}
# all kinds of space that stand in a text, but no tab and no line break
SPACES = "\u0020\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
SPACES += "\u202f\u205f\u3000"
BLANKS = "[ \t\n\f\r]"
TIME = r"(2[0-3]|[01]?[0-9]):[0-5]?[0-9](:[0-5]?[0-9]([.][0-9]+)?)?(Z|[+-][0-9:]+)?"
YEAR_MONTH_DAY = re.compile(rf"([0-9]{{1,5}})([-/\\ ])([0-9]{{1,2}})\2([0-9]{{1,2}})([ T]+{TIME})?")
NUMBER = re.compile(r"[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?")
WITH_THOUSANDS = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})*([.][0-9]+)?")
BROKEN_LETTER = re.compile("Ã[\x80-\xbf]|Â[\xa0-\xbf]")


def trimmed(text: str | None) -> str | None:
    """Return the text without spaces around it; nothing where nothing is left."""
    return (text.strip(SPACES) or None) if text is not None else None


def upper(text: str) -> str:
    """Return the text in capitals, letter by letter: no letter becomes two."""
    return "".join(_one_letter(letter, letter.upper()) for letter in text.replace("ß", "ẞ"))


def lower(text: str) -> str:
    """Return the text in small letters, letter by letter."""
    return "".join(letter.lower()[0] for letter in text)


def _one_letter(letter: str, changed: str) -> str:
    return changed if len(changed) == 1 else letter


def canonical_id(text: str | None) -> str | None:
    """Return the one form of an id: `" c1"` is C1, `0042` and `42.0` are 42."""
    if trimmed(text) is None:
        return None
    capitals = upper(trimmed(text))
    if re.fullmatch(r"[0-9]+([.]0+)?", capitals):
        return capitals.split(".")[0].lstrip("0") or "0"
    return capitals


def clean_label(text: str | None) -> str | None:
    """Return the one spelling of a label: blanks folded, the first letter a capital."""
    if trimmed(text) is None:
        return None
    folded = lower(re.sub(f"{BLANKS}+", " ", trimmed(text)))
    return upper(folded[0]) + folded[1:]


def promotion(text: str | None) -> str:
    """Return the promotion of a line, NONE where there is none, whatever words say so."""
    label = upper((text or "").strip(SPACES))
    return "NONE" if label in WORDS_FOR_NO_PROMOTION else label


def repaired_name(text: str | None) -> str | None:
    """Return a name of which UTF-8 was read as Latin-1 with its letters: ZoÃ« is Zoë."""
    if text is None:
        return None
    return BROKEN_LETTER.sub(lambda match: match[0].encode("latin-1").decode("utf-8"), text)


def read_date(
    stated: datetime | date | None, text: str | None, formats: Iterable[str]
) -> date | None:
    """Return the date that a row states, or that its text says; nothing where it is none."""
    if stated is not None:
        return stated.date() if isinstance(stated, datetime) else stated
    if text is None:
        return None
    written = _year_month_day(text.strip())
    if written is not None:
        return written
    for form in formats:
        try:
            return datetime.strptime(trimmed(text) or "", form).date()
        except ValueError:
            continue
    return None


def _year_month_day(text: str) -> date | None:
    match = YEAR_MONTH_DAY.fullmatch(text)
    if not match:
        return None
    try:
        return date(int(match[1]), int(match[3]), int(match[4]))
    except ValueError:
        return None


def read_money(stated: Decimal | None, text: str | None) -> Decimal | None:
    """Return the amount that a row states, or that its text says; nothing where it is none."""
    if stated is not None or text is None:
        return stated
    bare = re.sub("[ \t\n\f\r£$€]", "", text)
    if WITH_THOUSANDS.fullmatch(bare):
        bare = bare.replace(",", "")
    return _number(bare)


def _number(text: str) -> Decimal | None:
    if not NUMBER.fullmatch(text):
        return None
    try:
        amount = rounded(Decimal(text), SMALLEST)
    except InvalidOperation:
        return None
    return amount if abs(amount) < LARGEST else None


def rounded(number: Decimal, unit: Decimal) -> Decimal:
    """Return the nearest multiple of the unit; halves go away from zero."""
    return number.quantize(unit, ROUND_HALF_UP, Context(prec=60))
