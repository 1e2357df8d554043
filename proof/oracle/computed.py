"""The feature mart computed a second time, from the raw tables, slowly and obviously.

Nothing here is shared with the SQL of the dbt project: a difference between the two is a mistake
in one of them. It goes one way, a module for each step:

    spelling, reading   every cell in its one form
    versions            which of several rows with one id are versions
    checking            which versions are accepted, and from when until when
    capping, dating     lines as they were known, with their customer, store and day
    orders, past        what an as-of date knows
    families, contents  the features of a customer
    season              the features of the shop and its calendar
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property

import duckdb

from proof.oracle.checking import check_lines, check_transactions
from proof.oracle.contents import (
    basket_features,
    category_features,
    loyalty_features,
    return_features,
)
from proof.oracle.dating import DatedLine, by_customer, dated_lines
from proof.oracle.families import frequency_features, spend_features
from proof.oracle.orders import gaps, orders_at
from proof.oracle.past import Past
from proof.oracle.reading import (
    Customer,
    Promotion,
    read_customers,
    read_headers,
    read_lines,
    read_products,
    read_promotions,
)
from proof.oracle.reading import read_table as table
from proof.oracle.season import calendar_features, level_features, promotion_features
from proof.oracle.settings import Settings
from proof.oracle.spelling import CENT, rounded
from proof.oracle.versions import (
    current_customers,
    current_products,
    header_versions,
    line_versions,
)

DEFAULTS = Settings()


@dataclass(frozen=True)
class Facts:
    """What is left after cleaning: customers, lines as they were known, and planned promotions."""

    customers: dict[str, Customer]
    lines: list[DatedLine]
    settings: Settings
    promotions: Sequence[Promotion] = ()

    @cached_property
    def lines_of(self) -> dict[str, list[DatedLine]]:
        """Lines by the customer that they are, or were, known to belong to."""
        return by_customer(self.lines)

    @cached_property
    def gaps_of(self) -> dict[str, dict[date, int]]:
        """For each customer the gap before each day that was ever active."""
        return {customer_id: gaps(lines) for customer_id, lines in self.lines_of.items()}

    def known_from(self, customer_id: str) -> date | None:
        """Return when a customer became known: registered, else with the first known row."""
        registered = self.customers[customer_id].registered_date
        if registered is not None:
            return registered
        return min((line.known_date for line in self.lines_of.get(customer_id, [])), default=None)


def clean(connection: duckdb.DuckDBPyConnection, settings: Settings = DEFAULTS) -> Facts:
    """Read and clean the raw tables of a warehouse.

    Parameters
    ----------
    connection
        An open warehouse; only `raw` is read.
    settings
        The dbt variables of the build to compare with.
    """
    customers = current_customers(read_customers(table(connection, "customer_details")))
    products = current_products(read_products(table(connection, "products")))
    headers = read_headers(table(connection, "store_sales_header"), settings)
    things = line_versions(read_lines(table(connection, "store_sales_line_items")))
    with_lines = {line.transaction_id for versions in things for line in versions}
    transactions = check_transactions(header_versions(headers), customers, with_lines, settings)
    lines = check_lines(things, transactions, products)
    dated = dated_lines(lines, transactions, settings)
    return Facts(customers, dated, settings, read_promotions(connection))


def features(facts: Facts, customer_id: str, as_of: date) -> dict[str, object] | None:
    """Compute the features of a customer at an as-of date, without those of the shop.

    Returns
    -------
    dict or None
        Value by feature: Decimal for money, int for counts and days, float for ratios, str for
        labels. None where the customer is not in the population of the date.
    """
    if customer_id not in facts.customers:
        return None
    known_from = facts.known_from(customer_id)
    if known_from is None or known_from >= as_of:
        return None
    past = Past(
        as_of=as_of,
        customer=facts.customers[customer_id],
        known_from=known_from,
        orders=orders_at(facts.lines_of.get(customer_id, []), as_of),
        gaps=facts.gaps_of.get(customer_id, {}),
    )
    return _in_cents(
        {
            **spend_features(past),
            **frequency_features(past),
            **basket_features(past),
            **return_features(past),
            **category_features(past),
            **loyalty_features(past),
        }
    )


def shop_features(facts: Facts, as_of: date) -> dict[str, object]:
    """Compute the features that all customers share at an as-of date: the calendar and the shop."""
    return _in_cents(
        {
            **calendar_features(as_of, facts.settings.horizon_days),
            **promotion_features(facts.promotions, as_of, facts.settings.horizon_days),
            **level_features(orders_at(facts.lines, as_of), as_of),
        }
    )


def _in_cents(values: dict[str, object]) -> dict[str, object]:
    """Round money once, when all is computed."""
    return {
        name: rounded(value, CENT) if isinstance(value, Decimal) else value
        for name, value in values.items()
    }
