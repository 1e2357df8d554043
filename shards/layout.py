"""The folder of a sharded build: where each thing lies, and how it comes there."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from core.dbt_runner import BuildError
from shards.phases import FILE


@dataclass(frozen=True)
class Layout:
    """A folder that all who work on a build can reach.

    What is passed on in it (facts, parts of the mart, notes; under Spark also the shards' files)
    is made under another name and renamed when it is complete. It is named after the key of the
    phase that leaves it, a hash of all that the phase reads: an attempt that was given up, and
    works on, writes over nothing that others have made of something else.
    """

    root: Path

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Make the folder, and keep other builds out of it while the block runs.

        Raises
        ------
        BuildError
            If another build is in it.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / ".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BuildError(
                    f"another build runs in {self.root}: wait for its end, or give another --out"
                ) from error
            yield

    @property
    def driver(self) -> Path:
        """The warehouse that shop-level models are built in."""
        return self.root / "driver" / FILE

    @property
    def handed_over(self) -> Path:
        """Raw rows that shards have yet to take, a folder for each split."""
        return self.root / "raw"

    def new_split(self) -> str:
        """Return the name of a folder for a split; those of earlier ones go."""
        remove(self.handed_over)
        name = uuid.uuid4().hex
        (self.handed_over / name).mkdir(parents=True)
        return name

    @property
    def shop(self) -> Path:
        """What the driver gives to all shards, as Parquet, by what they depend on."""
        return self.root / "shop"

    @property
    def mart(self) -> Path:
        """The mart, as Parquet by table, shard and as-of date."""
        return self.root / "mart"

    @property
    def manifest(self) -> Path:
        """Which files make up the mart."""
        return self.root / "manifest.json"

    @property
    def warehouse(self) -> Path:
        """A warehouse over the mart's Parquet: to query, fit and score."""
        return self.root / "mart.duckdb"

    @property
    def plan(self) -> Path:
        """How the shop was split last, and which file each shard is built upon."""
        return self.root / "plan.json"

    def shard(self, shard: int, key: str | None = None) -> Path:
        """A shard's warehouse, as the phase of a key left it; without a key, the one in place."""
        return self.root / "shards" / f"{shard:04}" / (f"{key}.duckdb" if key else FILE)

    def fact(self, model: str, shard: int, key: str) -> Path:
        """A fact of a shard, as Parquet."""
        return self.root / "facts" / f"{shard:04}" / f"{model}-{key}.parquet"

    def done(self, shard: int, key: str) -> Path:
        """What the phase of a key has left; missing while it is not done."""
        return self.root / "done" / f"{shard:04}" / f"{key}.json"


def temporary(path: Path) -> Path:
    """Return a name beside a path that nobody else uses, its folder made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.stem}-{uuid.uuid4().hex}{path.suffix}")


def put(text: object, path: Path) -> None:
    """Write JSON, whole or not at all."""
    made = temporary(path)
    made.write_text(json.dumps(text, indent=1, sort_keys=True, default=str))
    os.replace(made, path)


def put_rows(connection: duckdb.DuckDBPyConnection, sql: str, path: Path) -> None:
    """Write rows as Parquet, whole or not at all."""
    made = temporary(path)
    connection.execute(f"copy ({sql}) to '{made}' (format parquet)")
    os.replace(made, path)


def read(path: Path) -> dict[str, Any]:
    """Read JSON that is there."""
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def get(path: Path) -> dict[str, Any] | None:
    """Read JSON, or nothing where there is none."""
    return read(path) if path.exists() else None


def remove(path: Path) -> None:
    """Remove a file or folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
