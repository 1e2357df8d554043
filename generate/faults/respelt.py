"""Faults: what is right but written otherwise. Nothing of it is lost."""

from __future__ import annotations

import numpy as np
import pandas as pd

from generate.faults.kit import (
    CUSTOMER,
    HEADER,
    LINE,
    PRODUCT,
    fault,
    padded,
    with_text,
    with_values,
)
from generate.faults.planting import Tables

_DATE_FORMATS = ("%d.%m.%Y %H:%M:%S", "%d-%b-%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S")


@fault(CUSTOMER, 0.003, "id_respelt", "customer_id")
def customer_ids_padded(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Put blanks around a customer's own id."""
    ids = padded(tables[CUSTOMER]["customer_id"].iloc[rows], rng)
    return {CUSTOMER: with_values(tables[CUSTOMER], rows, customer_id=ids.array)}


@fault(HEADER, 0.005, "id_respelt", "customer_id")
def header_customer_ids_padded(
    tables: Tables, rows: np.ndarray, rng: np.random.Generator
) -> Tables:
    """Put blanks around the buyer's id."""
    ids = padded(tables[HEADER]["customer_id"].iloc[rows], rng)
    return {HEADER: with_values(tables[HEADER], rows, customer_id=ids.array)}


@fault(HEADER, 0.002, "id_respelt", "customer_id")
def header_customer_ids_in_small_letters(
    tables: Tables, rows: np.ndarray, rng: np.random.Generator
) -> Tables:
    """Write the buyer's id in small letters."""
    ids = tables[HEADER]["customer_id"].iloc[rows].str.lower()
    return {HEADER: with_values(tables[HEADER], rows, customer_id=ids.array)}


@fault(LINE, 0.003, "id_respelt", "transaction_id")
def line_transaction_ids_padded(
    tables: Tables, rows: np.ndarray, rng: np.random.Generator
) -> Tables:
    """Put blanks around the id of a line's header."""
    ids = padded(tables[LINE]["transaction_id"].iloc[rows], rng)
    return {LINE: with_values(tables[LINE], rows, transaction_id=ids.array)}


@fault(LINE, 0.003, "id_respelt", "product_id")
def line_product_ids_padded(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Put blanks around the id of a line's product."""
    ids = padded(tables[LINE]["product_id"].iloc[rows], rng)
    return {LINE: with_values(tables[LINE], rows, product_id=ids.array)}


@fault(HEADER, 0.005, "id_respelt", "store_id")
def store_ids_as_numbers(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Write a store's number as a number with decimals, or with leading zeros."""
    ids = tables[HEADER]["store_id"].iloc[rows]
    ids = (ids + ".0").where(rng.random(len(ids)) < 0.5, "00" + ids)
    return {HEADER: with_values(tables[HEADER], rows, store_id=ids.array)}


def _without_promotion(tables: Tables) -> np.ndarray:
    return tables[LINE]["promotion_id"].isna().to_numpy()


@fault(LINE, 0.01, "promotion_respelt", "promotion_id", _without_promotion)
def promotion_not_applicable(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Write "no promotion" in words, as some tills do."""
    words = np.array(["N/A", "n/a", "none", ""])[rng.integers(0, 4, len(rows))]
    return {LINE: with_values(tables[LINE], rows, promotion_id=words)}


@fault(PRODUCT, 0.05, "category_respelt", "product_category")
def categories_spelt_otherwise(
    tables: Tables, rows: np.ndarray, rng: np.random.Generator
) -> Tables:
    """Write a category in capitals, in small letters, or with a blank."""
    category = tables[PRODUCT]["product_category"].iloc[rows]
    variant = rng.integers(0, 3, len(rows))
    spelt = (category + " ").where(variant == 0, category.str.upper())
    spelt = spelt.where(variant < 2, category.str.lower())
    return {PRODUCT: with_values(tables[PRODUCT], rows, product_category=spelt.array)}


def _not_in_ascii(tables: Tables) -> np.ndarray:
    return (~tables[PRODUCT]["product_name"].map(str.isascii)).to_numpy(bool)


@fault(PRODUCT, 0.02, "name_recoded", "product_name", _not_in_ascii)
def names_garbled(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Read names that are written in UTF-8 as if they were in Latin-1."""
    names = tables[PRODUCT]["product_name"].iloc[rows]
    garbled = [name.encode("utf-8").decode("latin-1") for name in names]
    return {PRODUCT: with_values(tables[PRODUCT], rows, product_name=garbled)}


@fault(HEADER, 0.01, "date_respelt", "transaction_date")
def dates_in_other_formats(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Write dates as a till from elsewhere writes them."""
    dates = tables[HEADER]["transaction_date"].iloc[rows]
    written = np.array(
        [dates.dt.strftime(date_format).to_numpy(dtype=object) for date_format in _DATE_FORMATS]
    )
    drawn = rng.integers(0, len(_DATE_FORMATS), len(rows))
    text = written[drawn, np.arange(len(rows))]
    return {HEADER: with_text(tables[HEADER], rows, "transaction_date", text)}


@fault(LINE, 0.003, "amount_respelt", "line_item_amount")
def amounts_as_text(tables: Tables, rows: np.ndarray, rng: np.random.Generator) -> Tables:
    """Write amounts as money is printed: 1,234.50 or £12.30."""
    money = tables[LINE]["line_item_amount"].iloc[rows] / 100
    sign = np.where(money < 0, "-", "")
    symbol = np.array(["£", "€", "$ "])[rng.integers(0, 3, len(rows))]
    printed = money.abs().map("{:,.2f}".format)
    text = pd.Series(sign + symbol + printed.to_numpy(dtype=object), printed.index)
    # what has a separator of thousands is spoilt enough
    text = text.where(money.abs() < 1000, sign + printed)
    return {LINE: with_text(tables[LINE], rows, "line_item_amount", text.array)}
