"""What one piece of the proof compared, and what it found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Outcome:
    """How much was compared, and every difference in words."""

    part: str
    name: str
    cases: int = 1
    customers: int = 0
    dates: int = 0
    values: int = 0
    differences: list[str] = field(default_factory=list)
    what: str = ""
    seconds: float = 0


@dataclass(frozen=True)
class Task:
    """A piece of the proof that a process can do alone: a function and what it is called with."""

    function: Callable[..., Outcome]
    arguments: tuple[object, ...]


def sizes(connection: object, until: str = "true") -> dict[str, int]:
    """Count customers, dates and values of the mart of an open warehouse."""
    mart = "features.feat_customer_snapshots"
    rows, customers, dates = connection.execute(
        f"select count(*), count(distinct customer_id), count(distinct as_of_date) from {mart}"
        f" where {until}"
    ).fetchone()
    columns = len(connection.execute(f"describe {mart}").fetchall()) - 2
    return {"customers": customers, "dates": dates, "values": rows * columns}
