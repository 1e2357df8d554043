"""Load a plan of promotions, those to come and those of the past, into `raw.planned_promotions`."""

from __future__ import annotations

import logging
from pathlib import Path

import duckdb

import warehouse
from core.scratch import scratch
from core.sql import literal, quoted
from load.find_files import unzipped
from load.mapping import TableMapping
from load.quarantine import Misfit, prepare
from load.raw_tables import HEADERS, PROMOTIONS, insert, make, now
from load.read_table import read_table
from load.staging import (
    OUR,
    STAGED,
    LoadError,
    first_lines,
    limit,
    scratch_database,
    staged_file,
)

log = logging.getLogger(__name__)

_START, _END, _NAME, _LIFT = (
    quoted(OUR + name) for name in ("start_date", "end_date", "name", "expected_lift")
)
_CHECKS = (
    Misfit("name", _NAME, f"nullif(trim({_NAME}), '') is null", "a name"),
    Misfit("start_date", _START, f"{_START} is null", "a day: a promotion needs a first one"),
    Misfit("end_date", _END, f"{_END} is null", "a day: a promotion needs a last one"),
    Misfit("end_date", _END, f"{_END} < {_START}", "on or after start_date"),
    Misfit(
        "expected_lift",
        _LIFT,
        f"{_LIFT} not between -0.99 and 9.99",
        "a share, as in 0.2 for 20 % more, between -0.99 and 9.99",
    ),
)


def load_promotions(path: Path | str, *, append: bool = False) -> int:
    """Replace the plan of promotions by that of a file, or add the file's rows to it.

    Of rows with the same name and first day the newest load's counts. The warehouse changes in one
    transaction or not at all.

    Parameters
    ----------
    path
        A file, a folder, a glob, or a zip archive with the columns start_date, end_date, name and,
        where they are known, category, expected_lift and announced_on.
    append
        Leave what is planned already as it is.

    Returns
    -------
    int
        Promotions loaded.

    Raises
    ------
    LoadError
        If no shop is loaded, or a row does not fit; the message says where and what is expected.
    warehouse.WarehouseError
        If the warehouse cannot be opened.
    """
    path = Path(path)
    with warehouse.writer() as target:
        if not warehouse.has_table(target, "raw", HEADERS.name):
            raise LoadError(f"{warehouse.path()} holds no shop that could plan promotions: load it")
    try:
        with scratch() as folder:
            with scratch_database(folder) as connection:
                prepare(connection)
                read = read_table(
                    connection,
                    unzipped(path, folder),
                    PROMOTIONS.name,
                    TableMapping(),
                    folder,
                    zone="UTC",
                    is_layout=True,
                    checks=_CHECKS,
                )
                _refuse_doubles(connection, path, read.source)
            with warehouse.writer() as target:
                limit(target, folder)
                file = literal(str(staged_file(folder)))
                target.execute(f"attach {file} as {STAGED} (read_only)")
                with warehouse.transaction(target):
                    make(target, PROMOTIONS, anew=not append)
                    return insert(target, PROMOTIONS, read.source, now())
    except (duckdb.Error, OSError, UnicodeError) as error:
        raise LoadError(f"{path}: cannot be loaded: {first_lines(error)}") from error


def _refuse_doubles(connection: duckdb.DuckDBPyConnection, path: Path, source: str) -> None:
    doubles = connection.execute(
        f"select trim(name), start_date from {source} group by all having count(*) > 1 order by all"
    ).fetchall()
    if doubles:
        name, day = doubles[0]
        raise LoadError(
            f"{path}: column name: {name!r} starts twice on {day}, and one would take the place of "
            "the other: give each a name of its own"
        )
