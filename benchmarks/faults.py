"""How planted faults fare: which the rules catch, what clean rows they hit, what is lost.

python -m benchmarks.faults [--customers N] [--seed S ...]
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer
from rich.console import Console

import warehouse
from benchmarks import fault_audit
from core import dbt_runner, tables
from generate.faults import FAULTS
from generate.shop.plan import Plan
from generate.synthetic import generate


def measure(customers: int, seed: int) -> fault_audit.Audit:
    """Generate a shop with all faults in a warehouse of its own, clean it, and audit it."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WAREHOUSE_PATH"] = str(Path(folder) / "faults.duckdb")
        generate(Plan(customers, seed))
        dbt_runner.build(select="+int_repairs_counted", run_only=True)
        with warehouse.connect() as connection:
            return fault_audit.audit(connection)


def show(console: Console, seed: int, audit: fault_audit.Audit) -> None:
    """Print recall by fault, false alarms and money by rule."""
    table = tables.new_table(
        f"Seed {seed}: faults", "fault", "rule", "planted", "caught", "recall", "kind"
    )
    for name, row in audit.caught.iterrows():
        kind = "outlier" if FAULTS[name].is_outlier else "certain"
        counts = (f"{row['planted']:,}", f"{row['caught']:,}", f"{row['recall']:.1%}")
        table.add_row(name, row["rule"], *counts, kind)
    console.print(table)
    table = tables.new_table(
        "False alarms: clean rows that a rule touched", "table", "rule", "rows"
    )
    for _, row in audit.false_alarms.iterrows():
        table.add_row(row["table_name"], row["rule"], f"{row['rows']:,}")
    console.print(table)
    table = tables.new_table(
        "Money of the clean shop's lines beside the cleaned facts, by the rule meant for them",
        *("rule", "lines", "clean", "cleaned", "difference"),
    )
    for rule, row in audit.money.iterrows():
        money = (f"{row[name]:,.0f}" for name in ("clean_money", "cleaned_money", "difference"))
        table.add_row("no fault" if rule == "-" else rule, f"{row['lines']:,.0f}", *money)
    console.print(table)
    console.print(
        f"Lines of which nothing is lost but which differ from the clean shop: {len(audit.wrong)}; "
        f"lines that the clean shop does not have: {audit.surplus}\n"
    )


def main(
    customers: Annotated[int, typer.Option(min=100, help="Customers of each shop.")] = 20_000,
    seed: Annotated[list[int] | None, typer.Option(help="Seeds; repeat for several.")] = None,
) -> None:
    """Plant all faults and report how they fare; fails where a certain rule misses one."""
    console = tables.wide_console()
    missed = pd.Series(dtype=object)
    for shop_seed in seed or [1, 2, 3]:
        audit = measure(customers, shop_seed)
        show(console, shop_seed, audit)
        certain = audit.caught.loc[[not FAULTS[name].is_outlier for name in audit.caught.index]]
        missed = pd.concat([missed, certain.loc[certain["recall"] < 1, "rule"]])
    if len(missed):
        console.print(f"missed: {', '.join(missed.index)}")
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
