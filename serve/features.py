"""Give the rows of a file the features of the mart, as of each row's own day.

The features come from the table function `features_as_of`, the SQL that builds the mart, so a row
gets what the mart would hold for that customer on that day.
"""

from __future__ import annotations

import csv
import logging
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import typer
import yaml
from rich.progress import track

import warehouse
from core.expected_errors import expected_errors
from core.ids import canonical
from core.sql import literal, path_literal, quoted
from serve.repository import built_or_error

log = logging.getLogger(__name__)

KEYS = ("customer_id", "as_of_date")
READERS = (".csv", ".parquet")
# a date, or a wall time: it is the shop's own
WITHOUT_OFFSET = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([ T]\d{1,2}:\d{2}(:\d{2}([.]\d+)?)?)?"
DELIMITERS = ",;\t|"
WRITERS = {".csv": "format csv, header", ".parquet": "format parquet, compression zstd"}


class SpineError(warehouse.ShopError):
    """The file cannot be used as a spine; the message names row and column and what to do."""


@dataclass(frozen=True)
class SpineResult:
    """What was written, and which rows have no features."""

    rows: int
    unknown: int  # rows of customers whom the shop did not know before the day
    after_today: int  # rows whose day the warehouse does not know all about yet


def add_features(spine: Path, out: Path) -> SpineResult:
    """Write the rows of a spine with all features of the mart.

    Parameters
    ----------
    spine
        CSV or Parquet with `customer_id`, `as_of_date` (any day; of a moment its day counts: in
        the shop's time zone if it has an offset, as written if it has none) and any other columns.
        Rows may repeat.
    out
        CSV or Parquet to write: the spine's columns as they are, in the same order of rows, and
        the features; null where the customer was not known before the day. It appears whole.

    Raises
    ------
    SpineError
        If a file cannot be read or written, a column is missing or named like another one or like
        a feature, or a value is no id or no date.
    warehouse.WarehouseError
        If the warehouse is missing, not built, or held by another process.
    """
    for file, suffixes in ((spine, READERS), (out, WRITERS)):
        if file.suffix.lower() not in suffixes:
            raise SpineError(f"{file}: give a file named .csv or .parquet")
    if not spine.is_file():
        raise SpineError(f"{spine} does not exist")
    if out.is_dir():
        raise SpineError(f"{out} is a folder: give a file")
    if not out.parent.is_dir():
        raise SpineError(f"{out.parent} is no folder: make it first")
    with (
        warehouse.connect(read_only=True) as connection,
        tempfile.TemporaryDirectory(dir=out.parent) as scratch,
    ):
        connection.execute(f"set temp_directory = {literal(scratch)}")
        # a moment with an offset means the same day on every machine: the shop's
        connection.execute(f"set timezone = {literal(warehouse.shop_timezone(connection))}")
        columns = _read(connection, spine)
        _compute(connection)
        written = Path(scratch) / f"rows{out.suffix.lower()}"
        _write(connection, columns, written)
        os.replace(written, out)
        return _count(connection)


def _read(connection: duckdb.DuckDBPyConnection, spine: Path) -> list[str]:
    """Stage the spine as the temporary table `spine_rows`; return the names of its columns.

    There a column has a name by its place (`own_0`, `own_1`), so that none can be taken for one of
    the command's own.
    """
    if spine.suffix.lower() == ".csv":
        source, columns = _csv(spine)
    else:
        source, columns = _parquet(connection, spine)
    _refuse_names(spine, columns)
    staged = [f"own_{place}" for place in range(len(columns))]
    id_column, date_column = (staged[columns.index(name)] for name in KEYS)
    with _readable_or_error(spine):
        connection.execute(
            f"""
            create temp table spine_rows as
            select
                row_number() over () as spine_row,
                {canonical(id_column)} as customer_id,
                {_local_day(date_column)} as as_of_date,
                {", ".join(staged)}
            from {source} as rows_read ({", ".join(staged)})
            """
        )
    for name, own in zip(KEYS, (id_column, date_column), strict=True):
        bad = connection.execute(
            f"select spine_row, {own}, count(*) over () from spine_rows where {name} is null"
            " order by spine_row limit 1"
        ).fetchall()
        if bad:
            row, value, count = bad[0]
            wanted = "a date such as 2024-05-03" if name == "as_of_date" else "an id"
            raise SpineError(
                f"{spine}, row {row:,}, column {name}: {value!r} is not {wanted} "
                f"({count:,} such rows): mend or remove them"
            )
    return columns


def _csv(spine: Path) -> tuple[str, list[str]]:
    """Return the SQL that reads a CSV file, all as text, and the names in its first row.

    Nothing is left to be guessed from the first rows: one with too many fields among them would
    make it a file of one column.
    """
    try:
        with spine.open(encoding="utf-8-sig", newline="") as file:
            line = file.readline()
            file.seek(0)
            delimiter = max(DELIMITERS, key=line.count)
            names = next(csv.reader(file, delimiter=delimiter), [])
    except UnicodeDecodeError as error:
        raise SpineError(f"{spine} is not UTF-8: save it as such") from error
    except csv.Error as error:
        raise SpineError(f"{spine} cannot be read: {error}") from error
    columns = [name or f"column{place}" for place, name in enumerate(names)]
    types = ", ".join(f"own_{place}: 'varchar'" for place in range(len(columns)))
    options = f"delim = {literal(delimiter)}, quote = '\"', escape = '\"', columns = {{{types}}}"
    source = f"read_csv({path_literal(spine)}, auto_detect = false, header = true, {options})"
    return source, columns


def _parquet(connection: duckdb.DuckDBPyConnection, spine: Path) -> tuple[str, list[str]]:
    """Return the SQL that reads a Parquet file, and the names of its columns."""
    source = f"read_parquet({path_literal(spine)})"
    with _readable_or_error(spine):
        columns = [row[0] for row in connection.execute(f"describe from {source}").fetchall()]
    # DuckDB gives a new name to a column whose name differs from another's only in its case
    try:
        names = pq.read_schema(spine).names
    except pa.ArrowException as error:
        raise SpineError(f"{spine} cannot be read: {error}") from error
    return source, [*names, *columns[len(names) :]]


def _refuse_names(spine: Path, columns: list[str]) -> None:
    for name in KEYS:
        if columns.count(name) != 1:
            raise SpineError(f"{spine} needs one column {name}; it has {', '.join(columns)}")
    # SQL does not tell small letters from capitals
    counts = Counter(name.casefold() for name in columns)
    repeated = [name for name in columns if counts[name.casefold()] > 1]
    if repeated:
        raise SpineError(
            f"{spine}: {', '.join(repeated)} are names of one column in SQL: rename all but one"
        )
    features = {name.casefold() for name in warehouse.contract().features}
    taken = sorted(name for name in columns if name.casefold() in features)
    if taken:
        raise SpineError(f"{spine}: {', '.join(taken)} is the name of a feature: rename the column")


@contextmanager
def _readable_or_error(spine: Path) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        message = str(error)
        if not (line := re.search(r"CSV Error on Line: (\d+)", message)):
            raise SpineError(f"{spine} cannot be read: {message.splitlines()[0]}") from error
        if fields := re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message):
            what = f"{fields[2]} fields where the first row names {fields[1]}"
        elif "unicode" in message:
            what = "not UTF-8"
        elif "unterminated quote" in message:
            what = "a quote that does not end"
        else:
            what = message.splitlines()[0]
        # DuckDB counts the row of names too
        raise SpineError(f"{spine}, row {int(line[1]) - 1:,}: {what}") from error


def _local_day(column: str) -> str:
    """Return the SQL of a moment's day in the session's time zone; null where it is no day.

    As text all types are alike: a date, a wall time, and a moment with its offset.
    """
    text = f"trim(cast({column} as varchar))"
    # DuckDB knows a small z and a blank before the offset not
    moment = rf"regexp_replace(regexp_replace({text}, '\s*[zZ]$', 'Z'), '\s+([+-][0-9:]+)$', '\1')"
    day = f"""case
        -- cast to a moment, a wall time that the clock skips would move
        when regexp_full_match({text}, '{WITHOUT_OFFSET}') then try_cast({text} as timestamp)
        else cast(try_cast({moment} as timestamptz) as timestamp)
    end"""
    return f"case when isfinite({day}) then cast({day} as date) end"


def _compute(connection: duckdb.DuckDBPyConnection) -> None:
    """Compute the features of all pairs of the spine as the temporary table `found`."""
    project = yaml.safe_load((warehouse.DBT_PROJECT / "dbt_project.yml").read_text())
    at_a_time = int(project["vars"]["rows_at_a_time"])
    [(pairs,)] = connection.execute(
        "select count(*) from (select distinct customer_id, as_of_date from spine_rows)"
    ).fetchall()
    # a batch is all rows of some customers, so that each history is read once
    batches = max(-(-pairs // at_a_time), 1)
    with built_or_error():
        for batch in track(range(batches), "Features", disable=batches == 1, transient=True):
            connection.execute(
                f"""
                create or replace temp table spine_batch as
                select distinct customer_id, as_of_date
                from spine_rows
                where hash(customer_id) % {batches} = {batch}
                """
            )
            computed = "select * from features.features_as_of('spine_batch')"
            if not batch:
                _refuse_what_is_not_built(connection, computed)
            into = "insert into found" if batch else "create temp table found as"
            connection.execute(f"{into} {computed}")


def _refuse_what_is_not_built(connection: duckdb.DuckDBPyConnection, computed: str) -> None:
    built = {row[0] for row in connection.execute(f"describe {computed}").fetchall()}
    missing = [name for name in warehouse.contract().features if name not in built]
    if missing:
        raise warehouse.WarehouseError(
            f"{warehouse.path()} has not built {', '.join(missing)} yet: run `make build`"
        )


def _write(connection: duckdb.DuckDBPyConnection, columns: list[str], file: Path) -> None:
    own = ", ".join(
        f"spine_rows.own_{place} as {quoted(name)}" for place, name in enumerate(columns)
    )
    features = ", ".join(f"found.{name}" for name in warehouse.contract().features)
    connection.execute(
        f"""
        copy (
            select {own}, {features}
            from spine_rows
            left join found
                on spine_rows.customer_id = found.customer_id
                and spine_rows.as_of_date = found.as_of_date
            order by spine_rows.spine_row
        ) to {literal(str(file))} ({WRITERS[file.suffix]})
        """
    )


def _count(connection: duckdb.DuckDBPyConnection) -> SpineResult:
    [counts] = connection.execute(
        """
        select
            count(*),
            count(*) filter (where found.customer_id is null),
            count(*) filter (where spine_rows.as_of_date > (
                select current_as_of_date from intermediate.int_snapshot_grid
            ))
        from spine_rows
        left join found
            on spine_rows.customer_id = found.customer_id
            and spine_rows.as_of_date = found.as_of_date
        """
    ).fetchall()
    return SpineResult(*counts)


# the last: no space left, no memory
@expected_errors(OSError, duckdb.OperationalError)
def main(
    spine: Annotated[Path, typer.Option(help="CSV or Parquet with customer_id and as_of_date.")],
    out: Annotated[Path, typer.Option(help="CSV or Parquet to write.")],
) -> None:
    """Give each row of a file the features of its customer as of its day."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    result = add_features(spine, out)
    typer.echo(f"{out}: {result.rows:,} rows, {len(warehouse.contract().features)} features")
    if result.unknown:
        typer.echo(f"{result.unknown:,} rows have none: the shop did not know the customer by then")
    if result.after_today:
        typer.echo(
            f"{result.after_today:,} rows lie after the current as-of date: they see what is known "
            "today, and more will come"
        )


if __name__ == "__main__":
    typer.run(main)
