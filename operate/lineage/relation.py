"""A table as lineage sees it: the raw columns behind its columns and its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Columns = frozenset[str]
Fields = Mapping[str, Columns]
NOTHING: Columns = frozenset()


@dataclass(frozen=True)
class Relation:
    """The raw columns behind a table: its columns, its rows, and the fields of its structs."""

    columns: Mapping[str, Columns]
    rows: Columns = NOTHING
    # by column that is a struct, or a list of structs, and by field
    fields: Mapping[str, Fields] = field(default_factory=dict)

    @property
    def everything(self) -> Columns:
        """The raw columns behind all of its columns."""
        return NOTHING.union(*self.columns.values())


# rows that are asked for: nothing raw is behind an id by itself, or a date
SPINE = Relation(
    dict.fromkeys(("customer_id", "as_of_date", "transaction_id", "line_item_id"), NOTHING)
)


def stack(left: Relation, right: Relation, *, by_name: bool) -> Relation:
    """Return the union of two relations, by place or by name."""
    if not by_name:
        names = dict(zip(right.columns, left.columns, strict=False))
        right = Relation(
            {names[name]: columns for name, columns in right.columns.items() if name in names},
            right.rows,
            {names[name]: fields for name, fields in right.fields.items() if name in names},
        )
    return Relation(
        merge(left.columns, right.columns),
        left.rows | right.rows,
        {
            name: merge(left.fields.get(name, {}), right.fields.get(name, {}))
            for name in {**left.fields, **right.fields}
        },
    )


def merge(fields: Fields, other_fields: Fields) -> Fields:
    """Return what stands behind each name in either of the two."""
    return {
        name: fields.get(name, NOTHING) | other_fields.get(name, NOTHING)
        for name in {**fields, **other_fields}
    }
