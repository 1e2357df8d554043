"""Read a mapping from its YAML file, and say what is wrong with it."""

from __future__ import annotations

from graphlib import CycleError
from pathlib import Path

import yaml
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from load.file_format import Format
from load.mapping import (
    FILLABLE,
    ORDER_LINES,
    REQUIRED_FLAT,
    Family,
    Mapping,
    Returns,
    Rule,
    TableMapping,
    rules,
)
from load.near_names import did_you_mean
from load.raw_tables import Table
from load.staging import LoadError


def read_mapping(file: Path) -> Mapping:
    """Read and check a mapping.

    Raises
    ------
    LoadError
        If it cannot be read, is no YAML, or says something that is no mapping.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeError, yaml.YAMLError, RecursionError, ValueError) as error:
        raise LoadError(f"{file}: cannot be read as YAML: {error}") from error
    if not isinstance(content, dict):
        raise LoadError(f"{file}: expected tables and their columns, as in `order_lines: ...`")
    try:
        mapping = Mapping.model_validate(content)
    except ValidationError as error:
        raise LoadError(f"{file}: {_explained(error)}") from error
    try:
        mapping.model_dump_json()
    except PydanticSerializationError as error:
        # YAML can spell half of a character, which no file has
        raise LoadError(f"{file}: holds a text that is no Unicode: {error}") from error
    _check_form(file, mapping)
    for name, table in mapping.tables.items():
        _check_columns(f"{file}: {name}", FILLABLE[name], table)
    return mapping


def _explained(error: ValidationError) -> str:
    """Return what pydantic found, in one line."""
    known = {
        key
        for model in (Mapping, TableMapping, Format, Rule, Family, Returns)
        for key in model.model_fields
    }
    found = []
    for one in error.errors(include_url=False, include_context=False):
        *path, last = (str(part) for part in one["loc"]) if one["loc"] else ("",)
        if one["type"] == "extra_forbidden":
            found.append(
                f"{'.'.join(path) or 'it'} has an unknown key {last}{did_you_mean(last, known)}"
            )
        else:
            found.append(f"{'.'.join([*path, last])}: {one['msg'].removeprefix('Value error, ')}")
    return "; ".join(found)


def _check_form(file: Path, mapping: Mapping) -> None:
    pair = (mapping.store_sales_header, mapping.store_sales_line_items)
    flat = mapping.order_lines is not None
    if (flat and any(pair)) or not (flat or all(pair)):
        raise LoadError(
            f"{file}: expected order_lines, or both store_sales_header and "
            f"store_sales_line_items; found {', '.join(mapping.tables) or 'no table'}"
        )


def _check_columns(place: str, fillable: Table, table: TableMapping) -> None:
    if fillable is ORDER_LINES and not table.columns:
        raise LoadError(f"{place}: needs columns, which say what is what: ours: theirs")
    types = {column.name: column.data_type for column in fillable.columns}
    for key, rule in table.columns.items():
        for name in (key, *rule.reads):
            if name not in types:
                raise LoadError(
                    f"{place}: has no column {name}{did_you_mean(name, types)}; its columns are "
                    f"{', '.join(types)}"
                )
        if rule.multiply and not all(types[one].startswith("DEC") for one in (key, *rule.reads)):
            raise LoadError(f"{place}: {key}: only numbers can be multiplied, into a number")
        if (rule.join or rule.family) and types[key] != "VARCHAR":
            raise LoadError(f"{place}: {key} is no text, so it is not made of other columns")
    needed = dict.fromkeys((one.name for one in fillable.columns if one.required), "")
    for name, advice in (REQUIRED_FLAT if fillable is ORDER_LINES else needed).items():
        if table.columns and name not in table.columns:
            advice = f" ({advice})" if advice else ""
            raise LoadError(f"{place}: says nothing of the required column {name}{advice}")
    try:
        rules(fillable.name, table)
    except (CycleError, KeyError) as error:
        raise LoadError(f"{place}: {_unfinished(table, error)}") from error


def _unfinished(table: TableMapping, error: Exception) -> str:
    if isinstance(error, CycleError):
        return f"columns are made of each other: {' of '.join(error.args[1])}"
    missing = error.args[0]
    users = [key for key, rule in table.columns.items() if missing in rule.reads]
    return f"{' and '.join(users) or 'a made id'} is made of {missing}, which it says nothing of"
