"""The mart beside the oracle: every value that differs, by customer, date and feature."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import duckdb

from proof.oracle import Facts, features, shop_features
from proof.oracle.reading import Row

KEYS = ("as_of_date", "customer_id")
TOLERANCE = 1e-9
IN_THE_POPULATION = "in the population"
EVERYBODY = "everybody"
NOT_PROVEN = "not proven by a second computation: "


@dataclass(frozen=True)
class Difference:
    """One value of the mart that is not the oracle's; None is null."""

    customer_id: str
    as_of_date: date
    feature: str
    mart: object
    oracle: object

    def __str__(self) -> str:
        """Return one readable line."""
        where = f"{self.customer_id} at {self.as_of_date}: {self.feature}"
        return f"{where} is {self.mart!r} in the mart, {self.oracle!r} by the oracle"


def compare(
    connection: duckdb.DuckDBPyConnection,
    facts: Facts,
    customers: Iterable[str] | None = None,
    dates: Iterable[date] | None = None,
    only: Iterable[str] | None = None,
) -> list[Difference]:
    """Compare the feature mart of a warehouse with the oracle.

    Counts, money, dates and labels must be equal, ratios (doubles) within 1e-9 of the oracle's.
    Features that the oracle does not know, as one that a user has added, are named in a warning.

    Parameters
    ----------
    connection
        An open, built warehouse.
    facts
        What `oracle.clean` made of the raw tables.
    customers
        Ids to compare; None for all that the mart or the facts have.
    dates
        As-of dates to compare; None for all of the mart.
    only
        Features to compare; None for all that the oracle knows.

    Returns
    -------
    list of Difference
        Columns that are lacking first, once each; then in order of date, customer and feature. A
        customer who is in the population of one side only is one difference.
    """
    if only is None and (names := unproven(connection, facts)):
        warnings.warn(NOT_PROVEN + ", ".join(names), stacklevel=2)
    differences = []
    wanted = None if only is None else set(only)
    ids = None if customers is None else set(customers)
    for as_of in sorted(_dates(connection) if dates is None else set(dates)):
        mart = _mart_at(connection, as_of)
        shop = shop_features(facts, as_of)
        for customer_id in sorted(mart.keys() | facts.customers.keys() if ids is None else ids):
            own = features(facts, customer_id, as_of)
            expected = None if own is None else {**own, **shop}
            differences += _compare_row(customer_id, as_of, mart.get(customer_id), expected, wanted)
    return _named_once(differences)


def unproven(connection: duckdb.DuckDBPyConnection, facts: Facts) -> list[str]:
    """Return the features of the mart that the oracle does not know."""
    cursor = connection.execute("from features.feat_customer_snapshots limit 1")
    names = [column[0] for column in cursor.description]
    row = cursor.fetchone()
    if row is None:
        return []
    values = dict(zip(names, row, strict=True))
    customer_id, as_of = values["customer_id"], values["as_of_date"]
    own = features(facts, customer_id, as_of)
    if own is None:
        return []
    return [name for name in names if name not in {*KEYS, *own, *shop_features(facts, as_of)}]


def _dates(connection: duckdb.DuckDBPyConnection) -> set[date]:
    query = "select distinct as_of_date from features.feat_customer_snapshots"
    return {day for (day,) in connection.execute(query).fetchall()}


def _mart_at(connection: duckdb.DuckDBPyConnection, as_of: date) -> dict[str, Row]:
    cursor = connection.execute(
        "select * from features.feat_customer_snapshots where as_of_date = ?", [as_of]
    )
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {row["customer_id"]: row for row in rows}


def _compare_row(
    customer_id: str,
    as_of: date,
    mart: Row | None,
    oracle: Row | None,
    only: set[str] | None,
) -> list[Difference]:
    if mart is None or oracle is None:
        present = mart is not None, oracle is not None
        if present == (False, False):
            return []
        return [Difference(customer_id, as_of, IN_THE_POPULATION, *present)]
    names = oracle.keys() if only is None else only
    differences = []
    for name in sorted(names - set(KEYS)):
        if name not in mart or name not in oracle:
            lacking = f"{name} as a column"
            differences.append(Difference(EVERYBODY, as_of, lacking, name in mart, name in oracle))
        elif not same(mart[name], oracle[name]):
            differences.append(Difference(customer_id, as_of, name, mart[name], oracle[name]))
    return differences


def _named_once(differences: list[Difference]) -> list[Difference]:
    """Keep the first difference of those that every row has: a column that one side lacks."""
    lacking = {
        difference.feature: difference
        for difference in reversed(differences)
        if difference.customer_id == EVERYBODY
    }
    own = [difference for difference in differences if difference.customer_id != EVERYBODY]
    return [*(lacking[name] for name in sorted(lacking)), *own]


def same(mart: object, oracle: object) -> bool:
    """Return whether two values are the same; doubles may differ by a rounding."""
    if isinstance(mart, float) and isinstance(oracle, float):
        return math.isclose(mart, oracle, rel_tol=TOLERANCE, abs_tol=1e-12)
    return type(mart) is type(oracle) and mart == oracle
