"""What a page is made of: sections of tables, pictures and notes, and what was found wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import duckdb


@dataclass(frozen=True)
class Table:
    """Cells in plain text; the first column and those named in `texts` are set left.

    The column `long` may break its lines; `shades`, where given, holds one background colour per
    cell.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    texts: Sequence[str] = ()
    long: str = ""
    shades: Sequence[Sequence[str]] = ()

    @property
    def kind(self) -> str:
        """Tell the template what it has before it."""
        return "table"

    @property
    def is_broad(self) -> bool:
        """Tell the template that the table needs the whole width."""
        return len(self.columns) > 5 or bool(self.long)


@dataclass(frozen=True)
class Picture:
    """A plot as a `data:` address; `title` is its text for those who cannot see it."""

    title: str
    source: str
    caption: str

    @property
    def kind(self) -> str:
        """Tell the template what it has before it."""
        return "picture"


@dataclass(frozen=True)
class Note:
    """A sentence; `missing` where it says what the shop does not have."""

    text: str
    tone: Literal["plain", "missing"] = "plain"

    @property
    def kind(self) -> str:
        """Tell the template what it has before it."""
        return "note"


Block = Table | Picture | Note


@dataclass(frozen=True)
class Finding:
    """Something wrong with the data, in one sentence, and the money behind it (never negative)."""

    text: str
    money: float = 0.0


@dataclass
class Section:
    """One chapter of the page; `key` is its anchor."""

    key: str
    title: str
    lead: str
    blocks: list[Block] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def missing(self, text: str) -> Section:
        """Add a note on what the shop does not have, and return the section."""
        self.blocks.append(Note(text, "missing"))
        return self


def ask(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] = ()
) -> list[tuple]:
    """Return all rows of a query that yields few."""
    return connection.execute(sql, list(parameters)).fetchall()


def ask_one(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: Sequence[object] = ()
) -> tuple:
    """Return the one row of a query of plain aggregates."""
    (row,) = ask(connection, sql, parameters)
    return row
