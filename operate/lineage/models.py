"""The relations of a warehouse, from the compiled SQL of its models back to the raw tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp, parse_one

from operate.lineage.relation import SPINE, Relation, stack
from operate.lineage.select import Select

# whom and when a build computes: it changes no value of theirs
ASKED_FOR = (
    "intermediate.int_customer_dates",
    "intermediate.int_snapshots_scheduled",
    "intermediate.int_customers_touched",
    "intermediate.int_orders_touched",
    "intermediate.int_lines_touched",
)


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
    _read_so_far: dict[str, Relation] = field(default_factory=dict)
    _read_by_themselves: set[str] = field(default_factory=set)

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
                self._known[name] = self._read(name, Relation({}))
        return self._known[name]

    def _read(self, name: str, so_far: Relation) -> Relation:
        noted = len(self.unresolved)
        tree = parse_one(self.models[name], dialect="duckdb")
        assert isinstance(tree, exp.Query)  # as all that dbt compiles
        self._read_so_far[name] = so_far
        relation = self._dated(self.query(tree, {}, name), name)
        del self._read_so_far[name]
        if name in self._read_by_themselves and not so_far.columns:
            # a snapshot that reads what it held before: once more, now that its columns are known
            del self.unresolved[noted:]
            return self._read(name, relation)
        return relation

    def _dated(self, relation: Relation, name: str) -> Relation:
        if name not in self.histories:
            return relation
        day = relation.columns[self.histories[name]]
        added = {"dbt_valid_from": day, "dbt_valid_to": day}
        return Relation({**relation.columns, **added}, relation.rows, relation.fields)

    def query(self, query: exp.Query, named: Mapping[str, Relation], of: str) -> Relation:
        """Read a query; `named` holds the CTEs in sight."""
        while isinstance(query, exp.Subquery):
            query = query.this
        named = dict(named)
        for cte in query.ctes:
            named[cte.alias.lower()] = self.query(cte.this, named, of)
        if isinstance(query, exp.SetOperation):
            left, right = (self.query(side, named, of) for side in (query.left, query.right))
            return stack(left, right, by_name=bool(query.args.get("by_name")))
        return Select(self, query, named, of).read()

    def source(self, node: exp.Expr, named: Mapping[str, Relation], of: str) -> Relation:
        """Return what a FROM or JOIN reads."""
        if isinstance(node, exp.Subquery):
            return self.query(node, named, of)
        if not isinstance(node, exp.Table):
            return Relation({})
        # of a call the name of the function
        table = node.this.name.lower()
        if table in named and not node.db:
            return named[table]
        name = f"{node.db}.{table}"
        if table == "query_table" or name in ASKED_FOR:
            return SPINE
        if name in self._read_so_far:
            self._read_by_themselves.add(name)
            return self._read_so_far[name]
        if name in self.raw or name in self.models:
            return self.relation(name)
        self.unresolved.append(f"{name} in {of}")
        return Relation({})
