"""Which raw columns a column is computed from, read from compiled SQL.

Each SELECT is read once, from its sources outwards. Two sets are kept apart: what a column's
expression names, conditions inside it included, and what decides on the way from the raw tables
which rows there are, and in which order they are taken: joins, filters, groups, windows.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp, parse_one

log = logging.getLogger(__name__)

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


@dataclass
class Lineage:
    """The relations of a warehouse, each read when it is first asked for.

    Attributes
    ----------
    models
        Compiled SQL by `schema.name`; a table function stands under its name as well.
    raw
        Columns of the raw tables by `schema.name`.
    histories
        By `schema.name` of a dbt snapshot, its column that dates the versions.
    unresolved
        Names that were found in no source, as "name in relation"; they count for nothing.
    """

    models: Mapping[str, str]
    raw: Mapping[str, Sequence[str]]
    histories: Mapping[str, str] = field(default_factory=dict)
    unresolved: list[str] = field(default_factory=list)
    _known: dict[str, Relation] = field(default_factory=dict)

    def relation(self, name: str) -> Relation:
        """Return a table, view or table function by `schema.name`.

        Raises
        ------
        KeyError
            If there is none.
        """
        if name not in self._known:
            if name in self.raw:
                columns = {column: frozenset({f"{name}.{column}"}) for column in self.raw[name]}
                self._known[name] = Relation(columns)
            else:
                tree = parse_one(self.models[name], dialect="duckdb")
                self._known[name] = self._dated(self.query(tree, {}, name), name)
        return self._known[name]

    def _dated(self, relation: Relation, name: str) -> Relation:
        if name not in self.histories:
            return relation
        day = relation.columns[self.histories[name]]
        added = {"dbt_valid_from": day, "dbt_valid_to": day}
        return Relation({**relation.columns, **added}, relation.rows)

    def query(self, query: exp.Expression, named: Mapping[str, Relation], of: str) -> Relation:
        """Read a query; `named` holds the CTEs in sight."""
        query = query.unnest() if isinstance(query, exp.Subquery) else query
        named = dict(named)
        for cte in query.ctes:
            named[cte.alias.lower()] = self.query(cte.this, named, of)
        if isinstance(query, exp.SetOperation):
            left, right = (self.query(side, named, of) for side in (query.left, query.right))
            return _stack(left, right, by_name=bool(query.args.get("by_name")))
        return _Select(self, query, named, of).read()

    def source(self, node: exp.Expression, named: Mapping[str, Relation], of: str) -> Relation:
        """Return what a FROM or JOIN reads."""
        if isinstance(node, exp.Subquery):
            return self.query(node, named, of)
        if not isinstance(node, exp.Table):
            return Relation({})
        # of a call the name of the function
        table = node.this.name.lower()
        if table in named and not node.db:
            return named[table]
        if table == "query_table":
            return SPINE
        name = f"{node.db}.{table}"
        if name in self.raw or name in self.models:
            return self.relation(name)
        self.unresolved.append(f"{name} in {of}")
        return Relation({})


def _stack(left: Relation, right: Relation, *, by_name: bool) -> Relation:
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


class _Select:
    """One SELECT: its sources by alias, and the columns that it has made so far."""

    def __init__(
        self, lineage: Lineage, select: exp.Select, named: Mapping[str, Relation], of: str
    ) -> None:
        self.lineage, self.select, self.named, self.of = lineage, select, named, of
        self.sources: dict[str, Relation] = {}
        self.made: dict[str, Columns] = {}
        self.ordered_by: Columns = NOTHING
        self.windows = {window.name.lower(): window for window in select.args.get("windows") or []}

    def read(self) -> Relation:
        reads = [self.select.args.get("from_"), *(self.select.args.get("joins") or [])]
        for node in (read.this for read in reads if read):
            alias = (node.alias or node.this.name).lower()
            self.sources[alias] = self.lineage.source(node, self.named, self.of)
        for projection in self.select.expressions:
            self.made.update(self._project(projection))
        rows = self.ordered_by.union(*(source.rows for source in self.sources.values()))
        for clause in ("where", "group", "having", "qualify"):
            rows |= self._names(self.select.args.get(clause))
        for join in self.select.args.get("joins") or []:
            rows |= self._names(join.args.get("on"))
            rows |= NOTHING.union(*(self._column("", c.name) for c in join.args.get("using") or []))
        return Relation(self.made, rows)

    def _project(self, projection: exp.Expression) -> dict[str, Columns]:
        star = projection.this if isinstance(projection, exp.Column) else projection
        if isinstance(star, exp.Columns):
            # COLUMNS(condition): what it leaves out, nobody reads
            return self._all("")
        if not isinstance(star, exp.Star):
            return {projection.alias_or_name.lower(): self._names(projection)}
        columns = self._all(projection.table if isinstance(projection, exp.Column) else "")
        for left_out in star.args.get("except_") or []:
            columns.pop(left_out.name.lower(), None)
        for replaced in star.args.get("replace") or []:
            columns[replaced.alias.lower()] = self._names(replaced.this)
        return columns

    def _all(self, table: str) -> dict[str, Columns]:
        sources = [self.sources[table.lower()]] if table else self.sources.values()
        return {name: columns for source in sources for name, columns in source.columns.items()}

    def _names(self, node: exp.Expression | None) -> Columns:
        """Return the raw columns behind all that an expression names."""
        return NOTHING.union(*self._found(node)) if node else NOTHING

    def _found(self, node: exp.Expression) -> Iterator[Columns]:
        if isinstance(node, exp.Query):
            inner = self.lineage.query(node, self.named, self.of)
            yield inner.everything | inner.rows
        elif isinstance(node, exp.Columns):
            yield NOTHING.union(*self._all("").values())
        elif isinstance(node, exp.Count) and isinstance(node.this, exp.Star):
            yield NOTHING.union(*(source.rows for source in self.sources.values()))
        elif isinstance(node, exp.Column):
            yield self._column(node.table, node.name)
        elif isinstance(node, exp.Window):
            self._order(node)
            self._order(self.windows.get(node.alias.lower()))
            yield from self._found(node.this)
        else:
            for child in node.iter_expressions():
                yield from self._found(child)

    def _order(self, window: exp.Expression | None) -> None:
        for part in (
            [*window.args.get("partition_by", []), window.args.get("order")] if window else []
        ):
            self.ordered_by |= self._names(part)

    def _column(self, table: str, name: str) -> Columns:
        table, name = table.lower(), name.lower()
        if table in self.sources:
            return self._of_source(table, name)
        if table:
            # a field of a struct
            return self._column("", table)
        holders = [alias for alias, source in self.sources.items() if name in source.columns]
        if holders:
            return NOTHING.union(*(self.sources[alias].columns[name] for alias in holders))
        if name in self.made:
            return self.made[name]
        if name in self.sources:
            # the whole row
            return self.sources[name].everything
        self.lineage.unresolved.append(f"{name} in {self.of}")
        return NOTHING

    def _of_source(self, table: str, name: str) -> Columns:
        if name not in self.sources[table].columns:
            self.lineage.unresolved.append(f"{table}.{name} in {self.of}")
        return self.sources[table].columns.get(name, NOTHING)
