"""Does a feature depend on the rows that are asked for beside it?

The mart is built in batches and mended customer by customer, and a spine has the rows of its
owner. So a customer's features at a date must be the same whoever else is computed with them.
"""

from __future__ import annotations

from datetime import date

import duckdb

from proof.mart_difference import KEYS, MART, Changed, differing


def compared_with_others(connection: duckdb.DuckDBPyConnection, day: date) -> list[Changed]:
    """Ask for each half of the customers of a date by itself, and hold them against the mart.

    Parameters
    ----------
    connection
        A warehouse with a mart that was built at once, for all customers and dates.

    Returns
    -------
    list of Changed
        One for each feature that another company changes, its first example.
    """
    keys = ", ".join(KEYS)
    names = ", ".join(name for name, *_ in connection.execute(f"describe {MART}").fetchall())
    alone = (
        f"select {names} from features.customers_as_of('half_asked_for')"
        " join features.shop_as_of('half_asked_for') using (as_of_date)"
    )
    examples: dict[str, Changed] = {}
    for half in (0, 1):
        connection.execute(
            f"create or replace temp table half_asked_for as select {keys} from {MART}"
            f" where as_of_date = $day and hash(customer_id) % 2 = {half}",
            {"day": day},
        )
        together = f"from {MART} semi join half_asked_for using ({keys})"
        for difference in differing(connection, together, alone):
            examples.setdefault(difference.feature, difference)
    return list(examples.values())
