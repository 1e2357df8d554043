"""The overview's figures, each one query on the mart `customer_predictions`."""

from __future__ import annotations

import pandas as pd

from serve.repository import frame

MART = "marts.customer_predictions"
GROUPS = {"Segment": "segment_id", "Region": "region"}


def totals() -> pd.Series:
    """Return as-of date, customers, buyers, the best tenth's share.

    The as-of date is NaT while there are no predictions.
    """
    return frame(
        f"""
        with ranked as (
            select
                as_of_date,
                predicted_30d_spend,
                purchase_probability,
                row_number() over (order by predicted_30d_spend desc) as place,
                count(*) over () as customers
            from {MART}
        )
        select
            max(ranked.as_of_date) as as_of_date,
            count(*) as customers,
            sum(purchase_probability) as buyers,
            coalesce(
                sum(predicted_30d_spend) filter (place <= ranked.customers / 10.0)
                / nullif(sum(predicted_30d_spend), 0),
                0
            ) as best_tenth_share
        from ranked
        """
    ).iloc[0]


def alarms(limit: int = 5) -> pd.DataFrame:
    """Return severity, since, message and what_to_do of what needs a look, the worst first."""
    return frame(
        """
        select severity, since, message, what_to_do
        from marts.alarms
        order by place
        limit $limit
        """,
        {"limit": limit},
    )


def sums() -> pd.DataFrame:
    """Return expected_spend, total_low and total_high of the newest forecast.

    Index: `all` known customers, `newcomers` and the `whole shop`; the last two where a past window
    tells of newcomers.
    """
    return frame(
        """
        select set_kind, expected_spend, total_low, total_high
        from marts.total_forecasts
        where set_kind in ('all', 'newcomers', 'whole shop')
        qualify as_of_date = max(as_of_date) over ()
        """
    ).set_index("set_kind")


def by_decile() -> pd.DataFrame:
    """Return revenue, customers and mean spend of each decile, the best customers first."""
    return frame(
        f"""
        select
            spend_decile as decile,
            count(*) as customers,
            sum(predicted_30d_spend) as revenue,
            avg(predicted_30d_spend) as mean_spend
        from {MART}
        group by spend_decile order by spend_decile
        """
    )


def by_group(group: str, limit: int = 12) -> pd.DataFrame:
    """Return revenue, customers and mean spend by a key of GROUPS, the largest first.

    Groups beyond the limit are put together as "others".
    """
    column = GROUPS[group]
    return frame(
        f"""
        with grouped as (
            select
                coalesce({column}::varchar, 'Unknown') as name,
                count(*) as customers,
                sum(predicted_30d_spend) as revenue
            from {MART}
            group by all
        ),
        placed as (
            select *, row_number() over (order by revenue desc, name) as place from grouped
        )
        select
            if(place <= $limit, name, 'others') as name,
            sum(customers)::bigint as customers,
            sum(revenue) as revenue,
            sum(revenue) / sum(customers) as mean_spend
        from placed
        group by 1 order by min(place)
        """,
        {"limit": limit},
    )


def top(limit: int) -> pd.DataFrame:
    """Return the customers of whom most is expected."""
    return frame(
        f"""
        select
            customer_id,
            predicted_30d_spend,
            purchase_probability,
            spend_low,
            spend_high,
            segment_id,
            region
        from {MART}
        order by predicted_30d_spend desc, customer_id
        limit $limit
        """,
        {"limit": limit},
    )


def histogram() -> pd.DataFrame:
    """Return customers by expected spend, in steps of 1-2-5: spend has a long tail.

    Returns
    -------
    pandas.DataFrame
        lower, upper, label, customers; without the empty steps at both ends.
    """
    edges = [0.0] + [step * 10.0**power for power in range(7) for step in (1, 2, 5)] + [1e15]
    steps = pd.DataFrame({"lower": edges[:-1], "upper": edges[1:]})
    values = ", ".join(f"({row.lower}, {row.upper})" for row in steps.itertuples())
    counts = frame(
        f"""
        select steps.lower, steps.upper, count(mart.customer_id) as customers
        from (values {values}) as steps (lower, upper)
        left join {MART} as mart
            on mart.predicted_30d_spend >= steps.lower
            and mart.predicted_30d_spend < steps.upper
        group by all order by steps.lower
        """
    )
    filled = counts.index[counts["customers"] > 0]
    counts = counts.loc[filled.min() : filled.max()] if len(filled) else counts.iloc[:0]
    ends = zip(counts["lower"], counts["upper"], strict=True)
    labels = [f"{_short(lower)}-{_short(upper)}" for lower, upper in ends]
    return counts.assign(label=labels)


def _short(edge: float) -> str:
    return f"{edge:.0f}" if edge < 1000 else f"{edge / 1000:,.0f}k"
