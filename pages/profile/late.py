"""How late rows come in: days from the sale to the day it was recorded."""

from __future__ import annotations

import duckdb

from pages.profile import plots
from pages.profile.blocks import Finding, Note, Picture, Section, Table, ask_one
from pages.profile.facts import NO_DAY
from pages.profile.wording import count, counted, money, share, words

# class -> (label, condition); a feature of 30 days misses what comes in after them
_CLASSES = (
    ("before the sale", "delay < 0"),
    ("same day", "delay = 0"),
    ("next day", "delay = 1"),
    ("2-7 days", "delay between 2 and 7"),
    ("8-30 days", "delay between 8 and 30"),
    ("31+ days", "delay > 30"),
)
_NO_DAY = tuple(f"header_{rule}" for rule in NO_DAY)
_TABLES = {
    "store_sales_header": "select recorded_date - event_date as delay, lines_amount as amount "
    "from headers where has_day",
    "store_sales_line_items": "select recorded_date - event_date as delay, line_item_amount as "
    "amount from intermediate.int_lines_checked "
    "where is_latest and event_date is not null "
    f"and coalesce(rejected_by, 'kept') not in {_NO_DAY}",
}


def section(connection: duckdb.DuckDBPyConnection) -> Section:
    """Count rows and money by the days that they came in late."""
    page = Section(
        "late",
        "Rows that come in late",
        "What a forecast of yesterday could know is not what the tables say today. A row counts "
        "from the day it was recorded; rows without one are taken as known on their day.",
    )
    tables, bars = [], None
    for table, query in _TABLES.items():
        figures = ask_one(connection, _measures(query))
        total, dated, *classes = figures
        if not total:
            page.missing(f"{words(table).capitalize()} has no row with a readable date.")
            continue
        if not dated:
            page.missing(
                f"{words(table).capitalize()} states no day of recording (recorded_at): rows are "
                "taken as known on the day of the sale, and late ones cannot be told."
            )
            continue
        counts, amounts = classes[::2], classes[1::2]
        if dated < total:
            page.blocks.append(
                Note(
                    f"{counted(total - dated, 'row')} of {words(table)} "
                    f"({share(total - dated, total)}) state no day of recording."
                )
            )
        bars = bars or [100 * rows / dated for rows in counts]
        tables.append(
            Table(
                words(table).capitalize(),
                ("recorded", "rows", "share", "money"),
                [
                    (label, count(rows), share(rows, dated), money(amount))
                    for (label, _), rows, amount in zip(_CLASSES, counts, amounts, strict=True)
                ],
            )
        )
        late = sum(counts[-2:])
        if late:
            page.findings.append(
                Finding(
                    f"{counted(late, 'row')} of {words(table)} ({share(late, dated)}) "
                    "recorded more than a week after the sale.",
                )
            )
        if counts[0]:
            page.findings.append(
                Finding(f"{counted(counts[0], 'row')} of {words(table)} recorded before the sale.")
            )
    if bars:
        page.blocks += [
            Picture(
                "Delay",
                plots.bars(
                    "From the sale to its record",
                    [label for label, _ in _CLASSES],
                    bars,
                    "% of rows",
                ),
                "Nearly all rows should come in on the day or the next. A second hump is a till, "
                "or a shop, that reports by the week or the month.",
            ),
            *tables,
        ]
    return page


def _measures(query: str) -> str:
    classes = ", ".join(
        f"count(*) filter ({condition}), coalesce(sum(amount) filter ({condition}), 0)"
        for _, condition in _CLASSES
    )
    return f"with delays as ({query}) select count(*), count(delay), {classes} from delays"
