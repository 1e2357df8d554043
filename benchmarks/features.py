"""What the feature mart costs beside its bare kernel and beside its peers.

python -m benchmarks.features [--size s --size m]
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console

import warehouse
from benchmarks.feature_runs import SHARDS, SNAPSHOTS, Shop
from benchmarks.measuring import RESULTS, SIZES, Size, keep
from benchmarks.peers import common
from core import tables

FILE = RESULTS / "features.json"
# the module of each peer, and the largest size that it is asked for; the first of a task is ours
FEATURES = {
    "duckdb": ("duckdb_features", "m"),
    "polars": ("polars_features", "m"),
    "pandas": ("pandas_features", "m"),
    "featuretools": ("featuretools_features", "s"),
}
RETRIEVAL = {"equality join": ("ours_retrieval", "m"), "feast": ("feast_retrieval", "m")}
LIMIT_SECONDS = 900


class DifferentResultError(warehouse.ShopError):
    """Two methods gave different values for the same feature."""


def bench(size: str) -> list[dict[str, object]]:
    """Measure all methods at a size.

    Returns
    -------
    list of dict
        size, task, method, wall_s, cpu_s, peak_mb, rows, features, checksum; rows of one task with
        equal counts of features have equal checksums.

    Raises
    ------
    DifferentResultError
        If a method has another value of a feature than the first of its task.
    """
    shop = Shop(size)
    shutil.rmtree(shop.folder, ignore_errors=True)
    shop.folder.mkdir(parents=True)
    _say(size, "generating the shop")
    shop.generate()
    rows = _from_raw(shop)
    if size != "l":
        rows += _beside_peers(shop, rows[1])
        rows += _increments(shop)
    rows += _night(shop)
    rows += _in_shards(shop, rows[-1])
    shutil.rmtree(shop.folder)
    kept = ("task", "method", "wall_s", "cpu_s", "peak_mb", "rows", "features", "checksum")
    return [{"size": size, **{name: row.get(name) for name in kept}} for row in rows]


def _say(size: str, what: str) -> None:
    typer.echo(f"{size}: {what}")


def _from_raw(shop: Shop) -> list[dict[str, object]]:
    task = "raw tables to features"
    _say(shop.size, "dbt parse, which every dbt command begins with")
    start = {"task": task, "method": "dbt start-up", **shop.dbt("parse", "--no-partial-parse")}
    _say(shop.size, "dbt build with all tests")
    built = shop.build()
    built = {**built, **shop.checksum(shop.warehouse, "features.feat_customers")}
    _say(shop.size, "the bare kernel")
    kernel = shop.kernel()
    _check(kernel, built)
    _say(shop.size, "dbt build again")
    again = {"task": task, "method": "dbt, nothing new", **shop.build()}
    return [
        start,
        {"task": task, "method": "dbt", **built},
        {"task": task, "method": "kernel", **kernel},
        again,
    ]


def _night(shop: Shop) -> list[dict[str, object]]:
    """Measure a night of a thousandth more lines; a full build of the rows must give the same."""
    _say(shop.size, "a night of 0.1 % new lines")
    shop.a_night()
    night = {"task": "increment", "method": "dbt, a night", **shop.build(), **_mart(shop)}
    if shop.size != "l":
        anew = {"method": "dbt, full refresh", **shop.build("--full-refresh"), **_mart(shop)}
        _check(night, anew)
    return [night]


def _in_shards(shop: Shop, night: dict) -> list[dict[str, object]]:
    """Measure the build of the same rows in shards, which must give the same."""
    _say(shop.size, f"{SHARDS} shards, one after another")
    sharded = {**shop.build_in_shards(), **_mart(shop)}
    _check(sharded, night)
    return [{"task": "raw tables to features", "method": f"dbt, {SHARDS} shards", **sharded}]


def _beside_peers(shop: Shop, built: dict) -> list[dict[str, object]]:
    shop.export()
    features = _of_peers(shop, "customer days to features", FEATURES)
    for record in features:
        # what the mart has under the same name must be the same, the rest as ours
        right = {**features[0]["columns"], **built["columns"]}
        _check(record, {"rows": built["rows"], "columns": right})
    retrieval = _of_peers(shop, "finished mart to spine", RETRIEVAL)
    for record in retrieval:
        _check(record, built)
    return [*features, *retrieval]


def _of_peers(shop: Shop, task: str, peers: dict[str, tuple[str, str]]) -> list[dict[str, object]]:
    records = []
    for method, (module, largest) in peers.items():
        if list(SIZES).index(shop.size) > list(SIZES).index(largest):
            continue
        _say(shop.size, f"{task}: {method}")
        record = shop.peer(module, LIMIT_SECONDS)
        if record["stopped"]:
            _say(shop.size, f"{method} was stopped after {LIMIT_SECONDS} s")
        records.append({**record, "task": task, "method": method})
    return records


def _increments(shop: Shop) -> list[dict[str, object]]:
    """Measure builds on top of a mart; each must end as a full build of the same rows does."""
    task = "increment"
    lattice = shop.dates()[-2]

    def run(method: str, prepare: Callable[[], object]) -> dict[str, object]:
        _say(shop.size, method)
        prepare()
        measured = shop.build()
        return {"task": task, "method": method, **measured, **_mart(shop)}

    one_more = run("dbt, one snapshot more", lambda: shop.build(as_of=lattice))
    shop.take_away(lattice)
    shop.build()
    month = run("dbt, a month of rows more", shop.bring_back)
    late = run("dbt, 1,000 late lines", shop.come_late)
    _say(shop.size, "full refresh of the same rows")
    full = {"task": task, "method": "dbt, full refresh", **shop.build("--full-refresh")}
    full = {**full, **_mart(shop)}
    _check(late, full)
    _check(month, one_more)
    return [one_more, month, late, full]


def _mart(shop: Shop) -> dict[str, object]:
    return shop.checksum(shop.warehouse, "features.feat_customers")


def _check(record: dict, reference: dict) -> None:
    if record.get("stopped"):
        return
    differing = common.differences(record, reference)
    if differing:
        raise DifferentResultError(f"{record['method']}: other values of {', '.join(differing)}")


def ratios(rows: list[dict]) -> list[tuple[str, str, str]]:
    """Return what the bars ask of the measured rows: name, value and bar."""
    of = {(row["size"], row["method"]): row for row in rows}

    def ratio(numerator: tuple[str, str], denominator: tuple[str, str], unit: str) -> str | None:
        if numerator not in of or denominator not in of:
            return None
        return f"{of[numerator][unit] / of[denominator][unit]:.2f}"

    lines = []
    for size in SIZES:
        questions = [
            ("dbt with tests / kernel, wall", "dbt", "kernel", "wall_s", "at most 1.4"),
            (
                f"{SHARDS} shards / dbt, wall",
                *(f"dbt, {SHARDS} shards", "dbt", "wall_s", "at most 1"),
            ),
            ("start of dbt / dbt, wall", "dbt start-up", "dbt", "wall_s", ""),
            ("nothing new / dbt, wall", "dbt, nothing new", "dbt", "wall_s", ""),
            ("a night of 0.1 % new lines / dbt, wall", "dbt, a night", "dbt", "wall_s", ""),
            (
                "one snapshot more / full refresh, wall",
                *("dbt, one snapshot more", "dbt, full refresh", "wall_s", "at most 0.25"),
            ),
            (
                "a month of rows more / full refresh, wall",
                *("dbt, a month of rows more", "dbt, full refresh", "wall_s", ""),
            ),
            (
                "1,000 late lines / full refresh, wall",
                *("dbt, 1,000 late lines", "dbt, full refresh", "wall_s", ""),
            ),
            ("Featuretools / DuckDB, processor", "featuretools", "duckdb", "cpu_s", "at least 40"),
            ("DuckDB / Polars, processor", "duckdb", "polars", "cpu_s", "at most 1"),
            ("pandas / DuckDB, processor", "pandas", "duckdb", "cpu_s", ""),
            ("Feast / equality join, processor", "feast", "equality join", "cpu_s", "at least 10"),
        ]
        for name, first, second, unit, bar in questions:
            value = ratio((size, first), (size, second), unit)
            if value:
                lines.append((f"{size}: {name}", value, bar))
    for small, large in (("s", "m"), ("m", "l")):
        for method in ("dbt", "kernel"):
            value = ratio((large, method), (small, method), "wall_s")
            if value:
                bar = "at most 11" if (large, method) == ("l", "dbt") else ""
                lines.append((f"growth of {method} from {small} to {large}, wall", value, bar))
    return lines


def show(console: Console, rows: list[dict]) -> None:
    """Print the rows, what they cost per feature, and the ratios beside their bars."""
    columns = ("size", "task", "method", "wall s", "cpu s", "peak MB", "rows", "features")
    table = tables.new_table(
        f"Features at {SNAPSHOTS} as-of dates and the current one",
        *(*columns, "rows/s", "cpu ms per 1,000 values", "checksum"),
    )
    for row in rows:
        counted = row["rows"] and row["checksum"]
        values = row["rows"] * row["features"] if counted else None
        table.add_row(
            *(str(row[name]) for name in ("size", "task", "method", "wall_s", "cpu_s")),
            f"{row['peak_mb']:,}",
            *(f"{row[name]:,}" if counted else "" for name in ("rows", "features")),
            f"{row['rows'] / row['wall_s']:,.0f}" if counted else "",
            f"{1e6 * row['cpu_s'] / values:.4f}" if counted else "",
            str(row["checksum"] or "")[:8],
        )
    console.print(table)
    table = tables.new_table("In short", "ratio", "measured", "bar")
    for line in ratios(rows):
        table.add_row(*line)
    console.print(table)


def main(
    size: Annotated[
        list[Size] | None, typer.Option(help="s (20,000 customers), m (10 x), l (100 x).")
    ] = None,
) -> None:
    """Measure, print tables, and keep the rows in benchmarks/results/features.json."""
    rows = []
    for shop_size in size or ["s", "m"]:
        rows += bench(shop_size)
        keep(rows, FILE)
    show(Console(width=max(150, Console().width)), json.loads(FILE.read_text()))


if __name__ == "__main__":
    typer.run(main)
