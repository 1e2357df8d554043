"""What no feature may read: the clock, chance, and tables that are not built before it.

Other futures do not tell: the clock is the same on the day of an audit, and a table that the mart
is not made from is the same in all copies. So the SQL is read as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import duckdb
from dbt.artifacts.resources.types import NodeType
from dbt.cli.main import dbtRunnerResult
from sqlglot import parse_one
from sqlglot.errors import SqlglotError

import warehouse
from load.raw_tables import PROMOTIONS, TABLES
from operate.lineage.models import Lineage
from proof.leaks.reads_beyond_parents import ELSEWHERE, MOMENT, Marker
from proof.mart_difference import KEYS

PARTS = ("features.feat_customers", "features.feat_dates")
# the raw tables that futures change
RAW = frozenset({"raw.loads", *(f"raw.{table.name}" for table in (*TABLES, PROMOTIONS))})
# what a build says of itself: whom and when it computes, and no value of theirs
OF_BUILDS = frozenset(
    f"builds.{name}" for name in ("loads_to_read", "customers_read", "products_read", "caps_read")
)


@dataclass(frozen=True)
class Reading:
    """A feature, or a model where no feature can be told, and what it may not read."""

    reader: str
    read: tuple[str, ...]
    is_feature: bool

    def __str__(self) -> str:
        """Return one readable line."""
        what = self.reader if self.is_feature else f"model {self.reader}"
        return f"{what} reads {', '.join(self.read)}"


def readings(connection: duckdb.DuckDBPyConnection, result: dbtRunnerResult) -> list[Reading]:
    """Read the SQL that the mart was built with.

    Parameters
    ----------
    connection
        The warehouse that it was built in.
    result
        Of building the mart and all that it is made from.
    """
    nodes = list(_nodes(result))
    outside = _outside(connection)
    built, models, findings = set(RAW | OF_BUILDS), {}, []
    for node in nodes:
        name = f"{node.schema}.{node.name}"
        # a snapshot goes on from what it held
        before = built | {name} if node.resource_type == NodeType.Snapshot else built
        try:
            marker = Marker(parse_one(node.compiled_code, dialect="duckdb"), before, outside)
        except SqlglotError as error:
            findings.append((node.name, f"what is not understood: {error}"))
        else:
            models[name] = marker.sql or node.compiled_code
            findings += [(part or node.name, what) for part, what in marker.found]
        built.add(name)
    by_feature = _by_feature(connection, nodes, models, {what for _, what in findings})
    told = {what for read in by_feature.values() for what in read}
    by_model: dict[str, set[str]] = {}
    for model, what in findings:
        if what not in told:
            by_model.setdefault(model, set()).add(what)
    return [
        Reading(name, tuple(sorted(read)), is_feature)
        for readers, is_feature in ((by_feature, True), (by_model, False))
        for name, read in readers.items()
    ]


def empty(connection: duckdb.DuckDBPyConnection, result: dbtRunnerResult) -> None:
    """Empty all tables that the mart is not made from: what reads them changes."""
    kept = RAW | {f"{node.schema}.{node.name}" for node in _nodes(result)}
    tables = connection.execute(
        "select schema_name, table_name from duckdb_tables()"
        " where database_name = current_database() and not temporary and schema_name <> 'builds'"
    ).fetchall()
    for schema, table in tables:
        if f"{schema}.{table}" not in kept:
            connection.execute(f'delete from "{schema}"."{table}"')


def _nodes(result: dbtRunnerResult) -> Iterator:
    for entry in result.result.results:
        if entry.node.resource_type in (NodeType.Model, NodeType.Snapshot):
            yield entry.node


def _outside(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Return functions whose value is not that of their arguments, by DuckDB's own account."""
    rows = connection.execute(
        "select lower(function_name) from duckdb_functions()"
        # what a macro of the warehouse reads is not followed
        " where (not internal and function_type = 'macro')"
        # a refusal is no value
        " or (stability <> 'CONSISTENT' and function_name <> 'error')"
    ).fetchall()
    return {name for (name,) in rows}


def _by_feature(
    connection: duckdb.DuckDBPyConnection,
    nodes: list,
    models: Mapping[str, str],
    forbidden: set[str],
) -> dict[str, set[str]]:
    """Return which forbidden names each feature's expression reads, as far as it can be told."""
    if not forbidden:
        return {}
    columns = dict(
        connection.execute(
            "select schema_name || '.' || table_name, list(column_name) from duckdb_columns()"
            " where database_name = current_database() group by all"
        ).fetchall()
    )
    # a key that is joined by is the feature's own
    marked = {
        what: [name for name in columns.get(what, [MOMENT]) if name not in KEYS]
        for what in forbidden
    }
    lineage = Lineage(
        models=models,
        raw={
            **{name: columns[name] for name in RAW & set(columns)},
            **{f"{ELSEWHERE}.{what}": names for what, names in marked.items()},
        },
        histories={
            f"{node.schema}.{node.name}": node.config.updated_at
            for node in nodes
            if node.resource_type == NodeType.Snapshot
        },
    )
    behind = {
        f"{ELSEWHERE}.{what}.{name}": what for what, names in marked.items() for name in names
    }
    by_feature: dict[str, set[str]] = {}
    for part in PARTS:
        try:
            relation = lineage.relation(part)
        except (SqlglotError, KeyError):
            # the models are named then
            continue
        for feature in warehouse.contract().features:
            read = {
                behind[column] for column in relation.columns.get(feature, ()) if column in behind
            }
            if read:
                by_feature.setdefault(feature, set()).update(read)
    return by_feature
