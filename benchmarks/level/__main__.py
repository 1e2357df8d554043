"""Is the level right? Sums of forecasts on kinds of shops whose truth is known: `make bench-level`.

python -m benchmarks.level [--kind steady --kind "a price rise"] [--seed 1]
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import duckdb
import numpy as np
import pandas as pd
import typer

import warehouse
from benchmarks.level.shops import KINDS, Shop, draw, load_drawn
from benchmarks.measuring import RESULTS, WORK
from core import dbt_runner, tables
from train import dataset
from train.backtest import backtest
from train.candidates.bgnbd import BuyTillDie
from train.candidates.models import FULL

FILE = RESULTS / "level.json"
DATES, BEFORE = 6, 3
# what anybody could use instead; the parametric model without a level of its own is one of them
PUBLISHED, TRUTH, WHOLE = "as published", "truth", "whole shop"
BASELINES = ("last 30 days", "monthly mean", "yearly mean", "same days last year", "bgnbd")
# half the rows and rounds of a fit: in shops this small enough for sums, in a third of the time
EFFORT = replace(FULL, rows_read=75_000, rows=20_000, rounds=50, learning_rate=0.12)


def measure(name: str, seed: int) -> list[dict[str, object]]:
    """Draw a shop, build its mart, forecast its past, and return sums by as-of date.

    Returns
    -------
    list of dict
        kind, seed, as_of_date, model, forecast, actual; of what was published, and of that with
        newcomers, total_low and total_high too. The warehouse is that of `WAREHOUSE_PATH`.
    """
    folder = warehouse.path().parent
    shop = draw(KINDS[name], seed)
    load_drawn(shop, folder)
    dbt_runner.build()
    backtest(folds=DATES + BEFORE, effort=EFFORT)
    dbt_runner.build(select="total_backtest+ stg_scoring__backtest+")
    with warehouse.connect(read_only=True) as connection:
        days = [
            row[0]
            for row in connection.execute(
                "select distinct as_of_date from backtest order by 1 desc limit ?", [DATES]
            ).fetchall()
        ]
        return [
            {"kind": name, "seed": seed, **row}
            for day in days
            for row in _sums(connection, shop, day)
        ]


def _sums(
    connection: duckdb.DuckDBPyConnection, shop: Shop, day: dt.date
) -> list[dict[str, object]]:
    sums = connection.execute(
        """
        select model, sum(forecast) from backtest where as_of_date = ? group by all
        """,
        [day],
    ).fetchall()
    of_sets = connection.execute(
        """
        select set_kind, expected_spend, actual_spend, total_low, total_high
        from marts.total_backtest
        where set_kind in ('all', 'whole shop') and as_of_date = ?
        order by set_kind
        """,
        [day],
    ).fetchall()
    [(_, _, actual, low, high), (_, whole, whole_actual, *whole_bounds)] = of_sets
    bounds = {PUBLISHED: (low, high), WHOLE: whole_bounds}
    forecasts = {model: (forecast, actual) for model, forecast in sums}
    forecasts[TRUTH] = shop.expected(day), actual
    forecasts["bgnbd"] = _bgnbd(connection, day), actual
    forecasts[WHOLE] = whole, whole_actual
    return [
        {
            "as_of_date": str(day),
            "model": model,
            "forecast": round(forecast),
            "actual": round(happened),
            **dict(zip(("total_low", "total_high"), bounds.get(model, ()), strict=False)),
        }
        for model, (forecast, happened) in forecasts.items()
    ]


def _bgnbd(connection: duckdb.DuckDBPyConnection, day: dt.date) -> float:
    """Return the sum of BG/NBD times Gamma-Gamma, fitted to the summaries of the day alone."""
    rows = dataset.read(connection, warehouse.contract(), [day], limit=1_000_000)
    return float(BuyTillDie(30).fit(rows.X, np.zeros(len(rows))).predict(rows.X).sum())


def summarised(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a line per kind of shop.

    Returns
    -------
    DataFrame
        Index kind; bias (mean log ratio of what was published), published, best_baseline and truth
        (means of the absolute log ratio), baseline (which), coverage of the 80 % intervals, and
        whole_coverage of those with newcomers.
    """
    rows = rows.assign(log=np.log(rows["forecast"].clip(lower=1) / rows["actual"]))
    rows["covered"] = rows["actual"].between(rows["total_low"], rows["total_high"])
    lines = {}
    for kind, of_kind in rows.groupby("kind", sort=False):
        error = of_kind["log"].abs().groupby(of_kind["model"]).mean()
        published = of_kind[of_kind["model"] == PUBLISHED]
        lines[kind] = {
            "bias": published["log"].mean(),
            "published": error[PUBLISHED],
            "best_baseline": error[list(BASELINES)].min(),
            "baseline": error[list(BASELINES)].idxmin(),
            "truth": error[TRUTH],
            "coverage": published["covered"].mean(),
            "whole_coverage": of_kind.loc[of_kind["model"] == WHOLE, "covered"].mean(),
        }
    return pd.DataFrame.from_dict(lines, orient="index")


def show(summary: pd.DataFrame) -> None:
    """Print it, with the means."""
    table = tables.new_table(
        "Sums of 30 days: mean |log(forecast / actual)|",
        *("kind of shop", "as published", "bias", "best simple baseline", "truth", "covered"),
        "with newcomers",
    )
    for kind, line in summary.iterrows():
        table.add_row(
            str(kind),
            f"{line['published']:.3f}",
            f"{line['bias']:+.3f}",
            f"{line['best_baseline']:.3f} ({line['baseline']})",
            f"{line['truth']:.3f}",
            f"{line['coverage']:.0%}",
            f"{line['whole_coverage']:.0%}",
        )
    mean = summary.drop(columns="baseline").astype(float).mean()
    table.add_row(
        "mean",
        *(f"{mean['published']:.3f}", f"{mean['bias']:+.3f}", f"{mean['best_baseline']:.3f}"),
        *(f"{mean['truth']:.3f}", f"{mean['coverage']:.0%}", f"{mean['whole_coverage']:.0%}"),
    )
    tables.wide_console().print(table)


def _in_own_process(name: str, seed: int) -> list[dict[str, object]]:
    folder = WORK / "level" / f"{list(KINDS).index(name)}-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environment = {
        "WAREHOUSE_PATH": str(folder / "shop.duckdb"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
    }
    command = [sys.executable, "-m", "benchmarks.level", "--kind", name, "--seed", str(seed)]
    with open(folder / "log", "w") as log:
        done = subprocess.run(
            [*command, "--into", str(folder / "rows.json")],
            env={**os.environ, **environment},
            cwd=warehouse.ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    if done.returncode:
        raise RuntimeError(f"{name} failed: see {folder / 'log'}")
    rows = json.loads((folder / "rows.json").read_text())
    shutil.rmtree(folder)
    typer.echo(f"{name}: done")
    return rows


def main(
    kind: Annotated[
        list[str] | None, typer.Option(help=f"One of: {', '.join(KINDS)}; all by default.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the shops.")] = 1,
    into: Annotated[
        Path | None, typer.Option(help="Measure one kind in this process; write its rows there.")
    ] = None,
) -> None:
    """Measure, print the table, and keep the rows in benchmarks/results/level.json."""
    kinds = kind or list(KINDS)
    if into:
        into.write_text(json.dumps(measure(kinds[0], seed)))
        return
    with ThreadPoolExecutor(2) as pool:
        parts = list(pool.map(lambda name: _in_own_process(name, seed), kinds))
    rows = [row for part in parts for row in part]
    if kinds == list(KINDS):
        FILE.write_text("[\n" + ",\n".join(f"  {json.dumps(row)}" for row in rows) + "\n]\n")
    show(summarised(pd.DataFrame(rows)))


if __name__ == "__main__":
    typer.run(main)
