"""Load a user's own files into the raw tables: by layout, or by a mapping of one's own."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from dataclasses import replace as with_changes
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb

import warehouse
from core.scratch import scratch
from core.sql import literal
from load import ledger
from load.append import append as append_rows
from load.currencies import own_currency
from load.find_files import unzipped
from load.layout import layout as layout_mapping
from load.layout import layout_of
from load.loaded_before import fingerprints, is_loaded, refuse_twice, unchanged
from load.mapping import FILLABLE, ORDER_LINES, Mapping, OrderLines, read_mapping, zone_named
from load.orders import ids_alone, named, orders
from load.quarantine import REJECTED, prepare
from load.raw_tables import CUSTOMERS, HEADERS, LINES, PRODUCTS, Summary, replace
from load.read_table import Read, read_table
from load.staging import (
    STAGED,
    LoadError,
    NoFileError,
    first_lines,
    limit,
    scratch_database,
    staged_file,
)

log = logging.getLogger(__name__)

_ASSUMED_ZONE = "UTC"
_FARTHEST_EAST = timedelta(hours=14)
_WAREHOUSE = "warehouse_before"


@dataclass(frozen=True)
class _Wanted:
    """What a load was asked to do."""

    path: Path
    layout: str | None
    mapping: Mapping | None
    name: str
    known_on: date | None
    data_through: date | None
    timezone: str | None
    quarantine: bool
    may_lose: bool
    again: bool


def load(
    path: Path | str,
    layout: str | None = None,
    *,
    mapping: Path | str | None = None,
    append: bool = False,
    known_on: date | None = None,
    timezone: str | None = None,
    quarantine: bool = False,
    may_lose: bool = False,
    again: bool = False,
) -> Summary:
    """Replace the raw tables by the content of files, or add it to them.

    Everything is read and checked in a database of its own first; the warehouse changes in one
    transaction or not at all. Files that are loaded already, read in the same way, change nothing.

    Parameters
    ----------
    path
        A file, a folder, a glob, or a zip archive.
    layout
        The name of a known format; found from the columns when neither it nor a mapping is given.
    mapping
        A YAML file that says which column is what, see `load.mapping`.
    append
        Add the rows that are not there yet, instead of replacing all.
    known_on
        The day on which appended rows became known that do not say it, today (UTC) if not given;
        of files that replace everything the last day that they cover.
    timezone
        The shop's time zone, onto whose clock moments with an offset are put. Not given: what the
        mapping says, else what the warehouse knows, else UTC.
    quarantine
        Keep what does not fit in `raw.rejected` and load the rest, instead of refusing all.
    may_lose
        Replace a shop even by one with far less orders or days.
    again
        Read the files even if their bytes were loaded before: what they say holds again.

    Raises
    ------
    LoadError
        If the files do not fit; the message says where and what is expected.
    warehouse.WarehouseError
        If the warehouse cannot be opened.
    """
    path = Path(path)
    today = datetime.now(UTC).date()
    # somewhere on Earth it is tomorrow already
    if known_on and known_on > (datetime.now(UTC) + _FARTHEST_EAST).date():
        raise LoadError(f"the day on which rows became known, {known_on}, lies ahead")
    if mapping and layout:
        raise LoadError("a layout is a mapping already: give --layout or --mapping, not both")
    given = read_mapping(Path(mapping)) if mapping else None
    try:
        stated = zone_named(timezone) if timezone else given.timezone if given else None
    except ValueError as error:
        raise LoadError(str(error)) from error
    try:
        with scratch() as folder:
            wanted = _Wanted(
                unzipped(path, folder),
                layout,
                given,
                Path(mapping).name if mapping else "",
                known_on=(known_on or today) if append else None,
                data_through=known_on,
                timezone=stated,
                quarantine=quarantine,
                may_lose=may_lose,
                again=again,
            )
            return _load(wanted, folder)
    except (duckdb.Error, OSError, UnicodeError) as error:
        raise LoadError(f"{path}: cannot be loaded: {first_lines(error)}") from error


def _load(wanted: _Wanted, scratch: Path) -> Summary:
    with scratch_database(scratch) as connection:
        name, mapping = wanted.name, wanted.mapping
        if mapping is None:
            name = layout_of(connection, wanted.path, wanted.layout, scratch)
            mapping = layout_mapping(name)
            wanted = with_changes(wanted, timezone=wanted.timezone or mapping.timezone)
        zone = wanted.timezone
        if warehouse.path().exists():
            with warehouse.writer() as target:
                kept = warehouse.shop_timezone(target)
            zone = _one_zone(wanted, kept)
        zone = zone or _ASSUMED_ZONE
        files = fingerprints(wanted.path, mapping, may_lack=wanted.known_on is not None)
        entry = ledger.Entry(
            name,
            f"{mapping.hash} {zone}",
            ledger.APPEND if wanted.known_on else ledger.REPLACE,
            wanted.known_on,
            zone,
            wanted.data_through,
            files=list(files.values()),
        )
        if warehouse.path().exists() and not wanted.again:
            with warehouse.writer() as target:
                if is_loaded(target, entry, quarantine=wanted.quarantine):
                    return unchanged(target)
        log.info("reading %s as %s", wanted.path, name)
        prepare(connection)
        read = _read(connection, wanted, mapping, zone, scratch)
        sources = _sources(connection, read, mapping, wanted)
        currency = own_currency(connection, read) if ORDER_LINES.name in read else None
    rows = sum((Counter(result.rows_by_file) for result in read.values()), Counter())
    entry = with_changes(
        entry,
        files=[with_changes(fingerprint, rows=rows[file]) for file, fingerprint in files.items()],
        rejected=sum(result.rejected for result in read.values()),
        rejected_source=REJECTED,
        currency=currency,
    )
    refuse_twice({file: fingerprint for file, fingerprint in zip(files, entry.files, strict=True)})
    warehouse.path().parent.mkdir(parents=True, exist_ok=True)
    with warehouse.writer() as target:
        limit(target, scratch)
        target.execute(f"attach {literal(str(staged_file(scratch)))} as {STAGED} (read_only)")
        if wanted.known_on:
            flat = read.get(ORDER_LINES.name)
            is_whole = flat is not None and "line_item_id" not in flat.keys
            derived = {*sources} - {*read} - ({LINES.name} if flat else set())
            return append_rows(
                target, sources, derived, wanted.known_on, entry, orders_are_whole=is_whole
            )
        return replace(target, sources, entry=entry, may_lose=wanted.may_lose)


def _one_zone(wanted: _Wanted, kept: str | None) -> str | None:
    """Return the zone of the shop, of which there is one."""
    if wanted.known_on and kept and wanted.timezone not in (None, kept):
        raise LoadError(
            f"the shop's days are those of {kept}, not of {wanted.timezone}: load everything anew "
            "to change that"
        )
    return wanted.timezone or kept


def _read(
    connection: duckdb.DuckDBPyConnection,
    wanted: _Wanted,
    mapping: Mapping,
    zone: str,
    scratch: Path,
) -> dict[str, Read]:
    """Read the tables of a mapping; a night may bring a part of them, or nothing."""
    tables: dict[str, Read] = {}
    for table, table_mapping in mapping.tables.items():
        try:
            tables[table] = read_table(
                connection,
                wanted.path,
                table,
                table_mapping,
                scratch,
                zone=zone,
                quarantine=wanted.quarantine,
                is_layout=wanted.mapping is None,
                may_be_empty=wanted.known_on is not None,
                shape=partial(named, table_mapping)
                if isinstance(table_mapping, OrderLines)
                else None,
            )
        except NoFileError as error:
            if not wanted.known_on or table in (ORDER_LINES.name, "rates"):
                raise
            log.info("%s; nothing is added to it", error)
    if wanted.timezone is None and any(result.has_zones for result in tables.values()):
        log.warning(
            "moments have offsets and no time zone is stated: days are those of %s; state "
            "--timezone or timezone in the mapping, as in America/New_York",
            zone,
        )
    return tables


def _sources(
    connection: duckdb.DuckDBPyConnection,
    read: dict[str, Read],
    mapping: Mapping,
    wanted: _Wanted,
) -> dict[str, str]:
    """Return the SQL after `from` of each raw table that the files fill."""
    sources = {name: result.source for name, result in read.items() if name in FILLABLE}
    if mapping.order_lines is None:
        derivable = ((CUSTOMERS, HEADERS), (PRODUCTS, LINES))
        for table, named_by in derivable:
            if table.name not in sources and named_by.name in sources:
                sources[table.name] = ids_alone(connection, table, sources[named_by.name])
        return sources
    known_orders = None
    if wanted.known_on and "refunds" in read and warehouse.path().exists():
        path = literal(str(warehouse.path()))
        connection.execute(f"attach {path} as {_WAREHOUSE} (read_only)")
        known_orders = f"{_WAREHOUSE}.raw.{HEADERS.name}"
    derived = orders(connection, read, known_orders, quarantine=wanted.quarantine)
    if known_orders:
        connection.execute(f"detach {_WAREHOUSE}")
    # a customer or product file says more than the lines
    return derived | {
        name: sources[name] for name in (CUSTOMERS.name, PRODUCTS.name) if name in read
    }
