"""Load a user's own files into the raw tables, by layout."""

from __future__ import annotations

import logging
import tempfile
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import duckdb
import typer

import warehouse
from generate import layout_online_retail, layout_tables
from generate.raw_tables import Summary, replace
from generate.read_files import LoadError, connect, first_lines, literal, stage

log = logging.getLogger(__name__)


class Layout(StrEnum):
    """How the files are laid out."""

    TABLES = "tables"
    ONLINE_RETAIL = "online_retail"


def load(path: Path | str, layout: Layout | str | None = None) -> Summary:
    """Replace the raw tables by the content of a file or folder.

    Everything is read and checked in a database of its own first; the warehouse changes in one
    transaction or not at all.

    Parameters
    ----------
    path
        A file of order lines (layout `online_retail`) or a folder of four tables (`tables`).
    layout
        The layout; found from the path when not given.

    Raises
    ------
    LoadError
        If the files do not fit; the message says where and what is expected.
    warehouse.WarehouseError
        If the warehouse cannot be opened.
    """
    path = Path(path)
    if not path.exists():
        raise LoadError(f"{path}: no such file or folder")
    chosen = _chosen(layout) if layout else None
    with tempfile.TemporaryDirectory() as scratch:
        staging = Path(scratch) / "staging.duckdb"
        try:
            with connect(staging) as connection:
                connection.execute(f"set temp_directory = {literal(scratch)}")
                staged = _stage(connection, path, chosen)
        except duckdb.Error as error:
            raise LoadError(f"{path}: cannot be loaded: {first_lines(error)}") from error
        warehouse.path().parent.mkdir(parents=True, exist_ok=True)
        with warehouse.connect() as connection:
            connection.execute(f"attach {literal(str(staging))} as incoming_files (read_only)")
            tables = {name: f"incoming_files.{table}" for name, table in staged.items()}
            try:
                return replace(connection, tables)
            except duckdb.Error as error:
                raise LoadError(f"{path}: cannot be loaded: {first_lines(error)}") from error


def _chosen(layout: Layout | str) -> Layout:
    try:
        return Layout(layout)
    except ValueError as error:
        known = ", ".join(one.value for one in Layout)
        raise LoadError(f"unknown layout {str(layout)!r}; expected one of {known}") from error


def _stage(
    connection: duckdb.DuckDBPyConnection, path: Path, layout: Layout | None
) -> dict[str, str]:
    """Stage the four raw tables; the layout is found when it is not given."""
    if path.is_dir():
        if layout is Layout.ONLINE_RETAIL:
            raise LoadError(f"{path}: the layout online_retail needs a file, this is a folder")
        if not layout_tables.matches(path):
            raise LoadError(
                f"{path}: holds none of the four tables; expected customer_details, products, "
                "store_sales_header and store_sales_line_items as .csv or .parquet, or the path "
                "of a file"
            )
        log.info("reading %s as %s", path, Layout.TABLES.value)
        return layout_tables.stage_tables(connection, path)
    if layout is Layout.TABLES:
        raise LoadError(f"{path}: the layout tables needs a folder, this is a file")
    names = stage(connection, path, "file_rows")
    if layout is None and not layout_online_retail.matches(names):
        raise LoadError(
            f"{path}: its columns ({', '.join(names)}) fit no known layout; expected a folder "
            "with the four tables, or a file with the columns of Online Retail"
        )
    log.info("reading %s as %s", path, Layout.ONLINE_RETAIL.value)
    return layout_online_retail.stage_tables(connection, path, names)


def main(
    path: Annotated[
        Path, typer.Argument(help="A file of order lines, or a folder of four tables.")
    ],
    layout: Annotated[
        str | None,
        typer.Option(
            help="tables: customer_details, products, store_sales_header and "
            "store_sales_line_items as CSV or Parquet. online_retail: UCI Online Retail (II) as "
            "csv, xlsx or parquet. Found from the path when not given."
        ),
    ] = None,
) -> None:
    """Load a shop's own files into the warehouse; on any error the warehouse stays as it was."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        summary = load(path, layout)
    except (LoadError, warehouse.WarehouseError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(str(summary))


if __name__ == "__main__":
    typer.run(main)
