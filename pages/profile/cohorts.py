"""The fate of cohorts: which share of those who came together still buys, period by period."""

from __future__ import annotations

import datetime as dt

import duckdb
from matplotlib import colormaps
from matplotlib.colors import to_hex

from pages.profile.blocks import Section, Table, ask, ask_one
from pages.profile.spend import NO_CUSTOMER
from pages.profile.wording import count, day

# by month while they fit on a page, else by quarter, else by year
MOST_COHORTS = 24


def section(connection: duckdb.DuckDBPyConnection) -> Section:
    """Show for each cohort of first buyers the share that buys in each later month."""
    page = Section(
        "cohorts",
        "Cohorts",
        "Each line holds the customers whose first order fell into one period; the columns say "
        "which share of them bought in the 1st, 2nd, ... period after it. Read down a column to "
        "see whether newer customers are worse or better, along a line to see how fast they leave.",
    )
    first, last, _ = ask_one(connection, "select * from period")
    (buyers,) = ask_one(connection, "select count(*) from visits")
    if not buyers:
        return page.missing(NO_CUSTOMER)
    unit = next(
        (
            unit
            for unit, length in (("month", 30.44), ("quarter", 91.3))
            if (last - first).days / length <= MOST_COHORTS
        ),
        "year",
    )
    rows = ask(
        connection,
        f"""
        with active as (
            select distinct
                customer_id,
                cast(date_trunc('{unit}', first_visit) as date) as cohort,
                datediff('{unit}', first_visit, event_date) as age
            from visits
            cross join period
            where visits.event_date between period.first_date and period.last_date
                and visits.first_visit between period.first_date and period.last_date
        )
        select cohort, age, count(*) as customers
        from active
        group by cohort, age
        order by cohort, age
        """,
    )
    full_periods = dict(
        ask(
            connection,
            f"""
            select
                cohort,
                datediff('{unit}', cohort, cast(last_date + 1 as date)) - 1
            from (select distinct cast(date_trunc('{unit}', event_date) as date) as cohort
                from calendar)
            cross join period
            """,
        )
    )
    page.blocks.append(_heat_map(unit, rows, full_periods))
    return page


def _heat_map(unit: str, rows: list[tuple], full_periods: dict) -> Table:
    by_cohort: dict = {}
    for cohort, age, customers in rows:
        by_cohort.setdefault(cohort, {})[age] = customers
    ages = range(1, max((max(full_periods[cohort], 0) for cohort in by_cohort), default=0) + 1)
    cells, shades = [], []
    strongest = max(
        (kept[age] / kept[0] for kept in by_cohort.values() for age in kept if age > 0), default=1
    )
    for cohort, kept in by_cohort.items():
        size = kept.get(0, 0)
        line, colours = [_name(cohort, unit), count(size)], ["", ""]
        for age in ages:
            over = age <= full_periods[cohort] and size
            part = kept.get(age, 0) / size if over else None
            line.append("" if part is None else f"{100 * part:.0f}")
            colours.append("" if part is None else _shade(part / strongest))
        cells.append(line)
        shades.append(colours)
    return Table(
        f"Share of a cohort that buys in a later {unit}, in %",
        ("first order", "customers", *(str(age) for age in ages)),
        cells,
        f"Only {unit}s that are over are shown. The first lines also hold customers who bought "
        "before the data begin, so they look more faithful than the rest.",
        shades=shades,
    )


def _shade(part: float) -> str:
    # up to the middle of the scale, so that dark text stays readable on it
    return to_hex(colormaps["Blues"](0.02 + 0.5 * min(part, 1.0)))


def _name(cohort: dt.date, unit: str) -> str:
    if unit == "quarter":
        return f"{cohort:%Y} Q{(cohort.month - 1) // 3 + 1}"
    return day(cohort)[: 7 if unit == "month" else 4]
