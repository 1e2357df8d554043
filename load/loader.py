"""Load a user's own files into the raw tables: by layout, or by a mapping of one's own."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import replace as with_changes
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

import warehouse
from load import ledger
from load.append import append as append_rows
from load.derive import raw_sources
from load.layout import layout as layout_mapping
from load.layout import layout_of
from load.loaded_before import fingerprints, is_loaded, unchanged
from load.mapping import Mapping
from load.quarantine import REJECTED, prepare
from load.raw_tables import Summary, replace
from load.read_files import LoadError
from load.read_mapping import read_mapping
from load.read_table import read_table
from load.scratch import scratch
from load.staging import (
    STAGED,
    first_lines,
    limit,
    literal,
    scratch_database,
    staged_file,
)

log = logging.getLogger(__name__)


def load(
    path: Path | str,
    layout: str | None = None,
    *,
    mapping: Path | str | None = None,
    append: bool = False,
    known_on: date | None = None,
    quarantine: bool = False,
) -> Summary:
    """Replace the raw tables by the content of files, or add it to them.

    Everything is read and checked in a database of its own first; the warehouse changes in one
    transaction or not at all. Files that are loaded already, read in the same way, change nothing.

    Parameters
    ----------
    path
        A file, a folder, or a glob.
    layout
        `tables` or `online_retail`; found from the path when neither it nor a mapping is given.
    mapping
        A YAML file that says which column is what, see `load.mapping`.
    append
        Add the rows that are not there yet, instead of replacing all.
    known_on
        The day on which appended rows became known that do not say it; today (UTC) if not given.
    quarantine
        Keep what does not fit in `raw.rejected` and load the rest, instead of refusing all.

    Raises
    ------
    LoadError
        If the files do not fit; the message says where and what is expected.
    warehouse.WarehouseError
        If the warehouse cannot be opened.
    """
    path = Path(path)
    today = datetime.now(UTC).date()
    if known_on and not append:
        raise LoadError("a day on which rows became known is for --append alone")
    if known_on and known_on > today:
        raise LoadError(f"the day on which rows became known, {known_on}, lies ahead")
    if mapping and layout:
        raise LoadError("a layout is a mapping already: give --layout or --mapping, not both")
    given = read_mapping(Path(mapping)) if mapping else None
    name = Path(mapping).name if mapping else ""
    try:
        with scratch() as folder:
            return _load(
                path,
                layout,
                given,
                name,
                folder,
                known_on=(known_on or today) if append else None,
                quarantine=quarantine,
            )
    except (duckdb.Error, OSError, UnicodeError) as error:
        raise LoadError(f"{path}: cannot be loaded: {first_lines(error)}") from error


def _load(
    path: Path,
    asked: str | None,
    mapping: Mapping | None,
    name: str,
    scratch: Path,
    *,
    known_on: date | None,
    quarantine: bool,
) -> Summary:
    with scratch_database(scratch) as connection:
        if mapping is None:
            name = layout_of(connection, path, asked, scratch)
            mapping = layout_mapping(name)
        files = fingerprints(path, mapping)
        mode = ledger.APPEND if known_on else ledger.REPLACE
        entry = ledger.Entry(name, mapping.hash, mode, known_on, list(files.values()))
        if warehouse.path().exists():
            with warehouse.connect() as target:
                if is_loaded(target, entry, quarantine=quarantine):
                    return unchanged(target)
        log.info("reading %s as %s", path, name)
        prepare(connection)
        read = [
            read_table(connection, path, table, one, scratch, quarantine=quarantine)
            for table, one in mapping.tables.items()
        ]
        sources, derived = raw_sources(connection, {one.name: one.source for one in read})
    rows = sum((Counter(one.rows_by_file) for one in read), Counter())
    entry = with_changes(
        entry,
        files=[with_changes(one, rows=rows[file]) for file, one in files.items()],
        rejected=sum(one.rejected for one in read),
        rejected_source=REJECTED,
    )
    warehouse.path().parent.mkdir(parents=True, exist_ok=True)
    with warehouse.connect() as target:
        limit(target, scratch)
        target.execute(f"attach {literal(str(staged_file(scratch)))} as {STAGED} (read_only)")
        if known_on:
            return append_rows(target, sources, derived, known_on, entry)
        return replace(target, sources, entry=entry)
