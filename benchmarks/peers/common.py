"""What the peers share: the features asked of them, their command line, measures and checksums.

Runs in the project's environment and in that of the peers.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import resource
import sys
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

KEYS = ("customer_id", "as_of_date")
FAR = "9999-12-31"
_WINDOWS = (
    *("7d", "14d", "30d", "90d", "180d", "360d"),
    *("31_60d", "61_90d", "91_120d", "181_360d", "336_365d", "lifetime"),
)
# what the peers compute from customer days unless they are asked for less
FEATURES = (
    *(f"{measure}_{window}" for measure in ("spend", "orders") for window in _WINDOWS),
    *("returns_30d", "returns_90d", "returns_360d"),
    *("promoted_360d", "items_360d", "lines_360d"),
    *("active_days_30d", "active_days_90d", "active_days_360d"),
    *("max_order_value_360d", "max_order_value_lifetime"),
    *("first_order_date", "last_order_date"),
    *("gaps_lifetime", "gap_days_lifetime", "gap_days_squared_lifetime"),
)
# features that are not named like the column of customer days that they are made of
_COLUMNS = {"returns": "returned", "max_order_value": "largest_order"}
# an exact integer of everything: cents, and thousandths of a piece
_SCALE = 1_000
_BATCH = 1 << 18
_MIX = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Feature:
    """A feature over the days that lie `first` to `last` days before the as-of date."""

    name: str
    how: str  # "sum" (0 where nothing), "max" (0 too), or "first" or "last" event date (or null)
    column: str
    first: int = 1
    last: int | None = None  # None: without end


def parse(name: str) -> Feature:
    """Read a feature from its name.

    Raises
    ------
    ValueError
        If the name is none of a windowed feature.
    """
    if name in ("first_order_date", "last_order_date"):
        return Feature(name, name.split("_")[0], "event_date")
    match = re.fullmatch(r"(\w+?)_(?:(?:(\d+)_)?(\d+)d|lifetime)", name)
    if match is None:
        raise ValueError(f"{name} is no windowed feature")
    measure, first, last = match.groups()
    column = _COLUMNS.get(measure, measure)
    how = "max" if column == "largest_order" else "sum"
    return Feature(name, how, column, int(first or 1), int(last) if last else None)


@dataclass(frozen=True)
class Task:
    """What a peer is to do, and where its inputs lie and its result goes."""

    folder: Path
    result: Path
    names: tuple[str, ...]
    measure: Measure = field(default_factory=lambda: Measure())

    @property
    def customer_days(self) -> Path:
        """Return the file of customer days."""
        return self.folder / "customer_days.parquet"

    @property
    def spine(self) -> Path:
        """Return the file of customers and days to compute features for."""
        return self.folder / "spine.parquet"

    @property
    def mart(self) -> Path:
        """Return the finished mart: a file, or a folder partitioned by as_of_date."""
        file = self.folder / "mart.parquet"
        return file if file.exists() else self.folder / "mart"

    @property
    def features(self) -> list[Feature]:
        """Return the windowed features by their names."""
        return [parse(name) for name in self.names]


def schema_of(mart: Path) -> pa.Schema:
    """Return the columns of a finished mart; of a folder, without the column that it is cut by."""
    file = mart if mart.is_file() else next(mart.glob("**/*.parquet"))
    return pq.read_schema(file)


def run(
    method: str,
    work: Callable[[Task], Sequence[str] | None],
    names: Sequence[str] = FEATURES,
    *,
    retrieval: bool = False,
) -> None:
    """Do the task of the command line, measure it, and print one line of JSON.

    Time is taken from the first byte of input read to the last byte of the result written,
    without the start of Python and its imports, and without the checksum.

    Parameters
    ----------
    method
        The name of the record.
    work
        Computes the features and writes them with the keys to the task's result file; returns the
        features that it computed, None for all.
    names
        The features unless the command line has others.
    retrieval
        The features are those of the finished mart.
    """
    parser = argparse.ArgumentParser(prog=sys.argv[0], description=sys.modules["__main__"].__doc__)
    parser.add_argument("folder", type=Path, help="customer_days, spine or mart as Parquet")
    parser.add_argument("--features", nargs="+", help="names; all by default")
    parser.add_argument("--limit", type=float, default=0, help="seconds, then it is stopped")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    task = Task(folder, folder / f"{method.replace(' ', '_')}.parquet", ())
    if retrieval:
        names = [name for name in schema_of(task.mart).names if name not in KEYS]
    task = replace(task, names=tuple(arguments.features or names))
    task.result.unlink(missing_ok=True)
    task.measure.restart()
    if arguments.limit:
        _stop_after(arguments.limit, method, task)
    done = tuple(work(task) or task.names)
    measured = task.measure.read()
    rows, columns = checksums(task.result, done)
    print(json.dumps(_record(method, task, measured, done, rows, columns)), flush=True)
    # the timer of the limit waits for nobody
    os._exit(0)


def _record(
    method: str,
    task: Task,
    measured: dict[str, float],
    done: Sequence[str] = (),
    rows: int | None = None,
    columns: dict[str, str] | None = None,
) -> dict[str, object]:
    return {
        "method": method,
        **measured,
        "rows": rows,
        "features": len(done),
        "checksum": total(rows, columns) if columns else None,
        "stopped": columns is None,
        "left_out": [name for name in task.names if name not in done] if columns else [],
        "columns": columns or {},
    }


def _stop_after(seconds: float, method: str, task: Task) -> None:
    def stop() -> None:
        print(json.dumps(_record(method, task, task.measure.read())), flush=True)
        os._exit(0)

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()


class Measure:
    """Time, processor time and peak memory of this process from now on."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Begin anew: what was done before is not measured."""
        self._cpu = self._processor_seconds()
        self._start = time.perf_counter()

    def read(self) -> dict[str, float]:
        """Return wall_s, cpu_s (with ended children), and peak_mb, imports included."""
        return {
            "wall_s": round(time.perf_counter() - self._start, 2),
            "cpu_s": round(self._processor_seconds() - self._cpu, 2),
            "peak_mb": round(_peak() / 1e6),
        }

    @staticmethod
    def _processor_seconds() -> float:
        usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _peak() -> int:
    """Return the most bytes that this process held."""
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage would start from what the parent held
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text()).group(1)) * 1_024
    unit = 1 if sys.platform == "darwin" else 1_024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def checksums(file: Path, names: Sequence[str]) -> tuple[int, dict[str, str]]:
    """Count the rows of a result, and sum up each feature.

    The sums are exact integers of thousandths (dates: days; words: a hash), each row weighed by its
    keys. The order of rows does not matter; a value at another customer or day does.

    Returns
    -------
    tuple
        The count of rows; by feature 16 hexadecimal digits.
    """
    rows = 0
    sums = dict.fromkeys(names, 0)
    for batch in pq.ParquetFile(file).iter_batches(_BATCH, columns=[*KEYS, *names]):
        rows += batch.num_rows
        days = pc.cast(batch["as_of_date"], pa.date32())
        weights = _words(batch["customer_id"]) + pc.cast(days, pa.int32()).to_numpy().astype("u8")
        weights = (weights ^ (weights >> np.uint64(29))) * _MIX
        weights ^= weights >> np.uint64(32)
        for name in names:
            # numpy's unsigned integers wrap around
            sums[name] += int(np.sum(_integers(batch[name]) * weights, dtype=np.uint64))
    return rows, {name: f"{value % (1 << 64):016x}" for name, value in sums.items()}


def _integers(values: pa.Array) -> np.ndarray:
    """Return values as exact unsigned integers; a null is like no other value."""
    kind = values.type
    if pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _words(values)
    if hasattr(pa.types, "is_string_view") and pa.types.is_string_view(kind):
        return _words(values.cast(pa.string()))
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        numbers = pc.cast(pc.cast(values, pa.date32()), pa.int32())
    else:
        numbers = pc.cast(values, pa.float64(), safe=False)
        # what is not a number is null to pandas
        numbers = pc.if_else(pc.is_nan(numbers), None, numbers)
        numbers = pc.round(pc.multiply(numbers, float(_SCALE)))
    integers = pc.fill_null(pc.cast(numbers, pa.int64(), safe=False), 0).to_numpy()
    missing = pc.is_null(numbers).to_numpy(zero_copy_only=False)
    return np.where(missing, np.int64(0x5EED), integers).astype(np.uint64)


def _words(values: pa.Array) -> np.ndarray:
    """Return a hash of each word, the same in every environment."""
    encoded = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    # the last place is that of null
    hashes = np.array(
        [*(zlib.crc32(str(word).encode()) for word in encoded.dictionary.to_pylist()), 1], "u8"
    )
    places = pc.fill_null(encoded.indices, len(hashes) - 1).to_numpy(zero_copy_only=False)
    return hashes[places] * _MIX


def total(rows: int | None, columns: dict[str, str]) -> str:
    """Return the checksum of a result from that of each feature."""
    return hashlib.sha256(json.dumps([rows, sorted(columns.items())]).encode()).hexdigest()


def differences(record: dict, reference: dict) -> list[str]:
    """Return the features of a record that are not as in a reference; ["rows"] if those differ."""
    if record["rows"] != reference["rows"]:
        return ["rows"]
    right = reference["columns"]
    return [name for name, value in record["columns"].items() if value != right.get(name)]
