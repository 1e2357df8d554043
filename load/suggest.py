"""Write a first mapping for files of any shape, by names, values and arithmetic."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from load.file_format import WHITESPACE, Format
from load.find_files import DATABASES, find, shown, unzipped
from load.layout import layout_file, layout_of
from load.look_at_columns import Look, is_value, look_at
from load.mapping import ORDER_LINES
from load.match_columns import match
from load.money_columns import Money, line_money
from load.parts import Part
from load.raw_tables import CUSTOMERS, HEADERS, LINES, PRODUCTS, Table
from load.read_csv import TextPart
from load.read_database import database_tables
from load.read_files import open_parts, stage
from load.read_text import first_records
from load.staging import LoadError, NoRowsError, first_lines, scratch_database
from load.write_mapping import write_table

_SAMPLE = 5_000
_UNIQUE = 0.99


@dataclass(frozen=True, eq=False)
class Group:
    """Files with the same columns, or one table of a database: what one table may be read from."""

    files: list[Path]
    table: str | None
    stated: Format
    looks: list[Look]
    money: Money | None


def suggested(path: Path) -> str:
    """Return a mapping for what lies at `path`, as YAML; comments say what is unsure.

    Raises
    ------
    LoadError
        If the files cannot be read, or hold nothing like orders.
    """
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            scratch_database(Path(folder)) as connection,
        ):
            path = unzipped(path, Path(folder))
            with suppress(LoadError):
                name = layout_of(connection, path, None, Path(folder))
                return (
                    f"# This is the layout {name}: `load.py PATH` finds it, without a mapping.\n"
                    "# A copy to change:\n" + layout_file(name).read_text(encoding="utf-8")
                )
            groups = list(_groups(connection, path, Path(folder)))
    except (duckdb.Error, OSError, UnicodeError) as error:
        raise LoadError(f"{path}: cannot be read: {first_lines(error)}") from error
    tables = _roles(path, groups)
    written, unsure = [], []
    for name, group in tables.items():
        # inside a folder a table's files must be told from the others
        names = [shown(file, path) for file in group.files] if path.is_dir() else []
        lines, doubts = write_table(
            name, names, group.table, group.stated, group.looks, group.money
        )
        written += lines
        unsure += doubts
    # a name may hold line breaks
    head = [
        f"# A first mapping for {' '.join(path.name.split())}, by names, values and arithmetic."
    ]
    if unsure:
        listed = ", ".join(dict.fromkeys(unsure))
        head += [
            "# See what the file says of these, mend the mapping, then delete the line `unsure`:",
            "# until then nothing is loaded.",
            f"unsure: [{listed}]",
        ]
    return "\n".join([*head, *written]) + "\n"


def _groups(connection: duckdb.DuckDBPyConnection, path: Path, scratch: Path) -> Iterator[Group]:
    by_columns: dict[tuple[str, ...], list[tuple[Path, Format, Part]]] = {}
    for file in find(path, None):
        if file.name.lower().endswith(DATABASES):
            for table in database_tables(connection, file):
                parts = open_parts(connection, [file], scratch, Format(), table)
                # a database may well have an empty table beside those that matter
                with suppress(NoRowsError):
                    yield _group(connection, [file], table, Format(), parts[:1])
            continue
        stated, parts = _opened(connection, file, scratch)
        if len({tuple(part.columns) for part in parts}) > 1:
            for part in parts:
                yield _group(connection, [file], part.sheet, stated, [part])
            continue
        by_columns.setdefault(tuple(parts[0].columns), []).append((file, stated, parts[0]))
    for alike in by_columns.values():
        files = [file for file, _, _ in alike]
        yield _group(connection, files, None, alike[0][1], [part for *_, part in alike][:3])


def _opened(
    connection: duckdb.DuckDBPyConnection, file: Path, scratch: Path
) -> tuple[Format, list[Part]]:
    """Open a file, and find out whether it has a header and a delimiter."""
    stated = Format()
    parts = open_parts(connection, [file], scratch, stated)
    first = parts[0]
    if not isinstance(first, TextPart):
        return stated, parts
    delimiter: str | None = first.delimiter if first.delimiter != "," else None
    records = first_records(first.text, first.delimiter, 50)
    if len(first.columns) == 1:
        words = [record[0].split() for record in records if record and record[0].strip()]
        if len({len(cells) for cells in words}) == 1 and len(words[0]) > 1:
            records, delimiter = words, WHITESPACE
    names = [f"column {number}" for number in range(1, len(records[0]) + 1)]
    headless = is_value(connection, records[0])
    stated = Format(delimiter=delimiter, header=not headless, names=names if headless else None)
    return stated, open_parts(connection, [file], scratch, stated)


def _group(
    connection: duckdb.DuckDBPyConnection,
    files: list[Path],
    table: str | None,
    stated: Format,
    parts: Sequence[Part],
) -> Group:
    staged = stage(connection, parts, "sample", limit=_SAMPLE)
    looks = look_at(connection, staged.table, staged.columns)
    money = line_money(connection, staged.table, looks, match(ORDER_LINES.name, looks))
    return Group(files, table, stated, looks, money)


def _roles(path: Path, groups: Sequence[Group]) -> dict[str, Group]:
    """Return which group fills which table."""
    tables: dict[str, Group] = {}
    lines = _best(groups, LINES.name, ("transaction_id", "product_id", "quantity"))
    orders = [group for group in groups if group is not lines and _is_key(group, HEADERS)]
    headers = _best(orders, HEADERS.name, ("transaction_id", "customer_id", "transaction_date"))
    flat = _best(groups, ORDER_LINES.name, ("customer_id", "transaction_date"))
    if lines and headers and "transaction_date" not in _sure(lines):
        tables |= {HEADERS.name: headers, LINES.name: lines}
    elif flat:
        tables[ORDER_LINES.name] = flat
    else:
        raise LoadError(
            f"{path}: nothing in it looks like orders: no customers with dates; it has "
            f"{'; '.join(_seen(group) for group in groups)}"
        )
    for table, foreign in ((CUSTOMERS, "transaction_id"), (PRODUCTS, "customer_id")):
        keyed = [
            group
            for group in groups
            if group not in tables.values()
            and _is_key(group, table)
            and foreign not in _sure(group)
        ]
        if best := _best(keyed, table.name, (table.key,)):
            tables[table.name] = best
    return tables


def _best(groups: Sequence[Group], name: str, needed: Sequence[str]) -> Group | None:
    """Return the group in which most columns of a table are found, all of `needed` among them."""
    scores = []
    for group in groups:
        matches = match(name, group.looks)
        if all(key in matches for key in needed):
            scores.append((sum(matched.score for matched in matches.values()), group))
    return max(scores, key=lambda scored: scored[0])[1] if scores else None


def _seen(group: Group) -> str:
    """Return what each column of a file was taken for."""
    kinds = (
        f"{look.name} ({'dates' if look.is_date else 'numbers' if look.is_number else 'text'})"
        for look in group.looks
    )
    return f"{group.table or group.files[0].name}: {', '.join(kinds)}"


def _sure(group: Group) -> set[str]:
    return {key for key, matched in match(ORDER_LINES.name, group.looks).items() if matched.is_sure}


def _is_key(group: Group, table: Table) -> bool:
    matched = match(table.name, group.looks).get(table.key)
    return matched is not None and min(matched.look.distinct, matched.look.filled) >= _UNIQUE
