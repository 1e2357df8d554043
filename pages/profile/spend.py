"""How much is spent: baskets, customers, and how much hangs on few."""

from __future__ import annotations

from decimal import Decimal

import duckdb

from pages.profile import plots
from pages.profile.blocks import Picture, Section, Table, ask, ask_one
from pages.profile.wording import count, money, share

# steps of the logarithmic axis per factor of ten
STEPS = 8
TOPS = (1, 5, 10, 20, 50)
NO_SALE = "There is no purchase with a readable date and amount."
NO_CUSTOMER = "There is no purchase that states a customer: nothing can be said about customers."
# the buyers by what they spent, the best first
_RANKED = """
    select
        spend,
        row_number() over (order by spend desc, customer_id) as place,
        count(*) over () as buyers
    from customers
    where spend > 0
"""


def section(connection: duckdb.DuckDBPyConnection) -> Section:
    """Show the distribution of orders and customers by money, and the concentration."""
    page = Section(
        "spend",
        "Who spends how much",
        "In most shops a few customers carry most of the money. The axes are logarithmic: each "
        "step to the right multiplies. Look for a second hump (traders among households) and "
        "for single amounts far to the right.",
    )
    (orders,) = ask_one(connection, "select count(*) from orders where spend > 0")
    if not orders:
        return page.missing(NO_SALE)
    _distribution(connection, page, "order", "orders")
    (buyers,) = ask_one(connection, "select count(*) from customers where spend > 0")
    if not buyers:
        return page.missing(NO_CUSTOMER)
    _distribution(connection, page, "customer", "customers")
    _concentration(connection, page, buyers)
    return page


def _distribution(
    connection: duckdb.DuckDBPyConnection, page: Section, unit: str, table: str
) -> None:
    bins = ask(
        connection,
        f"""
        select cast(floor(log10(spend) * {STEPS}) as integer) as step, count(*)
        from {table}
        where spend > 0
        group by step
        order by step
        """,
    )
    edges, heights = [], []
    counts = dict(bins)
    for step in range(bins[0][0], bins[-1][0] + 1):
        edges.append(10 ** (step / STEPS))
        heights.append(counts.get(step, 0))
    edges.append(10 ** ((bins[-1][0] + 1) / STEPS))
    mean, most, (low, middle, high, top) = ask_one(
        connection,
        f"""
        select avg(spend), max(spend), quantile_disc(spend, [0.1, 0.5, 0.9, 0.99])
        from {table}
        where spend > 0
        """,
    )
    page.blocks.append(
        Picture(
            f"Purchases per {unit}",
            plots.log_histogram(f"Purchases per {unit}", edges, heights, f"{unit}s"),
            f"Half of the {unit}s are below {money(middle)}, the mean is {money(mean)}; one in ten "
            f"is below {money(low)}, one in ten above {money(high)}, one in a hundred above "
            f"{money(top)}; the largest is {money(most)}.",
        )
    )


def _concentration(connection: duckdb.DuckDBPyConnection, page: Section, buyers: int) -> None:
    # a hundred steps draw the curve of any shop
    curve = ask(
        connection,
        f"""
        with ranked as ({_RANKED})
        select ceil(100 * place / buyers) as percent, max(place) / any_value(buyers), sum(spend)
        from ranked
        group by percent
        order by percent
        """,
    )
    total = sum(row[2] for row in curve)
    shares, sums = [0.0], [0.0]
    for _, place, spend in curve:
        shares.append(place)
        sums.append(sums[-1] + float(spend / total))
    page.blocks.append(
        Picture(
            "Concentration",
            plots.lorenz(shares, sums),
            "Customers from the best to the least: how much of all purchases the first part of "
            "them makes. The dashed line is a shop where everybody spends the same.",
        )
    )
    rows = []
    for percent in TOPS:
        customers, spend = top_spend(connection, percent)
        if customers:
            rows.append((f"top {percent} %", count(customers), money(spend), share(spend, total)))
    if rows:
        page.blocks.append(
            Table(
                f"Best of {count(buyers)} customers",
                ("customers", "how many", "purchases", "share"),
                rows,
                "If the top 1 % holds a large share, losing one of them is felt: look at them one "
                "by one.",
            )
        )


def top_spend(connection: duckdb.DuckDBPyConnection, percent: int) -> tuple[int, Decimal]:
    """Return how many the top `percent` of the buyers are (rounded down) and what they spent."""
    customers, spend = ask_one(
        connection,
        f"""
        with ranked as ({_RANKED})
        select count(*), coalesce(sum(spend), 0)
        from ranked
        where place * 100 <= buyers * ?
        """,
        [percent],
    )
    return customers, spend
