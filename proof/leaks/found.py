"""What an audit finds, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from rich.console import Console

from proof.leaks.forbidden_reads import Reading
from proof.mart_difference import Changed

EMPTIED = "emptied"


@dataclass(frozen=True)
class Leak:
    """A feature whose value at a date depends on what came later."""

    cut: date
    future: str
    changed: Changed

    def __str__(self) -> str:
        """Return one readable line."""
        rows = f"rows from {self.cut} on"
        what = "tables that no feature may read" if self.future == EMPTIED else rows
        return f"{self.changed} when the {what} were {self.future}"


@dataclass(frozen=True)
class Audit:
    """What was compared, and what was found.

    Attributes
    ----------
    leaks
        By feature that another future changes.
    readings
        What the SQL of features reads that none may read.
    together
        Features that depend on the customers who are asked for together.
    """

    cuts: list[date]
    values: int
    leaks: dict[str, list[Leak]]
    readings: list[Reading]
    together: list[Changed]


def tell(console: Console, result: Audit) -> list[str]:
    """Show each finding; return what they come to."""
    faults = []
    for leaks in result.leaks.values():
        console.print(str(leaks[0]), markup=False, highlight=False)
        others = sorted({leak.future for leak in leaks} - {leaks[0].future})
        if others:
            console.print(f"    also when they were {', '.join(others)}", highlight=False)
    if result.leaks:
        faults.append(f"{len(result.leaks)} features know the future: {', '.join(result.leaks)}")
    for reading in result.readings:
        console.print(str(reading), markup=False, highlight=False)
    if result.readings:
        names = ", ".join(reading.reader for reading in result.readings)
        faults.append(f"read the clock, chance, or a table that the mart is not made from: {names}")
    for change in result.together:
        console.print(
            f"{change} when half of the customers were asked for, at one date: it depends on which"
            " other customers are asked for",
            markup=False,
            highlight=False,
        )
    if result.together:
        names = ", ".join(example.feature for example in result.together)
        faults.append(f"depend on which other customers are asked for: {names}")
    return faults
