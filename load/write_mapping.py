"""Write one table of a suggested mapping, with what is unsure in it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

from core.sql import quoted
from load.file_format import Format
from load.look_at_columns import Look
from load.mapping import FILLABLE, ORDER_LINES, REQUIRED_FLAT, STANDS_FOR
from load.match_columns import Match, is_other_money, match
from load.money_columns import Money
from load.near_names import plain
from load.raw_tables import LINES

_DATED = ("transaction_date", "recorded_at", "customer_since", "last_purchase_date")
# what tells rows that do not count, or that count the other way
_STATUS = (
    *("status", "state", "cancel", "void", "event", "refunded", "test", "type", "return"),
    *("debit", "credit", "drcr", "indicator", "storno", "retoure"),
)
# what most shops would not count
_NO_SALE = ("cancel", "void", "fail", "refund", "declin", "expire", "test", "storno")


def write_table(
    name: str,
    files: Sequence[str],
    table: str | None,
    stated: Format,
    looks: Sequence[Look],
    money: Money | None,
) -> tuple[list[str], list[str]]:
    """Return the lines of a mapping that say how a table is filled, and what in it is unsure.

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
    money
        What a line's money is read from.
    """
    matches = match(name, looks)
    unsure: list[str] = []
    lines = [f"{name}:"]
    if files:
        lines.append(f"  file: {_text(_pattern(files))}")
    if table:
        lines.append(f"  table: {_text(table)}")
    dated = [
        matched.look for ours, matched in matches.items() if matched.look.is_date and ours in _DATED
    ]
    form = stated.model_dump(exclude_defaults=True)
    if form:
        lines.append(f"  format: {_text(form)}")
    if any(look.doubt for look in dated):
        unsure.append("format")
        open_dates = next(look for look in dated if look.doubt)
        lines.append(
            f"  # {_plain(open_dates.doubt or '')}"
            if form
            else f"  format: {{dates: {open_dates.date}}}    # {_plain(open_dates.doubt or '')}"
        )
    used = {matched.look.name for ours, matched in matches.items() if ours != "line_item_amount"}
    if name in (ORDER_LINES.name, LINES.name):
        used |= set(money.columns) if money else set()
        lines += _rows_that_count(looks, used, unsure)
    lines.append("  columns:")
    lines += _columns(name, matches, money, unsure)
    if unused := [_plain(look.name) for look in looks if look.name not in used]:
        lines.append(f"  # not used: {', '.join(unused)}")
    return lines, unsure


def _rows_that_count(looks: Sequence[Look], used: set[str], unsure: list[str]) -> Iterator[str]:
    for look in looks:
        few = len(look.values) > 1 or (look.values and look.filled < 1)
        if look.name in used or not few or not any(word in plain(look.name) for word in _STATUS):
            continue
        unsure.append("where")
        kept = ", ".join(
            "'" + value.replace("'", "''") + "'"
            for value in look.values
            if not any(word in plain(value) for word in _NO_SALE)
        )
        blank = ", blank" if look.filled < 1 else ""
        yield f"  # do all of {look.name} count ({_plain(', '.join(look.values))}{blank})? If not:"
        yield f"  # where: {_text(f'coalesce({quoted(look.name)}, {chr(39) * 2}) in ({kept})')}"


def _columns(
    name: str, matches: Mapping[str, Match], money: Money | None, unsure: list[str]
) -> Iterator[str]:
    is_lines = name in (ORDER_LINES.name, LINES.name)
    types = FILLABLE[name].types
    needed = {column.name for column in FILLABLE[name].columns if column.required}
    if name == ORDER_LINES.name:
        needed |= {*REQUIRED_FLAT, *STANDS_FOR, "transaction_id"}
    sign = _sign_of_returns(matches) if is_lines else None
    for ours in [column for column in types if column in matches]:
        chosen = matches[ours]
        if is_lines and (ours == "line_item_amount" or is_other_money(chosen.look)):
            continue
        if chosen.look.doubt and types[ours].startswith("DEC"):
            unsure.append(ours)
            yield f"    {ours}: {_text(chosen.look.name)}    # {_plain(chosen.look.doubt)}"
        elif ours == "quantity" and sign:
            unsure.append(ours)
            sql = sign.format(quoted(chosen.look.name))
            yield f"    {ours}: {_text(sql)}    # unsure: are these returns?"
        elif chosen.is_sure:
            yield f"    {ours}: {_text(chosen.look.name)}"
        elif ours in needed:
            unsure.append(ours)
            yield f"    {ours}: {_text(chosen.look.name)}    # unsure: a guess from name and values"
        else:
            yield f"    # {ours}: {_text(chosen.look.name)}    # a guess, not needed"
    if not is_lines:
        return
    if money is None:
        unsure.append("line_item_amount")
        yield "    line_item_amount: TODO    # nothing like it was found: name the column, or SQL"
    else:
        doubt = f"; unsure: {money.doubt}" if money.doubt else ""
        sql = money.sql
        if sign:
            sql = sign.format(sql if sql.startswith('"') else quoted(sql))
            doubt = f"{doubt}; unsure: are these returns?"
        if doubt:
            unsure.append("line_item_amount")
        yield f"    line_item_amount: {_text(sql)}    # {_plain(money.why + doubt)}"
    for ours in sorted(needed - set(matches) - {"line_item_amount", "line_item_id"}):
        if ours in STANDS_FOR:
            yield f"    {ours}: {_text(STANDS_FOR[ours])}    # nothing like it was found"
        elif ours == "transaction_id" and name == ORDER_LINES.name:
            yield "    # without an id of orders, one is what a customer buys on one day"
        else:
            unsure.append(ours)
            yield f"    {ours}: TODO    # nothing like it was found: name the column, or SQL"
    if name == LINES.name and "line_item_id" not in matches:
        made = "concat_ws('-', transaction_id, product_id, quantity, line_item_amount)"
        unsure.append("line_item_id")
        yield f"    line_item_id: {_text(made)}    # unsure: equal lines would count once"


def _sign_of_returns(matches: Mapping[str, Match]) -> str | None:
    """Return SQL that makes a value negative where the order's id begins with a rare letter."""
    order, quantity = matches.get("transaction_id"), matches.get("quantity")
    if not (order and order.look.prefix and quantity) or quantity.look.is_negative:
        return None
    is_return = f"starts_with({quoted(order.look.name)}, '{order.look.prefix}')"
    return f"if({is_return}, -abs({{0}}), {{0}})"


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


def _plain(text: str) -> str:
    return " ".join(text.split())


def _text(value: object) -> str:
    """Return a value as YAML in one line; all JSON is YAML."""
    return json.dumps(value, ensure_ascii=False)
