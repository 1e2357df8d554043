"""Plant faults on rows of their own, and keep a ledger of them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from generate.raw_tables import CUSTOMERS, HEADERS, LINES, PRODUCTS, TABLES

Tables = dict[str, pd.DataFrame]
KEYS = {table.name: table.key for table in TABLES}


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes
    ----------
    name
        Its name, as on the command line.
    table
        The table whose rows are chosen.
    rate
        Share of that table's rows, unless told otherwise.
    plant
        Returns the changed tables, given all tables, positions of chosen rows and a generator.
        Rows may be added at the end of a table, never elsewhere, and none removed.
    column
        The column whose value the ledger keeps; None for faults that add rows.
    eligible
        Which rows of the table may be chosen; all when None.
    """

    name: str
    table: str
    rate: float
    plant: Callable[[Tables, np.ndarray, np.random.Generator], Tables]
    column: str | None = None
    eligible: Callable[[Tables], np.ndarray] | None = None


def plant(
    tables: Tables, faults: Mapping[str, Fault], rates: Mapping[str, float], seed: int
) -> tuple[Tables, pd.DataFrame]:
    """Plant faults, so that none hides another: no two share a transaction, customer or product.

    Parameters
    ----------
    tables
        Clean tables; a header's lines stand together, in the order of the headers.
    rates
        Rate by fault name, where it is not the fault's own; 0 leaves a fault out.

    Returns
    -------
    tuple
        The faulty tables, and the ledger: one row per planted fault with table, row_key, fault
        and value_before (text; null for added rows).

    Raises
    ------
    ValueError
        If a rate names no fault or is no share.
    """
    for name, rate in rates.items():
        if name not in faults:
            raise ValueError(f"unknown fault {name!r}; expected one of {', '.join(faults)}")
        if not 0 <= rate <= 1:
            raise ValueError(f"rate {rate} of fault {name} is not between 0 and 1")
    tables = dict(tables)
    free = _Free(tables)
    entries = []
    for fault in faults.values():
        # its own generator: another fault's rate changes only which rows are left
        rng = np.random.default_rng([seed, zlib.crc32(fault.name.encode())])
        rows = free.take(fault, tables, rates.get(fault.name, fault.rate), rng)
        if not len(rows):
            continue
        entries.append(_entries(fault, tables, rows))
        tables.update(fault.plant(tables, rows, rng))
    columns = ["table", "row_key", "fault", "value_before"]
    ledger = pd.concat(entries, ignore_index=True) if entries else pd.DataFrame(columns=columns)
    return tables, ledger


def _entries(fault: Fault, tables: Tables, rows: np.ndarray) -> pd.DataFrame:
    table = tables[fault.table]
    before = None if fault.column is None else table[fault.column].iloc[rows].astype("str").array
    return pd.DataFrame(
        {
            "table": fault.table,
            "row_key": table[KEYS[fault.table]].iloc[rows].array,
            "fault": fault.name,
            "value_before": pd.array([None] * len(rows), "str") if before is None else before,
        }
    )


class _Free:
    """Which customers, products and transactions carry no fault yet."""

    def __init__(self, tables: Tables) -> None:
        self._free = {
            name: np.ones(len(tables[name]), dtype=bool)
            for name in (CUSTOMERS.name, PRODUCTS.name, HEADERS.name)
        }
        transaction = tables[LINES.name]["transaction_id"].to_numpy()
        begins = np.ones(len(transaction), dtype=bool)
        begins[1:] = transaction[1:] != transaction[:-1]
        self._header_of_line = np.cumsum(begins) - 1

    def take(
        self, fault: Fault, tables: Tables, rate: float, rng: np.random.Generator
    ) -> np.ndarray:
        """Choose rows for a fault, ascending, and mark what they belong to as taken."""
        is_line = fault.table == LINES.name
        owner = HEADERS.name if is_line else fault.table
        free = self._free[owner]
        open_rows = free[self._header_of_line] if is_line else free.copy()
        count = round(rate * len(open_rows))
        if fault.eligible is not None:
            # rows that earlier faults added stand behind the original ones
            open_rows &= fault.eligible(tables)[: len(open_rows)]
        candidates = np.flatnonzero(open_rows)
        chosen = rng.choice(candidates, min(count, len(candidates)), replace=False)
        if is_line:
            # one line per transaction
            _, first = np.unique(self._header_of_line[chosen], return_index=True)
            chosen = chosen[first]
        free[self._header_of_line[chosen] if is_line else chosen] = False
        return np.sort(chosen)
