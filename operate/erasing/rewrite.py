"""Write a warehouse file anew, so that nothing is left of what was deleted in it."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb

import warehouse
from core.sql import literal, quoted
from operate.erasing.people import EraseError

_NEW = "rewritten"
# what must be there again; SQL is compared without its order, in which a list of columns may come
# back otherwise
_CATALOG = {
    "tables": "select schema_name, table_name, comment from duckdb_tables()",
    "columns": "select schema_name, table_name, column_name, column_index, data_type, is_nullable,"
    " column_default, comment from duckdb_columns()",
    "views": "select schema_name, view_name, comment, len(sql) from duckdb_views()",
    "functions": "select schema_name, function_name, function_type, comment, parameters,"
    " len(macro_definition) from duckdb_functions()",
    "constraints": "select schema_name, table_name, constraint_text from duckdb_constraints()",
    "indexes": "select schema_name, index_name, sql from duckdb_indexes()",
    "schemas": "select schema_name, comment from duckdb_schemas()",
    "sequences": "select schema_name, sequence_name, last_value from duckdb_sequences()",
    "types": "select schema_name, type_name from duckdb_types()",
}


def rewrite(file: Path) -> None:
    """Put a new file with the same tables, views, functions and comments in a file's place.

    Nobody may have it open. Free pages, where deleted rows may still stand, and the write-ahead log
    do not come along.

    Raises
    ------
    EraseError
        If the new file lacks anything; the old one stays.
    """
    new = file.with_name(f".{_NEW}-{file.name}")
    new.unlink(missing_ok=True)
    with duckdb.connect(str(file)) as connection:
        warehouse.bound_memory(connection)
        connection.execute("checkpoint")
        [(name,)] = connection.execute("select current_database()").fetchall()
        connection.execute(f"attach {literal(str(new))} as {_NEW}")
        connection.execute(f"copy from database {quoted(name)} to {_NEW}")
        for kind in _CATALOG:
            before, after = (_listed(connection, kind, each) for each in (name, _NEW))
            if before != after:
                raise EraseError(
                    f"writing {file.name} anew would lose {kind} "
                    f"({sorted(before ^ after)[:2]}); nothing was changed"
                )
        _compare_rows(connection, name)
        connection.execute(f"detach {_NEW}")
    new.chmod(file.stat().st_mode & 0o777)
    os.replace(new, file)


def _compare_rows(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    tables = connection.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = ?", [name]
    ).fetchall()
    for schema, table in tables:
        counts = {
            connection.execute(
                f"select count(*) from {quoted(each)}.{quoted(schema)}.{quoted(table)}"
            ).fetchall()[0]
            for each in (name, _NEW)
        }
        if len(counts) > 1:
            raise EraseError(
                f"writing the file anew would lose rows of {schema}.{table}; nothing was changed"
            )


def _listed(connection: duckdb.DuckDBPyConnection, kind: str, database: str) -> set[str]:
    own = " and not internal" if kind in ("functions", "types", "schemas") else ""
    rows = connection.execute(
        f"{_CATALOG[kind]} where database_name = ?{own}", [database]
    ).fetchall()
    return {repr(row) for row in rows}
