"""The command `python load/load.py`: load a user's own files, or write a first mapping for them."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

import warehouse
from load.loader import load
from load.staging import LoadError
from load.suggest import suggested


def main(
    path: Annotated[Path, typer.Argument(help="A file, a folder, or a glob in quotes.")],
    layout: Annotated[
        str | None,
        typer.Option(
            help="tables: customer_details, products, store_sales_header and "
            "store_sales_line_items as CSV or Parquet. online_retail: UCI Online Retail (II) as "
            "csv, xlsx or parquet. Found from the path when not given."
        ),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="YAML that says which column is what, for other shapes.")
    ] = None,
    suggest: Annotated[
        bool, typer.Option("--suggest", help="Write a first mapping for the path; load nothing.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Where --suggest writes to, instead of the terminal.")
    ] = None,
    append: Annotated[
        bool, typer.Option("--append", help="Add newer or late rows; without it all is replaced.")
    ] = False,
    known_on: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="Day on which appended rows became known that do not say it; default today.",
        ),
    ] = None,
    quarantine: Annotated[
        bool,
        typer.Option("--quarantine", help="Keep what does not fit in raw.rejected, load the rest."),
    ] = False,
) -> None:
    """Load a shop's own files into the warehouse; on any error the warehouse stays as it was."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        if suggest:
            _write_mapping(path, out)
            return
        if out:
            raise LoadError("--out is for --suggest alone")
        day = known_on.date() if known_on else None
        summary = load(
            path, layout, mapping=mapping, append=append, known_on=day, quarantine=quarantine
        )
    except (LoadError, warehouse.WarehouseError) as error:
        # names and values may hold line breaks; a message is one line
        typer.echo(f"error: {' '.join(str(error).split())}", err=True)
        raise typer.Exit(1) from error
    except RuntimeError as error:
        # what DuckDB makes of Ctrl-C
        if "Query interrupted" not in str(error):
            raise
        raise typer.Abort from error
    typer.echo(str(summary))


def _write_mapping(path: Path, out: Path | None) -> None:
    text = suggested(path)
    if out is None:
        typer.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise LoadError(f"{out}: cannot be written: {error}") from error
    typer.echo(f"wrote {out}: look it over, then load with --mapping {out}")
