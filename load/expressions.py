"""SQL in a mapping: checked to see nothing but the file that is read, and typed for its text.

A mapping's SQL is parsed by DuckDB itself, so that nothing is understood in two ways. Columns of
text are read as numbers where arithmetic, or a number beside them, asks for one: what a file calls
"$1,234.50" can be subtracted as it stands.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import duckdb

from core.sql import literal
from load.staging import OUR, LoadError, scalar

Node = dict[str, Any]

# made for each table that is read, as how numbers are written is found from its values
NUMBER = "number"
_CLASSES = {
    "BETWEEN",
    "CASE",
    "CAST",
    "COLUMN_REF",
    "COMPARISON",
    "CONJUNCTION",
    "CONSTANT",
    "FUNCTION",
    "OPERATOR",
    "TYPE",
    "WINDOW",
}
_ARITHMETIC = {"+", "-", "*", "/", "//", "%", "^", "**"}
_OF_NUMBERS = {"abs", "avg", "ceil", "ceiling", "floor", "round", "sign", "sum", "trunc"}
# these are numbers if any of what they choose from is
_CHOOSING = {"if", "ifnull", "nullif", "greatest", "least", "max", "min", "any_value", "first"}
_NUMERIC = ("DECIMAL", "DOUBLE", "FLOAT", "REAL", "INT", "BIGINT", "SMALLINT", "TINYINT", "HUGEINT")


@dataclass
class Expression:
    """What a mapping says in SQL.

    Parameters
    ----------
    sql
        The SQL over the staged columns and, by name, other columns of ours.
    columns
        The file's columns that it reads.
    ours
        Columns of ours that it reads.
    numbers
        The SQL of each text that it reads as a number.
    """

    sql: str
    columns: set[str] = field(default_factory=set)
    ours: set[str] = field(default_factory=set)
    numbers: list[str] = field(default_factory=list)


class UnknownNameError(LoadError):
    """An expression names a column that there is not; `name` is it."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no column {name}")
        self.name = name


def parse(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    theirs: Mapping[str, str],
    ours: Mapping[str, str],
) -> Expression:
    """Return an expression that reads one file and nothing else.

    Parameters
    ----------
    theirs
        Types of the file's columns by name; names are found whatever their case.
    ours
        Types of the columns of ours that it may read where the file has none of that name.

    Raises
    ------
    LoadError
        If it is no SQL expression, reads something else, or (`UnknownNameError`) names a column
        that there is not.
    """
    expression = Expression(text)
    root = _parsed(connection, text)
    names = {name.lower(): name for name in theirs}
    for node in _walk(root):
        _refuse_foreign(node)
        if node["class"] == "COLUMN_REF":
            path = node["column_names"]
            if len(path) == 1 and (name := names.get(path[0].lower())):
                node["column_names"] = [name]
                expression.columns.add(name)
            elif len(path) == 1 and (ours_named := path[0].lower()) in ours:
                node["column_names"] = [OUR + ours_named]
                expression.ours.add(ours_named)
            else:
                raise UnknownNameError(".".join(path))
    types = {OUR + name: data_type for name, data_type in ours.items()}
    types |= {name.lower(): data_type for name, data_type in theirs.items()}
    for node in list(_walk(root)):
        for wanted in _read_as_numbers(node, types):
            _as_number(wanted, types)
    expression.numbers = [
        _sql(connection, node["arguments"][0]["expression"])
        for node in _walk(root)
        if node["class"] == "FUNCTION" and node["function_name"] == NUMBER
    ]
    expression.sql = _sql(connection, root)
    return expression


def _parsed(connection: duckdb.DuckDBPyConnection, text: str) -> Node:
    # in lines of its own, so that a comment ends where it ends
    query = f"select (\n{text}\n)"
    parsed = json.loads(scalar(connection, "select json_serialize_sql(?)", [query]))
    if parsed["error"]:
        raise LoadError(f"{text!r} is no SQL: {parsed['error_message'].splitlines()[0]}")
    statement = parsed["statements"][0]["node"]
    chosen: list[Node] = statement.get("select_list") or []
    plain = (
        len(parsed["statements"]) == len(chosen) == 1
        and statement["type"] == "SELECT_NODE"
        and statement["from_table"]["type"] == "EMPTY"
        and not statement["where_clause"]
    )
    if not plain:
        raise LoadError(f"{text!r} is no single SQL expression")
    return chosen[0]


def _sql(connection: duckdb.DuckDBPyConnection, node: Node) -> str:
    statement = json.loads(scalar(connection, "select json_serialize_sql('select 1')"))
    statement["statements"][0]["node"]["select_list"] = [node | {"alias": ""}]
    text: str = scalar(connection, "select json_deserialize_sql(?)", [json.dumps(statement)])
    return text.removeprefix("SELECT ")


def _walk(node: object) -> Iterator[Node]:
    """Yield every expression below a node, itself first."""
    if isinstance(node, dict):
        if "class" in node:
            yield node
        for below in list(node.values()):
            yield from _walk(below)
    elif isinstance(node, list):
        for below in node:
            yield from _walk(below)


def _refuse_foreign(node: Node) -> None:
    kind = node["class"]
    if kind not in _CLASSES:
        raise LoadError(
            f"SQL in a mapping is over the file's columns alone, without {kind.lower()}"
        )
    if kind not in ("FUNCTION", "WINDOW"):
        return
    name = node["function_name"].lower()
    if name in _aggregates() and kind == "FUNCTION":
        raise LoadError(
            f"{name}(...) goes over many rows: say which, as in over (partition by ...)"
        )
    functions = _aggregates() if kind == "WINDOW" else _scalars()
    if name not in functions:
        raise LoadError(f"{name}(...) is no function that a mapping may use")


@cache
def _of_type(*types: str) -> frozenset[str]:
    """Return the functions that depend on their arguments alone: no clock, setting or chance."""
    with duckdb.connect() as connection:
        listed = ", ".join(map(literal, types))
        return frozenset(
            name
            for (name,) in connection.execute(
                f"select distinct function_name from duckdb_functions() where function_type in "
                f"({listed}) and coalesce(stability, 'CONSISTENT') = 'CONSISTENT'"
            ).fetchall()
        )


def _scalars() -> frozenset[str]:
    # of the macros, most look up the database; these do not
    return _of_type("scalar") | {NUMBER, "error", "if", "nullif", "ifnull"} | _ARITHMETIC


def _aggregates() -> frozenset[str]:
    return _of_type("aggregate", "window") - _of_type("scalar")


def _children(node: Node) -> list[Node]:
    """Return what a choosing node chooses from, or a function's arguments."""
    if node["class"] == "CASE":
        return [*(check["then_expr"] for check in node["case_checks"]), node["else_expr"]]
    if "arguments" in node:
        children = [argument["expression"] for argument in node["arguments"]]
        # the condition is none of it
        return children[1:] if node.get("function_name") == "if" else children
    operands: list[Node] = node.get("children", [])
    return operands


def _read_as_numbers(node: Node, types: Mapping[str, str]) -> list[Node]:
    """Return the parts of a node that are read as numbers."""
    kind, name = node["class"], node.get("function_name", "").lower()
    if name in _ARITHMETIC | _OF_NUMBERS:
        return _children(node)[:1] if name == "round" else _children(node)
    together: list[Node] = []
    if kind == "COMPARISON":
        together = [node["left"], node["right"]]
    elif kind == "BETWEEN":
        together = [node["input"], node["lower"], node["upper"]]
    elif (
        kind == "CASE"
        or node["type"] in ("OPERATOR_COALESCE", "COMPARE_IN", "COMPARE_NOT_IN")
        or name in _CHOOSING
    ):
        together = _children(node)
    return together if any(_is_number(child, types) for child in together) else []


def _is_number(node: Node, types: Mapping[str, str]) -> bool:
    kind, name = node["class"], node.get("function_name", "").lower()
    if kind == "CONSTANT":
        return node["literal"]["kind"] in ("INTEGER", "DECIMAL", "FLOAT", "DOUBLE", "BIGINT")
    if kind == "COLUMN_REF":
        return types[node["column_names"][0].lower()].startswith(_NUMERIC)
    if kind == "CAST":
        read_as: str = node["type_expr"]["type_name"]
        return read_as.upper().startswith(_NUMERIC)
    if name in _ARITHMETIC | _OF_NUMBERS | {NUMBER}:
        return True
    choosing = kind == "CASE" or node["type"] == "OPERATOR_COALESCE" or name in _CHOOSING
    return choosing and any(_is_number(child, types) for child in _children(node))


def _as_number(node: Node, types: Mapping[str, str]) -> None:
    """Read a column of text, or each that a node chooses from, as a number; in place."""
    name = node.get("function_name", "").lower()
    choosing = node["class"] == "CASE" or node["type"] == "OPERATOR_COALESCE"
    if choosing or name in _CHOOSING:
        for child in _children(node):
            _as_number(child, types)
    elif node["class"] == "COLUMN_REF" and types[node["column_names"][0].lower()] == "VARCHAR":
        column = dict(node)
        node.clear()
        node.update(_NUMBER_OF | {"arguments": [{"name": "", "expression": column}]})


_NUMBER_OF: Node = {
    "class": "FUNCTION",
    "type": "FUNCTION",
    "alias": "",
    "query_location": 0,
    "query_location_length": 0,
    "function_name": NUMBER,
    "schema": "",
    "filter": None,
    "order_bys": {"type": "ORDER_MODIFIER", "orders": []},
    "distinct": False,
    "is_operator": False,
    "export_state": False,
    "catalog": "",
    "qualified_name": {"path": [NUMBER]},
}
