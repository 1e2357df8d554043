"""Plant faults on rows of their own, and keep a ledger of them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from load.raw_tables import CUSTOMERS, HEADERS, LINES, TABLES

if TYPE_CHECKING:
    from generate.shop.plan import Plan

Tables = dict[str, pd.DataFrame]
KEYS = {table.name: table.key for table in TABLES}
LEDGER = ["table_name", "row_key", "fault", "rule", "value_before"]
# days with faults of their own leave the end of the period alone: it makes today
_END_SPARED = 0.05


class Traits(TypedDict, total=False):
    """What a `Fault` has beside what it does to which rows; explained there."""

    loses: bool
    adds: bool
    removes: bool
    whole_days: bool
    claims_sales: bool
    key: Callable[[pd.Series], pd.Series] | None


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
        Share of that table's rows, unless told otherwise; of the days, for faults of whole days.
    rule
        The rule of `marts.data_quality` that is meant to catch it.
    plant
        Returns the changed tables, given all tables, positions of chosen rows and a generator.
        Rows are neither added nor removed, but by faults that say so.
    column
        The column whose value the ledger keeps; None for faults that add or remove rows.
    eligible
        Which rows of the (clean) table may be chosen; all when None.
    loses
        Whether something is really gone that no cleaning can bring back.
    adds
        Whether what it returns are rows to be added at the end of tables.
    removes
        Whether rows are removed; planted after all others, as positions move.
    whole_days
        Whether whole days are spoilt: all eligible rows of some days.
    claims_sales
        Whether a customer's sales may carry no other fault.
    key
        What a row's key becomes, for the ledger; None where it stays.
    """

    name: str
    table: str
    rate: float
    rule: str
    plant: Callable[[Tables, np.ndarray, np.random.Generator], Tables]
    column: str | None = None
    eligible: Callable[[Tables], np.ndarray] | None = None
    loses: bool = False
    adds: bool = False
    removes: bool = False
    whole_days: bool = False
    claims_sales: bool = False
    key: Callable[[pd.Series], pd.Series] | None = None

    @property
    def is_outlier(self) -> bool:
        """Whether it is caught by a rule of thumb, which may miss it or hit others."""
        return self.rule.endswith("_capped")


def plant(
    tables: Tables, plan: Plan, part: str | int, faults: Iterable[Fault]
) -> tuple[Tables, pd.DataFrame]:
    """Plant faults, so that none hides another: no two share a transaction, customer or product.

    Parameters
    ----------
    tables
        Clean tables, some of the four; a header's lines stand together, in the order of the
        headers.
    plan
        States the rates and the seed.
    part
        Which part of the shop this is; each has random choices of its own.
    faults
        Those to plant, where the table is there and the rate is not 0.

    Returns
    -------
    tuple
        The faulty tables, and the ledger: one row per planted fault with the columns of
        `LEDGER`; value_before is text, null for added or removed rows.
    """
    wanted = [
        candidate
        for candidate in faults
        if candidate.table in tables and plan.rate(candidate.name) > 0
    ]
    free = _Free(tables)
    chosen = {}
    # those that need whole days or customers choose first; each has a generator of its own, so
    # that another fault's rate changes only which rows are left
    for fault in sorted(
        wanted, key=lambda candidate: not (candidate.whole_days or candidate.claims_sales)
    ):
        rng = _generator(plan, fault, part)
        chosen[fault.name] = (free.take(fault, tables, plan, rng), rng)
    faulty = dict(tables)
    added: dict[str, list[pd.DataFrame]] = {}
    for fault in (candidate for candidate in wanted if not candidate.removes):
        rows, rng = chosen[fault.name]
        for name, table in fault.plant(faulty, rows, rng).items() if len(rows) else ():
            # rows are added last, so that the positions of all others stay
            old_rows = 0 if fault.adds else len(faulty[name])
            if old_rows:
                faulty[name] = table.iloc[:old_rows]
            added.setdefault(name, []).append(table.iloc[old_rows:])
    for name, copies in added.items():
        faulty[name] = pd.concat([faulty[name], *copies], ignore_index=True)
    for fault in (candidate for candidate in wanted if candidate.removes):
        rows, rng = chosen[fault.name]
        if len(rows):
            faulty.update(fault.plant(faulty, rows, rng))
    return faulty, _ledger(tables, {fault: chosen[fault.name][0] for fault in wanted})


def _generator(plan: Plan, fault: Fault, part: str | int) -> np.random.Generator:
    return np.random.default_rng(
        [plan.seed, zlib.crc32(fault.name.encode()), zlib.crc32(str(part).encode())]
    )


def _ledger(tables: Tables, planted: Mapping[Fault, np.ndarray]) -> pd.DataFrame:
    """Return one row per planted fault; `tables` are the clean ones."""
    columns: dict[str, list[object]] = {name: [] for name in LEDGER}
    for fault, rows in planted.items():
        table = tables[fault.table]
        columns["table_name"] += [fault.table] * len(rows)
        keys = table[KEYS[fault.table]].iloc[rows]
        columns["row_key"] += (fault.key(keys) if fault.key else keys).tolist()
        columns["fault"] += [fault.name] * len(rows)
        columns["rule"] += [fault.rule] * len(rows)
        kept = table[fault.column].iloc[rows].astype("str") if fault.column else None
        columns["value_before"] += [None] * len(rows) if kept is None else kept.tolist()
    return pd.DataFrame(columns, dtype="str")


def is_in(values: pd.Series, wanted: pd.Series) -> np.ndarray:
    """Mark the values that are in `wanted`; of text, where pandas asks one by one."""
    marks = pc.is_in(pa.array(values), value_set=pa.array(wanted))
    return marks.to_numpy(zero_copy_only=False)


class _Free:
    """Which customers, products and transactions carry no fault yet."""

    def __init__(self, tables: Tables) -> None:
        self._free = {
            name: np.ones(len(table), dtype=bool)
            for name, table in tables.items()
            if name != LINES.name
        }
        if LINES.name in tables:
            transaction = tables[LINES.name]["transaction_id"].to_numpy()
            begins = np.ones(len(transaction), dtype=bool)
            begins[1:] = transaction[1:] != transaction[:-1]
            self._header_of_line = np.cumsum(begins) - 1

    def take(
        self, fault: Fault, tables: Tables, plan: Plan, rng: np.random.Generator
    ) -> np.ndarray:
        """Choose rows for a fault, ascending, and mark what they belong to as taken."""
        is_line = fault.table == LINES.name
        free = self._free[HEADERS.name if is_line else fault.table]
        open_rows = free[self._header_of_line] if is_line else free.copy()
        if fault.eligible is not None:
            open_rows &= fault.eligible(tables)
        if fault.whole_days:
            chosen = np.flatnonzero(open_rows & _on_chosen_days(fault, tables, plan))
        else:
            candidates = np.flatnonzero(open_rows)
            count = min(round(plan.rate(fault.name) * len(open_rows)), len(candidates))
            chosen = rng.choice(candidates, count, replace=False)
        if is_line:
            # one line per transaction
            _, first = np.unique(self._header_of_line[chosen], return_index=True)
            chosen = chosen[first]
        free[self._header_of_line[chosen] if is_line else chosen] = False
        if fault.claims_sales:
            claimed = tables[CUSTOMERS.name]["customer_id"].iloc[chosen]
            self._free[HEADERS.name][is_in(tables[HEADERS.name]["customer_id"], claimed)] = False
        return np.sort(chosen)


def _on_chosen_days(fault: Fault, tables: Tables, plan: Plan) -> np.ndarray:
    """Mark the rows of some days, which are the same in all parts of the shop."""
    count = max(round(plan.rate(fault.name) * plan.days), 1)
    last = max(int(plan.days * (1 - _END_SPARED)), 1)
    rng = np.random.default_rng([plan.seed, zlib.crc32(fault.name.encode())])
    days = rng.choice(last, min(count, last), replace=False).astype("timedelta64[D]")
    dates = tables[fault.table]["transaction_date"].to_numpy().astype("datetime64[D]")
    return np.isin(dates, np.datetime64(plan.start) + days)
