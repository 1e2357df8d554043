"""What generating and loading shops of growing size takes: time, processor time, peak memory.

python -m benchmarks.generating [--size s --size m --size l]
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated

import duckdb
import typer

from benchmarks.measuring import RESULTS, SIZES, WORK, Size, keep, measure
from core import tables
from load.raw_tables import TABLES


def export(file: Path, folder: Path) -> None:
    """Write the raw tables of a warehouse as CSV."""
    folder.mkdir(parents=True)
    with duckdb.connect(str(file), read_only=True) as connection:
        for table in TABLES:
            columns = ", ".join(column.name for column in table.columns)
            connection.execute(
                f"copy (select {columns} from raw.{table.name}) to '{folder / table.name}.csv'"
                " (format csv, header)"
            )


def bench(size: str) -> list[dict[str, object]]:
    """Generate a shop, and load it again from CSV files."""
    folder = WORK / f"generate-{size}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environment = {"WAREHOUSE_PATH": str(folder / "generated.duckdb")}
    command = [sys.executable, "generate/synthetic.py", "--customers", str(SIZES[size])]
    generated = measure(command, environment)
    rows = [{"task": "generate", "size": size, **generated, **_counts(folder / "generated.duckdb")}]
    export(folder / "generated.duckdb", folder / "files")
    (folder / "generated.duckdb").unlink()
    environment = {"WAREHOUSE_PATH": str(folder / "loaded.duckdb")}
    loaded = measure([sys.executable, "load/load.py", str(folder / "files")], environment)
    rows.append({"task": "load csv", "size": size, **loaded, **_counts(folder / "loaded.duckdb")})
    shutil.rmtree(folder)
    return rows


def _counts(file: Path) -> dict[str, int]:
    with duckdb.connect(str(file), read_only=True) as connection:
        tables = {"customers": "customer_details", "headers": "store_sales_header"}
        tables["lines"] = "store_sales_line_items"
        return {
            name: connection.execute(f"select count(*) from raw.{table}").fetchall()[0][0]
            for name, table in tables.items()
        }


def main(
    size: Annotated[
        list[Size] | None, typer.Option(help="s (20,000 customers), m (10 x), l (100 x).")
    ] = None,
) -> None:
    """Measure, print a table, and keep it in benchmarks/results/generate.json."""
    console = tables.wide_console()
    rows = []
    for shop_size in size or list(SIZES):
        rows += bench(shop_size)
    keep(rows, RESULTS / "generate.json")
    table = tables.new_table("Generating and loading", *rows[0])
    for row in rows:
        table.add_row(*(f"{v:,}" if isinstance(v, int | float) else str(v) for v in row.values()))
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
