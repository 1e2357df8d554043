"""Days that are missing, half empty, too full or doubled, against the shop's own weekly pattern."""

from __future__ import annotations

import datetime as dt

import duckdb

from pages.profile import plots
from pages.profile.blocks import Finding, Note, Picture, Section, Table, ask, ask_one
from pages.profile.weekly_pattern import judge_days
from pages.profile.wording import count, counted, day, money

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# a gap is named when at least this many orders should have come in it: chance makes that one
# in a thousand; a gap of four weeks is named in any shop
EXPECTED_ORDERS, LONG_GAP = 7, 28
LISTED = 12


def section(connection: duckdb.DuckDBPyConnection) -> Section:
    """Name the days on which sales are missing, or are there only in part or twice."""
    page = Section(
        "days",
        "Days: gaps and half-loaded days",
        "A file that never arrived, or arrived in part, shows here and nowhere else. Each day is "
        "held against the same weekday in the four weeks before and after.",
    )
    first, last, stray = ask_one(connection, "select * from period")
    if first is None:
        return page.missing("There is no sale with a readable date and amount.")
    judge_days(connection)
    if stray:
        text = (
            f"{counted(stray, 'order')} dated far outside {day(first)} to {day(last)}, the period "
            "of all others: most likely wrong dates. Days, months and cohorts leave them out."
        )
        page.blocks.append(Note(text))
        page.findings.append(Finding(text))
    _closed(connection, page)
    _picture(connection, page)
    _gaps(connection, page)
    _odd_days(connection, page)
    return page


def _closed(connection: duckdb.DuckDBPyConnection, page: Section) -> None:
    closed = ask(
        connection, "select distinct weekday from judged_days where is_closed order by weekday"
    )
    days, open_days, sold = ask_one(
        connection,
        "select count(*), count(*) filter (not is_closed), count(*) filter (headers > 0) "
        "from judged_days",
    )
    text = f"The period has {counted(days, 'day')}, {count(sold)} of them with a sale."
    if closed and len(closed) < len(WEEKDAYS):
        names = " and ".join(f"{WEEKDAYS[weekday - 1]}s" for (weekday,) in closed)
        text += f" The shop is closed on {names}, which leaves {counted(open_days, 'open day')}."
    page.blocks.append(Note(text))


def _picture(connection: duckdb.DuckDBPyConnection, page: Section) -> None:
    rows = ask(connection, "select event_date, headers, odd from judged_days order by event_date")
    if len(rows) < 14:
        return
    page.blocks.append(
        Picture(
            "Sales per day",
            plots.days(
                [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]
            ),
            "Each dot is a day, the line the mean of seven days. Orange dots fall out of the "
            "weekly pattern. Dots at the foot are days without a sale; a step is a change in what "
            "is recorded rather than in what is sold.",
        )
    )


def _gaps(connection: duckdb.DuckDBPyConnection, page: Section) -> None:
    gaps = ask(
        connection,
        """
        with open_days as (
            select *, row_number() over (order by event_date) as place
            from judged_days
            where not is_closed
        ),
        empty as (
            select *, place - row_number() over (order by event_date) as island
            from open_days
            where headers = 0
        )
        select
            min(event_date),
            max(event_date),
            count(*) as days,
            coalesce(sum(usual), 0) as expected,
            coalesce(sum(usual_spend), 0)
        from empty
        group by island
        order by expected desc, days desc, 1
        """,
    )
    if not gaps:
        page.blocks.append(Note("There is no day without a sale on which the shop is open."))
        return
    named = [gap for gap in gaps if gap[3] >= EXPECTED_ORDERS or gap[2] >= LONG_GAP]
    chance = sum(gap[2] for gap in gaps) - sum(gap[2] for gap in named)
    if chance:
        page.blocks.append(
            Note(
                f"{counted(chance, 'open day')} without a sale are no surprise: with so few sales "
                "a day, chance alone makes such days."
            )
        )
    if not named:
        return
    page.blocks.append(
        Table(
            f"{counted(len(named), 'gap')} that chance does not explain",
            ("from", "to", "open days", "sales expected", "money expected"),
            [_gap_cells(gap) for gap in named[:LISTED]],
            _rest(len(named)) + "Look whether the shop was closed (holidays) or a file is missing.",
            texts=("to",),
        )
    )
    open_days = sum(gap[2] for gap in named)
    page.findings.append(
        Finding(
            f"{counted(open_days, 'open day')} without any sale in {counted(len(named), 'gap')} "
            f"that chance does not explain, the largest from {day(named[0][0])} to "
            f"{day(named[0][1])}.",
            float(sum(gap[4] for gap in named)),
        )
    )


def _gap_cells(gap: tuple[dt.date, dt.date, int, float, float]) -> tuple[str, ...]:
    first, last, days, expected, spend = gap
    return day(first), day(last), count(days), count(expected), money(spend)


def _odd_days(connection: duckdb.DuckDBPyConnection, page: Section) -> None:
    rows = ask(
        connection,
        """
        select
            event_date, odd, headers, usual, lines, usual_lines, copies, spend, usual_spend
        from judged_days
        where odd is not null
        order by abs(spend - usual_spend) desc, event_date
        """,
    )
    if not rows:
        page.blocks.append(Note("No day with sales falls out of the weekly pattern."))
        return
    page.blocks.append(
        Table(
            f"{counted(len(rows), 'day')} out of the weekly pattern",
            ("day", "what", "sales", "usual", "lines", "usual", "copies", "money", "usual"),
            [
                (
                    f"{day(row[0])} {row[0]:%a}",
                    row[1],
                    *(count(figure) for figure in row[2:7]),
                    *(money(figure) for figure in row[7:9]),
                )
                for row in rows[:LISTED]
            ],
            _rest(len(rows))
            + "Few sales, or few lines per sale: a half-loaded day, a holiday or a "
            "strike. Came twice: half of the day's rows or more are copies. Many sales: a "
            "promotion, or a file loaded under new ids.",
            texts=("what",),
        )
    )
    _name_odd_days(page, rows)


def _name_odd_days(page: Section, rows: list[tuple]) -> None:
    # (kind, the words for it, which figure tells, which figure is usual)
    for kind, sentence, told, usual in (
        ("few sales", "far fewer sales than usual", 2, 3),
        ("few lines per sale", "far fewer lines per sale than usual", 4, 5),
        ("came twice", "rows that came twice", 6, 2),
    ):
        odd_days = [row for row in rows if row[1] == kind]
        if not odd_days:
            continue
        lost = [max(float(row[8] or 0) - float(row[7]), 0) for row in odd_days]
        worst = min(odd_days, key=lambda row: row[told] / max(row[usual], 1))
        what = "copies beside" if kind == "came twice" else "instead of"
        page.findings.append(
            Finding(
                f"{counted(len(odd_days), 'day')} with {sentence}, such as {day(worst[0])}: "
                f"{count(worst[told])} {what} {count(worst[usual])}.",
                0.0 if kind == "came twice" else sum(lost),
            )
        )


def _rest(total: int) -> str:
    return (
        f"The {LISTED} largest; {total - LISTED:,} more are not listed. " if total > LISTED else ""
    )
