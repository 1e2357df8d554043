"""Which customers, in which order: filters on the mart `customer_predictions`, in SQL."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

import warehouse
from core.sql import path_literal
from serve import look_up, repository

MART = "marts.customer_predictions"
SINCE_ORDER = "(as_of_date - last_order_date)"
# what a list can be sorted by
SORTS = {
    "expected spend": "predicted_30d_spend",
    "chance of a purchase": "purchase_probability",
    "spent so far": "net_spend_lifetime",
    "orders so far": "orders_lifetime",
    "days since the last order": SINCE_ORDER,
    "days as a customer": "tenure_days",
    "customer": "customer_id",
}
CONDITIONS = {
    "id_part": "contains(customer_id, upper($id_part))",
    "segments": "list_contains($segments, segment_id)",
    "regions": "list_contains($regions, region)",
    "deciles": "list_contains($deciles, spend_decile)",
    "categories": "list_contains($categories, favourite_category)",
    "tenure_from": "tenure_days >= $tenure_from",
    "tenure_to": "tenure_days <= $tenure_to",
    "since_order_from": f"{SINCE_ORDER} >= $since_order_from",
    "since_order_to": f"{SINCE_ORDER} <= $since_order_to",
    "cold_start": "is_cold_start = $cold_start",
    "min_expected": "predicted_30d_spend >= $min_expected",
}


# of a row, what fits a line of a list
SHOWN = (
    *("customer_id", "predicted_30d_spend", "purchase_probability", "spend_low", "spend_high"),
    *("reason", "segment_id", "region", "favourite_category", "days_since_last_order"),
    *("tenure_days", "net_spend_lifetime", "spend_decile"),
)


@dataclass(frozen=True)
class Filters:
    """Whom a list holds; what is empty or null keeps everybody.

    id_part is any part of an id; decile 1 is the tenth of whom most is expected; categories are
    those bought most; tenure (as a customer) and since_order (the last one; who never bought has
    none) are in days; cold_start is whether somebody bought never or once; min_expected is money.
    """

    # where one is read from JSON, an unknown name is an error and no wider list
    __pydantic_config__: ClassVar = {"extra": "forbid"}
    # where rows come from, and what each filter asks of one
    relation: ClassVar[str] = MART
    conditions: ClassVar[Mapping[str, str]] = CONDITIONS

    id_part: str = ""
    segments: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    deciles: tuple[int, ...] = ()
    categories: tuple[str, ...] = ()
    tenure_from: int | None = None
    tenure_to: int | None = None
    since_order_from: int | None = None
    since_order_to: int | None = None
    cold_start: bool | None = None
    min_expected: float | None = None

    def where(self) -> tuple[str, dict[str, Any]]:
        """Return the condition on a row of the mart, and its parameters."""
        given = {name: value for name, value in asdict(self).items() if value not in ("", (), None)}
        condition = " and ".join(["true", *(self.conditions[name] for name in given)])
        return condition, {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in given.items()
        }


@dataclass(frozen=True)
class Order:
    """What a list is sorted by, a key of `SORTS`."""

    by: str = "expected spend"
    descending: bool = True

    def sql(self) -> str:
        """Return the columns to order by; equal customers stand by id."""
        direction = "desc" if self.descending else "asc"
        return f"{SORTS[self.by]} {direction} nulls last, customer_id"


def total(filters: Filters) -> dict[str, Any]:
    """Return what a list will spend together; see `look_up.total_of`."""
    condition, values = filters.where()
    return _total(f"select customer_id from {filters.relation} where {condition}", values)


def total_of_ids(customer_ids: Sequence[str]) -> dict[str, Any]:
    """Return the same of customers by their ids, in any spelling."""
    return _total(look_up.IDS, {"ids": list(customer_ids)})


def _total(asked: str, values: dict[str, Any]) -> dict[str, Any]:
    with repository.reading() as connection:
        found = look_up.total_of(connection, asked, values)
    if found is None:
        raise warehouse.WarehouseError("there are no forecasts yet: run `make score`")
    return found


def page(filters: Filters, order: Order, limit: int, offset: int = 0) -> pd.DataFrame:
    """Return some rows of a list, with what each customer brought in the last 24 windows.

    Returns
    -------
    pandas.DataFrame
        The mart's columns, the first `reason`, `days_since_last_order` and
        `revenue`: a list of 24, the oldest first.
    """
    condition, values = filters.where()
    return repository.frame(
        f"""
        with chosen as (
            select *, reasons[1] as reason, {SINCE_ORDER} as days_since_last_order,
                row_number() over (order by {order.sql()}) as place
            from {filters.relation}
            where {condition}
            order by place
            limit $limit offset $offset
        ),
        windows as (
            select chosen.customer_id, counted.windows_ago
            from chosen
            cross join generate_series(1, 24) as counted (windows_ago)
        ),
        spent as (
            select
                windows.customer_id,
                list(coalesce(known.revenue, 0)::double order by windows.windows_ago desc)
                    as revenue
            from windows
            left join marts.customer_revenue as known
                on windows.customer_id = known.customer_id
                and windows.windows_ago = known.windows_ago
            group by windows.customer_id
        )
        select chosen.*, spent.revenue
        from chosen
        inner join spent on chosen.customer_id = spent.customer_id
        order by chosen.place
        """,
        values | {"limit": limit, "offset": offset},
    )


def csv(filters: Filters, order: Order) -> bytes:
    """Return all of a list as CSV, each reason in words."""
    condition, values = filters.where()
    with repository.reading() as connection, tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "customers.csv"
        connection.execute(
            f"""
            copy (
                select
                    * replace (array_to_string(reasons, '; ') as reasons),
                    {SINCE_ORDER} as days_since_last_order
                from {filters.relation}
                where {condition}
                order by {order.sql()}
            ) to {path_literal(file)} (header)
            """,
            values,
        )
        return file.read_bytes()


def choices() -> dict[str, list[str]]:
    """Return the segments, regions and favourite categories that customers have, by column."""
    names = ("segment_id", "region", "favourite_category")
    row = repository.frame(
        f"select {', '.join(f'list_sort(list(distinct {name})) as {name}' for name in names)} "
        f"from {MART}"
    ).iloc[0]
    return {name: list(row[name]) for name in names}


# what makes two customers alike, each by its logarithm in standard deviations of all customers
ALIKE = {
    "orders": "orders_lifetime",
    "money": "greatest(net_spend_lifetime, 0)",
    "tenure": "tenure_days",
    "pause": f"coalesce({SINCE_ORDER}, tenure_days)",
}


def similar(customer_id: str, limit: int = 5) -> pd.DataFrame:
    """Return the rows of the customers most like one, the nearest first.

    Alike are those with as many orders, as much money, as long with the shop and as long without an
    order; another favourite category counts as one standard deviation of any of them.
    """
    logs = ", ".join(f"ln(1 + {column})::double as log_{name}" for name, column in ALIKE.items())
    spreads = ", ".join(f"nullif(stddev(log_{name}), 0) as log_{name}" for name in ALIKE)
    squares = " + ".join(
        f"coalesce(pow((other.log_{name} - own.log_{name}) / spread.log_{name}, 2), 0)"
        for name in ALIKE
    )
    return repository.frame(
        f"""
        with measured as (select *, {logs} from {MART}),
        spread as (select {spreads} from measured)
        select other.*, other.as_of_date - other.last_order_date as days_since_last_order
        from measured as other
        cross join spread
        inner join measured as own
            on own.customer_id = $customer_id and other.customer_id <> $customer_id
        order by
            {squares} + (other.favourite_category <> own.favourite_category)::integer,
            other.customer_id
        limit $limit
        """,
        {"customer_id": customer_id, "limit": limit},
    )


def one(customer_id: str) -> pd.Series | None:
    """Return the mart's row of a customer; None where the newest forecasts have no such id."""
    rows = repository.frame(
        f"select * from {MART} where customer_id = $customer_id", {"customer_id": customer_id}
    )
    return rows.iloc[0] if len(rows) else None


def history(customer_id: str) -> pd.DataFrame:
    """Return day (the first), money and orders of each of the last 24 windows of a customer."""
    return repository.frame(
        """
        select
            now.as_of_date - counted.windows_ago::integer * now.horizon_days as day,
            coalesce(known.revenue, 0) as money,
            coalesce(known.orders, 0) as orders
        from intermediate.int_snapshots_scheduled as now
        cross join generate_series(1, 24) as counted (windows_ago)
        left join marts.customer_revenue as known
            on known.customer_id = $customer_id and known.windows_ago = counted.windows_ago
        where now.is_current
        order by day
        """,
        {"customer_id": customer_id},
    )
