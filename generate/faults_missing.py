"""Faults: what is missing, and ids in another form."""

from __future__ import annotations

import numpy as np

from generate.fault_kit import CUSTOMER, HEADER, LINE, PRODUCT, fault, padded, with_values
from generate.planting import Tables


@fault(PRODUCT, 0.01, "product_category")
def category_missing(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Leave out the category."""
    return {PRODUCT: with_values(tables[PRODUCT], rows, product_category=None)}


@fault(CUSTOMER, 0.005, "region")
def region_missing(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Leave out the region."""
    return {CUSTOMER: with_values(tables[CUSTOMER], rows, region=None)}


@fault(CUSTOMER, 0.01, "segment_id")
def segment_missing(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Leave out the segment."""
    return {CUSTOMER: with_values(tables[CUSTOMER], rows, segment_id=None)}


@fault(CUSTOMER, 0.01, "loyalty_status")
def loyalty_status_missing(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Leave out the loyalty status."""
    return {CUSTOMER: with_values(tables[CUSTOMER], rows, loyalty_status=None)}


@fault(LINE, 0.001, "line_item_amount")
def amount_missing(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Leave out the amount."""
    return {LINE: with_values(tables[LINE], rows, line_item_amount=None)}


@fault(LINE, 0.001, "quantity")
def quantity_missing(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Leave out the quantity."""
    return {LINE: with_values(tables[LINE], rows, quantity=None)}


@fault(HEADER, 0.003, "customer_id")
def customer_missing(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Leave out who bought."""
    return {HEADER: with_values(tables[HEADER], rows, customer_id=None)}


@fault(LINE, 0.01, "promotion_id", lambda tables: tables[LINE]["promotion_id"].isna().to_numpy())
def promotion_not_applicable(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Write "no promotion" in words, as some tills do."""
    words = np.array(["N/A", "n/a", "none", ""])[rng.integers(0, 4, len(rows))]
    return {LINE: with_values(tables[LINE], rows, promotion_id=words)}


# ids in another form


@fault(CUSTOMER, 0.003, "customer_id")
def customer_ids_padded(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Put blanks around a customer's own id."""
    ids = padded(tables[CUSTOMER]["customer_id"].iloc[rows], rng)
    return {CUSTOMER: with_values(tables[CUSTOMER], rows, customer_id=ids.array)}


@fault(HEADER, 0.005, "customer_id")
def header_customer_ids_padded(
    tables: Tables, rows: np.ndarray, rng: np.random.Generator
) -> Tables:
    """Put blanks around the buyer's id."""
    ids = padded(tables[HEADER]["customer_id"].iloc[rows], rng)
    return {HEADER: with_values(tables[HEADER], rows, customer_id=ids.array)}


@fault(LINE, 0.003, "transaction_id")
def line_transaction_ids_padded(
    tables: Tables, rows: np.ndarray, rng: np.random.Generator
) -> Tables:
    """Put blanks around the id of a line's header."""
    ids = padded(tables[LINE]["transaction_id"].iloc[rows], rng)
    return {LINE: with_values(tables[LINE], rows, transaction_id=ids.array)}


@fault(LINE, 0.003, "product_id")
def line_product_ids_padded(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Put blanks around the id of a line's product."""
    ids = padded(tables[LINE]["product_id"].iloc[rows], rng)
    return {LINE: with_values(tables[LINE], rows, product_id=ids.array)}


@fault(HEADER, 0.005, "store_id")
def store_ids_as_numbers(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Write a store's number as a number with decimals, or with leading zeros."""
    ids = tables[HEADER]["store_id"].iloc[rows]
    ids = (ids + ".0").where(rng.random(len(ids)) < 0.5, "00" + ids)
    return {HEADER: with_values(tables[HEADER], rows, store_id=ids.array)}
