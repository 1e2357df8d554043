"""Windowed features from customer days by Featuretools.

python -m benchmarks.peers.featuretools_features FOLDER

Every feature is defined once, with a `where` over the age of a day at the cutoff time, and all are
computed in one pass over the cutoff times. Deep feature synthesis with a `training_window` takes a
pass for each window, more than three times as long, and knows no second time axis that ends.
"""

from __future__ import annotations

import warnings

import featuretools as ft
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from featuretools.primitives import Max, Min, Sum, TimeSince

from benchmarks.peers import common
from benchmarks.peers.common import Feature, Task

_DATES = ("event_date", "known_date", "known_until")
# nanoseconds end before the day that stands for never
_NEVER = pa.scalar(pd.Timestamp("2250-01-01"), pa.timestamp("s"))


def read(task: Task) -> tuple[ft.EntitySet, pd.DataFrame]:
    """Read the inputs.

    Returns
    -------
    tuple
        Customers with their days, and the cutoff times.
    """
    values = sorted({"orders", *(feature.column for feature in task.features)} - {*_DATES})
    table = pq.read_table(task.customer_days, columns=["customer_id", *_DATES, *values])
    columns = {"customer_id": table["customer_id"]}
    for name in _DATES:
        date = pc.min_element_wise(pc.cast(table[name], pa.timestamp("s")), _NEVER)
        columns[name] = pc.cast(date, pa.timestamp("ns"))
    for name in values:
        columns[name] = pc.cast(table[name], pa.float64())
    days = pa.table(columns).to_pandas()
    days["day_id"] = np.arange(len(days))
    spine = pq.read_table(task.spine, columns=list(common.KEYS)).to_pandas()
    spine["as_of_date"] = pd.to_datetime(spine["as_of_date"])
    shop = ft.EntitySet("shop")
    shop.add_dataframe(
        dataframe_name="days",
        dataframe=days,
        index="day_id",
        time_index="event_date",
        logical_types={
            "customer_id": "Categorical",
            **dict.fromkeys(_DATES, "Datetime"),
            **dict.fromkeys(values, "Double"),
        },
    )
    shop.add_dataframe(
        dataframe_name="customers",
        dataframe=pd.DataFrame({"customer_id": spine["customer_id"].unique()}),
        index="customer_id",
    )
    shop.add_relationship("customers", "customer_id", "days", "customer_id")
    return shop, spine.rename(columns={"as_of_date": "time"})[["customer_id", "time"]]


def definitions(shop: ft.EntitySet, features: list[Feature]) -> list[ft.FeatureBase]:
    """Define the features of a customer."""

    def column(name: str) -> ft.Feature:
        return ft.Feature(shop["days"].ww[name])

    def age(name: str) -> ft.Feature:
        return ft.Feature(column(name), primitive=TimeSince(unit="days"))

    before = age("event_date")
    valid = (age("known_date") > 0).AND(age("known_until") <= 0)
    windows = {}
    defined = []
    for feature in features:
        window = (feature.first, feature.last)
        if window not in windows:
            inside = valid
            if feature.first > 1:
                inside = inside.AND(before >= feature.first)
            if feature.last:
                inside = inside.AND(before <= feature.last)
            windows[window] = inside
        if feature.how in ("first", "last"):
            # the date follows from its age
            value, where = before, valid.AND(column("orders") > 0)
            primitive = Max if feature.how == "first" else Min
        else:
            value, where = column(feature.column), windows[window]
            primitive = Sum if feature.how == "sum" else Max
        defined.append(
            ft.Feature(
                value, parent_dataframe_name="customers", where=where, primitive=primitive
            ).rename(feature.name)
        )
    return defined


def work(task: Task) -> None:
    """Write the features of the task."""
    warnings.filterwarnings("ignore", category=UserWarning)
    warnings.filterwarnings("ignore", category=FutureWarning)
    shop, cutoffs = read(task)
    matrix = ft.calculate_feature_matrix(
        definitions(shop, task.features),
        shop,
        cutoff_time=cutoffs,
        include_cutoff_time=False,
        cutoff_time_in_index=True,
    )
    result = pd.DataFrame(matrix).reset_index().rename(columns={"time": "as_of_date"})
    for feature in task.features:
        if feature.how in ("first", "last"):
            age = pd.to_timedelta(result[feature.name], unit="D")
            result[feature.name] = result["as_of_date"] - age
        else:
            result[feature.name] = result[feature.name].fillna(0)
    result.to_parquet(task.result, index=False)


if __name__ == "__main__":
    common.run("featuretools", work)
