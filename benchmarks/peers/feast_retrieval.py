"""The finished mart looked up for customers and days by Feast, with its DuckDB offline store.

python -m benchmarks.peers.feast_retrieval FOLDER --limit 600

A row of the mart is valid for a day, so that Feast drops all others before it looks for the latest.
Without that every earlier row of a customer meets every row of the spine, at their full width: for
36,000 rows 50 seconds instead of 1.5, and 5 GB.
"""

from __future__ import annotations

import os
import warnings
from datetime import timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.peers import common
from benchmarks.peers.common import Task

# read when Feast is imported
os.environ["FEAST_USAGE"] = "False"

from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.data_format import ParquetFormat
from feast.types import Bool, Float64, Int64, PrimitiveFeastType, String

_VIEW = "customer_snapshots"


def _type(kind: pa.DataType) -> PrimitiveFeastType:
    """Return the type that Feast knows a column of the mart by."""
    if pa.types.is_boolean(kind):
        return Bool
    if pa.types.is_integer(kind):
        return Int64
    return Float64 if pa.types.is_decimal(kind) or pa.types.is_floating(kind) else String


def register(task: Task) -> FeatureStore:
    """Register the mart in a new registry beside it."""
    schema = common.schema_of(task.mart)
    fields = [Field(name="customer_id", dtype=String)]
    fields += [Field(name=name, dtype=_type(schema.field(name).type)) for name in task.names]
    customer = Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)
    view = FeatureView(
        name=_VIEW,
        entities=[customer],
        ttl=timedelta(days=1),
        schema=fields,
        source=FileSource(
            name="mart",
            path=str(task.mart),
            timestamp_field="as_of_date",
            file_format=ParquetFormat(),
        ),
        online=False,
    )
    registry = task.folder / "feast_registry.db"
    registry.unlink(missing_ok=True)
    store = FeatureStore(
        config=RepoConfig(
            project="shop",
            provider="local",
            registry=str(registry),
            offline_store={"type": "duckdb"},
            online_store=None,
            entity_key_serialization_version=3,
        )
    )
    store.apply([customer, view])
    return store


def work(task: Task) -> None:
    """Write the features of the task; what is registered once is not measured."""
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    store = register(task)
    task.measure.restart()
    spine = pq.read_table(task.spine, columns=list(common.KEYS)).to_pandas()
    spine["event_timestamp"] = pd.to_datetime(spine.pop("as_of_date"), utc=True)
    job = store.get_historical_features(
        entity_df=spine, features=[f"{_VIEW}:{name}" for name in task.names]
    )
    result = job.to_arrow()
    names = ["as_of_date" if name == "event_timestamp" else name for name in result.column_names]
    pq.write_table(result.rename_columns(names), task.result)


if __name__ == "__main__":
    common.run("feast", work, retrieval=True)
