"""One model's SQL, searched for what it reads beyond the models before it."""

from __future__ import annotations

import re
from collections.abc import Set

from sqlglot import exp

# the schema under which the lineage sees what is read from elsewhere
ELSEWHERE = "elsewhere"
MOMENT = "moment"
INLINED = "__dbt__cte__"
# standing words of SQL, which DuckDB does not list as functions
WORDS = {"current_timestamp", "current_time", "localtime", "localtimestamp"}


class Marker:
    """A model's SQL in which each read from elsewhere is marked by a schema of that name.

    Attributes
    ----------
    found
        Each read from elsewhere: the inlined model that it stands in, if any, and what it is.
    sql
        The SQL with the marks; None where there are none.
    """

    def __init__(self, tree: exp.Expression, built: Set[str], outside: Set[str]) -> None:
        self.built, self.outside = built, outside
        self.found: list[tuple[str, str]] = []
        # found first, marked then: a tree is not changed while one walks through it
        marks = [(node, what) for node in tree.walk() if (what := self._elsewhere(node))]
        for node, what in marks:
            self.found.append((_inlined_model(node), what))
            _mark(node, what)
        self.sql = tree.sql(dialect="duckdb") if marks else None

    def _elsewhere(self, node: exp.Expression) -> str | None:
        if isinstance(node, exp.Table):
            return self._table(node)
        if isinstance(node, exp.TableSample):
            return "a random sample"
        if not isinstance(node, exp.Func) or isinstance(node.parent, exp.Table):
            return None
        name = _called(node)
        # the age of one moment is counted from today
        is_age = name == "age" and len(node.expressions) == 1
        return f"{name}()" if name in self.outside | WORDS or is_age else None

    def _table(self, node: exp.Table) -> str | None:
        name = node.name.lower()
        if isinstance(node.this, exp.Func):
            called = _called(node.this)
            if f"{node.db}.{called}" in self.built or isinstance(node.this, exp.GenerateSeries):
                return None
            return f"{called}()"
        if not node.db and _is_named_in_query(node, name):
            return None
        # without a schema it stands in main
        name = f"{node.db.lower() or 'main'}.{name}"
        return None if name in self.built else name


def _called(node: exp.Expression) -> str:
    """Return a function's name as DuckDB knows it."""
    name = node.name if isinstance(node, exp.Anonymous) else node.sql(dialect="duckdb")
    return re.match(r"\w*", name)[0].lower()


def _is_named_in_query(node: exp.Table, name: str) -> bool:
    """Return whether a name is that of a CTE in sight; it is not in sight of itself."""
    parent = node.parent
    while parent:
        if isinstance(parent, exp.Query):
            for cte in parent.ctes:
                is_recursive = parent.args["with_"].args.get("recursive")
                if _is_within(node, cte) and not is_recursive:
                    break
                if cte.alias.lower() == name:
                    return True
        parent = parent.parent
    return False


def _is_within(node: exp.Expression, outer: exp.Expression) -> bool:
    while node and node is not outer:
        node = node.parent
    return node is outer


def _inlined_model(node: exp.Expression) -> str:
    """Return the ephemeral model that a node stands in, or an empty text."""
    cte = node.find_ancestor(exp.CTE)
    while cte and not cte.alias.startswith(INLINED):
        cte = cte.find_ancestor(exp.CTE)
    return cte.alias.removeprefix(INLINED) if cte else ""


def _mark(node: exp.Expression, what: str) -> None:
    marked = exp.Table(
        this=exp.to_identifier(what, quoted=True), db=exp.to_identifier(ELSEWHERE, quoted=True)
    )
    if isinstance(node, exp.Table):
        name = node.alias or node.name or "called"
        marked.set("alias", exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
        node.replace(marked)
    elif isinstance(node, exp.Func):
        node.replace(exp.select(exp.column(MOMENT)).from_(marked).subquery())
