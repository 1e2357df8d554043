"""Faults: what is there twice, belongs to nothing, or comes late."""

from __future__ import annotations

import numpy as np

from generate.faults.kit import (
    CUSTOMER,
    DAY,
    HEADER,
    LATE_DAYS,
    LINE,
    copies,
    early_enough,
    fault,
    later,
    not_given_out,
    registered,
    where_in,
    with_copies,
    with_values,
)
from generate.faults.planting import Tables

# what is there twice


@fault(CUSTOMER, 0.002, "exact_duplicate", adds=True)
def customers_twice(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Add equal rows."""
    return {CUSTOMER: copies(tables[CUSTOMER], rows)}


@fault(HEADER, 0.003, "exact_duplicate", adds=True)
def headers_twice(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Add equal rows."""
    return {HEADER: copies(tables[HEADER], rows)}


@fault(LINE, 0.003, "exact_duplicate", adds=True)
def lines_twice(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Add equal rows."""
    return {LINE: copies(tables[LINE], rows)}


@fault(HEADER, 0.001, "exact_duplicate", whole_days=True, adds=True)
def file_doubled(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Load the file of a day twice: all its headers and lines."""
    headers, lines = tables[HEADER], tables[LINE]
    of_the_day, _ = where_in(lines["transaction_id"], headers["transaction_id"].iloc[rows])
    return {HEADER: copies(headers, rows), LINE: copies(lines, of_the_day)}


@fault(LINE, 0.001, "conflicting_duplicate", adds=True)
def lines_in_conflict(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Add a first version with another amount, corrected on the same day."""
    chosen = tables[LINE].iloc[rows]
    amount = chosen["line_item_amount"] + rng.integers(1, 500, len(rows))
    recorded = chosen["recorded_at"].dt.normalize()
    return {LINE: copies(tables[LINE], rows, line_item_amount=amount, recorded_at=recorded)}


@fault(HEADER, 0.001, "superseded", "total_amount", early_enough(HEADER))
def headers_corrected(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """State another total first; the right version is recorded days later."""
    table = tables[HEADER]
    right = copies(table, rows, recorded_at=later(table["recorded_at"].iloc[rows], 10, rng))
    wrong = table["total_amount"].iloc[rows] + rng.integers(1, 2_000, len(rows))
    return {HEADER: with_copies(with_values(table, rows, total_amount=wrong.array), right)}


@fault(LINE, 0.001, "superseded", "line_item_amount", early_enough(LINE))
def lines_corrected(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """State another amount first; the right version is recorded days later."""
    table = tables[LINE]
    right = copies(table, rows, recorded_at=later(table["recorded_at"].iloc[rows], 10, rng))
    wrong = table["line_item_amount"].iloc[rows] + rng.integers(1, 500, len(rows))
    return {LINE: with_copies(with_values(table, rows, line_item_amount=wrong.array), right)}


# what belongs to nothing


@fault(LINE, 0.001, "unknown_header", adds=True, key=not_given_out)
def lines_without_header(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Add lines of transactions that do not exist."""
    chosen = tables[LINE].iloc[rows]
    ids = {name: not_given_out(chosen[name]) for name in ("line_item_id", "transaction_id")}
    return {LINE: copies(tables[LINE], rows, **ids)}


@fault(HEADER, 0.001, "without_lines", adds=True, key=not_given_out)
def headers_without_lines(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Add transactions that have no lines."""
    ids = not_given_out(tables[HEADER]["transaction_id"].iloc[rows])
    return {HEADER: copies(tables[HEADER], rows, transaction_id=ids)}


@fault(HEADER, 0.002, "unknown_customer", "customer_id", loses=True)
def customers_unknown(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Name buyers that are no customers."""
    ids = not_given_out(tables[HEADER]["customer_id"].iloc[rows])
    return {HEADER: with_values(tables[HEADER], rows, customer_id=ids.array)}


@fault(LINE, 0.001, "unknown_product", "product_id", loses=True)
def products_unknown(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Name products that do not exist."""
    ids = not_given_out(tables[LINE]["product_id"].iloc[rows])
    return {LINE: with_values(tables[LINE], rows, product_id=ids.array)}


# what comes late


@fault(HEADER, 0.01, "known_late", "recorded_at", early_enough(HEADER))
def late_rows(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Record transactions, header and lines, days after they happened."""
    headers, lines = tables[HEADER], tables[LINE]
    recorded = later(headers["recorded_at"].iloc[rows], LATE_DAYS, rng)
    affected, places = where_in(lines["transaction_id"], headers["transaction_id"].iloc[rows])
    return {
        HEADER: with_values(headers, rows, recorded_at=recorded),
        LINE: with_values(lines, affected, recorded_at=recorded[places]),
    }


def _long_registered(tables: Tables) -> np.ndarray:
    return (registered(tables) < tables[HEADER]["transaction_date"].to_numpy() - 31 * DAY) & (
        tables[HEADER]["transaction_date"] > tables[HEADER]["transaction_date"].min() + 31 * DAY
    ).to_numpy()


@fault(HEADER, 0.002, "known_late", "transaction_date", _long_registered, loses=True)
def rows_backdated(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Date transactions up to a month too early; when they were recorded stays."""
    back = rng.integers(1, 31, len(rows)) * DAY
    dates = tables[HEADER]["transaction_date"].iloc[rows].to_numpy() - back
    return {HEADER: with_values(tables[HEADER], rows, transaction_date=dates)}
