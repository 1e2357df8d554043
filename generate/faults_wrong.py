"""Faults: what cannot be right."""

from __future__ import annotations

import numpy as np

from generate.fault_kit import CUSTOMER, DAY, HEADER, LINE, PRODUCT, fault, where_in, with_values
from generate.planting import Tables


@fault(HEADER, 0.005, "total_amount")
def totals_disagree(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """State totals that are not the sum of the lines."""
    total = tables[HEADER]["total_amount"].iloc[rows] + rng.integers(1, 5_000, len(rows))
    return {HEADER: with_values(tables[HEADER], rows, total_amount=total.array)}


@fault(HEADER, 0.001, "transaction_date")
def dates_in_future(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Move transactions ten years and more ahead; when they were recorded stays."""
    dates = tables[HEADER]["transaction_date"].iloc[rows].to_numpy()
    ahead = rng.integers(3653, 5000, len(rows)) * DAY
    return {HEADER: with_values(tables[HEADER], rows, transaction_date=dates + ahead)}


@fault(HEADER, 0.002, "transaction_date")
def dates_before_registration(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Move transactions to days before their customer was registered."""
    customers, chosen = tables[CUSTOMER], tables[HEADER].iloc[rows]
    # a customer's own id may carry blanks by now
    position, found = where_in(chosen["customer_id"], customers["customer_id"].str.strip())
    rows, chosen = rows[position], chosen.iloc[position]
    since = customers["customer_since"].iloc[found].to_numpy()
    date = chosen["transaction_date"].to_numpy()
    moved = since - rng.integers(1, 400, len(rows)) * DAY + (date - date.astype("datetime64[D]"))
    return {HEADER: with_values(tables[HEADER], rows, transaction_date=moved)}


@fault(
    LINE,
    0.0005,
    "quantity",
    lambda tables: (tables[LINE]["quantity"] > 0).to_numpy(bool, na_value=False),
)
def quantities_times_100(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Write a quantity a hundred times too large."""
    quantity = tables[LINE]["quantity"].iloc[rows] * 100
    return {LINE: with_values(tables[LINE], rows, quantity=quantity.array)}


@fault(
    LINE,
    0.0005,
    "line_item_amount",
    # a hundredfold small amount is no outlier
    lambda tables: (tables[LINE]["line_item_amount"] > 1_000).to_numpy(bool, na_value=False),
)
def amounts_times_100(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Write cents for units, in a line and so in its header's total."""
    headers, lines = tables[HEADER], tables[LINE].iloc[rows]
    amount = lines["line_item_amount"]
    header, found = where_in(headers["transaction_id"], lines["transaction_id"])
    total = headers["total_amount"].iloc[header] + 99 * amount.iloc[found].to_numpy("int64")
    return {
        LINE: with_values(tables[LINE], rows, line_item_amount=(amount * 100).array),
        HEADER: with_values(headers, header, total_amount=total.array),
    }


@fault(
    PRODUCT,
    0.05,
    "product_category",
    lambda tables: tables[PRODUCT]["product_category"].notna().to_numpy(),
)
def categories_spelt_otherwise(
    tables: Tables, rows: np.ndarray, rng: np.random.Generator
) -> Tables:
    """Write a category in capitals, in small letters, or with a blank."""
    category = tables[PRODUCT]["product_category"].iloc[rows]
    variant = rng.integers(0, 3, len(rows))
    spelt = (category + " ").where(variant == 0, category.str.upper())
    spelt = spelt.where(variant < 2, category.str.lower())
    return {PRODUCT: with_values(tables[PRODUCT], rows, product_category=spelt.array)}
