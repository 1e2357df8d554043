"""A table as lineage sees it: the raw columns behind its columns and its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Columns = frozenset[str]
NOTHING: Columns = frozenset()


@dataclass(frozen=True)
class Relation:
    """The raw columns behind each column of a table, and behind its rows."""

    columns: Mapping[str, Columns]
    rows: Columns = NOTHING

    @property
    def everything(self) -> Columns:
        """The raw columns behind all of its columns."""
        return NOTHING.union(*self.columns.values())


# rows that the caller gives: nothing raw is behind a customer's id and a date
SPINE = Relation({"customer_id": NOTHING, "as_of_date": NOTHING})


def stack(left: Relation, right: Relation, *, by_name: bool) -> Relation:
    """Return the union of two relations, by place or by name."""
    if by_name:
        names = [*left.columns, *(name for name in right.columns if name not in left.columns)]
        pairs = {n: (left.columns.get(n, NOTHING), right.columns.get(n, NOTHING)) for n in names}
    else:
        pairs = dict(
            zip(
                left.columns,
                zip(left.columns.values(), right.columns.values(), strict=False),
                strict=False,
            )
        )
    return Relation({name: a | b for name, (a, b) in pairs.items()}, left.rows | right.rows)
