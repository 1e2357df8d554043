"""Write the feature mart as Parquet, in a folder for each as-of date, for readers without DuckDB.

`as_of_date=2024-05-01/features.parquet` and so on, as Hive, Spark, Polars, DuckDB and Feast read
partitions; the columns are the contract's, in its order and its types.
"""

from __future__ import annotations

import glob
import logging
import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import duckdb
import typer
from rich.progress import track

import warehouse
from core.expected_errors import expected_errors
from core.sql import literal
from serve.repository import built_or_error

log = logging.getLogger(__name__)

MART = f"features.{warehouse.FEATURE_MART}"
FILE = "features.parquet"
# folders beside the export: what is being written, and what it replaces
SCRATCH, NEW, OLD = ".export-", "new", "old"


class ExportError(warehouse.ShopError):
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
        The folder; an earlier export there is replaced, hidden files in it stay. Its parent must
        exist. An export that a killed process left hidden beside it is put back first.

    Raises
    ------
    ExportError
        If something else lies there, it is the current folder, or the mart is empty.
    warehouse.WarehouseError
        If the warehouse is missing, not built, or held by another process.
    """
    timestamp = warehouse.contract().timestamp
    _put_back_what_was_left_hidden(out)
    _refuse_what_is_no_export(out, timestamp)
    with (
        warehouse.connect(read_only=True) as connection,
        tempfile.TemporaryDirectory(dir=out.parent, prefix=SCRATCH) as scratch,
    ):
        connection.execute(f"set temp_directory = {literal(scratch)}")
        with built_or_error():
            counted = connection.execute(
                f"select {timestamp}, count(*) from {MART} group by all order by all"
            ).fetchall()
        if not counted:
            raise ExportError(f"the mart in {warehouse.path()} has no rows: run `make build`")
        written = Path(scratch) / NEW
        for day, _ in track(counted, "Dates", transient=True):
            _write(connection, timestamp, day, written / f"{timestamp}={day}")
        _replace(out, written, Path(scratch) / OLD / out.name)
    return ExportResult(sum(rows for _, rows in counted), [day for day, _ in counted])


def _put_back_what_was_left_hidden(out: Path) -> None:
    """Put back the export that a process killed between the two renames had put aside."""
    left = sorted(
        out.parent.glob(f"{SCRATCH}*/{OLD}/{glob.escape(out.name)}"),
        key=lambda old: old.parent.stat().st_mtime,
    )
    if left and not out.exists():
        old = left.pop()
        old.rename(out)
        # the process that wrote the rest is gone
        shutil.rmtree(old.parent.parent, ignore_errors=True)
        log.warning("%s was put back: an export had been killed while it replaced it", out)
    for old in left:
        log.warning("%s is an earlier export that was replaced: remove it if no export runs", old)


def _refuse_what_is_no_export(out: Path, timestamp: str) -> None:
    if not out.parent.is_dir():
        raise ExportError(f"{out.parent} is no folder: make it first")
    if not out.exists():
        return
    if not out.is_dir():
        raise ExportError(f"{out} is a file: give a folder")
    if Path.cwd().is_relative_to(out.resolve()):
        raise ExportError(f"{out} cannot be the current folder or one around it: give another")
    others = sorted(
        entry.name for entry in out.iterdir() if not entry.name.startswith((f"{timestamp}=", "."))
    )
    if others:
        raise ExportError(
            f"{out} holds {others[0]}, which is no export: give a folder that is new or empty"
        )


def _replace(out: Path, written: Path, aside: Path) -> None:
    """Put the written folder in the place of an earlier one, which is put aside for a moment.

    A folder that is not empty cannot be replaced in one step; whatever fails between the two, the
    earlier one is there.
    """
    if not out.exists():
        os.replace(written, out)
        return
    for hidden in out.glob(".*"):
        # put there by a file browser or a user: no part of the export, and not lost with it
        copy = shutil.copytree if hidden.is_dir() else shutil.copy2
        copy(hidden, written / hidden.name)
    aside.parent.mkdir()
    try:
        out.rename(aside)
        os.replace(written, out)
    finally:
        if not out.exists():
            aside.rename(out)


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


@expected_errors(OSError)
def main(
    out: Annotated[Path, typer.Option(help="Folder to write; an earlier export is replaced.")],
) -> None:
    """Write the feature mart as Parquet files, one folder for each as-of date."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    result = export(out)
    typer.echo(
        f"{out}: {result.rows:,} rows, {len(result.dates)} as-of dates from {result.dates[0]} to "
        f"{result.dates[-1]}, {len(warehouse.contract().features)} features"
    )


if __name__ == "__main__":
    typer.run(main)
