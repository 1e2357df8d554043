"""Faults: what cannot be right."""

from __future__ import annotations

import numpy as np

from generate.faults.kit import (
    DAY,
    HEADER,
    LINE,
    fault,
    registered,
    where_in,
    with_text,
    with_values,
)
from generate.faults.planting import Tables


@fault(HEADER, 0.005, "total_recomputed", "total_amount")
def totals_disagree(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """State totals that are not the sum of the lines."""
    total = tables[HEADER]["total_amount"].iloc[rows] + rng.integers(1, 5_000, len(rows))
    return {HEADER: with_values(tables[HEADER], rows, total_amount=total.array)}


@fault(HEADER, 0.001, "future_date", "transaction_date", loses=True)
def dates_in_future(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Move transactions ten years and more ahead; when they were recorded stays."""
    dates = tables[HEADER]["transaction_date"].iloc[rows].to_numpy()
    ahead = rng.integers(3653, 5000, len(rows)) * DAY
    return {HEADER: with_values(tables[HEADER], rows, transaction_date=dates + ahead)}


@fault(HEADER, 0.002, "before_registration", "transaction_date", loses=True)
def dates_before_registration(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Move transactions to days before their customer was registered."""
    since = registered(tables)[rows]
    date = tables[HEADER]["transaction_date"].iloc[rows].to_numpy()
    moved = since - rng.integers(1, 400, len(rows)) * DAY + (date - date.astype("datetime64[D]"))
    return {HEADER: with_values(tables[HEADER], rows, transaction_date=moved)}


@fault(HEADER, 0.0005, "implausible_date", "transaction_date", loses=True)
def dates_by_default(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Write the date that a system takes for "no date"."""
    default = np.array(["1900-01-01", "1970-01-01"], dtype="datetime64[s]")
    dates = default[rng.integers(0, 2, len(rows))]
    return {HEADER: with_values(tables[HEADER], rows, transaction_date=dates)}


@fault(HEADER, 0.0005, "unreadable_date", "transaction_date", loses=True)
def dates_unreadable(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Write what is no date."""
    words = np.array(["yesterday", "31.02.2023", "?"])[rng.integers(0, 3, len(rows))]
    return {HEADER: with_text(tables[HEADER], rows, "transaction_date", words)}


@fault(LINE, 0.0005, "sign_conflict", "quantity", loses=True)
def signs_flipped(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Write a quantity with the other sign than the amount."""
    quantity = -tables[LINE]["quantity"].iloc[rows]
    return {LINE: with_values(tables[LINE], rows, quantity=quantity.array)}


@fault(
    LINE,
    0.0005,
    "quantity_capped",
    "quantity",
    lambda tables: (tables[LINE]["quantity"] > 0).to_numpy(),
    loses=True,
)
def quantities_times_100(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Write a quantity a hundred times too large."""
    quantity = tables[LINE]["quantity"].iloc[rows] * 100
    return {LINE: with_values(tables[LINE], rows, quantity=quantity.array)}


@fault(
    LINE,
    0.0005,
    "amount_capped",
    "line_item_amount",
    # a hundredfold small amount is no outlier
    lambda tables: (tables[LINE]["line_item_amount"] > 1_000).to_numpy(),
    loses=True,
)
def amounts_times_100(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Write cents for units, in a line and so in its header's total."""
    headers, lines = tables[HEADER], tables[LINE].iloc[rows]
    amount = lines["line_item_amount"]
    header, places = where_in(headers["transaction_id"], lines["transaction_id"])
    total = headers["total_amount"].iloc[header] + 99 * amount.iloc[places].to_numpy("int64")
    return {
        LINE: with_values(tables[LINE], rows, line_item_amount=(amount * 100).array),
        HEADER: with_values(headers, header, total_amount=total.array),
    }
