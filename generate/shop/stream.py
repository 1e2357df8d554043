"""Draw a shop chunk by chunk, in several processes, into Parquet files."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from generate.shop import optimum
from generate.shop.drawer import Block, Drawer
from generate.shop.plan import Plan
from load.raw_tables import HEADERS, LINES, PRODUCTS, Table

# texts that come often; others, and numbers, gain nothing from a dictionary
_REPEATED = (
    *("first_name", "city", "region", "segment_id", "loyalty_status", "customer_id", "store_id"),
    *("product_id", "promotion_id", "kind", "table_name", "fault", "rule"),
)
# fewer blocks are drawn sooner than another process has started
_FEWEST_PER_JOB = 3


@dataclass(frozen=True)
class Drawn:
    """What a chunk left.

    Attributes
    ----------
    files
        The Parquet file of each table; the first chunk's has the products too.
    purchases, cents
        Number and value of all purchases, before any fault.
    last_known
        The last day on which something was recorded; None without a sale.
    """

    files: dict[str, Path]
    purchases: int
    cents: int
    last_known: date | None


def draw(
    plan: Plan,
    folder: Path,
    as_of: Sequence[date],
    *,
    jobs: int | None = None,
    chunk: int = 1,
) -> Iterator[Drawn]:
    """Draw every block of a shop and write it to files, in order.

    Parameters
    ----------
    folder
        Where the files go.
    as_of
        Days whose best forecast is written too.
    jobs
        Processes; by default as many as there are processors, fewer for a small shop.
    chunk
        Blocks that are drawn and written at once. Neither this nor `jobs` changes a row.
    """
    numbers = range(len(plan.blocks))
    chunks = [numbers[first : first + chunk] for first in range(0, len(numbers), chunk)]
    if jobs is None:
        jobs = min(os.cpu_count() or 1, -(-len(numbers) // _FEWEST_PER_JOB))
    if jobs == 1:
        drawer = Drawer(plan)
        for part in chunks:
            yield _draw_chunk(drawer, part, folder, as_of)
        return
    # a fresh process inherits no lock that a thread of this one holds
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, initializer=_start, initargs=(plan,)) as pool:
        yield from pool.map(partial(_work, folder=folder, as_of=as_of), chunks)


_drawers: list[Drawer] = []


def _start(plan: Plan) -> None:
    """Draw names and products once per process, and end with the process that started this one."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _drawers[:] = [Drawer(plan)]


def _end_with_parent() -> None:
    # a pool's process waits for work for ever if the process that gives it was killed
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(numbers: Sequence[int], folder: Path, as_of: Sequence[date]) -> Drawn:
    return _draw_chunk(_drawers[0], numbers, folder, as_of)


def _draw_chunk(
    drawer: Drawer, numbers: Sequence[int], folder: Path, as_of: Sequence[date]
) -> Drawn:
    blocks = [drawer.block(number) for number in numbers]
    tables = {name: _stacked([block.tables[name] for block in blocks]) for name in blocks[0].tables}
    for table in (HEADERS, LINES):
        tables[table.name] = _with_texts(tables[table.name], table)
    ledgers = [block.ledger for block in blocks]
    if numbers[0] == 0:
        # the products belong to all customers; the first chunk writes them
        products, ledger = drawer.products
        tables[PRODUCTS.name] = _stacked([products])
        ledgers.insert(0, ledger)
    tables["customers"] = _stacked([block.latent for block in blocks])
    tables["faults"] = _stacked(ledgers)
    tables["expected_spend"] = pa.concat_tables(
        [optimum.expected(drawer, block.behaviour, as_of) for block in blocks]
    )
    purchases = [block.behaviour.purchases for block in blocks]
    return Drawn(
        files={name: _write(table, folder, name, numbers[0]) for name, table in tables.items()},
        purchases=sum(len(of_block.cents) for of_block in purchases),
        cents=sum(int(of_block.cents.sum()) for of_block in purchases),
        last_known=max(filter(None, map(_last_known, blocks)), default=None),
    )


def _stacked(frames: list[pd.DataFrame]) -> pa.Table:
    return pa.Table.from_pandas(pd.concat(frames, ignore_index=True), preserve_index=False)


def _with_texts(rows: pa.Table, table: Table) -> pa.Table:
    """Add the columns of text that no row of these blocks needed."""
    for column in table.columns:
        if column.name.endswith("_text") and column.name not in rows.column_names:
            rows = rows.append_column(column.name, pa.nulls(len(rows), pa.large_string()))
    return rows


def _last_known(block: Block) -> date | None:
    recorded = block.tables["store_sales_header"]["recorded_at"]
    return None if recorded.empty else recorded.max().date()


def _write(table: pa.Table, folder: Path, name: str, number: int) -> Path:
    file = folder / f"{name}-{number:05d}.parquet"
    repeated = [column for column in table.column_names if column in _REPEATED]
    pq.write_table(table, file, compression="lz4", use_dictionary=repeated)
    return file
