"""What comes back, in all and by category."""

from __future__ import annotations

import duckdb

from pages.profile.blocks import Note, Section, Table, ask, ask_one
from pages.profile.facts import REAL_SALES
from pages.profile.wording import count, money, share, value_text


def section(connection: duckdb.DuckDBPyConnection) -> Section:
    """Show what comes back, in all and by category."""
    page = Section(
        "returns",
        "Returns",
        "Returns are lines with a negative amount. A forecast of net spend must subtract them; a "
        "category that comes back often says something about the goods, or about the bookings.",
    )
    transactions, pure, spend, returned = ask_one(
        connection,
        """
        select
            count(*) filter (returned > 0),
            count(*) filter (returned > 0 and spend = 0),
            coalesce(sum(spend), 0),
            coalesce(sum(returned), 0)
        from orders
        """,
    )
    if not transactions:
        return page.missing("No return is recorded: no line has a negative amount.")
    page.blocks.append(
        Note(
            f"{count(transactions)} sales hold a return, {count(pure)} of them nothing else. "
            f"{money(returned)} came back against {money(spend)} of purchases"
            f"{f' ({share(returned, spend)})' if spend else ''}."
        )
    )
    page.blocks += _by_category(connection)
    return page


def _by_category(connection: duckdb.DuckDBPyConnection) -> list[Table]:
    rows = ask(
        connection,
        f"""
        select
            coalesce(product_category, 'not in the product list') as category,
            count(*),
            coalesce(sum(line_item_amount) filter (line_item_amount > 0), 0) as spend,
            coalesce(-sum(line_item_amount) filter (line_item_amount < 0), 0) as returned
        from intermediate.int_lines_checked
        where coalesce(rejected_by, 'kept') in {REAL_SALES} and event_date is not null
            and is_latest
        group by category
        order by returned desc, category
        """,
    )
    shown = rows[:10]
    return [
        Table(
            f"Categories with most returns ({len(shown)} of {count(len(rows))})",
            ("category", "lines", "purchases", "returns", "returned share"),
            [
                (
                    value_text(category),
                    count(lines),
                    money(spend),
                    money(returned),
                    share(returned, spend),
                )
                for category, lines, spend, returned in shown
            ],
        )
    ]
