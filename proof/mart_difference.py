"""Two marts, value by value and bit for bit: which features differ, and an example of each."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import duckdb

MART = "features.feat_customer_snapshots"
KEYS = ("as_of_date", "customer_id")
POPULATION = "in the population"


@dataclass(frozen=True)
class Changed:
    """A feature with other values in another mart, and the first of them."""

    feature: str
    values: int
    customer_id: str
    as_of_date: date
    before: object
    after: object

    def __str__(self) -> str:
        """Return one readable line."""
        return (
            f"{self.feature}: {self.values:,} values differ, such as {self.customer_id} at"
            f" {self.as_of_date}: {self.before!r} became {self.after!r}"
        )


def changed(connection: duckdb.DuckDBPyConnection, until: date, before: str) -> list[Changed]:
    """Compare the open mart with one attached, at all dates up to a day.

    Parameters
    ----------
    connection
        The warehouse after a change; the one before it is attached to it.
    before
        The name under which it is attached.

    Returns
    -------
    list of Changed
        One for each feature that differs; customers who are in one mart only count as one feature.
    """
    until_then = f"where as_of_date <= '{until}'"
    return differing(connection, f"from {before}.{MART} {until_then}", f"from {MART} {until_then}")


def differing(connection: duckdb.DuckDBPyConnection, before: str, after: str) -> list[Changed]:
    """Compare two queries for rows of the mart; of each feature that differs, one example."""
    names = [name for name, *_ in connection.execute(f"describe {MART}").fetchall()]
    features = [name for name in names if name not in KEYS]
    pairs = ", ".join(f"old.{name} as old_{name}, new.{name} as new_{name}" for name in features)
    connection.execute(
        f"""
        create or replace temp table pairs as
        select
            coalesce(old.customer_id, new.customer_id) as customer_id,
            coalesce(old.as_of_date, new.as_of_date) as as_of_date,
            old.customer_id is not null as old_is_there,
            new.customer_id is not null as new_is_there,
            {pairs}
        from ({before}) as old
        full join ({after}) as new
            on old.customer_id = new.customer_id and old.as_of_date = new.as_of_date
        """
    )
    examples = _example(connection, POPULATION, "old_is_there", "new_is_there", "true")
    in_both = "old_is_there and new_is_there"
    counts = connection.execute(
        "select "
        + ", ".join(f"count_if(old_{name} is distinct from new_{name})" for name in features)
        + f" from pairs where {in_both}"
    ).fetchone()
    for name, count in zip(features, counts, strict=True):
        if count:
            examples += _example(connection, name, f"old_{name}", f"new_{name}", in_both)
    return examples


def _example(
    connection: duckdb.DuckDBPyConnection, feature: str, old: str, new: str, where: str
) -> list[Changed]:
    row = connection.execute(
        f"select count(*) over (), customer_id, as_of_date, {old}, {new} from pairs"
        f" where {where} and {old} is distinct from {new} order by as_of_date, customer_id limit 1"
    ).fetchone()
    return [Changed(feature, *row)] if row else []
