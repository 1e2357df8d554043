"""When the shop sells: months, weekdays, hours."""

from __future__ import annotations

import duckdb

from pages.profile import plots
from pages.profile.blocks import Note, Picture, Section, ask, ask_one
from pages.profile.days import WEEKDAYS
from pages.profile.wording import counted, money, share


def section(connection: duckdb.DuckDBPyConnection) -> Section:
    """Show sales by month, weekday and hour."""
    page = Section(
        "season",
        "Season",
        "Growth, the months that carry the year, and the rhythm of the week. A forecast needs at "
        "least one full year behind it to know the season, two to tell it from growth.",
    )
    first, last, _ = ask_one(connection, "select * from period")
    if first is None:
        return page.missing("There is no sale with a readable date and amount.")
    _months(connection, page)
    _weekdays(connection, page)
    _hours(connection, page)
    if (last - first).days < 365:
        page.missing(
            f"The data cover {counted((last - first).days + 1, 'day')}, less than a year: a "
            "yearly season cannot be told from growth."
        )
    return page


def _months(connection: duckdb.DuckDBPyConnection, page: Section) -> None:
    rows = ask(
        connection,
        """
        select
            cast(date_trunc('month', event_date) as date) as month,
            sum(spend),
            sum(returned),
            min(event_date) = month and max(event_date) = last_day(month) as is_whole
        from calendar
        group by month
        order by month
        """,
    )
    whole_months = [row for row in rows if row[3]]
    text = (
        "Purchases and, below the line, returns. Months that the data cover only in part are grey."
    )
    if len(whole_months) >= 2:
        best = max(whole_months, key=lambda row: row[1])
        mean = sum(row[1] for row in whole_months) / len(whole_months)
        if mean:
            text += (
                f" The best whole month is {best[0]:%B %Y} with {money(best[1])}, "
                f"{float(best[1]) / float(mean):.1f} times the average."
            )
    page.blocks.append(
        Picture(
            "Money per month",
            plots.months(
                [row[0] for row in rows],
                [float(row[1]) for row in rows],
                [float(row[2]) for row in rows],
                [row[3] for row in rows],
            ),
            text,
        )
    )


def _weekdays(connection: duckdb.DuckDBPyConnection, page: Section) -> None:
    rows = dict(
        ask(
            connection,
            "select isodow(event_date), avg(orders) from calendar group by all",
        )
    )
    means = [float(rows.get(place, 0)) for place in range(1, 8)]
    page.blocks.append(
        Picture(
            "Orders by weekday",
            plots.bars("Orders by weekday", [name[:2] for name in WEEKDAYS], means, "orders a day"),
            "Mean number of orders on such a day, days without a sale counted as 0.",
        )
    )


def _hours(connection: duckdb.DuckDBPyConnection, page: Section) -> None:
    rows = ask(
        connection,
        """
        with timed as (
            select try_cast(transaction_date as timestamp) as moment from raw.store_sales_header
        )
        select hour(moment), count(*), count(*) filter (cast(moment as time) <> time '00:00:00')
        from timed
        where moment is not null
        group by all
        """,
    )
    if not sum(row[2] for row in rows):
        return page.blocks.append(
            Note("The source gives no time of day: every sale is dated midnight.", "missing")
        )
    total = sum(row[1] for row in rows)
    sales = {row[0]: 100 * row[1] / total for row in rows}
    midnight = total - sum(row[2] for row in rows)
    text = "Share of all sales by the hour in which they began."
    if midnight > 0.02 * total:
        text += f" {share(midnight, total)} are dated midnight sharp: most likely without a time."
    page.blocks.append(
        Picture(
            "Sales by hour",
            plots.bars(
                "Sales by hour",
                [str(hour) for hour in range(24)],
                [sales.get(hour, 0.0) for hour in range(24)],
                "% of all sales",
                x="hour of the day",
            ),
            text,
        )
    )
