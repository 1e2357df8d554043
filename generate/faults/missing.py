"""Faults: what is missing."""

from __future__ import annotations

import numpy as np

from generate.faults.kit import (
    CUSTOMER,
    HEADER,
    LINE,
    PRODUCT,
    fault,
    where_in,
    with_values,
)
from generate.faults.planting import Tables, is_in


@fault(PRODUCT, 0.01, "category_imputed", "product_category", loses=True)
def category_missing(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Leave out the category."""
    return {PRODUCT: with_values(tables[PRODUCT], rows, product_category=None)}


@fault(CUSTOMER, 0.005, "region_imputed", "region", loses=True)
def region_missing(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Leave out the region, and the city that would tell it."""
    return {CUSTOMER: with_values(tables[CUSTOMER], rows, region=None, city=None)}


@fault(CUSTOMER, 0.01, "segment_imputed", "segment_id", loses=True)
def segment_missing(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Leave out the segment."""
    return {CUSTOMER: with_values(tables[CUSTOMER], rows, segment_id=None)}


@fault(CUSTOMER, 0.01, "loyalty_imputed", "loyalty_status", loses=True)
def loyalty_status_missing(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Leave out the loyalty status."""
    return {CUSTOMER: with_values(tables[CUSTOMER], rows, loyalty_status=None)}


@fault(LINE, 0.001, "amount_imputed", "line_item_amount", loses=True)
def amount_missing(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Leave out the amount."""
    return {LINE: with_values(tables[LINE], rows, line_item_amount=None)}


@fault(LINE, 0.001, "quantity_imputed", "quantity", loses=True)
def quantity_missing(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Leave out the quantity."""
    return {LINE: with_values(tables[LINE], rows, quantity=None)}


@fault(HEADER, 0.003, "missing_customer", "customer_id", loses=True)
def customer_missing(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Leave out who bought."""
    return {HEADER: with_values(tables[HEADER], rows, customer_id=None)}


@fault(HEADER, 0.0005, "missing_transaction_id", "transaction_id", loses=True)
def transaction_ids_missing(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Leave out a header's own id; its lines then lead nowhere."""
    return {HEADER: with_values(tables[HEADER], rows, transaction_id=None)}


@fault(LINE, 0.0005, "missing_line_item_id", "line_item_id", loses=True)
def line_ids_missing(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Leave out a line's own id."""
    return {LINE: with_values(tables[LINE], rows, line_item_id=None)}


def _has_sales(tables: Tables) -> np.ndarray:
    return is_in(tables[CUSTOMER]["customer_id"], tables[HEADER]["customer_id"])


@fault(
    CUSTOMER,
    0.001,
    "unknown_customer",
    eligible=_has_sales,
    loses=True,
    removes=True,
    claims_sales=True,
)
def customers_deleted(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Delete customers, and leave what they bought."""
    table = tables[CUSTOMER]
    return {CUSTOMER: table.drop(table.index[rows]).reset_index(drop=True)}


def _in_the_afternoon(tables: Tables) -> np.ndarray:
    return (tables[HEADER]["transaction_date"].dt.hour >= 15).to_numpy()


@fault(
    HEADER,
    0.001,
    "without_lines",
    eligible=_in_the_afternoon,
    loses=True,
    removes=True,
    whole_days=True,
)
def day_half_loaded(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Break off the load of a day's lines in the afternoon."""
    lines = tables[LINE]
    lost, _ = where_in(lines["transaction_id"], tables[HEADER]["transaction_id"].iloc[rows])
    return {LINE: lines.drop(lines.index[lost]).reset_index(drop=True)}
