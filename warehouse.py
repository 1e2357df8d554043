"""The one door to the warehouse: its path, connections, and the feature contract."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import yaml

ROOT = Path(__file__).resolve().parent
DBT_PROJECT = ROOT / "dbt_project"
SCHEMAS = (
    "main",
    "raw",
    "truth",
    "history",
    "builds",
    "staging",
    "intermediate",
    "features",
    "marts",
)
FEATURE_MART = "feat_customer_snapshots"
WRITTEN_YML = DBT_PROJECT / "models" / "staging" / "scoring" / "_scoring__sources.yml"
FEATURES_YML = DBT_PROJECT / "models" / "features" / "_features__models.yml"


# what a build holds at once, as in dbt_project/profiles.yml; fits a machine of 16 GB
MEMORY_LIMIT = "7GB"

# the days from an as-of date on that a target spans and a forecast is of
HORIZON_DAYS = 30
# readers hold the file for milliseconds; a writer waits for them this long
ATTEMPTS, PAUSE = 40, 0.25


# what those are told who ask over the network
BUSY = (
    "the warehouse cannot be opened now, most likely because it is being refreshed: try again in a "
    "minute"
)

_STARTED = time.time()

# the zone of a shop of which no load says another
UTC = "UTC"


class ShopError(RuntimeError):
    """Something cannot be done as asked; the message says what, and what to do about it.

    The base of all errors of this project: a command prints the message and ends with 1.
    """


class WarehouseError(ShopError):
    """The warehouse cannot be used as asked; the message says what to do.

    Parameters
    ----------
    shown
        What those are told who ask over the network, where the message names a path or a process.
    """

    def __init__(self, message: str, shown: str | None = None) -> None:
        super().__init__(message)
        self.shown = shown or message


class HeldError(WarehouseError):
    """Another process has the warehouse open."""


# the file that a reader of one generation reads, whatever is published meanwhile
_pinned: ContextVar[Path | None] = ContextVar("pinned", default=None)


def published() -> Path:
    """Return where the warehouse is found: `WAREHOUSE_PATH` or `warehouse.duckdb`, from the root.

    Once a night has published, it is a link into the folder of the current generation.
    """
    place = ROOT / (os.environ.get("WAREHOUSE_PATH") or "warehouse.duckdb")
    # the folder followed, the file itself not
    return place.parent.resolve() / place.name


def path() -> Path:
    """Return the warehouse file itself, of the generation that is current now.

    Raises
    ------
    WarehouseError
        If the file is named like a schema in it, as SQL could not tell the two apart, or has a
        character in its name that dbt does not take.
    """
    file = _pinned.get() or published().resolve()
    if set("?#") & set(str(file)) or set("\"';") & set(file.name):
        raise WarehouseError(
            f"{file} has a character in its name that dbt does not take, one of ? # ; and "
            "quotation marks: choose another WAREHOUSE_PATH",
            "the warehouse's name cannot be used: choose another WAREHOUSE_PATH",
        )
    if file.stem in SCHEMAS:
        raise WarehouseError(
            f"{file} is named like the schema {file.stem!r}: choose another WAREHOUSE_PATH",
            "the warehouse is named like a schema in it: choose another WAREHOUSE_PATH",
        )
    return file


@contextmanager
def pinned(file: Path) -> Iterator[None]:
    """Let what this thread reads in the block be one file, whatever is published meanwhile."""
    token = _pinned.set(file)
    try:
        yield
    finally:
        _pinned.reset(token)


@contextmanager
def in_warehouse(file: Path) -> Iterator[None]:
    """Make a file the warehouse while the block runs, for dbt too."""
    with environment(WAREHOUSE_PATH=str(file)):
        yield


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    """Set variables of the environment while the block runs."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def models_dir() -> Path:
    """Return the folder of fitted models; it lies beside the warehouse file."""
    return path().parent / "models"


def reports_dir() -> Path:
    """Return the folder of plots and reports; it lies beside the warehouse file."""
    return path().parent / "reports"


def connect(*, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """Open the warehouse.

    DuckDB has one writer and an open reader blocks it: open, use and close, as in
    `with warehouse.connect(read_only=True) as connection`.

    Raises
    ------
    WarehouseError
        If the file is missing (readers only), is no DuckDB file, or is held by another process.
    """
    file = path()
    if read_only and not file.exists():
        remedy = "run `make run`, or `make build` after a load"
        raise WarehouseError(f"{file} does not exist: {remedy}", f"there is no warehouse: {remedy}")
    try:
        connection = duckdb.connect(str(file), read_only=read_only)
    except duckdb.ConnectionException as error:
        # DuckDB lets one process read or write a file, not both at once
        raise HeldError(
            f"{file} is open in this process already, to read where it is to be written or the "
            "other way round: try again",
            BUSY,
        ) from error
    except duckdb.Error as error:
        raise _not_opened(file, str(error)) from error
    # a file of another kind (a CSV, say) opens as an empty database in memory, without a word
    if connection.execute(
        # connections of one process see what any of them has attached
        "select path from duckdb_databases() where database_name = current_database()"
    ).fetchone() in (None, (None,)):
        connection.close()
        remedy = "choose another WAREHOUSE_PATH"
        raise WarehouseError(
            f"{file} is no DuckDB file: {remedy}", f"the warehouse is no DuckDB file: {remedy}"
        )
    if not read_only:
        _remove_spilled(file)
    # a misspelt table must be an error, never a Python variable of the same name
    connection.execute("set python_enable_replacements = false")
    return connection


def _remove_spilled(file: Path) -> None:
    """Remove what killed processes have spilled beside the file; nobody else has it open now."""
    folder = Path(f"{file}.tmp")
    with suppress(OSError):
        # what is later than this process is of another of its connections
        old = [each for each in (*folder.glob("*"), folder) if each.stat().st_mtime < _STARTED]
        for left in old:
            left.rmdir() if left == folder else left.unlink()


def _not_opened(file: Path, why: str) -> WarehouseError:
    if "Could not set lock" in why:
        return HeldError(
            f"{file} is held by {holder(file, why)}: wait until it has ended, or stop it, and try "
            "again",
            BUSY,
        )
    why = " ".join(why.removeprefix("IO Error: ").split())
    remedy = (
        "give yourself the right to, or choose another WAREHOUSE_PATH"
        if "Permission denied" in why or "Read-only file system" in why
        else "make room on the disk"
        if "No space left" in why
        else "choose another WAREHOUSE_PATH"
        if "No such file or directory" in why or "Is a directory" in why
        else "the file is broken: move it away and take a copy back, or load again"
    )
    return WarehouseError(
        f"{file} cannot be opened ({why}): {remedy}",
        "the warehouse cannot be opened: ask whoever runs it",
    )


def holder(file: Path, why: str = "") -> str:
    """Return who holds a file, as words: the process that DuckDB names, or who has it open."""
    found = {int(process) for process in re.findall(r"\(PID (\d+)\)", why)}
    for opened in [] if found else Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if opened.samefile(file):
                found.add(int(opened.parts[2]))
    return " and ".join(_process(each) for each in sorted(found - {os.getpid()})) or (
        "another process"
    )


def _process(process: int) -> str:
    folder = Path(f"/proc/{process}")
    try:
        words = (folder / "cmdline").read_text().split("\0")
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(folder.stat().st_mtime))
    except OSError:
        return f"process {process}"
    # a command and its script, never its options: they may hold a password
    names = [Path(words[0]).name]
    if names[0].startswith("python") and words[1:] and not words[1].startswith("-"):
        names.append(Path(words[1]).name)
    return f"process {process} ({' '.join(names)}, since {since})"


def bound_memory(connection: duckdb.DuckDBPyConnection) -> None:
    """Let a connection hold as much as a build may, and spill the rest beside its file.

    DuckDB's own bound is four fifths of the machine: of two such processes one is killed. The order
    of rows is not kept, which costs memory too, and in DuckDB 2.0 hides them: of a table that is
    made, filled with nothing and then with more than 122,880 rows in one transaction, the
    connection sees no row. `DUCKDB_THREADS` bounds the cores, all by default.
    """
    limit = os.environ.get("DUCKDB_MEMORY_LIMIT", MEMORY_LIMIT)
    connection.execute(f"set memory_limit = {limit!r}; set preserve_insertion_order = false")
    if threads := os.environ.get("DUCKDB_THREADS"):
        connection.execute(f"set threads = {int(threads)}")


def horizon(connection: duckdb.DuckDBPyConnection) -> int:
    """Return how many days the mart's targets span; before the first build, how many they will.

    Raises
    ------
    WarehouseError
        If the mart was built for others than the forecasts are of.
    """
    try:
        [(other,)] = connection.execute(
            "select any_value(horizon_days) filter (where horizon_days <> ?)"
            " from intermediate.int_snapshots_scheduled",
            [HORIZON_DAYS],
        ).fetchall()
    except duckdb.CatalogException:
        other = None
    if other is not None:
        raise WarehouseError(
            f"the mart is built for a horizon of {other} days, and forecasts are of "
            f"{HORIZON_DAYS}: run `make build`, without the variable horizon_days"
        )
    return HORIZON_DAYS


def writer() -> duckdb.DuckDBPyConnection:
    """Open the warehouse for writing, after readers that hold it for a moment.

    Raises
    ------
    WarehouseError
        As `connect` does, and while a nightly run works on a copy, which would not see what is
        written here.
    """
    if holder := lock_holder():
        raise WarehouseError(
            f"{holder} works on a copy of {path()} and would not see what is written now: wait "
            "until it has ended",
            "the warehouse is being refreshed: try again later",
        )
    for _ in range(ATTEMPTS - 1):
        try:
            return connect()
        except HeldError:
            time.sleep(PAUSE)
    return connect()


def place_of(file: Path) -> Path:
    """Return where the warehouse is found that a file is, or is a generation of."""
    beside = file.parent.parent
    if beside.name == "generations" and file.parent.name.isdigit():
        return beside.parent / file.name
    return file


def lock_file() -> Path:
    """Return the file that a nightly run locks; it says who runs since when.

    Of a generation by its own path it is the one of the warehouse that it belongs to.
    """
    place = place_of(published())
    return place.with_name(f".{place.name}.lock")


def lock_holder() -> str | None:
    """Return who runs a night on this warehouse, as words; None where nobody does."""
    try:
        with lock_file().open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return lock.read() or "a nightly run"
    except FileNotFoundError:
        pass
    return None


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Do all of the block or, on any error, nothing of it."""
    connection.execute("begin transaction")
    try:
        yield
        connection.execute("commit")
    except BaseException:
        # an error of the commit itself has rolled back already
        with suppress(duckdb.Error):
            connection.execute("rollback")
        raise


def has_table(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    """Return whether a schema of the warehouse has a table."""
    rows = connection.execute(
        "select count(*) from duckdb_tables() where database_name = current_database()"
        " and schema_name = ? and table_name = ?",
        [schema, table],
    ).fetchall()
    return bool(rows[0][0])


def shop_timezone(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the IANA name of the shop's time zone, as the newest load that states one has it.

    UTC where no load states any. Days of events, of spines and as-of dates are local days in it.
    """
    stated = connection.execute(
        "select count(*) from duckdb_columns() where database_name = current_database()"
        " and schema_name = 'raw' and table_name = 'loads'"
        " and column_name in ('timezone', 'loaded_at')"
    ).fetchall()
    if stated != [(2,)]:
        return UTC
    rows = connection.execute(
        "select timezone from raw.loads where timezone is not null"
        " order by loaded_at desc nulls last limit 1"
    ).fetchall()
    return rows[0][0] if rows else UTC


# what a feature belongs to whose entry names no driver
OTHER_DRIVER = "other"
# of a column, what no model depends on
WORDS = ("description", "driver")


@dataclass(frozen=True)
class Column:
    """One column of the feature mart as the contract states it."""

    name: str
    data_type: str
    role: str  # "key", "feature" or "categorical feature"
    nullable: bool
    unit: str | None = None
    window: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    description: str = ""
    driver: str = OTHER_DRIVER


@dataclass(frozen=True)
class Contract:
    """The columns of the feature mart, in order, as `_features__models.yml` states them."""

    columns: tuple[Column, ...]
    # the two that a row of the mart is found by
    entity: str = "customer_id"
    timestamp: str = "as_of_date"
    # by driver: its words, and those for a customer of whom a feature in them is not known
    drivers: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @cached_property
    def features(self) -> tuple[str, ...]:
        """Names of all features, numeric and categorical, in mart order."""
        return tuple(column.name for column in self.columns if column.role != "key")

    @cached_property
    def categorical(self) -> tuple[str, ...]:
        """Names of the categorical features."""
        return tuple(c.name for c in self.columns if c.role == "categorical feature")

    @cached_property
    def numeric(self) -> tuple[str, ...]:
        """Names of the numeric features."""
        return tuple(c.name for c in self.columns if c.role == "feature")

    def selected(self, relation: str) -> str:
        """Return SQL that selects the features as a model sees them: numbers as DOUBLE."""
        numbers = (f"{relation}.{name}::double as {name}" for name in self.numeric)
        return ", ".join([*numbers, *(f"{relation}.{name}" for name in self.categorical)])

    @property
    def hash(self) -> str:
        """sha256 over what a model depends on: names, types, roles, null rule, units, windows."""
        relevant = [
            {name: value for name, value in asdict(column).items() if name not in WORDS}
            for column in self.columns
        ]
        return hashlib.sha256(json.dumps(relevant, sort_keys=True).encode()).hexdigest()


def contract(file: Path | None = None) -> Contract:
    """Read the feature contract from the feature mart's yml, or from another file.

    Raises
    ------
    WarehouseError
        If the mart is missing from the yml, if it does not say which of its columns are entity
        and timestamp, or if a column has no data type or role.
    """
    file = file or FEATURES_YML
    models = _yaml(file)["models"]
    mart = next((model for model in models if model["name"] == FEATURE_MART), None)
    if mart is None:
        raise WarehouseError(f"{file} does not describe {FEATURE_MART}")
    columns = tuple(_column(entry, file) for entry in mart["columns"])
    meta = mart.get("config", {}).get("meta", {})
    entity, timestamp = meta.get("entity"), meta.get("timestamp")
    if not {entity, timestamp} <= {column.name for column in columns if column.role == "key"}:
        raise WarehouseError(
            f"{file}: {FEATURE_MART} needs config.meta.entity and config.meta.timestamp, each the "
            "name of a column with the role key"
        )
    drivers = {name: tuple(words) for name, words in meta.get("drivers", {}).items()}
    used = {column.driver for column in columns if column.role != "key"} - {OTHER_DRIVER}
    if used != set(drivers) and meta.get("drivers"):
        raise WarehouseError(
            f"{file}: config.meta.drivers of {FEATURE_MART} has {sorted(drivers)}, its columns "
            f"name {sorted(used)}: give each driver its words, and each column one of them"
        )
    return Contract(columns, entity, timestamp, drivers)


def written_columns(table: str) -> tuple[str, ...]:
    """Return the columns of a table that Python writes, as SQL: its dbt source defines them.

    Raises
    ------
    WarehouseError
        If `_scoring__sources.yml` has no such table.
    """
    [source] = _yaml(WRITTEN_YML)["sources"]
    columns = next((each["columns"] for each in source["tables"] if each["name"] == table), None)
    if columns is None:
        raise WarehouseError(f"{WRITTEN_YML} does not describe {table}")
    return tuple(
        f"{column['name']} {column['data_type']}{' not null' * ('constraints' in column)}"
        for column in columns
    )


def _yaml(file: Path) -> Any:  # noqa: ANN401
    # the loader in C takes a tenth of the time
    return yaml.load(file.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _column(entry: dict[str, Any], file: Path) -> Column:
    meta = entry.get("config", {}).get("meta", {})
    if "data_type" not in entry or meta.get("role") not in (
        "key",
        "feature",
        "categorical feature",
    ):
        raise WarehouseError(
            f"{file}: column {entry['name']} of {FEATURE_MART} needs a data_type and "
            "config.meta.role (key, feature or categorical feature)"
        )
    return Column(
        name=entry["name"],
        data_type=entry["data_type"],
        role=meta["role"],
        nullable=meta.get("nullable", False),
        unit=meta.get("unit"),
        window=meta.get("window"),
        minimum=meta.get("minimum"),
        maximum=meta.get("maximum"),
        description=" ".join(str(entry.get("description", "")).split()),
        driver=meta.get("driver", OTHER_DRIVER),
    )
