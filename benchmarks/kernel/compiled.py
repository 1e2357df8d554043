"""The kernel's SQL as plain statements: by hand to orders but for the caps, then the models."""

from __future__ import annotations

import io
import json
import re
from contextlib import redirect_stdout
from datetime import date
from pathlib import Path

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

import warehouse

BY_HAND = Path(__file__).with_name("features.sql")
CAPS = ("int_line_sizes_binned", "int_line_months_listed", "int_line_caps_set")
# what lies between orders and features, in order; views stay views
MODELS = {
    "int_active_days_restated": "table",
    "int_customer_days_summed": "view",
    "int_customer_days_spaced": "table",
    "int_category_spend_cumulated": "table",
    "int_category_leaders_restated": "table",
    "int_category_states_tracked": "table",
    "int_customers_known": "table",
}


def statements(dates: list[date], at_a_time: int) -> list[str]:
    """Return the statements that make the table `features` in a database with `shop` attached.

    Parameters
    ----------
    dates
        As-of dates.
    at_a_time
        Pairs of customer and date to compute in one statement, about.
    """
    first = _compile("--inline", BY_HAND.read_text())["inline_query"]
    models = _compile("--full-refresh", "--select", *CAPS, *MODELS, "feat_customers")
    between = [
        f"create or replace {kind} intermediate.{name} as {models[name]}"
        for name, kind in MODELS.items()
    ]
    caps = [f"create or replace table intermediate.{name} as {models[name]}" for name in CAPS]
    # a semicolon may stand in a comment too
    by_hand = re.split(r";\n+(?=create )", first.strip().removesuffix(";"))
    lines = next(place for place, sql in enumerate(by_hand) if "int_lines_capped as" in sql)
    features = re.sub(r'(?:"[^"]+"[.])+"int_customer_dates"', "pairs", models["feat_customers"])
    listed = ", ".join(f"date '{day}'" for day in dates)
    batches = f"""
        create or replace table batches as
        select
            dates.as_of_date,
            sum(count(*)) over (order by dates.as_of_date) // {at_a_time} as batch
        from (select unnest([{listed}]) as as_of_date) as dates
        inner join intermediate.int_customers_known as known
            on known.known_from_date < dates.as_of_date
        group by dates.as_of_date
    """
    return [
        *by_hand[:lines],
        *caps,
        *by_hand[lines:],
        *between,
        batches,
        # run once per batch, with its number for the mark
        f"create table if not exists features as {features} limit 0",
        f"insert into features {features}",
    ]


def _compile(*arguments: str) -> dict[str, str]:
    project = str(warehouse.DBT_PROJECT)
    folders = ["--project-dir", project, "--profiles-dir", project, "--quiet"]
    # what it compiles it prints as well
    with redirect_stdout(io.StringIO()):
        result = dbtRunner().invoke(["compile", *folders, *arguments])
        # dbt keeps the file open after it has run
        DuckDBConnectionManager.close_all_connections()
    if result.exception or not result.success:
        raise RuntimeError(f"dbt cannot compile the kernel: {result.exception}")
    return {
        node_result.node.name: node_result.node.compiled_code
        for node_result in result.result.results
    }


def write(file: Path, dates: list[date], at_a_time: int) -> None:
    """Write the statements as JSON, for a process that knows nothing of dbt."""
    file.write_text(json.dumps(statements(dates, at_a_time)))
