"""Keys and what they lead to: missing and repeated ids, foreign keys that lead nowhere."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from load.raw_tables import TABLES
from pages.profile.blocks import Finding, Note, Section, Table, ask_one
from pages.profile.wording import count, counted, money, share, value_text, words

_MONEY = {"store_sales_header": "stated_amount", "store_sales_line_items": "line_item_amount"}


@dataclass(frozen=True)
class Link:
    """A column of one table that should be found as the key of another."""

    child: str
    column: str
    parent: str
    orphans: str  # what a child without a parent is
    childless: str  # what a parent without a child is


SALES = ("store_sales_header", "store_sales_line_items")
LINKS = (
    Link(
        "store_sales_header",
        "customer_id",
        "customer_details",
        "sales by a customer who is in no list",
        "customers without a sale",
    ),
    Link(
        "store_sales_line_items",
        "transaction_id",
        "store_sales_header",
        "lines of a sale that does not exist",
        "sales without a line",
    ),
    Link(
        "store_sales_line_items",
        "product_id",
        "products",
        "lines of a product that is in no list",
        "products never sold",
    ),
)


def section(connection: duckdb.DuckDBPyConnection) -> Section:
    """Count missing and repeated keys, orphans, and sales that look alike."""
    page = Section(
        "keys",
        "Keys and duplicates",
        "Every row should have an id of its own, and every id that it refers to should exist. Ids "
        "are compared after blanks, case and leading zeros are put aside.",
    )
    page.blocks += [_keys(connection, page), _links(connection), _look_alikes(connection, page)]
    return page


def _told_apart(table: str) -> str:
    """Return what holds the rows of a table, copies told apart and amounts as they came."""
    if table not in SALES:
        return f"staging.stg_retail__{table}"
    if table == "store_sales_header":
        return "intermediate.int_headers_checked"
    as_it_came = "if(is_amount_imputed, null, line_item_amount) as line_item_amount"
    return f"(select * replace ({as_it_came}) from intermediate.int_lines_checked)"


def _keys(connection: duckdb.DuckDBPyConnection, page: Section) -> Table:
    rows = []
    for table in TABLES:
        staged = _told_apart(table.name)
        # sales and lines without an id have been given one
        is_missing = "is_id_missing" if table.name in SALES else f"{table.key} is null"
        missing, distinct, exact, other, carried, most, example = ask_one(
            connection,
            f"""
            with ids as (
                select
                    {table.key},
                    -- a row that says something new, a correction, contradicts the one before
                    count(*) + sum(duplicate_rows) as rows_of_it,
                    sum(exact_duplicate_rows) as exact,
                    sum(abs(duplicate_money)) as carried
                from {staged}
                where not ({is_missing})
                group by all
            )
            select
                (select count(*) from {staged} where {is_missing}),
                count(*),
                coalesce(sum(exact), 0),
                coalesce(sum(rows_of_it - 1 - exact), 0),
                coalesce(sum(carried), 0),
                coalesce(max(rows_of_it), 1),
                first({table.key} order by rows_of_it desc, {table.key}) filter (rows_of_it > 1)
            from ids
            """,
        )
        repeated = f"{value_text(example)} ({count(most)} times)" if example else ""
        rows.append(
            (
                words(table.name),
                table.key,
                *map(count, (distinct, missing, exact, other)),
                money(carried) if table.name in _MONEY else "",
                repeated,
            )
        )
        if exact + other:
            page.findings.append(
                Finding(
                    f"{counted(exact + other, 'row')} of {words(table.name)} with another's id: "
                    + (
                        f"exact copies {count(exact)}, contradictions {count(other)}."
                        if other
                        else "all exact copies."
                    ),
                    float(carried),
                )
            )
        if missing:
            page.findings.append(
                Finding(f"{counted(missing, 'row')} of {words(table.name)} without an id.")
            )
    return Table(
        "Is the key unique?",
        (
            "table",
            "key",
            "distinct",
            "missing",
            "exact copies",
            "contradictions",
            "money in copies",
            "repeated most",
        ),
        rows,
        "A copy is a row whose id came before; the one known first stays. Contradictions have the "
        "same id but another content.",
        texts=("key", "repeated most"),
    )


def _links(connection: duckdb.DuckDBPyConnection) -> Table:
    keys = {table.name: table.key for table in TABLES}
    rows = []
    for link in LINKS:
        child, parent = _told_apart(link.child), _told_apart(link.parent)
        key, column, amount = keys[link.parent], link.column, _MONEY[link.child]
        total, missing, orphans, distinct, example, carried = ask_one(
            connection,
            f"""
            with judged as (
                select
                    child.{column} as id,
                    child.{amount} as amount,
                    child.{column} is not null and parent.{key} is null as is_orphan
                from {child} as child
                left join {parent} as parent
                    on child.{column} = parent.{key}
            )
            select
                count(*),
                count(*) filter (id is null),
                count(*) filter (is_orphan),
                count(distinct id) filter (is_orphan),
                min(id) filter (is_orphan),
                coalesce(sum(abs(amount)) filter (is_orphan), 0)
            from judged
            """,
        )
        (childless,) = ask_one(
            connection,
            f"select count(*) from {parent} as parent "
            f"anti join {child} as child on parent.{key} = child.{column}",
        )
        rows.append(
            (
                f"{words(link.child)}: {column}",
                count(missing),
                count(orphans),
                share(orphans, total),
                count(distinct),
                money(carried),
                value_text(example) if example else "",
                f"{link.childless}: {count(childless)}",
            )
        )
    return Table(
        "Do foreign keys lead somewhere?",
        (
            "column",
            "missing",
            "lead nowhere",
            "share",
            "distinct ids",
            "money",
            "for example",
            "the other way round",
        ),
        rows,
        "Rows that lead nowhere can be credited to nobody; the other way round they are things "
        "that nothing refers to, which is often normal.",
        texts=("for example", "the other way round"),
    )


def _look_alikes(connection: duckdb.DuckDBPyConnection, page: Section) -> Note:
    """Name sales that are equal in all but their id: a file loaded twice under new numbers."""
    extra, carried = ask_one(
        connection,
        """
        with alike as (
            select count(*) - 1 as extra, abs(lines_amount) as amount
            from headers
            where customer_id is not null and event_date is not null
                -- a sale of one line has a double by chance
                and lines_amount > 0 and lines > 1
            group by customer_id, event_date, lines_amount, lines
            having count(*) > 1
        )
        select coalesce(sum(extra), 0), coalesce(sum(extra * amount), 0)
        from alike
        """,
    )
    if not extra:
        return Note(
            "No two sales with different ids agree in customer, day, number of lines and money. "
            "(Only sales of several lines, by customers with an id, are compared.)"
        )
    text = (
        f"{counted(extra, 'sale')} with the customer, day, number of lines and money of another, "
        "but an id of its own: look whether a file came twice under new numbers."
    )
    page.findings.append(Finding(text, float(carried)))
    return Note(text)
