"""Erase random customers of a generated shop: is all of them gone, is all else untouched, how long?

python -m benchmarks.erasing [--customers 2000] [--erased 50] [--calls 5]

Every call erases its share. Features, labels and history of all others are then compared with those
of a warehouse that was built of raw tables which never held any of the erased.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Annotated

import duckdb
import typer
from rich.console import Console

import warehouse
from benchmarks.measuring import RESULTS
from core import dbt_runner
from generate.shop.plan import Plan
from generate.synthetic import generate
from operate.erase import erase
from serve.explain import explain
from serve.score import score
from train.fit import fit
from train.registry import versions

COMPARED = ("features.feat_customer_snapshots", "features.feat_labels", "history.customer_history")
# generated ids are spelt in this many ways
SPELT = "upper(trim({}))"


def never_seen(file: Path, ids: Sequence[str]) -> None:
    """Build a warehouse with raw tables alone as if it had never seen some customers."""
    theirs = f"{SPELT.format('customer_id')} in ({', '.join(repr(each) for each in ids)})"
    order = SPELT.format("transaction_id")
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            f"delete from raw.store_sales_line_items where {order} in"
            f" (select {order} from raw.store_sales_header where {theirs})"
        )
        connection.execute(f"delete from raw.store_sales_header where {theirs}")
        connection.execute(f"delete from raw.customer_details where {theirs}")
    with warehouse.in_warehouse(file):
        dbt_runner.build(run_only=True)


def differing(file: Path, other: Path) -> dict[str, tuple[int, int]]:
    """Return by table how many rows it has, and how many only one of two warehouses has."""
    found = {}
    with duckdb.connect(str(file), read_only=True) as connection:
        connection.execute(f"attach '{other}' as never (read_only)")
        for table in COMPARED:
            [found[table]] = connection.execute(
                f"""
                select
                    (select count(*) from {table}),
                    (select count(*) from (from {table} except all from never.{table}))
                    + (select count(*) from (from never.{table} except all from {table}))
                """
            ).fetchall()
    return found


def main(
    customers: Annotated[int, typer.Option(help="Size of the shop.")] = 2_000,
    erased: Annotated[int, typer.Option(help="How many are erased.")] = 50,
    calls: Annotated[int, typer.Option(help="In how many calls.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the shop, and of who is erased.")] = 7,
) -> None:
    """Erase random customers and compare with a shop that never saw them."""
    console = Console(highlight=False)
    with tempfile.TemporaryDirectory() as folder:
        file, raw = Path(folder) / "shop" / "shop.duckdb", Path(folder) / "never" / "shop.duckdb"
        file.parent.mkdir()
        raw.parent.mkdir()
        with warehouse.in_warehouse(file):
            generate(Plan(customers, seed, days=900))
            shutil.copy(file, raw)
            dbt_runner.build()
            versions.promote(fit(quick=True).version)
            explain(score().as_of)
            with warehouse.connect(read_only=True) as connection:
                known = connection.execute(
                    "select distinct customer_id from features.feat_customers order by all"
                ).fetchall()
            ids = Random(seed).sample([each for (each,) in known], erased)
            seconds, hits = [], 0
            for call in range(calls):
                start = time.perf_counter()
                result = erase(ids[call::calls])
                seconds.append(time.perf_counter() - start)
                hits += len(result.searched.hits)
            never_seen(raw, ids)
            compared = differing(warehouse.path(), raw)
    found = {
        "customers": customers,
        "erased": erased,
        "calls": calls,
        "seconds_a_call": [round(each, 1) for each in seconds],
        "hits": hits,
        "rows_and_differing": compared,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "erasing.json").write_text(json.dumps(found, indent=2) + "\n")
    console.print(f"{erased} of {customers:,} customers erased in {calls} calls: {hits} hits")
    console.print(f"seconds a call: {found['seconds_a_call']}")
    for table, (rows, others) in compared.items():
        console.print(f"{table}: {others} of {rows:,} rows differ from a shop that never saw them")
    if hits or any(others for _, others in compared.values()):
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
