"""Write all that people read, schemas `main` and `marts`, as Parquet, for readers of any version.

python serve/export_tables.py --out tables

    tables/main/predictions.parquet
    tables/marts/customer_predictions.parquet

A DuckDB older than the one that wrote the warehouse cannot open the file; Parquet it can.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

import warehouse
from core.expected_errors import expected_errors
from core.sql import literal, quoted
from serve.export import ExportError

SCHEMAS = ("main", "marts")


def export_tables(out: Path) -> dict[str, int]:
    """Write each table and view of `SCHEMAS` to a folder, which appears whole.

    Parameters
    ----------
    out
        The folder; it must not exist yet, or be empty. Its parent must exist.

    Returns
    -------
    dict
        Rows by relation, as `marts.customers`.

    Raises
    ------
    ExportError
        If the folder has something in it, or its parent is missing.
    warehouse.WarehouseError
        If the warehouse is missing or held by another process.
    """
    if not out.parent.is_dir():
        raise ExportError(f"{out.parent} is no folder: make it first")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ExportError(f"{out} is not empty: give a folder that is new or empty")
    rows = {}
    with (
        warehouse.connect(read_only=True) as connection,
        tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as scratch,
    ):
        written = Path(scratch) / "tables"
        relations = connection.execute(
            """
            select table_schema, table_name from information_schema.tables
            where table_catalog = current_database() and table_schema in (select unnest(?))
            order by all
            """,
            [SCHEMAS],
        ).fetchall()
        for schema, name in relations:
            file = written / schema / f"{name}.parquet"
            file.parent.mkdir(parents=True, exist_ok=True)
            relation = f"{quoted(schema)}.{quoted(name)}"
            connection.execute(f"copy (from {relation}) to {literal(str(file))} (format parquet)")
            [(rows[f"{schema}.{name}"],)] = connection.execute(
                f"select count(*) from {relation}"
            ).fetchall()
        if not rows:
            raise ExportError(f"{warehouse.path()} has no tables to read: run `make build`")
        os.replace(written, out)
    return rows


@expected_errors(OSError)
def main(
    out: Annotated[Path, typer.Option(help="Folder to write; new, or empty.")],
) -> None:
    """Write all tables of `main` and `marts` as Parquet files, a folder for each schema."""
    rows = export_tables(out)
    typer.echo(f"{out}: {len(rows)} tables, {sum(rows.values()):,} rows")


if __name__ == "__main__":
    typer.run(main)
