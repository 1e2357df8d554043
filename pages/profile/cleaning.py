"""What the cleaning costs: each rule in rows and money, and a row that each rule rejected."""

from __future__ import annotations

import json

import duckdb

from pages.profile.blocks import Finding, Section, Table, ask
from pages.profile.columns import shown_columns
from pages.profile.wording import count, counted, money, share, value_text, words

# what staging adds to a row and a reader can do without
_DERIVED = ("event_date", "recorded_date", "stated_amount", "registered_date", "product_category")
LINES = "store_sales_line_items"
WITH_MONEY = ("store_sales_header", LINES)


def section(connection: duckdb.DuckDBPyConnection) -> Section:
    """Show marts.data_quality and examples from marts.quarantine."""
    page = Section(
        "cleaning",
        "What the cleaning costs",
        "Every rule with the rows and the money it touches. Quarantined rows are kept aside and do "
        "not count; duplicates are dropped; repaired rows count, with the money that changed. "
        "Start with the rule that costs most: it is either the source's fault or the rule's. "
        "Shares are of what came in.",
    )
    rows = ask(
        connection,
        """
        select table_name, outcome, rule, rows, money, share, money_share
        from marts.data_quality
        order by
            table_name,
            array_position(['kept', 'quarantined', 'duplicate', 'repaired'], outcome),
            abs(money) desc,
            rows desc,
            rule
        """,
    )
    if not rows:
        return page.missing("All raw tables are empty: there is nothing to clean.")
    examples = _examples(connection)
    for table in dict.fromkeys(row[0] for row in rows):
        page.blocks.append(_rules(table, [row[1:] for row in rows if row[0] == table]))
        if table in examples:
            page.blocks.append(examples[table])
    for table, outcome, rule, touched, amount, part, _ in rows:
        # the money of a header is the money of its lines: it is named once
        if table == LINES and outcome in ("quarantined", "repaired") and amount:
            page.findings.append(
                Finding(
                    f"Rule {words(rule)}: {counted(touched, 'line')} ({share(part)}) {outcome}.",
                    abs(float(amount)),
                )
            )
    return page


def _rules(table: str, rows: list[tuple]) -> Table:
    with_money = table in WITH_MONEY
    columns = ("rule", "what happens", "rows", "share", "money", "share of money")
    return Table(
        words(table).capitalize(),
        columns if with_money else columns[:4],
        [
            (
                words(rule),
                outcome,
                count(touched),
                share(part),
                *((money(amount), share(money_part)) if with_money else ()),
            )
            for outcome, rule, touched, amount, part, money_part in rows
        ],
        "A line of a rejected header is rejected with it, under the rule header ...: one fault "
        "shows once in the headers and once in the lines."
        if table == LINES
        else "",
        texts=("what happens",),
    )


def _examples(connection: duckdb.DuckDBPyConnection) -> dict[str, Table]:
    rows = ask(
        connection,
        """
        select table_name, rule, min_by(row_as_staged, row_key)
        from marts.quarantine
        group by all
        order by all
        """,
    )
    shown = shown_columns()
    return {
        table: Table(
            f"{words(table).capitalize()}: a row of each rule that quarantines",
            ("rule", "row"),
            [(words(rule), _row_text(row, shown[table])) for of, rule, row in rows if of == table],
            "After typing; values that could not be read are left out. All such rows: "
            "select * from marts.quarantine.",
            texts=("row",),
            long="row",
        )
        for table in {row[0] for row in rows}
    }


def _row_text(row_as_staged: str, shown: set[str]) -> str:
    return ", ".join(
        f"{words(name)} {value_text(value)}"
        for name, value in json.loads(row_as_staged).items()
        if (name in shown or name in _DERIVED) and value is not None
    )
