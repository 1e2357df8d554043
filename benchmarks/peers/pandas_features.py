"""Windowed features from customer days by pandas.

python -m benchmarks.peers.pandas_features FOLDER

Sums: a customer day enters a window on one day and leaves it on another; what entered and left,
added up by day, is looked up for each row of the spine with `merge_asof`. That is a third faster
than to group the customer days of each as-of date, and needs no pair of a spine row and a day.
The largest, first and last of a window cannot be subtracted: one group by for each as-of date.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.peers import common
from benchmarks.peers.common import Feature, Task

_DATES = ("event_date", "known_date", "known_until")


def read(task: Task) -> tuple[pd.DataFrame, pd.DataFrame, pd.Index]:
    """Read the inputs, with numbers for days and customers.

    Returns
    -------
    tuple
        Customer days, the spine, and the customers by their number.
    """
    values = sorted({"orders", *(feature.column for feature in task.features)} - {*_DATES})
    days = _table(task.customer_days, [*_DATES, *values])
    spine = _table(task.spine, ["as_of_date"])
    customers = spine["customer_id"].cat.categories
    days["customer_id"] = days["customer_id"].cat.set_categories(customers)
    days = days[days["customer_id"].notna()]
    for frame in (days, spine):
        frame["customer_id"] = frame["customer_id"].cat.codes
    return days, spine.sort_values("as_of_date", kind="stable", ignore_index=True), customers


def _table(file: object, columns: list[str]) -> pd.DataFrame:
    table = pq.read_table(
        file, columns=["customer_id", *columns], read_dictionary=["customer_id"]
    ).unify_dictionaries()
    arrays = {"customer_id": table["customer_id"]}
    for name in columns:
        column = table[name]
        if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
            arrays[name] = pc.cast(pc.cast(column, pa.date32()), pa.int32())
        else:
            arrays[name] = pc.fill_null(pc.cast(column, pa.float64()), 0)
    return pa.table(arrays).to_pandas()


def sums(days: pd.DataFrame, spine: pd.DataFrame, features: list[Feature]) -> pd.DataFrame:
    """Sum up the customer days of one window for each row of the spine."""
    first, last = features[0].first, features[0].last
    names = [feature.name for feature in features]
    enter = np.maximum(days["event_date"] + first, days["known_date"] + 1)
    leave = days["known_until"] + 1
    if last is not None:
        leave = np.minimum(leave, days["event_date"] + last + 1)
    inside = enter < leave
    values = days.loc[inside, [feature.column for feature in features]].set_axis(names, axis=1)
    values.insert(0, "customer_id", days["customer_id"])
    changes = pd.concat(
        [
            values.assign(as_of_date=enter[inside]),
            values.assign(as_of_date=leave[inside], **{name: -values[name] for name in names}),
        ]
    ).sort_values("as_of_date", ignore_index=True)
    changes[names] = changes.groupby("customer_id")[names].cumsum()
    return pd.merge_asof(spine, changes, on="as_of_date", by="customer_id")[names].fillna(0)


def extremes(days: pd.DataFrame, spine: pd.DataFrame, features: list[Feature]) -> pd.DataFrame:
    """Take the largest value, or the first or last event date, of each row of the spine."""
    parts = []
    for as_of, customers in spine.groupby("as_of_date")["customer_id"]:
        is_known = (days["known_date"] < as_of) & (days["known_until"] >= as_of)
        valid = days[is_known & (days["event_date"] < as_of)]
        before = as_of - valid["event_date"]
        columns = {}
        for feature in features:
            if feature.how == "max":
                inside = before.between(feature.first, feature.last or as_of)
                columns[feature.name] = valid[feature.column].where(inside)
            else:
                active = valid["event_date"].where(valid["orders"] > 0)
                columns[feature.name] = -active if feature.how == "first" else active
        largest = pd.DataFrame(columns, index=valid.index).groupby(valid["customer_id"]).max()
        parts.append(largest.reindex(customers))
    result = pd.concat(parts, ignore_index=True)
    for feature in features:
        if feature.how == "max":
            result[feature.name] = result[feature.name].fillna(0)
        else:
            date = result[feature.name].abs().astype("Int32")
            # the cache of pandas 2.3.3 goes wrong over many dates of which some are missing
            result[feature.name] = pd.to_datetime(date, unit="D", cache=False)
    return result


def work(task: Task) -> None:
    """Write the features of the task."""
    days, spine, customers = read(task)
    windows: dict[tuple[int, int | None], list[Feature]] = {}
    for feature in task.features:
        if feature.how == "sum":
            windows.setdefault((feature.first, feature.last), []).append(feature)
    parts = [spine, *(sums(days, spine, features) for features in windows.values())]
    others = [feature for feature in task.features if feature.how != "sum"]
    if others:
        parts.append(extremes(days, spine, others))
    result = pd.concat(parts, axis=1)
    result["customer_id"] = customers.take(result["customer_id"])
    result["as_of_date"] = pd.to_datetime(result["as_of_date"], unit="D")
    result.to_parquet(task.result, index=False)


if __name__ == "__main__":
    common.run("pandas", work)
