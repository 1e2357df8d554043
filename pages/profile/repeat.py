"""Whether customers come back: orders each, days between orders, who buys again."""

from __future__ import annotations

from itertools import pairwise

import duckdb

from pages.profile import plots
from pages.profile.blocks import Picture, Section, Table, ask, ask_one
from pages.profile.spend import NO_CUSTOMER
from pages.profile.wording import count, counted, money, share

AGAIN_DAYS = (30, 60, 90)
GAP_EDGES = (0, 7, 14, 30, 60, 90, 180, 365)


def section(connection: duckdb.DuckDBPyConnection) -> Section:
    """Show orders per customer, gaps between orders, and who buys again."""
    page = Section(
        "repeat",
        "Do customers come back?",
        "A shop of one-time buyers and a shop of regulars need different forecasts. Several orders "
        "on one day count as one visit where days between orders are measured.",
    )
    (buyers,) = ask_one(connection, "select count(*) from customers where orders > 0")
    if not buyers:
        return page.missing(NO_CUSTOMER)
    _orders(connection, page, buyers)
    _gaps(connection, page)
    page.blocks.append(_again(connection))
    return page


def _orders(connection: duckdb.DuckDBPyConnection, page: Section, buyers: int) -> None:
    rows = ask(
        connection,
        """
        select
            case
                when orders <= 4 then orders
                when orders <= 9 then 5
                when orders <= 19 then 10
                when orders <= 49 then 20
                else 50
            end as class,
            count(*),
            sum(spend)
        from customers
        where orders > 0
        group by class
        order by class
        """,
    )
    labels = {5: "5-9", 10: "10-19", 20: "20-49", 50: "50+"}
    total = sum(row[2] for row in rows)
    page.blocks += [
        Picture(
            "Orders per customer",
            plots.bars(
                "Orders per customer",
                [labels.get(row[0], str(row[0])) for row in rows],
                [100 * row[1] / buyers for row in rows],
                "% of customers",
                x="orders",
            ),
            "Share of the customers with that many orders in the whole period. Customers who came "
            "late have had little time: the first bar shrinks with a longer history.",
        ),
        Table(
            f"{counted(buyers, 'customer')} with a purchase",
            ("orders", "customers", "share", "purchases", "share of money"),
            [
                (
                    labels.get(kind, str(kind)),
                    count(customers),
                    share(customers, buyers),
                    money(spend),
                    share(spend, total),
                )
                for kind, customers, spend in rows
            ],
        ),
    ]


def _gaps(connection: duckdb.DuckDBPyConnection, page: Section) -> None:
    classes = " ".join(
        f"when gap <= {edge} then {place}" for place, edge in enumerate(GAP_EDGES[1:], 1)
    )
    rows = dict(
        ask(
            connection,
            f"""
            with gaps as (
                select event_date - previous_date as gap
                from visits
                where previous_date is not null
            )
            select case {classes} else {len(GAP_EDGES)} end as class, count(*)
            from gaps
            group by class
            """,
        )
    )
    if not rows:
        page.missing("Nobody has bought on two different days: there are no days between orders.")
        return
    ((middle, high),) = ask_one(
        connection,
        """
        select quantile_disc(event_date - previous_date, [0.5, 0.9])
        from visits
        where previous_date is not null
        """,
    )
    labels = [f"{low + 1}-{high}" for low, high in pairwise(GAP_EDGES)] + [f"over {GAP_EDGES[-1]}"]
    total = sum(rows.values())
    page.blocks.append(
        Picture(
            "Days between orders",
            plots.bars(
                "Days between orders",
                labels,
                [100 * rows.get(place, 0) / total for place in range(1, len(GAP_EDGES) + 1)],
                "% of gaps",
                x="days from one order day to the next",
            ),
            f"Half of the {counted(total, 'gap')} are {counted(middle, 'day')} or shorter, nine in "
            f"ten are {counted(high, 'day')} or shorter. A forecast of 30 days sees most of a shop "
            "whose gaps are short, and little of one whose gaps are long.",
        )
    )


def _again(connection: duckdb.DuckDBPyConnection) -> Table:
    measures = ", ".join(
        f"count(*) filter (first_visit + {days} <= last_date), "
        f"count(*) filter (first_visit + {days} <= last_date"
        f" and second_visit <= first_visit + {days})"
        for days in AGAIN_DAYS
    )
    figures = ask_one(
        connection,
        f"""
        with seconds as (
            select
                customer_id,
                any_value(first_visit) as first_visit,
                min(event_date) filter (previous_date is not null) as second_visit
            from visits
            group by customer_id
        )
        select {measures}
        from seconds
        cross join period
        """,
    )
    return Table(
        "Who buys again?",
        ("after the first order", "customers", "bought again", "share"),
        [
            (
                f"within {days} days",
                count(figures[2 * place]),
                count(figures[2 * place + 1]),
                share(figures[2 * place + 1], figures[2 * place]),
            )
            for place, days in enumerate(AGAIN_DAYS)
        ],
        "On a later day than the first order. Only customers whose window is over before the data "
        "end; who bought before the data begin counts as new here.",
    )
