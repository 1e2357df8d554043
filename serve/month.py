"""What the opening page says of the shop: what is expected, what came in, what was forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import pandas as pd

from serve import repository

YEAR_DAYS = 365
MOST_ALARMS = 5


@dataclass(frozen=True)
class Month:
    """All that the page shows, from one generation; money in the shop's own.

    Attributes
    ----------
    newest
        as_of_date, data_through, horizon_days, scored_at, model_version, customers, buyers and
        best_tenth_share, the share of the forecast that its highest tenth makes; NaT and NaN while
        there are no forecasts.
    sums
        expected_spend, total_low and total_high by set_kind and set_name, of the newest date.
    revenue
        What came in, by windows_ago: first_day, revenue; the last 24 that the data fill.
    last, year_ago
        What `before` returns.
    said
        What was forecast at earlier dates, the newest first: as_of_date, expected_spend, total_low,
        total_high, actual_spend (null until its days have passed), is_backtest.
    alarms
        severity, since, message, what_to_do; the worst first.
    """

    newest: pd.Series
    sums: pd.DataFrame
    revenue: pd.DataFrame
    last: float | None
    year_ago: float | None
    said: pd.DataFrame
    alarms: pd.DataFrame

    def total(self, set_kind: str, set_name: str | None = None) -> Any:  # noqa: ANN401
        """Return the row of `sums` of a set, None where there is none."""
        key = (set_kind, set_name or set_kind)
        return self.sums.loc[key] if key in self.sums.index else None

    @property
    def expected(self) -> Any:  # noqa: ANN401
        """The sum of the whole shop; of known customers, where nothing tells of newcomers."""
        whole = self.total("whole shop")
        return self.total("all") if whole is None else whole


def read() -> Month:
    """Read the page's figures.

    Raises
    ------
    warehouse.WarehouseError
        If the warehouse is missing, not built, or held by another process.
    """
    # one connection: the file is opened once, and nothing changes in between
    with repository.reading() as connection:
        last, year_ago = before(connection)
        return Month(
            newest=_newest(),
            sums=_sums(),
            revenue=_revenue(),
            last=last,
            year_ago=year_ago,
            said=_said(),
            alarms=_alarms(),
        )


def _newest() -> pd.Series:
    return repository.frame(
        """
        select
            max(mart.as_of_date) as as_of_date,
            max(mart.as_of_date) - 1 as data_through,
            any_value(snapshots.horizon_days) as horizon_days,
            max(mart.scored_at) as scored_at,
            any_value(mart.model_version) as model_version,
            count(mart.customer_id) as customers,
            sum(mart.purchase_probability) as buyers,
            sum(mart.predicted_30d_spend) filter (mart.spend_decile = 1)
            / nullif(sum(mart.predicted_30d_spend), 0) as best_tenth_share
        from intermediate.int_snapshots_scheduled as snapshots
        left join marts.customer_predictions as mart on true
        where snapshots.is_current
        """
    ).iloc[0]


def _sums() -> pd.DataFrame:
    return repository.frame(
        """
        select set_kind, set_name, customers, expected_spend, total_low, total_high
        from marts.total_forecasts
        where as_of_date = (select max(as_of_date) from marts.customer_predictions)
        order by set_kind, expected_spend desc
        """
    ).set_index(["set_kind", "set_name"])


def _revenue() -> pd.DataFrame:
    """Return the windows before the as-of date; one that began before the shop did is none."""
    return repository.frame(
        """
        with days as (select * from marts.revenue_by_day where set_kind = 'all'),
        windows as (
            select
                windows_ago,
                as_of_date - windows_ago::integer * horizon_days as first_day,
                horizon_days
            from intermediate.int_snapshots_scheduled
            cross join generate_series(1, 24) as counted (windows_ago)
            where is_current
        )
        select
            windows.windows_ago,
            windows.first_day,
            coalesce(sum(days.revenue), 0) as revenue
        from windows
        left join days
            on days.event_date >= windows.first_day
            and days.event_date < windows.first_day + windows.horizon_days
        where windows.first_day + 7 > (select min(event_date) from days)
        group by all
        order by windows.first_day
        """
    ).set_index("windows_ago")


def before(connection: duckdb.DuckDBPyConnection) -> tuple[float | None, float | None]:
    """Return what came in in the days before the as-of date, and in the days ahead a year ago.

    None where the data begin later.
    """
    [(last, year_ago, known_days, horizon)] = connection.execute(
        f"""
        select
            sum(days.revenue) filter (where days.event_date >= now.as_of_date - now.horizon_days),
            sum(days.revenue) filter (
                where days.event_date >= now.as_of_date - {YEAR_DAYS}
                and days.event_date < now.as_of_date - {YEAR_DAYS} + now.horizon_days
            ),
            now.as_of_date - min(days.event_date),
            now.horizon_days
        from intermediate.int_snapshots_scheduled as now
        left join marts.revenue_by_day as days on days.set_kind = 'all'
        where now.is_current
        group by now.as_of_date, now.horizon_days
        """
    ).fetchall()
    known_days = known_days or 0
    return (
        float(last or 0) if known_days >= horizon else None,
        float(year_ago or 0) if known_days >= YEAR_DAYS else None,
    )


def _said() -> pd.DataFrame:
    """Return forecasts of the whole shop: what came in has the money of newcomers in it, too."""
    return repository.frame(
        """
        with now as (
            select as_of_date, horizon_days from intermediate.int_snapshots_scheduled
            where is_current
        ),
        said as (
            select as_of_date, set_kind, expected_spend, total_low, total_high,
                false as is_backtest
            from marts.total_forecasts
            union all
            select as_of_date, set_kind, expected_spend, total_low, total_high,
                true as is_backtest
            from marts.total_backtest
        ),
        chosen as (
            select said.*
            from said
            inner join now
                on said.as_of_date < now.as_of_date
                and said.as_of_date >= now.as_of_date - 24 * now.horizon_days
            where set_kind = 'whole shop'
            qualify row_number() over (partition by said.as_of_date order by is_backtest) = 1
        ),
        came as (
            select chosen.as_of_date, coalesce(sum(days.revenue), 0) as revenue
            from chosen
            cross join now
            left join marts.revenue_by_day as days
                on days.set_kind = 'all'
                and days.event_date >= chosen.as_of_date
                and days.event_date < chosen.as_of_date + now.horizon_days
            group by chosen.as_of_date
        )
        select
            chosen.* exclude (set_kind),
            if(chosen.as_of_date + now.horizon_days <= now.as_of_date, came.revenue, null)
                as actual_spend
        from chosen
        cross join now
        inner join came on chosen.as_of_date = came.as_of_date
        order by chosen.as_of_date desc
        """
    )


def _alarms() -> pd.DataFrame:
    return repository.frame(
        "select severity, since, message, what_to_do from marts.alarms order by place limit $most",
        {"most": MOST_ALARMS},
    )
