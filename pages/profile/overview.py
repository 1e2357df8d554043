"""What a reader must know, in plain words, before all details."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import duckdb

from pages.profile.blocks import Finding, ask_one
from pages.profile.spend import top_spend
from pages.profile.wording import NOTHING, count, counted, day, money, share

WORST = 8


@dataclass(frozen=True)
class Overview:
    """The figures that sum up a shop; money is summed over real sales, duplicates left out.

    `revenue` is purchases, `returned` what came back; `kept_money` is what the cleaning leaves of
    `raw_money`, the sum of all line amounts by absolute value.
    """

    first: dt.date | None
    last: dt.date | None
    orders: int
    revenue: Decimal
    returned: Decimal
    anonymous: Decimal
    customers: int
    one_time: int
    identified: Decimal
    top_customers: int
    top_spend: Decimal
    raw_money: Decimal
    quarantined_money: Decimal


def measure(connection: duckdb.DuckDBPyConnection) -> Overview:
    """Return the overview of the shop whose temporary tables are made."""
    first, last, _ = ask_one(connection, "select * from period")
    orders, revenue, returned, anonymous = ask_one(
        connection,
        """
        select
            count(*) filter (spend > 0),
            coalesce(sum(spend), 0),
            coalesce(sum(returned), 0),
            coalesce(sum(spend) filter (customer_id is null), 0)
        from orders
        """,
    )
    customers, one_time, identified = ask_one(
        connection,
        """
        select count(*), count(*) filter (orders = 1), coalesce(sum(spend), 0)
        from customers
        where orders > 0
        """,
    )
    raw_money, quarantined_money = ask_one(
        connection,
        """
        select
            coalesce(sum(abs(money)), 0),
            coalesce(sum(abs(money)) filter (outcome = 'quarantined'), 0)
        from marts.data_quality
        where table_name = 'store_sales_line_items'
            and outcome in ('kept', 'duplicate', 'quarantined')
        """,
    )
    top_customers, top = top_spend(connection, 10)
    return Overview(
        first=first,
        last=last,
        orders=orders,
        revenue=revenue,
        returned=returned,
        anonymous=anonymous,
        customers=customers,
        one_time=one_time,
        identified=identified,
        top_customers=top_customers,
        top_spend=top,
        raw_money=raw_money,
        quarantined_money=quarantined_money,
    )


def tiles(shop: Overview) -> list[tuple[str, str]]:
    """Return the figures of the head of the page, each with its label."""
    return [
        ("period", f"{day(shop.first)} to {day(shop.last)}" if shop.first else "no sale"),
        ("orders", count(shop.orders)),
        ("customers who bought", count(shop.customers)),
        ("purchases", money(shop.revenue)),
        ("returned", share(shop.returned, shop.revenue)),
        ("per order", money(shop.revenue / shop.orders if shop.orders else None)),
        ("bought only once", share(shop.one_time, shop.customers)),
        (
            "best 10 % make",
            share(shop.top_spend, shop.identified) if shop.top_customers else NOTHING,
        ),
    ]


def sentences(shop: Overview, quarantine_limit: float) -> list[str]:
    """Return the summary, sentence by sentence.

    Parameters
    ----------
    quarantine_limit
        Share of the money in quarantine at which a build stops.
    """
    if shop.first is None or shop.last is None:
        return [
            "There is not one order line with a readable date and amount: look below at what the "
            "cleaning rejected, and at the columns of the tables."
        ]
    days = (shop.last - shop.first).days + 1
    period = (
        f"On {day(shop.first)}, the only day with sales"
        if days == 1
        else f"From {day(shop.first)} to {day(shop.last)}, {counted(days, 'day')}"
    )
    summary = [
        f"{period}, the shop took "
        f"{counted(shop.orders, 'order')} worth {money(shop.revenue)}; "
        f"{money(shop.returned)} came back, which leaves {money(shop.revenue - shop.returned)}."
    ]
    if shop.customers:
        summary.append(
            f"The buyers known by an id are {counted(shop.customers, 'customer')}; "
            f"{share(shop.one_time, shop.customers)} of them bought only once."
        )
    elif shop.orders:
        summary.append("No purchase states a customer, so nothing can be forecast per customer.")
    else:
        summary.append("There are only returns, no purchases.")
    if shop.top_customers:
        summary.append(
            f"The best 10 % ({counted(shop.top_customers, 'customer')}) make "
            f"{share(shop.top_spend, shop.identified)} of the purchases of known customers."
        )
    if shop.anonymous and shop.customers:
        summary.append(
            f"{share(shop.anonymous, shop.revenue)} of the purchases ({money(shop.anonymous)}) "
            "state no customer."
        )
    if shop.raw_money:
        part = float(shop.quarantined_money) / float(shop.raw_money)
        summary.append(f"The cleaning sets {share(part)} of all line money aside.")
        if part > quarantine_limit:
            summary.append(
                f"That is more than the {share(quarantine_limit)} at which a build of the feature "
                "store stops."
            )
    return summary


def worst(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings with most money, then those without money, up to a handful."""
    return sorted(findings, key=lambda finding: -finding.money)[:WORST]
