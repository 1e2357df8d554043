"""One SELECT: its columns and conditions, each traced to the raw columns that it names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from sqlglot import exp

from operate.lineage.relation import NOTHING, Columns, Fields, Relation, merge


class Reader(Protocol):
    """Who knows what a SELECT reads from; see `operate.lineage.models.Lineage`."""

    unresolved: list[str]

    def query(self, query: exp.Query, named: Mapping[str, Relation], of: str) -> Relation:
        """Read a query; `named` holds the CTEs in sight, `of` what it belongs to."""

    def source(self, node: exp.Expr, named: Mapping[str, Relation], of: str) -> Relation:
        """Return what a FROM or JOIN reads."""


class Select:
    """One SELECT: its sources by alias, and the columns that it has made so far."""

    def __init__(
        self, lineage: Reader, select: exp.Query, named: Mapping[str, Relation], of: str
    ) -> None:
        self.lineage, self.select, self.named, self.of = lineage, select, named, of
        self.sources: dict[str, Relation] = {}
        self.made: dict[str, Columns] = {}
        self.fields: dict[str, Fields] = {}
        self.ordered_by: Columns = NOTHING
        self.windows = {window.name.lower(): window for window in select.args.get("windows") or []}

    def read(self) -> Relation:
        """Return what the SELECT makes."""
        reads = [self.select.args.get("from_"), *(self.select.args.get("joins") or [])]
        for node in (read.this for read in reads if read):
            alias = (node.alias or node.this.name).lower()
            self.sources[alias] = self.lineage.source(node, self.named, self.of)
        for projection in self.select.expressions:
            self.made.update(self._project(projection))
            self.fields.update(self._fields_projected(projection))
        rows = self.ordered_by.union(*(source.rows for source in self.sources.values()))
        for clause in ("where", "group", "having", "qualify"):
            rows |= self._names(self.select.args.get(clause))
        for join in self.select.args.get("joins") or []:
            rows |= self._names(join.args.get("on"))
            rows |= NOTHING.union(*(self._column("", c.name) for c in join.args.get("using") or []))
        fields = {name: fields for name, fields in self.fields.items() if name in self.made}
        return Relation(self.made, rows, fields)

    def _project(self, projection: exp.Expr) -> dict[str, Columns]:
        star = _star(projection)
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

    def _fields_projected(self, projection: exp.Expr) -> dict[str, Fields]:
        """Return the fields of the structs that a projection makes, by column."""
        star = _star(projection)
        if isinstance(star, exp.Star | exp.Columns):
            table = projection.table if isinstance(projection, exp.Column) else ""
            sources = [self.sources[table.lower()]] if table else self.sources.values()
            projected = {
                name: fields for source in sources for name, fields in source.fields.items()
            }
            for replaced in star.args.get("replace") or []:
                projected[replaced.alias.lower()] = self._fields(replaced.this)
            return projected
        return {projection.alias_or_name.lower(): self._fields(projection)}

    def _fields(self, node: exp.Expr) -> Fields:
        """Return what is behind each field of a struct, or of what is made from structs."""
        if isinstance(node, exp.Struct):
            parts = [part for part in node.expressions if isinstance(part, exp.PropertyEQ)]
            return {part.name.lower(): self._names(part.expression) for part in parts}
        if isinstance(node, exp.Column):
            tables = [node.table.lower()] if node.table else self.sources
            fields: Fields = {}
            for table in tables:
                if table in self.sources:
                    fields = merge(fields, self.sources[table].fields.get(node.name.lower(), {}))
            return fields
        if isinstance(node, exp.Window | exp.Filter | exp.Alias):
            return self._fields(node.this)
        fields = {}
        if isinstance(node, exp.Func):
            for child in node.iter_expressions():
                fields = merge(fields, self._fields(child))
        return fields

    def _names(self, node: exp.Expr | None) -> Columns:
        """Return the raw columns behind all that an expression names."""
        return NOTHING.union(*self._columns_named(node)) if node else NOTHING

    def _columns_named(self, node: exp.Expr) -> Iterator[Columns]:
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
            yield from self._columns_named(node.this)
        else:
            for child in node.iter_expressions():
                yield from self._columns_named(child)

    def _order(self, window: exp.Expr | None) -> None:
        if window:
            for part in (*window.args.get("partition_by", []), window.args.get("order")):
                self.ordered_by |= self._names(part)

    def _column(self, table: str, name: str) -> Columns:
        table, name = table.lower(), name.lower()
        if table in self.sources:
            return self._of_source(table, name)
        if table:
            # a field of a struct
            for source in self.sources.values():
                if name in source.fields.get(table, {}):
                    return source.fields[table][name]
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


def _star(projection: exp.Expr) -> exp.Expr:
    """Return the star or COLUMNS of a projection, behind its table or a cast; else itself."""
    if isinstance(projection, exp.Column) or (
        isinstance(projection, exp.Cast) and isinstance(projection.this, exp.Columns)
    ):
        return projection.this
    return projection
