"""The command `python load/load.py`: load files, list and undo loads, suggest a mapping."""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

import warehouse
from core.expected_errors import keep_files_private
from load import ledger
from load.loader import load
from load.options import Layout, Mapping, Replace, Timezone
from load.promotions import load_promotions
from load.raw_tables import PROMOTIONS
from load.staging import LoadError
from load.suggest import suggested
from load.undo import undo

_DAY = ["%Y-%m-%d"]


def main(
    path: Annotated[
        Path | None, typer.Argument(help="A file, a folder, a zip, or a glob in quotes.")
    ] = None,
    layout: Layout = None,
    mapping: Mapping = None,
    timezone: Timezone = None,
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
            formats=_DAY,
            help="Day on which appended rows became known that do not say it, default today; of "
            "files that replace everything the last day that they cover.",
        ),
    ] = None,
    quarantine: Annotated[
        bool,
        typer.Option("--quarantine", help="Keep what does not fit in raw.rejected, load the rest."),
    ] = False,
    replace: Replace = False,
    promotions: Annotated[
        bool,
        typer.Option("--promotions", help="PATH is the plan of promotions; takes --append alone."),
    ] = False,
    list_loads: Annotated[
        bool, typer.Option("--list", help="Show what is loaded: rows, money, days.")
    ] = False,
    undo_load: Annotated[
        int | None, typer.Option("--undo", help="Take the newest appended load back, by number.")
    ] = None,
) -> None:
    """Load a shop's own files into the warehouse; on any error the warehouse stays as it was.

    For example: load.py orders.csv; load.py exports/ --mapping m.yml --timezone Europe/Berlin;
    load.py night.csv --mapping m.yml --append --known-on 2024-11-02. More in
    docs/how-to/load-any-file.md.
    """
    keep_files_private()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        if list_loads:
            _show_loads()
        elif undo_load is not None:
            typer.echo(undo(undo_load))
        elif path is None:
            raise LoadError("name a file or folder; --help says more")
        elif promotions:
            if layout or mapping or timezone or suggest or out or known_on or quarantine or replace:
                raise LoadError("--promotions goes with --append and no other option")
            rows = load_promotions(path, append=append)
            typer.echo(f"loaded {PROMOTIONS.name} {rows:,} rows into {warehouse.path()}")
        elif suggest:
            _write_mapping(path, out)
        elif out:
            raise LoadError("--out is for --suggest alone")
        elif append and replace:
            raise LoadError("--append adds and --replace replaces: give one of them")
        else:
            summary = load(
                path,
                layout,
                mapping=mapping,
                append=append,
                known_on=known_on.date() if known_on else None,
                timezone=timezone,
                quarantine=quarantine,
                may_lose=replace,
            )
            typer.echo(str(summary))
    except (LoadError, warehouse.WarehouseError) as error:
        # names and values may hold line breaks; a message is one line
        typer.echo(f"error: {' '.join(str(error).split())}", err=True)
        raise typer.Exit(1) from error
    except RuntimeError as error:
        # what DuckDB makes of Ctrl-C
        if "Query interrupted" not in str(error):
            raise
        raise typer.Abort from error


def _show_loads() -> None:
    with warehouse.connect(read_only=True) as connection:
        loads = ledger.loads(connection)
    if not loads:
        typer.echo("nothing is loaded")
    for number, mode, files, known_on, first, last, orders, lines, money, _ in loads:
        when_known = f", known on {known_on}" if known_on else ""
        days = f"{first} to {last}" if first else "no day"
        typer.echo(
            f"{number:>4}  {mode:<8} {orders:>9,} orders {lines:>10,} lines {money:>16,.2f} money  "
            f"{days}{when_known}  {files or 'generated'}"
        )


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
