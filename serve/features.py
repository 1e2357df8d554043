"""Give the rows of a file the features of the mart, as of each row's own day.

The features come from the table function `features_as_of`, the SQL that builds the mart, so a row
gets what the mart would hold for that customer on that day.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import duckdb
import typer
import yaml
from jinja2 import Environment
from rich.progress import track

import warehouse
from generate.files.staging import literal, quoted

log = logging.getLogger(__name__)

KEYS = ("customer_id", "as_of_date")
READERS = {".csv": "read_csv({}, all_varchar = true)", ".parquet": "read_parquet({})"}
WRITERS = {".csv": "format csv, header", ".parquet": "format parquet, compression zstd"}


class SpineError(ValueError):
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
        CSV or Parquet with `customer_id`, `as_of_date` (any day; of a moment its day counts) and
        any other columns. Rows may repeat.
    out
        CSV or Parquet to write: the spine's columns as they are, in the same order of rows, and
        the features; null where the customer was not known before the day. It appears whole.

    Raises
    ------
    SpineError
        If a column is missing, named like a feature, or a value is no id or no date.
    warehouse.WarehouseError
        If the warehouse is missing, not built, or held by another process.
    """
    for file, known in ((spine, READERS), (out, WRITERS)):
        if file.suffix.lower() not in known:
            raise SpineError(f"{file}: give a file named .csv or .parquet")
    if not spine.is_file():
        raise SpineError(f"{spine} does not exist")
    with (
        warehouse.connect(read_only=True) as connection,
        tempfile.TemporaryDirectory(dir=out.parent) as scratch,
    ):
        connection.execute(f"set temp_directory = {literal(scratch)}")
        columns = _read(connection, spine)
        _compute(connection)
        written = Path(scratch) / f"rows{out.suffix.lower()}"
        _write(connection, columns, written)
        os.replace(written, out)
        return _count(connection)


def _read(connection: duckdb.DuckDBPyConnection, spine: Path) -> list[str]:
    """Stage the spine as the temporary table `spine_rows`; return the names of its columns."""
    source = READERS[spine.suffix.lower()].format(literal(str(spine)))
    try:
        columns = [row[0] for row in connection.execute(f"describe from {source}").fetchall()]
    except duckdb.Error as error:
        raise SpineError(f"{spine} cannot be read: {error}") from error
    for name in KEYS:
        if columns.count(name) != 1:
            raise SpineError(f"{spine} needs one column {name}; it has {', '.join(columns)}")
    taken = sorted(set(warehouse.contract().features) & set(columns))
    if taken:
        raise SpineError(f"{spine}: {', '.join(taken)} is the name of a feature: rename the column")
    connection.execute(
        f"""
        create temp table spine_rows as
        select
            row_number() over () as spine_row,
            {_canonical_id("customer_id")} as spine_customer_id,
            try_cast(try_cast(as_of_date as timestamp) as date) as spine_date,
            *
        from {source}
        """
    )
    for name, staged in zip(KEYS, ("spine_customer_id", "spine_date"), strict=True):
        bad = connection.execute(
            f"select spine_row, {name}, count(*) over () from spine_rows where {staged} is null"
            " order by spine_row limit 1"
        ).fetchall()
        if bad:
            row, value, count = bad[0]
            wanted = "a date such as 2024-05-03" if name == "as_of_date" else "an id"
            raise SpineError(
                f"{spine}, row {row}, column {name}: {value!r} is not {wanted} "
                f"({count:,} such rows): mend or remove them"
            )
    return columns


def _canonical_id(column: str) -> str:
    """Return the SQL that staging makes ids canonical with."""
    macro = (warehouse.DBT_PROJECT / "macros" / "canonical_id.sql").read_text()
    return Environment().from_string(macro + f"{{{{ canonical_id('{column}') }}}}").render()


def _compute(connection: duckdb.DuckDBPyConnection) -> None:
    """Compute the features of all pairs of the spine as the temporary table `found`."""
    project = yaml.safe_load((warehouse.DBT_PROJECT / "dbt_project.yml").read_text())
    at_a_time = int(project["vars"]["rows_at_a_time"])
    [(pairs,)] = connection.execute(
        "select count(*) from (select distinct spine_customer_id, spine_date from spine_rows)"
    ).fetchall()
    # a batch is all rows of some customers, so that each history is read once
    batches = max(-(-pairs // at_a_time), 1)
    with _built_or_error():
        for batch in track(range(batches), "Features", disable=batches == 1, transient=True):
            connection.execute(
                f"""
                create or replace temp table spine_batch as
                select distinct spine_customer_id as customer_id, spine_date as as_of_date
                from spine_rows
                where hash(spine_customer_id) % {batches} = {batch}
                """
            )
            computed = "select * from features.features_as_of('spine_batch')"
            into = "insert into found" if batch else "create temp table found as"
            connection.execute(f"{into} {computed}")


@contextmanager
def _built_or_error() -> Iterator[None]:
    try:
        yield
    except duckdb.CatalogException as error:
        raise warehouse.WarehouseError(
            f"{warehouse.path()} is not built yet: run `make build` ({error})"
        ) from error


def _write(connection: duckdb.DuckDBPyConnection, columns: list[str], file: Path) -> None:
    own = ", ".join(f"spine_rows.{quoted(name)}" for name in columns)
    features = ", ".join(f"found.{name}" for name in warehouse.contract().features)
    connection.execute(
        f"""
        copy (
            select {own}, {features}
            from spine_rows
            left join found
                on spine_rows.spine_customer_id = found.customer_id
                and spine_rows.spine_date = found.as_of_date
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
            count(*) filter (where spine_date > (
                select current_as_of_date from intermediate.int_lattice_chosen
            ))
        from spine_rows
        left join found
            on spine_rows.spine_customer_id = found.customer_id
            and spine_rows.spine_date = found.as_of_date
        """
    ).fetchall()
    return SpineResult(*counts)


def main(
    spine: Annotated[Path, typer.Option(help="CSV or Parquet with customer_id and as_of_date.")],
    out: Annotated[Path, typer.Option(help="CSV or Parquet to write.")],
) -> None:
    """Give each row of a file the features of its customer as of its day."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        result = add_features(spine, out)
    except (SpineError, warehouse.WarehouseError) as error:
        typer.echo(f"features: {error}", err=True)
        raise typer.Exit(1) from error
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
