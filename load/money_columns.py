"""Which column of order lines is money, told by arithmetic: names alone put a discount there.

A price times a quantity makes the amount of a line; the amounts of an order's lines make its total;
the money of a line grows with its quantity, a price does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from core.sql import quoted
from load.look_at_columns import Look
from load.match_columns import Match, is_other_money
from load.near_names import plain
from load.staging import scalar

_HOLDS = 0.95
_MINIMUM = 5


@dataclass(frozen=True)
class Money:
    """What a line's money is read from, as a mapping says it, and why; no doubt: it was checked."""

    sql: str
    why: str
    doubt: str | None = None
    columns: tuple[str, ...] = ()


def line_money(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    looks: Sequence[Look],
    matches: Mapping[str, Match],
) -> Money | None:
    """Return what a line's money is read from; None where no column may be it."""
    taken = {
        match.look.name
        for ours, match in matches.items()
        if ours not in ("line_item_amount", "unit_price", "total_amount")
    }
    money = [look for look in looks if look.is_number and look.name not in taken]
    goods = [look for look in money if not is_other_money(look)]
    order = matches.get("transaction_id")
    quantity = matches["quantity"].look if "quantity" in matches else None
    named = matches.get("line_item_amount")
    price = matches.get("unit_price")
    facts = _Facts(connection, table)
    lines_per_order = facts.lines_per_order(order.look) if order else 1.0
    if order and lines_per_order == 1.0:
        return _of_whole_orders(goods, matches)
    if quantity:
        products = [
            (first, second)
            for first in goods
            for second in goods
            if first is not second and facts.is_product(quantity, first, second)
        ]
        amounts = list({second.name: second for _, second in products}.values())
        if net := _net(facts, [*amounts, *_products(quantity, goods)], money):
            return net
        if amounts:
            amount = named.look if named and named.look in amounts else amounts[0]
            of = next(first for first, second in products if second.name == amount.name)
            return Money(
                amount.name,
                f"{of.name} x {quantity.name} in nearly every row",
                _discounts_left(money),
                (amount.name, of.name),
            )
    totals: list[Look] = []
    if order:
        totals = [look for look in goods if facts.is_total(order.look, look)]
        for total in totals:
            others = [other for other in goods if other is not total]
            parts = [part for part in others if facts.adds_up(order.look, part, total)]
            if parts:
                return Money(
                    parts[0].name, f"adds up to {total.name} in nearly every order", None,
                    (parts[0].name, total.name),
                )  # fmt: skip
    lines = [look for look in goods if look not in totals]
    if named and named.look in totals:
        why = "by its name"
        doubt = "it is the same in all rows of an order: a total, that would count in each?"
        return Money(named.look.name, why, doubt, (named.look.name,))
    return _by_growth(facts, lines, matches, quantity, named, price, money)


def _of_whole_orders(goods: Sequence[Look], matches: Mapping[str, Match]) -> Money | None:
    """Return the money of a file with one row per order: its total."""
    named = matches.get("total_amount") or matches.get("line_item_amount")
    if named is None or is_other_money(named.look):
        return None
    others = [look.name for look in goods if look.name != named.look.name]
    doubt = None if named.is_sure and not others else f"or is it {', '.join(others)}?"
    if not named.is_sure and not others:
        doubt = "a guess from its name"
    return Money(
        named.look.name, "one row per order, and this is its total", doubt, (named.look.name,)
    )


def _products(quantity: Look, prices: Sequence[Look]) -> list[Look]:
    """Return what each price times the quantity would be, as if it were a column of the file."""
    return [
        Look(f"{price.name} x {quantity.name}", number=f"({quantity.number} * {price.number})")
        for price in prices
    ]


def _net(facts: _Facts, amounts: Sequence[Look], money: Sequence[Look]) -> Money | None:
    """Return the net amount where gross less a discount makes it."""
    discounts = [
        look for look in money if "disc" in plain(look.name) or "rabatt" in plain(look.name)
    ]
    for gross in amounts:
        for discount in discounts:
            for net in money:
                if net.name in (gross.name, discount.name):
                    continue
                if facts.is_net(gross, discount, net):
                    why = f"{gross.name} less {discount.name} in nearly every row"
                    used = {net.name, *gross.name.split(" x "), discount.name}
                    return Money(net.name, why, None, tuple(used))
    return None


def _discounts_left(money: Sequence[Look]) -> str | None:
    left = [look.name for look in money if is_other_money(look) and look.is_used]
    return f"{', '.join(left)} not used: is it off, or in, the money?" if left else None


def _by_growth(
    facts: _Facts,
    lines: Sequence[Look],
    matches: Mapping[str, Match],
    quantity: Look | None,
    named: Match | None,
    price: Match | None,
    money: Sequence[Look],
) -> Money | None:
    """Return the money of lines of which there is one column, or names to go by."""
    candidate = named or price
    if candidate is None or candidate.look not in lines:
        rest = [line for line in lines if not line.is_whole]
        if not rest:
            return None
        return Money(
            rest[0].name, "the only money left", "a guess from its values", (rest[0].name,)
        )
    look = candidate.look
    doubt = _discounts_left(money) or (None if candidate.is_sure else "a guess from its name")
    if quantity is None or not facts.varies(quantity):
        return Money(look.name, "by its name; every quantity is 1", doubt, (look.name,))
    product = matches["product_id"].look if "product_id" in matches else None
    grows = facts.grows(quantity, look, product) if product else None
    if grows is None:
        is_price = candidate is price
        sql = f"{quoted(quantity.name)} * {quoted(look.name)}" if is_price else look.name
        return Money(sql, "by its name", "no value tells a price from a line's total", (look.name,))
    if grows:
        odd = "it is named like a price" if candidate is price else doubt
        return Money(look.name, "grows with the quantity", odd, (look.name,))
    odd = "it is named like a line's total" if candidate is named and not price else doubt
    return Money(
        f"{quoted(quantity.name)} * {quoted(look.name)}", "the same whatever the quantity: a price",
        odd, (look.name,),
    )  # fmt: skip


class _Facts:
    """What holds of the numbers of a sample."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        self.connection = connection
        self.table = table

    def _number(self, fact: str) -> float:
        number: float = scalar(self.connection, f"select {fact} from {self.table}")
        return number

    def _is(self, fact: str) -> bool:
        holds: bool = scalar(self.connection, f"select {fact} from {self.table}")
        return holds

    def _holds(self, condition: str, where: str, source: str | None = None) -> bool:
        """Return whether a condition holds in nearly all rows to which it applies."""
        applies, holds = self.connection.execute(
            f"select count_if({where}), count_if({where} and {condition}) "
            f"from {source or self.table}"
        ).fetchall()[0]
        return bool(applies >= _MINIMUM and holds >= _HOLDS * applies)

    def lines_per_order(self, order: Look) -> float:
        name = quoted(order.name)
        return self._number(f"count({name}) / greatest(count(distinct {name}), 1)")

    def varies(self, quantity: Look) -> bool:
        return self._is(f"count(distinct abs({quantity.number})) > 1")

    def is_product(self, quantity: Look, price: Look, amount: Look) -> bool:
        product = f"abs({quantity.number} * {price.number})"
        # half a unit of the last decimal of a price, times the pieces, may be rounded away
        close = (
            f"abs({product} - abs({amount.number})) <= 0.011 + 0.005 * abs({quantity.number}) * 0.1"
        )
        return self._holds(close, f"abs({quantity.number}) not in (0, 1) and {amount.number} <> 0")

    def is_net(self, gross: Look, discount: Look, net: Look) -> bool:
        less = f"abs({gross.number}) - abs({discount.number})"
        share = f"abs({gross.number}) * (1 - abs({discount.number}))"
        close = " or ".join(
            f"abs({expected} - abs({net.number})) <= 0.011" for expected in (less, share)
        )
        some = self._is(f"count_if({discount.number} <> 0) > 0")
        return some and self._holds(f"({close})", f"{gross.number} <> 0")

    def is_total(self, order: Look, total: Look) -> bool:
        """Return whether a column has one value in each order, or one on its first row alone."""
        by_order = (
            f"(select count(*) as rows, count(distinct {total.number}) as values from {self.table} "
            f"where {quoted(order.name)} is not null group by {quoted(order.name)})"
        )
        several = self._is(f"count(distinct {total.number}) > 1")
        return several and self._holds("values = 1", "rows > 1", by_order)

    def adds_up(self, order: Look, part: Look, total: Look) -> bool:
        name = quoted(order.name)
        by_order = (
            f"(select count(*) as rows, sum({part.number}) as parts, max({total.number}) as total "
            f"from {self.table} where {name} is not null group by {name})"
        )
        return self._holds("abs(parts - total) <= 0.011", "rows > 1", by_order)

    def grows(self, quantity: Look, money: Look, product: Look) -> bool | None:
        """Return whether money grows with the quantity of a product; None: nothing tells."""
        constant, growing = self.connection.execute(
            f"""
            select
                count_if(spread_of_money <= 0.001),
                count_if(spread_of_price <= 0.02)
            from (
                select
                    (max(abs(money)) - min(abs(money))) / max(abs(money)) as spread_of_money,
                    (max(abs(money / pieces)) - min(abs(money / pieces)))
                        / max(abs(money / pieces)) as spread_of_price,
                from (
                    select
                        {quoted(product.name)} as product,
                        {quantity.number} as pieces,
                        {money.number} as money,
                    from {self.table}
                )
                where pieces <> 0 and money <> 0 and product is not null
                group by product
                having max(abs(pieces)) > min(abs(pieces))
            )
            """
        ).fetchall()[0]
        if max(constant, growing) == 0 or min(constant, growing) > 0.2 * max(constant, growing):
            return None
        return bool(growing > constant)
