"""Write the feature mart as Parquet, in a folder for each as-of date, for readers without DuckDB.

`as_of_date=2024-05-01/features.parquet` and so on, as Hive, Spark, Polars, DuckDB and Feast read
partitions; the columns are the contract's, in its order and its types.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import duckdb
import typer
from rich.progress import track

import warehouse
from generate.files.staging import literal

MART = f"features.{warehouse.FEATURE_MART}"
FILE = "features.parquet"


class ExportError(RuntimeError):
    """The mart cannot be written there; the message says what to do."""


@dataclass(frozen=True)
class ExportResult:
    """What was written."""

    rows: int
    dates: list[date]


def export(out: Path) -> ExportResult:
    """Write all rows of the mart below a folder, which appears whole.

    Parameters
    ----------
    out
        The folder; an earlier export there is replaced. Its parent must exist.

    Raises
    ------
    ExportError
        If something else lies there, or the mart is empty.
    warehouse.WarehouseError
        If the warehouse is missing, not built, or held by another process.
    """
    timestamp = warehouse.contract().timestamp
    _refuse_what_is_no_export(out, timestamp)
    with (
        warehouse.connect(read_only=True) as connection,
        tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as scratch,
    ):
        connection.execute(f"set temp_directory = {literal(scratch)}")
        with _built_or_error():
            counted = connection.execute(
                f"select {timestamp}, count(*) from {MART} group by all order by all"
            ).fetchall()
        if not counted:
            raise ExportError(f"the mart in {warehouse.path()} has no rows: run `make build`")
        written = Path(scratch) / "new"
        for day, _ in track(counted, "Dates", transient=True):
            _write(connection, timestamp, day, written / f"{timestamp}={day}")
        if out.exists():
            # a folder that is not empty cannot be replaced in one step
            out.rename(Path(scratch) / "old")
        os.replace(written, out)
    return ExportResult(sum(rows for _, rows in counted), [day for day, _ in counted])


def _refuse_what_is_no_export(out: Path, timestamp: str) -> None:
    if not out.parent.is_dir():
        raise ExportError(f"{out.parent} is no folder: make it first")
    if not out.exists():
        return
    if not out.is_dir():
        raise ExportError(f"{out} is a file: give a folder")
    others = sorted(one.name for one in out.iterdir() if not one.name.startswith(f"{timestamp}="))
    if others:
        raise ExportError(
            f"{out} holds {others[0]}, which is no export: give a folder that is new or empty"
        )


@contextmanager
def _built_or_error() -> Iterator[None]:
    try:
        yield
    except duckdb.CatalogException as error:
        raise warehouse.WarehouseError(
            f"{warehouse.path()} is not built yet: run `make build` ({error})"
        ) from error


def _write(connection: duckdb.DuckDBPyConnection, timestamp: str, day: date, folder: Path) -> None:
    """Write the rows of one date; the date itself stands in the folder's name."""
    folder.mkdir(parents=True)
    connection.execute(
        f"""
        copy (
            select * exclude ({timestamp})
            from {MART}
            where {timestamp} = {literal(str(day))}::date
            order by {warehouse.contract().entity}
        ) to {literal(str(folder / FILE))} (format parquet, compression zstd)
        """
    )


def main(
    out: Annotated[Path, typer.Option(help="Folder to write; an earlier export is replaced.")],
) -> None:
    """Write the feature mart as Parquet files, one folder for each as-of date."""
    try:
        result = export(out)
    except (ExportError, OSError, warehouse.WarehouseError) as error:
        typer.echo(f"export: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(
        f"{out}: {result.rows:,} rows, {len(result.dates)} as-of dates from {result.dates[0]} to "
        f"{result.dates[-1]}, {len(warehouse.contract().features)} features"
    )


if __name__ == "__main__":
    typer.run(main)
