"""The parts that a table is read from: a file, a sheet, or a table of another database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from core.sql import quoted
from load.staging import LoadError

_KEPT = (
    *("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "DECIMAL", "DOUBLE", "FLOAT", "DATE"),
    "TIMESTAMP",
)


@dataclass(frozen=True)
class BadRow:
    """A row that has no place in its table: row number, what was expected, the row as text."""

    row: int
    expected: str
    text: str


@dataclass(frozen=True)
class Into:
    """The staged table that rows go to: `columns` holds names and types in order.

    Of the rows the first `limit` are enough; with `quarantine` a text file's rows with too few or
    many cells are set aside.
    """

    connection: duckdb.DuckDBPyConnection
    table: str
    columns: Mapping[str, str]
    limit: int | None
    quarantine: bool

    def select(self, selected: Iterable[str], source: str) -> None:
        """Append what DuckDB reads: the SQL of each column, and what stands after `from`."""
        self.connection.execute(
            f"insert into {self.table} select {', '.join(selected)} from {source}"
            + (f" limit {self.limit}" if self.limit else "")
        )

    def batches(self, batches: Iterator[Sequence[Sequence[str | None]]]) -> None:
        """Append batches of columns of text."""
        schema = pa.schema([(f"c{number}", pa.string()) for number in range(len(self.columns))])
        for batch in batches:
            columns = [pa.array(column, pa.string()) for column in batch]
            self.connection.register("_batch", pa.Table.from_arrays(columns, schema=schema))
            self.connection.execute(f"insert into {self.table} select * from _batch").fetchall()
            self.connection.unregister("_batch")


@dataclass
class Part(ABC):
    """Something with columns and rows; `columns` holds the names and the types as staged."""

    file: Path
    columns: dict[str, str]
    sheet: str | None = None
    bad_rows: list[BadRow] = field(default_factory=list)

    @abstractmethod
    def insert(self, into: Into) -> None:
        """Append the rows to a staged table."""

    def rows_of(self, positions: Sequence[int]) -> list[int]:
        """Return the row numbers, as a reader of the file counts, of rows by their position."""
        return [position + 1 for position in positions]


@dataclass
class SqlPart(Part):
    """A part that DuckDB reads: `source` is the SQL after `from`."""

    source: str = ""
    # the names of the columns in the source, where they have blanks around them
    spelt: dict[str, str] = field(default_factory=dict)
    first_row: int = 1

    def insert(self, into: Into) -> None:
        """Append the rows; what is neither a date nor an exact number becomes text."""
        into.select(
            [
                self._staged(quoted(self.spelt.get(name, name)), self.columns[name], wanted)
                for name, wanted in into.columns.items()
            ],
            self.source,
        )

    def _staged(self, column: str, data_type: str, wanted: str) -> str:
        """Return the SQL that stages a column of a `data_type` as the `wanted` type."""
        if wanted not in ("VARCHAR", "DOUBLE", "FLOAT"):
            return column
        text = f"nullif(cast({column} as varchar), '')"
        # NaN is a data frame's word for a missing number; DuckDB 2.0 folds isnan() to false by a
        # Parquet file's statistics, so ask the text
        text = f"nullif({text}, 'nan')" if data_type in ("DOUBLE", "FLOAT") else text
        return text if wanted == "VARCHAR" else f"cast({text} as {wanted})"

    def rows_of(self, positions: Sequence[int]) -> list[int]:
        """Return the row numbers of rows by their position."""
        return [position + self.first_row for position in positions]


@dataclass
class JsonPart(SqlPart):
    """JSON lines or an array of objects; texts lose their quotes, what is nested stays JSON."""

    def _staged(self, column: str, data_type: str, wanted: str) -> str:
        return f"nullif(nullif({column} ->> '$', ''), 'null')"


def described(
    connection: duckdb.DuckDBPyConnection, source: str, file: Path
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the types of a source's columns by name, and how the source spells the names."""
    columns = connection.execute(f"describe select * from {source}").fetchall()
    refuse_repeated([name for name, *_ in columns], file)
    types = {name.strip(): data_type for name, data_type, *_ in columns}
    return types, {name.strip(): name for name, *_ in columns}


def staged_type(data_type: str) -> str:
    """Return the type in which a column is staged: dates and numbers as they are."""
    return data_type if data_type.startswith(_KEPT) and "[" not in data_type else "VARCHAR"


def refuse_repeated(names: Sequence[str], file: Path) -> None:
    """Refuse columns whose names differ in nothing but case and blanks around them."""
    seen: set[str] = set()
    for name in (name.strip().lower() for name in names):
        if name in seen:
            raise LoadError(f"{file}: the column {name} appears twice")
        seen.add(name)
