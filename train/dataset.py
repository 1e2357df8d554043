"""Labelled rows of the feature mart: which snapshots there are, their split in time, the rows."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

import warehouse
from train.candidates.level import CONTROLS
from train.candidates.preprocessing import model_input

MART = f"features.{warehouse.FEATURE_MART}"
LABELS = "features.feat_labels"

# days of the lattice that every mart has, whatever its grid
CALENDAR_START, CALENDAR_DAYS = dt.date(2000, 1, 1), 30
# what a build is made for when nothing else is asked for
HORIZON_DAYS = 30


def on_calendar(day: dt.date) -> bool:
    """Return whether a day is a snapshot of every mart that reaches it."""
    return (day - CALENDAR_START).days % CALENDAR_DAYS == 0


class HistoryError(warehouse.ShopError):
    """The warehouse holds too little to learn from; the message says how much it takes."""


@dataclass(frozen=True)
class Schedule:
    """The labelled snapshots that a fit as of a day may use, oldest first."""

    as_of: dt.date
    horizon: int
    labelled: tuple[dt.date, ...]

    def known_before(self, as_of: dt.date) -> tuple[dt.date, ...]:
        """Return the snapshots whose label window had ended by a day."""
        return tuple(d for d in self.labelled if d + dt.timedelta(self.horizon) <= as_of)

    def latest_folds(self, most: int) -> tuple[dt.date, ...]:
        """Return at most so many snapshots to test on out of time, newest first.

        Their label windows do not overlap, and each has snapshots to learn from, all of which had
        matured by its day. All but the newest lie on a calendar of their own, so that tomorrow's
        fit meets most of today's again, and need not forecast them anew.
        """
        folds: list[dt.date] = []
        latest = self.as_of
        for day in reversed(self.labelled):
            fits = day + dt.timedelta(self.horizon) <= latest and self.known_before(day)
            settled = not folds or on_calendar(day)
            if fits and settled and len(folds) < most:
                folds.append(day)
                latest = day
        return tuple(folds)


@dataclass(frozen=True)
class Rows:
    """Features and target of (customer, snapshot) pairs, sorted by snapshot and customer.

    Attributes
    ----------
    totals
        Of whole snapshots, also where the rows are a sample: index as_of_date, columns customers,
        spend (money), buyers, and sums of `CONTROLS`.
    """

    X: pd.DataFrame
    y: NDArray[np.float64]
    customer_id: NDArray[np.object_]
    as_of_date: NDArray[np.datetime64]
    totals: pd.DataFrame

    def at(self, dates: Sequence[dt.date]) -> Rows:
        """Return all rows of some snapshots."""
        return self._where(np.isin(self.as_of_date, np.array(list(dates), dtype="datetime64[D]")))

    def take(self, positions: NDArray[np.int64]) -> Rows:
        """Return the rows at some positions."""
        return Rows(
            self.X.iloc[positions],
            self.y[positions],
            self.customer_id[positions],
            self.as_of_date[positions],
            self.totals[self.totals.index.isin(self.as_of_date[positions])],
        )

    def _where(self, keep: NDArray[np.bool_]) -> Rows:
        return self.take(np.flatnonzero(keep))

    def __len__(self) -> int:
        return len(self.y)


def schedule(connection: duckdb.DuckDBPyConnection, as_of: dt.date | None = None) -> Schedule:
    """Read which snapshots have labels that were known on a day.

    Parameters
    ----------
    as_of
        The day that counts as today; the mart's own by default.

    Raises
    ------
    HistoryError
        If there is no mart, or no snapshot that a model could be tested on.
    warehouse.WarehouseError
        If the mart is of another horizon.
    """
    try:
        [(current,)] = connection.execute(
            "select max(as_of_date) filter (where is_current)"
            " from intermediate.int_snapshots_scheduled"
        ).fetchall()
        labelled = connection.execute(f"select distinct as_of_date from {LABELS} order by 1")
        days = [row[0] for row in labelled.fetchall()]
    except duckdb.CatalogException as error:
        raise HistoryError(f"there is no feature mart yet: run `make build` ({error})") from error
    horizon = warehouse.horizon(connection)
    if current is None:
        raise HistoryError("the feature mart has no snapshots: load data, then run `make build`")
    everything = Schedule(as_of or current, horizon, tuple(days))
    result = Schedule(everything.as_of, horizon, everything.known_before(everything.as_of))
    if not result.latest_folds(1):
        raise too_little_history(
            result.as_of,
            f"{len(result.labelled)} snapshots have a label{_span(result.labelled)}, and a test "
            f"needs two that lie {horizon} days apart",
            horizon,
        )
    return result


def check_raw(connection: duckdb.DuckDBPyConnection, as_of: dt.date | None = None) -> None:
    """Refuse at once what nothing can be learned from, however it is cleaned and built.

    Parameters
    ----------
    connection
        An open warehouse with raw tables.
    as_of
        The day that counts as today; the day after the last one of the data by default.

    Raises
    ------
    HistoryError
        If the orders span too few days, or none of their lines is a sale.
    """
    [(first, last, sells)] = connection.execute(
        """
        select
            cast(min(transaction_date) as date),
            cast(max(greatest(transaction_date, recorded_at)) as date),
            -- an amount that is missing may be found elsewhere
            (
                select count(*) > 0
                from raw.store_sales_line_items
                where line_item_amount > 0 or line_item_amount is null
            )
        from raw.store_sales_header
        """
    ).fetchall()
    if not sells:
        raise nothing_bought("at all: no line has an amount above 0")
    if first is None:
        return
    day = as_of or last + dt.timedelta(1)
    if (day - first).days < 3 * HORIZON_DAYS:
        raise too_little_history(day, f"the orders begin on {first}", HORIZON_DAYS)


def too_little_history(as_of: dt.date, reason: str, horizon: int) -> HistoryError:
    """Say that there are too few days before an as-of date, and how many it takes."""
    return HistoryError(
        f"too little history as of {as_of}: {reason}. Load sales that begin at least "
        f"{3 * horizon} days before the as-of date, or choose a later one"
    )


def nothing_bought(when: str) -> HistoryError:
    """Say that there is no purchase to learn from."""
    return HistoryError(
        f"no customer bought anything {when}, so there is nothing to learn: load more sales, or "
        "choose a later as-of date"
    )


def read(
    connection: duckdb.DuckDBPyConnection,
    contract: warehouse.Contract,
    dates: Sequence[dt.date],
    *,
    limit: int,
    whole: Sequence[dt.date] = (),
    seed: int = 0,
) -> Rows:
    """Read features and target of some snapshots.

    Parameters
    ----------
    dates
        Snapshots to read.
    limit
        About how many rows to read of all snapshots alike; the same ones in every run with this
        seed.
    whole
        Snapshots that forecasts are measured on: of each all rows are read, or about the limit.
    """
    controls = [name for name in CONTROLS if name in contract.numeric]
    totals = connection.execute(
        f"""
        with happened as (
            select
                as_of_date,
                count(*)::double as customers,
                sum(target_30d_spend)::double as spend,
                count(*) filter (where target_30d_spend > 0)::double as buyers
            from {LABELS}
            where as_of_date in (select unnest($dates::date[]))
            group by all
        ),
        known as (
            select as_of_date{"".join(f", sum({name})::double as {name}" for name in controls)}
            from {MART}
            where as_of_date in (select unnest($dates::date[]))
            group by all
        )
        select * from happened inner join known using (as_of_date) order by as_of_date
        """,
        {"dates": list(dates)},
    ).df()
    totals = totals.set_index("as_of_date")
    days = pd.DatetimeIndex(totals.index).date
    counts = dict(zip(days, totals["customers"], strict=True))
    share = _in_millions(limit, totals["customers"].sum())
    # by snapshot the share to read, in millionths
    shares = {
        day: max(share, _in_millions(limit, counts.get(day, 0)) if day in whole else 0)
        for day in dates
    }
    frame = connection.execute(
        f"""
        with shares as (
            select unnest($dates::date[]) as as_of_date, unnest($shares::bigint[]) as share
        ),
        -- few keys are joined with the mart, not all of them
        drawn as (
            select
                labels.as_of_date,
                labels.customer_id,
                labels.target_30d_spend::double as target,
                hash(labels.customer_id, labels.as_of_date, $seed::bigint) % 1000000 as drawn
            from {LABELS} as labels
            inner join shares on labels.as_of_date = shares.as_of_date
            where drawn < shares.share
        )
        select
            mart.as_of_date,
            mart.customer_id,
            drawn.target,
            {contract.selected("mart")}
        from {MART} as mart
        inner join drawn using (as_of_date, customer_id)
        where mart.as_of_date in (select unnest($dates::date[]))
        order by mart.as_of_date, mart.customer_id
        """,
        {"dates": list(shares), "shares": list(shares.values()), "seed": seed},
    ).df()
    return Rows(
        model_input(frame, contract.numeric, contract.categorical),
        frame["target"].to_numpy(dtype=np.float64),
        frame["customer_id"].to_numpy(dtype=object),
        frame["as_of_date"].to_numpy().astype("datetime64[D]"),
        totals,
    )


def _in_millions(limit: int, rows: float) -> int:
    return round(1_000_000 * min(1.0, limit / max(rows, 1)))


def fingerprints(
    connection: duckdb.DuckDBPyConnection, contract: warehouse.Contract, dates: Sequence[dt.date]
) -> dict[dt.date, str]:
    """Hash features and labels of each snapshot: the same rows in any order, the same text."""
    names = ("as_of_date", "customer_id", *contract.features)
    columns = ", ".join(f"mart.{name}" for name in names)
    hashes = connection.execute(
        f"""
        with hashed as (
            select mart.as_of_date, hash({columns}, labels.target_30d_spend) as row_hash
            from {MART} as mart
            inner join {LABELS} as labels using (as_of_date, customer_id)
            where mart.as_of_date in (select unnest(?::date[]))
        )
        select as_of_date, count(*), bit_xor(row_hash), sum(row_hash::hugeint)
        from hashed
        group by all
        order by all
        """,
        [list(dates)],
    ).fetchall()
    return {
        day: f"{rows}-{int(parity):016x}-{int(total) % 2**64:016x}"
        for day, rows, parity, total in hashes
    }


def joint_fingerprint(by_day: Mapping[dt.date, str], dates: Sequence[dt.date]) -> str:
    """Hash the fingerprints of some snapshots into one text."""
    parts = [f"{day} {by_day.get(day)}" for day in sorted(dates)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _span(days: Sequence[dt.date]) -> str:
    return f" ({days[0]} to {days[-1]})" if days else ""
