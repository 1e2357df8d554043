"""What goes from the tables: the rows of the people, and what rows of others say of them."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

import warehouse
from core.ids import canonical
from core.sql import literal
from load.raw_tables import TABLES
from operate.erasing.people import Column, People, personal_columns
from operate.erasing.search import text_columns

# what dbt builds anew from the others
BUILT = ("staging", "intermediate", "features", "marts", "builds")
ORDER = "transaction_id"
PUBLISHED = "published_forecasts"
CORE = {("raw", table.name) for table in TABLES}


def remove(
    connection: duckdb.DuckDBPyConnection, people: People, columns: Sequence[Column]
) -> tuple[People, dict[str, int]]:
    """Remove people from all tables, in one transaction.

    A published forecast stays without the person. Where a row of somebody else, or of nobody,
    says a word of theirs, the word goes; in a table without customers the row goes.

    Parameters
    ----------
    columns
        Those that hold ids of customers.

    Returns
    -------
    People
        With the words only that nobody else has, and that can be looked for afterwards.
    dict
        Rows removed or changed, by table; those of tables that dbt builds are not counted.
    """
    counts: dict[str, int] = {}
    with warehouse.transaction(connection):
        orders = _orders(connection, people, columns)
        for column in columns:
            where = people.is_meant_by(column.sql)
            if (column.schema, column.table) == ("main", PUBLISHED):
                sql = f"update main.{PUBLISHED} set customer_id = 'erased-' || uuid() where {where}"
            else:
                sql = f"delete from {column.relation} where {where}"
            _count(counts, column, _changed(connection, sql))
        for column in orders:
            sql = (
                f"delete from {column.relation} where {canonical(column.sql)} in"
                " (from orders_of_erased)"
            )
            _count(counts, column, _changed(connection, sql))
        connection.execute("drop table if exists orders_of_erased")
        alone = people.without(_said_of_others(connection, people))
        customers = {(each.schema, each.table): each for each in columns}
        for column in text_columns(connection):
            if column.schema not in BUILT:
                key = (column.schema, column.table)
                changed = _scrub(connection, alone, column, customers.get(key))
                _count(counts, column, changed)
    return alone, {table: rows for table, rows in sorted(counts.items()) if rows}


def _orders(
    connection: duckdb.DuckDBPyConnection, people: People, columns: Sequence[Column]
) -> list[Column]:
    """Note the orders that are theirs alone; return the raw columns that refer to orders."""
    referring = [
        Column(*row)
        for row in connection.execute(
            "select schema_name, table_name, column_name from duckdb_columns()"
            " where database_name = current_database() and column_name = ?"
            f" and schema_name not in ({', '.join(map(literal, BUILT))}, 'main') order by all",
            [ORDER],
        ).fetchall()
    ]
    owned = [
        (each, of)
        for each in referring
        for of in columns
        if (each.schema, each.table) == (of.schema, of.table)
    ]
    if not owned:
        return []
    rows = " union all ".join(
        f"select {canonical(each.sql)} as order_id, {people.is_meant_by(of.sql)} as is_theirs"
        f" from {each.relation}"
        for each, of in owned
    )
    connection.execute(
        f"create or replace temp table orders_of_erased as select order_id from ({rows})"
        " where order_id is not null group by all having bool_and(is_theirs)"
    )
    having_owner = {id(each) for each, _ in owned}
    return [each for each in referring if id(each) not in having_owner]


def _said_of_others(connection: duckdb.DuckDBPyConnection, people: People) -> list[str]:
    """Return texts with words of theirs that are those of other customers, or of the shop."""
    said: list[str] = []
    for column in text_columns(connection):
        key = (column.schema, column.table)
        if key not in CORE:
            continue
        of_nobody = "false"
        if column.name in personal_columns().get(key, ()):
            of_nobody = f"({canonical('customer_id')}) is null"
        rows = connection.execute(
            f"select distinct cast({column.sql} as varchar) from {column.relation}"
            f" where regexp_matches(cast({column.sql} as varchar), ?) and not ({of_nobody})",
            [people.pattern()],
        ).fetchall()
        said += [text for (text,) in rows]
    return said


def _scrub(
    connection: duckdb.DuckDBPyConnection, people: People, column: Column, customer: Column | None
) -> int:
    """Take from a column what is said of them; return the number of rows changed or removed."""
    name = column.sql
    pattern = literal(people.pattern(all_ids=column.name == "message"))
    meant = f"regexp_matches(cast({name} as varchar), {pattern})"
    if column.schema == "main":
        said = rf"regexp_replace(cast({name} as varchar), {pattern}, '\1erased\3', 'g')"
        sql = f"update {column.relation} set {name} = {said} where {meant}"
    elif customer is not None or (column.schema, column.table) in CORE:
        sql = f"update {column.relation} set {name} = null where {meant}"
    else:
        sql = f"delete from {column.relation} where {meant}"
    return _changed(connection, sql)


def _changed(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    [(rows,)] = connection.execute(sql).fetchall()
    return int(rows)


def _count(counts: dict[str, int], column: Column, rows: int) -> None:
    if column.schema not in BUILT:
        table = f"{column.schema}.{column.table}"
        counts[table] = counts.get(table, 0) + rows
