"""Read the sheets of a workbook."""

from __future__ import annotations

import itertools
import logging
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from load.file_format import Format
from load.find_files import ZIP_ERRORS
from load.parts import Into, Part, refuse_repeated
from load.staging import LoadError

log = logging.getLogger(__name__)

_BATCH = 20_000
# the library holds every cell between the first and the last, 32 bytes each, and ends the process
# where it cannot
_MOST_CELLS = 100_000_000
_REFERENCE = re.compile(rb"""\br=["']([A-Za-z]{0,3})([0-9]{1,7})["']""")
_CHUNK, _LONGEST = 1 << 20, 32


@dataclass
class SheetPart(Part):
    """One sheet with rows below its header."""

    sheet: str = field(kw_only=True)
    workbook: CalamineWorkbook = field(kw_only=True)
    header: bool = True
    _numbers: list[int] = field(default_factory=list)

    def insert(self, into: Into) -> None:
        """Append the rows that are not blank."""
        names = list(self.columns)
        wanted = [names.index(name) for name in into.columns]
        self._numbers.clear()
        try:
            rows = itertools.islice(self._rows(), into.limit)
            into.batches(_columns(rows, wanted))
        except CalamineError as error:
            raise LoadError(f"{self.file}: cannot be read as a workbook: {error}") from error

    def rows_of(self, positions: Sequence[int]) -> list[int]:
        """Return the row numbers that the workbook shows."""
        return [self._numbers[position] for position in positions]

    def _rows(self) -> Iterator[Sequence[object]]:
        sheet = self.workbook.get_sheet_by_name(self.sheet)
        for number, row in enumerate(sheet.to_python(skip_empty_area=False), 1):
            if number > self.header and any(cell != "" for cell in row):
                self._numbers.append(number)
                yield row


def sheet_parts(file: Path, sheet: str | None, stated: Format) -> list[Part]:
    """Open the sheets of a workbook that hold rows; of all its sheets or of the one named.

    Raises
    ------
    LoadError
        If the file is no workbook, has no such sheet, or no sheet has rows, or a cell lies so far
        out that the sheet cannot be held.
    """
    try:
        _refuse_far_cells(file)
        workbook = CalamineWorkbook.from_path(file)
        names = workbook.sheet_names
        hidden = [
            tab.name for tab in workbook.sheets_metadata if tab.visible != SheetVisibleEnum.Visible
        ]
        if sheet is None and hidden:
            # an old copy, or what a report is made from
            log.info("%s: hidden sheets are not read: %s", file.name, ", ".join(hidden))
            names = [name for name in names if name not in hidden]
        if sheet is not None and sheet not in names:
            raise LoadError(f"{file}: has no sheet {sheet}; its sheets are {', '.join(names)}")
        parts = [
            part
            for name in names
            if sheet in (None, name) and (part := _part(file, workbook, name, stated))
        ]
    except (CalamineError, *ZIP_ERRORS) as error:
        raise LoadError(f"{file}: cannot be read as a workbook: {error}") from error
    if not parts:
        raise LoadError(f"{file}: no sheet has rows below its header")
    return parts


def _refuse_far_cells(file: Path) -> None:
    if not zipfile.is_zipfile(file):
        return
    with zipfile.ZipFile(file) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
        for name in sheets:
            rows = columns = 0
            with archive.open(name) as content:
                rest = b""
                while chunk := content.read(_CHUNK):
                    found = set(_REFERENCE.findall(rest + chunk))
                    rows = max([rows, *(int(row) for _, row in found)])
                    columns = max([columns, *map(_column_number, {column for column, _ in found})])
                    rest = chunk[-_LONGEST:]
            if rows * columns > _MOST_CELLS:
                raise LoadError(
                    f"{file}: {name} reaches to row {rows:,} and column {columns:,}: clear the "
                    "cells that lie far from the table, or save the sheet as CSV"
                )


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number


def _part(file: Path, workbook: CalamineWorkbook, name: str, stated: Format) -> Part | None:
    content = workbook.get_sheet_by_name(name)
    # `end` is the last row with a cell, counted from 0; `total_height` is one short of the rows
    if content.end is None or content.end[0] < stated.header:
        return None
    rows = content.to_python(skip_empty_area=False, nrows=1)
    named = stated.names or [str(cell).strip() for cell in rows[0]]
    names = [title or f"column {number}" for number, title in enumerate(named, 1)]
    refuse_repeated(names, file)
    if stated.names and len(names) != len(rows[0]):
        raise LoadError(f"{file}: sheet {name} has {len(rows[0])} columns, not {len(names)}")
    columns = dict.fromkeys(names, "VARCHAR")
    return SheetPart(file, columns, sheet=name, workbook=workbook, header=stated.header)


def _columns(
    rows: Iterator[Sequence[object]], wanted: Sequence[int]
) -> Iterator[list[list[str | None]]]:
    while batch := list(itertools.islice(rows, _BATCH)):
        yield [[_cell_text(row[position]) for row in batch] for position in wanted]


def _cell_text(cell: object) -> str | None:
    if cell == "":
        return None
    if isinstance(cell, float) and cell.is_integer():
        # a workbook knows no whole numbers: 85048.0 is the code 85048
        return str(int(cell))
    if isinstance(cell, float):
        # a number has no decimal sign that a column of texts beside it could be read by
        _, digits, exponent = Decimal(repr(cell)).as_tuple()
        return f"{'-' if cell < 0 else ''}{''.join(map(str, digits))}E{exponent}"
    return cell.isoformat(" ") if isinstance(cell, datetime) else str(cell)
