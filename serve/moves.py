"""What moved in the last 30 days, by segment, region and category, with the reason in words."""

from __future__ import annotations

import pandas as pd

from serve import repository
from serve.month import YEAR_DAYS

# what the last window is held against: its words, and how many days of data that needs
COMPARED = {
    "before": ("the 30 days before", 60),
    "year_ago": ("the same days a year before", YEAR_DAYS + 30),
}
# a second cause is named when it makes at least this share of what the first one does
WORTH_A_WORD = 0.25


def read() -> pd.DataFrame:
    """Return revenue and orders of the last window and of those that it is held against.

    Returns
    -------
    pandas.DataFrame
        revenue_now, orders_now and the same of each key of `COMPARED`, by set_kind and set_name.
    """
    return repository.frame(
        f"""
        with days as (
            select days.*, now.as_of_date - days.event_date as days_ago, now.horizon_days
            from marts.revenue_by_day as days
            cross join intermediate.int_snapshots_scheduled as now
            where now.is_current and days.set_kind <> 'all'
        ),
        placed as (
            select
                *,
                case
                    when days_ago <= horizon_days then 'now'
                    when days_ago <= 2 * horizon_days then 'before'
                    when days_ago > {YEAR_DAYS} and days_ago <= {YEAR_DAYS} + horizon_days
                        then 'year_ago'
                end as window_name
            from days
        )
        select
            set_kind,
            set_name,
            {_by_window("revenue")},
            {_by_window("orders")}
        from placed
        group by all
        order by all
        """
    ).set_index(["set_kind", "set_name"])


def _by_window(measure: str) -> str:
    return ", ".join(
        f"coalesce(sum({measure}) filter (where window_name = '{name}'), 0)::double"
        f" as {measure}_{name}"
        for name in ("now", *COMPARED)
    )


def moves(windows: pd.DataFrame, against: str) -> pd.DataFrame:
    """Return what moved, the largest change of money first.

    Parameters
    ----------
    windows
        Sets of one kind, as `read` returns them.
    against
        A key of `COMPARED`.

    Returns
    -------
    pandas.DataFrame
        revenue, change, share (of what it was), reason in words, by set_name.
    """
    now, then = windows["revenue_now"], windows[f"revenue_{against}"]
    found = pd.DataFrame(
        {"revenue": now, "change": now - then, "share": now / then.where(then > 0) - 1}
    )
    orders = zip(windows["orders_now"], windows[f"orders_{against}"], now, then, strict=True)
    found["reason"] = [reason(*each) for each in orders]
    return found.sort_values("change", key=abs, ascending=False)


def reason(orders: float, orders_then: float, revenue: float, revenue_then: float) -> str:
    """Say why revenue is not what it was: other orders, or other money an order.

    The two parts add up to the change: each with the other at the mean of then and now.
    """
    if not orders or not orders_then:
        return f"{orders:,.0f} orders instead of {orders_then:,.0f}"
    value, value_then = revenue / orders, revenue_then / orders_then
    by_orders = (orders - orders_then) * (value + value_then) / 2
    by_value = (value - value_then) * (orders + orders_then) / 2
    parts = [
        (by_orders, f"{orders:,.0f} orders instead of {orders_then:,.0f}"),
        (by_value, f"{value:,.2f} an order instead of {value_then:,.2f}"),
    ]
    parts.sort(key=lambda part: abs(part[0]), reverse=True)
    (first, words), (second, more) = parts
    if abs(second) < WORTH_A_WORD * abs(first):
        return words
    return f"{words}, {'and' if first * second > 0 else 'though'} {more}"
