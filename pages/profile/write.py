"""Write the profile of a shop: one self-contained page, `reports/profile.html`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import duckdb
import typer
import yaml

import warehouse
from core import dbt_runner
from core.bar import bar
from core.expected_errors import expected_errors
from load.loader import load
from load.raw_tables import TABLES
from pages.look import template
from pages.profile import (
    cleaning,
    cohorts,
    columns,
    days,
    facts,
    keys,
    late,
    overview,
    repeat,
    returns,
    season,
    spend,
    totals,
)
from pages.profile.blocks import Section, ask, ask_one
from pages.profile.wording import money

log = logging.getLogger(__name__)

TEMPLATE = Path(__file__).with_name("profile.html.jinja")
# what the page reads; the tests are left out of the build: a profile shows what a gate would stop
MODELS = "+data_quality +quarantine"
_BUILT = (
    *(f"staging.stg_retail__{table.name}" for table in TABLES),
    "intermediate.int_headers_checked",
    "intermediate.int_lines_checked",
    "marts.data_quality",
    "marts.quarantine",
)
SECTIONS: tuple[Callable[[duckdb.DuckDBPyConnection], Section], ...] = (
    season.section,
    spend.section,
    repeat.section,
    cohorts.section,
    returns.section,
    columns.section,
    keys.section,
    totals.section,
    days.section,
    late.section,
    cleaning.section,
)


def write(data: Path | None = None, *, mapping: Path | None = None, rebuild: bool = False) -> Path:
    """Write the page on the warehouse as it is, or on the files at `data` after loading them.

    The cleaned tables are built where they are missing or do not account for the raw rows.

    Parameters
    ----------
    data
        A user's own files; they replace the raw tables, as `load/load.py` does.
    mapping
        YAML that says which column is what, where no built-in layout fits.
    rebuild
        Build the cleaned tables in any case: another load of the same day with as many rows in
        each table looks the same from outside.

    Returns
    -------
    Path
        `profile.html` in the folder of reports.

    Raises
    ------
    LoadError, warehouse.WarehouseError, dbt_runner.BuildError
        With a message that says what to do.
    """
    if data is not None:
        load(data, mapping=mapping)
    else:
        # a warehouse that is not there says what to do; dbt would make an empty one
        warehouse.connect(read_only=True).close()
    if data is not None or rebuild or not _is_built():
        dbt_runner.build(select=MODELS, run_only=True)
    with warehouse.connect(read_only=True) as connection, bar() as progress:
        task = progress.add_task("profile: orders and customers", total=len(SECTIONS) + 1)
        facts.prepare(connection)
        sections = []
        for make in SECTIONS:
            progress.update(task, description=f"profile: {make.__module__}", advance=1)
            sections.append(make(connection))
        shop = overview.measure(connection)
        (loaded,) = ask_one(connection, "select max(_loaded_at) from raw.store_sales_header")
    page = template(TEMPLATE).render(
        sections=sections,
        tiles=overview.tiles(shop),
        sentences=overview.sentences(shop, _quarantine_limit()),
        findings=overview.worst([finding for section in sections for finding in section.findings]),
        loaded=loaded,
        money=money,
    )
    folder = warehouse.reports_dir()
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "profile.html"
    file.write_text(page, encoding="utf-8")
    return file


def _is_built() -> bool:
    """Return whether the cleaned tables exist and account for exactly the raw rows."""
    with warehouse.connect(read_only=True) as connection:
        existing = {
            f"{schema}.{table}"
            for schema, table in ask(
                connection,
                "select table_schema, table_name from information_schema.tables "
                "where table_catalog = current_database()",
            )
        }
        if not existing.issuperset((*_BUILT, *(f"raw.{table.name}" for table in TABLES))):
            return False
        counted = dict(
            ask(
                connection,
                "select table_name, sum(rows) from marts.data_quality "
                "where outcome in ('kept', 'superseded', 'duplicate', 'quarantined') group by all",
            )
        )
        return all(
            ask_one(
                connection,
                f"""
                select
                    count(*) = ?
                    and coalesce(
                        max(_loaded_at)::date = (
                            select max(loaded_date)
                            from staging.stg_retail__store_sales_header
                        ),
                        true
                    )
                from raw.{table.name}
                """,
                [counted.get(table.name, 0)],
            )[0]
            for table in TABLES
        )


def _quarantine_limit() -> float:
    project = yaml.safe_load((warehouse.DBT_PROJECT / "dbt_project.yml").read_text())
    return float(project["vars"]["max_quarantined_share"])


@expected_errors()
def main(
    data: Annotated[
        Path | None,
        typer.Option(help="Your own files; they replace the raw tables, as a load does."),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="YAML that says which column is what, for other shapes.")
    ] = None,
    rebuild: Annotated[
        bool,
        typer.Option(
            "--rebuild/--as-built", help="Clean the raw tables anew, or take them as dbt left them."
        ),
    ] = True,
) -> None:
    """Write `reports/profile.html`, the page that an analyst would make first about a shop."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    file = write(data, mapping=mapping, rebuild=rebuild)
    typer.echo(f"wrote {file}")


if __name__ == "__main__":
    typer.run(main)
