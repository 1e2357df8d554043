"""What the headers state against what their lines add up to."""

from __future__ import annotations

import duckdb

from pages.profile.blocks import Finding, Section, Table, ask, ask_one
from pages.profile.wording import count, counted, money, share

_CLASSES = (
    "no stated total",
    "no lines",
    "equal",
    "differ by less than 1 %",
    "differ by 1 to 10 %",
    "differ by 10 to 50 %",
    "differ by more",
)


def section(connection: duckdb.DuckDBPyConnection) -> Section:
    """Compare the stated total of each sale with the sum of its lines."""
    page = Section(
        "totals",
        "Header totals against line sums",
        "A sale's total should be the sum of its lines. Where they differ, look for one ratio that "
        "comes back again and again: tax, a discount, another currency, cents read as whole money.",
    )
    rows = ask(
        connection,
        """
        with compared as (
            select
                lines,
                stated_amount as stated,
                lines_amount as summed,
                abs(stated_amount - lines_amount) / nullif(abs(lines_amount), 0) as part
            from headers
        )
        select
            case
                when stated is null then 0
                when summed is null then 1
                when stated = summed then 2
                when part < 0.01 then 3
                when part < 0.1 then 4
                when part < 0.5 then 5
                else 6
            end as class,
            count(*),
            sum(stated),
            sum(summed),
            sum(abs(stated - summed)),
            sum(lines)
        from compared
        group by class
        order by class
        """,
    )
    total = sum(row[1] for row in rows)
    if not total:
        return page.missing("There are no headers.")
    if all(row[0] == 0 for row in rows):
        return page.missing(
            "No header states a total: an order is worth the sum of its lines, and nothing can be "
            "compared."
        )
    page.blocks.append(
        Table(
            f"{counted(total, 'header')}, duplicates left out",
            ("stated total and lines", "headers", "share", "stated", "lines sum to", "difference"),
            [
                (
                    _CLASSES[kind],
                    count(headers),
                    share(headers, total),
                    money(stated),
                    money(summed),
                    money(difference),
                )
                for kind, headers, stated, summed, difference, _ in rows
            ],
            "The difference is the sum of the absolute differences, so that too much and too "
            "little do not cancel out.",
        )
    )
    for kind, headers, stated, _, _, _ in rows:
        if kind == 1:
            page.findings.append(
                Finding(f"{counted(headers, 'sale')} without lines.", abs(float(stated or 0)))
            )
    _differing(connection, page, total)
    return page


def _differing(connection: duckdb.DuckDBPyConnection, page: Section, total: int) -> None:
    differing, difference, without_lines = ask_one(
        connection,
        """
        select
            count(*) filter (stated_amount <> lines_amount),
            coalesce(sum(abs(stated_amount - lines_amount)), 0),
            count(*) filter (lines > 0 and lines_amount is null)
        from headers
        """,
    )
    if without_lines:
        page.findings.append(
            Finding(f"{counted(without_lines, 'sale')} with lines, but none with an amount.")
        )
    if not differing:
        return
    page.findings.append(
        Finding(
            f"{counted(differing, 'header')} ({share(differing, total)}) with another total than "
            "the lines add up to.",
            float(difference),
        )
    )
    ratios = ask(
        connection,
        """
        select
            round(stated_amount / lines_amount, 2) as ratio,
            count(*) as headers,
            sum(abs(stated_amount - lines_amount))
        from headers
        where stated_amount <> lines_amount and lines_amount <> 0
        group by ratio
        order by headers desc, ratio
        limit 6
        """,
    )
    if not ratios:
        return
    page.blocks.append(
        Table(
            "Where they differ: the ratios that come back most often",
            ("stated / lines", "headers", "share of those that differ", "difference"),
            [
                (f"{ratio:,.2f}", count(headers), share(headers, differing), money(gap))
                for ratio, headers, gap in ratios
            ],
            "A single ratio with a large share has one cause. Many ratios with few headers each "
            "are single mistakes, such as lines that were lost.",
        )
    )
