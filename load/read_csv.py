"""Read text files with a delimiter, or with columns of fixed width."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from core.sql import literal, path_literal, quoted
from load.file_format import WHITESPACE, Format
from load.parts import BadRow, Into, Part, refuse_repeated
from load.read_text import as_utf8, delimiter_of, first_records
from load.staging import LoadError, first_lines


@dataclass
class TextPart(Part):
    """A text file; `text` is the same in UTF-8 and with one delimiter."""

    text: Path = Path()
    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    _rejected: set[int] = field(default_factory=set)

    def insert(self, into: Into) -> None:
        """Append the rows; with `quarantine` a row with too few or many cells is set aside."""
        selected = [f"nullif({quoted(name)}, '')" for name in into.columns]
        aside = ", store_rejects = true, rejects_limit = 0" if into.quarantine else ""
        try:
            into.select(selected, self._source(aside))
        except duckdb.Error as error:
            raise LoadError(f"{self.file}: cannot be read: {self._explained(error)}") from error
        if into.quarantine:
            self._set_aside(into.connection)

    def rows_of(self, positions: Sequence[int]) -> list[int]:
        """Return row numbers as an editor shows them; of a row over several lines the first.

        Blank lines are no rows of the table, but they are lines of the file; so are the rows that
        were set aside. Reads the file again, as only a message needs the numbers.
        """
        wanted, lines, position = set(positions), {}, -1 if self.header else 0
        for number, line, is_blank in self._records():
            if not is_blank and number not in self._rejected:
                if position in wanted:
                    lines[position] = line
                position += 1
        return [lines.get(place, place + 1 + self.header) for place in positions]

    def _records(self) -> Iterator[tuple[int, int, bool]]:
        """Yield the number of each record, the line it begins on, and whether it is blank."""
        with self.text.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(
                stream,
                delimiter=self.delimiter,
                quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            )
            line = 1
            # a cell too long for the csv module ends it: the plain count is then the best guess
            with suppress(csv.Error):
                for number, record in enumerate(reader, 1):
                    yield number, line, not record
                    line = reader.line_num + 1

    def _lines(self, numbers: Collection[int]) -> dict[int, int]:
        """Return the lines on which records begin; DuckDB counts records."""
        lines = {number: line for number, line, _ in self._records() if number in numbers}
        return {number: lines.get(number, number) for number in numbers}

    def _source(self, further: str) -> str:
        columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in self.columns)
        return (
            # a folder named customer_id=7 would else stand in for the file's own column
            f"read_csv({path_literal(self.text)}, auto_detect = false, hive_partitioning = false, "
            f"header = {self.header}, delim = {literal(self.delimiter)}, "
            f"quote = {literal(self.quote)}, escape = {literal(self.quote)}, "
            f"encoding = 'utf-8', columns = {{{columns}}}{further})"
        )

    def _explained(self, error: duckdb.Error) -> str:
        """Return what is wrong with which line."""
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        wrong = next(
            (text for text in lines if text.startswith(("Expected Num", "Value with"))), ""
        )
        number = lines[0].rsplit("Line:", 1)[-1].strip()
        if not wrong or "Line:" not in lines[0] or not number.isdigit():
            return first_lines(error)
        original = next((text for text in lines if text.startswith("Original Line:")), "")
        line = self._lines({int(number)})[int(number)]
        return f"Line: {line}: {wrong}. {original[:300]}".strip()

    def _set_aside(self, connection: duckdb.DuckDBPyConnection) -> None:
        # a row may be wrong in several ways; the first is enough
        rejected = connection.execute(
            "select line, first(error_message), first(left(csv_line, 10000)) "
            "from reject_errors group by line order by line"
        ).fetchall()
        self._rejected = {number for number, *_ in rejected}
        lines = self._lines(self._rejected)
        self.bad_rows = [
            BadRow(lines[number], message, text or "") for number, message, text in rejected
        ]
        connection.execute("drop table if exists reject_errors")
        connection.execute("drop table if exists reject_scans")


def text_part(file: Path, stated: Format, scratch: Path) -> TextPart:
    """Open a text file, find its delimiter and its columns.

    Raises
    ------
    LoadError
        If it is no text, or its first row does not name columns.
    """
    text = as_utf8(file, stated, scratch)
    parted = bool(stated.widths) or stated.delimiter == WHITESPACE
    delimiter = "\t" if parted else stated.delimiter or delimiter_of(text)
    if stated.names:
        names = stated.names
    else:
        records = first_records(text, delimiter, 1)
        names = [name.strip() for name in records[0]] if records else []
        if not any(names):
            raise LoadError(f"{file}: row 1 is blank; expected the column names")
    names = [name or f"column {number}" for number, name in enumerate(names, 1)]
    refuse_repeated(names, file)
    return TextPart(
        file,
        dict.fromkeys(names, "VARCHAR"),
        text=text,
        delimiter=delimiter,
        quote="" if parted else '"',
        header=stated.header,
    )
