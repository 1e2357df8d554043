"""The raw tables as they came: rows, types, missing and distinct values, extremes."""

from __future__ import annotations

from pathlib import Path

import duckdb
import yaml

import warehouse
from load.raw_tables import TABLES
from load.raw_tables import Table as RawTable
from pages.profile.blocks import Finding, Note, Section, Table, ask, ask_one
from pages.profile.wording import NOTHING, count, counted, share, value_text, words

SOURCES_YML = warehouse.DBT_PROJECT / "models" / "staging" / "retail" / "_retail__sources.yml"
PERSONAL = "personal_data"
# up to this many rows distinct values are counted, beyond they are estimated
COUNTED_ROWS = 2_000_000

# what a column is meant to hold, whatever type it was loaded as
_MEANT = {
    "customer_since": "date",
    "last_purchase_date": "date",
    "total_loyalty_points": "bigint",
    "unit_price": "decimal(18, 2)",
    "current_stock_level": "bigint",
    "transaction_date": "timestamp",
    "recorded_at": "timestamp",
    "total_amount": "decimal(18, 2)",
    "quantity": "decimal(18, 3)",
    "line_item_amount": "decimal(18, 4)",
}


def section(connection: duckdb.DuckDBPyConnection) -> Section:
    """Describe every column of the raw tables."""
    page = Section(
        "tables",
        "The tables as they came",
        "Look for columns that are empty, that hold fewer distinct values than they should, and "
        "for smallest and largest values that cannot be. Names, e-mail addresses and phone "
        "numbers are counted, never shown.",
    )
    shown = shown_columns()
    for table in TABLES:
        _describe(connection, page, table, shown.get(table.name, set()))
    return page


def shown_columns(file: Path = SOURCES_YML) -> dict[str, set[str]]:
    """Return for each raw table the columns whose values may be shown.

    A column that the sources' yml does not describe, or tags as personal data, is not among them.
    """
    (source,) = yaml.safe_load(file.read_text())["sources"]
    return {
        table["name"]: {
            column["name"]
            for column in table["columns"]
            if PERSONAL not in column.get("config", {}).get("tags", [])
        }
        for table in source["tables"]
    }


def _describe(
    connection: duckdb.DuckDBPyConnection, page: Section, table: RawTable, shown: set[str]
) -> None:
    types = dict(
        ask(
            connection,
            "select column_name, data_type from duckdb_columns() where schema_name = 'raw' "
            "and database_name = current_database() and table_name = ? order by column_index",
            [table.name],
        )
    )
    types.pop("_loaded_at", None)
    (rows,) = ask_one(connection, f"select count(*) from raw.{table.name}")
    exact = rows <= COUNTED_ROWS
    measures = ", ".join(_measures(*column, exact) for column in types.items())
    figures = ask_one(connection, f"select {measures} from raw.{table.name}")
    cells = []
    for place, (name, data_type) in enumerate(types.items()):
        filled, distinct, unreadable, low, high = figures[5 * place : 5 * place + 5]
        hidden = name not in shown
        cells.append(
            (
                name,
                data_type.lower(),
                count(rows - filled),
                share(rows - filled, rows),
                ("" if exact else "about ") + count(distinct),
                count(unreadable) if name in _MEANT else NOTHING,
                "(personal)" if hidden and filled else value_text(low),
                "(personal)" if hidden and filled else value_text(high),
            )
        )
        if unreadable:
            page.findings.append(
                Finding(
                    f"{counted(unreadable, 'value')} of {name} in {words(table.name)} not readable "
                    f"as a plain {_MEANT[name].split('(')[0]}."
                )
            )
    page.blocks.append(
        Table(
            f"{words(table.name).capitalize()}: {counted(rows, 'row')}",
            (
                "column",
                "type",
                "missing",
                "missing %",
                "distinct",
                "unreadable",
                "smallest",
                "largest",
            ),
            cells,
            texts=("type", "smallest", "largest"),
        )
    )
    if not rows:
        page.missing(f"The table {words(table.name)} is empty.")
        return
    empty = [cell[0] for cell in cells if cell[3] == "100.0 %"]
    if empty:
        page.blocks.append(Note(f"Wholly empty: {', '.join(empty)}."))
    absent = [column.name for column in table.columns if column.name not in types]
    if absent:
        page.missing(f"{words(table.name).capitalize()} has no column {', '.join(absent)}.")


def _measures(name: str, data_type: str, exact: bool) -> str:
    column = meant = filled = f'"{name}"'
    if data_type == "VARCHAR":
        # a blank is as good as nothing
        meant = filled = f"nullif(trim({column}), '')"
        if name in _MEANT:
            meant = f"try_cast({filled} as {_MEANT[name]})"
    distinct = f"count(distinct {column})" if exact else f"approx_count_distinct({column})"
    return (
        f"count({filled}), {distinct}, count({filled}) - count({meant}), "
        f"cast(min({meant}) as varchar), cast(max({meant}) as varchar)"
    )
