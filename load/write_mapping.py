"""Write one table of a suggested mapping, with a comment where it is unsure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

from load.file_format import Format
from load.look_at_columns import ISO, Look
from load.mapping import ORDER_LINES, REQUIRED_FLAT
from load.match_columns import Match, match
from load.raw_tables import LINES

# what the loader finds by itself, column by column
_FOUND_LATER = (ISO, *(f"%{one}/%Y{time}" for one in ("d/%m", "m/%d") for time in ("", " %H:%M")))
_FOUND_LATER += tuple(f"%d.%m.%Y{time}" for time in ("", " %H:%M", " %H:%M:%S"))
_ISO_FORMATS = ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"]
# what stands for a column that a file of order lines does not have
_STANDS_FOR = {"product_id": "ALL", "quantity": "1"}


def write_table(
    name: str, files: Sequence[str], table: str | None, stated: Format, looks: Sequence[Look]
) -> Iterator[str]:
    """Yield the lines of a mapping that say how a table is filled.

    Parameters
    ----------
    name
        The table: a raw table's name or `order_lines`.
    files
        Names of its files; empty where the path is the file.
    table
        The table of a database.
    stated
        What was found of the files' format.
    looks
        What the columns look like.
    """
    matches = match(name, looks)
    yield f"{name}:"
    if files:
        yield f"  file: {_text(_pattern(files))}"
    if table:
        yield f"  table: {_text(table)}"
    dated = [one.look for ours, one in matches.items() if one.look.is_date and ours in _DATED]
    form = stated.model_dump(exclude_defaults=True) | _numbers(matches) | _dates(dated)
    if form:
        yield "  format:"
        for key, value in form.items():
            ambiguous = key == "dates" and any(_is_ambiguous(look) for look in dated)
            doubt = "    # unsure: day and month may be the other way round" if ambiguous else ""
            yield f"    {key}: {_text(value)}{doubt}"
    yield "  columns:"
    yield from _columns(name, matches)
    number, quantity = matches.get("transaction_id"), matches.get("quantity")
    if number and number.look.prefix and quantity and not quantity.look.is_negative:
        sign = _text({"column": number.look.name, "prefix": number.look.prefix})
        yield f"  returns: {sign}    # unsure: a guess from the ids"
    used = [one.look.name for one in matches.values()]
    if unused := [_plain(one.name) for one in looks if one.name not in used]:
        yield f"  # not used: {', '.join(unused)}"


_DATED = ("transaction_date", "recorded_at", "customer_since", "last_purchase_date")


def _columns(name: str, matches: Mapping[str, Match]) -> Iterator[str]:
    for ours, found in matches.items():
        doubt = "" if found.is_sure else "    # unsure: a guess from its name and values"
        yield f"    {ours}: {_text(found.look.name)}{doubt}"
    if name not in (ORDER_LINES.name, LINES.name):
        return
    missing = [ours for ours in REQUIRED_FLAT if ours not in matches]
    for ours in missing:
        if ours in _STANDS_FOR:
            constant = f"{{constant: {_STANDS_FOR[ours]}}}"
            yield f"    {ours}: {constant}    # unsure: nothing like it was found"
        elif ours == "line_item_amount" and "unit_price" in matches:
            yield "    line_item_amount: {multiply: [quantity, unit_price]}"
        elif name == ORDER_LINES.name or ours == "line_item_amount":
            yield f"    {ours}: TODO    # nothing like it was found: name the column"
    if name == LINES.name and "line_item_id" not in matches:
        made = "transaction_id, product_id, quantity, line_item_amount"
        yield f"    line_item_id: {{join: [{made}]}}    # equal lines get equal ids"


def _numbers(matches: Mapping[str, Match]) -> dict[str, object]:
    """Return how numbers are written, where all columns of numbers agree on one form."""
    looks = [one.look for one in matches.values() if one.look.is_number and not one.look.is_date]
    forms = dict.fromkeys(form for look in looks for form in look.numbers)
    agreed = [form for form in forms if all(form in look.numbers for look in looks)]
    # whole numbers fit every form; what has signs in it must say which is which
    decimal, thousands = agreed[0] if agreed else (".", None)
    currencies = [look.currency for look in looks if look.currency]
    return (
        ({"decimal": decimal} if decimal != "." else {})
        | ({"thousands": thousands} if thousands else {})
        | ({"currency": currencies[0]} if currencies else {})
    )


def _dates(looks: Sequence[Look]) -> dict[str, object]:
    """Return the formats of dates, where the loader would not find them or not be sure."""
    formats = dict.fromkeys(look.dates[0] for look in looks)
    if all(one in _FOUND_LATER for one in formats) and not any(map(_is_ambiguous, looks)):
        return {}
    listed = [one for form in formats for one in (_ISO_FORMATS if form == ISO else [form])]
    return {"dates": listed[0] if len(listed) == 1 else listed}


def _is_ambiguous(look: Look) -> bool:
    return sum(form.startswith(("%d/", "%m/")) for form in look.dates) > 1


def _pattern(files: Sequence[str]) -> str:
    """Return the name of one file, or a glob that finds them all."""
    if len(files) == 1:
        return files[0]
    # the next month's file has other digits
    start = _shared_start(files).rstrip("0123456789")
    end = _shared_start([name[len(start) :][::-1] for name in files])[::-1]
    return f"{start}*{end.lstrip('0123456789')}"


def _shared_start(names: Sequence[str]) -> str:
    shared = takewhile(lambda signs: len(set(signs)) == 1, zip(*names, strict=False))
    return "".join(signs[0] for signs in shared)


def _plain(name: str) -> str:
    return " ".join(name.split())


def _text(value: object) -> str:
    """Return a value as YAML in one line; all JSON is YAML."""
    return json.dumps(value, ensure_ascii=False)
