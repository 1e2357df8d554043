"""What the faults have in common: their registry, and small changes to tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Unpack

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from generate.faults.planting import Fault, Tables, Traits
from load.raw_tables import CUSTOMERS, HEADERS, LINES, PRODUCTS

FAULTS: dict[str, Fault] = {}
CUSTOMER, PRODUCT, HEADER, LINE = CUSTOMERS.name, PRODUCTS.name, HEADERS.name, LINES.name
DAY = np.timedelta64(1, "D")
LATE_DAYS = 45

Plant = Callable[[Tables, np.ndarray, np.random.Generator], Tables]


def fault(
    table: str,
    rate: float,
    rule: str,
    column: str | None = None,
    eligible: Callable[[Tables], np.ndarray] | None = None,
    **traits: Unpack[Traits],
) -> Callable[[Plant], Plant]:
    """Enter a function into the registry, under its own name; see `Fault`."""

    def register(function: Plant) -> Plant:
        name = function.__name__
        FAULTS[name] = Fault(name, table, rate, rule, function, column, eligible, **traits)
        return function

    return register


def with_values(table: pd.DataFrame, rows: np.ndarray, **columns: object) -> pd.DataFrame:
    """Return the table with other values in some rows of some columns."""
    changed = {}
    for name, values in columns.items():
        column = table[name]
        if values is None and column.dtype.kind == "i":
            column = column.astype("Int64")
        column = column.copy()
        column.iloc[rows] = values
        changed[name] = column
    return table.assign(**changed)


def with_text(table: pd.DataFrame, rows: np.ndarray, column: str, text: object) -> pd.DataFrame:
    """Return the table with text in some rows of a column of dates or numbers; see `Shop`."""
    name = f"{column}_text"
    texts = table[name].copy() if name in table else pd.Series(None, table.index, dtype="str")
    texts.iloc[rows] = text
    return table.assign(**{name: texts})


def copies(
    table: pd.DataFrame, rows: np.ndarray, **columns: pd.Series | np.ndarray
) -> pd.DataFrame:
    """Return copies of rows, with other values in some columns; for faults that add rows."""
    return table.iloc[rows].assign(**columns)


def with_copies(table: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return a table with rows added; for faults that change rows and add others."""
    return pd.concat([table, rows], ignore_index=True)


def not_given_out(ids: pd.Series) -> pd.Series:
    """Return ids of the same form that belong to nothing."""
    return ids.str[:1] + "9" + ids.str[2:]


def padded(ids: pd.Series, rng: np.random.Generator) -> pd.Series:
    """Return ids with blanks around them."""
    left = pd.Series(np.array(["", " ", "  "])[rng.integers(0, 3, len(ids))], ids.index)
    return left + ids + " "


def where_in(values: pd.Series, wanted: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions in `values` of what is in `wanted`, and where it is there."""
    indices = pc.index_in(pa.array(values), value_set=pa.array(wanted)).to_numpy(
        zero_copy_only=False
    )
    positions = np.flatnonzero(~np.isnan(indices))
    return positions, indices[positions].astype("int64")


def registered(tables: Tables) -> np.ndarray:
    """Return for each header the day its customer was registered, as the clean tables state it.

    Call it where `customer_id` of neither table carries a fault yet, or on free rows: ids are
    compared without blanks and in capitals.
    """
    customers = tables[CUSTOMER]
    since = pd.Series(customers["customer_since"].to_numpy(), customers["customer_id"].str.strip())
    since = since[~since.index.duplicated()]
    return tables[HEADER]["customer_id"].str.strip().str.upper().map(since).to_numpy()


def early_enough(table: str) -> Callable[[Tables], np.ndarray]:
    """Return the rule that a row may be followed by a late one before the data end."""

    def eligible(tables: Tables) -> np.ndarray:
        latest = tables[HEADER]["recorded_at"].max().to_datetime64() - LATE_DAYS * DAY
        return (tables[table]["recorded_at"] <= latest).to_numpy()

    return eligible


def later(recorded: pd.Series, days: int, rng: np.random.Generator) -> np.ndarray:
    """Return times from one day to `days` days after."""
    delay = rng.integers(86_400, days * 86_400 + 1, len(recorded)).astype("timedelta64[s]")
    return recorded.to_numpy() + delay
