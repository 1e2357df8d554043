"""Which column is what: the mapping from a shop's own files to the raw tables.

A mapping is a YAML file. Its tables are either `order_lines` (one row per order line, from which
orders are derived) or `store_sales_header` and `store_sales_line_items`; `customer_details` and
`products` may stand beside either and are derived where they are missing:

```yaml
order_lines:
  file: "exports/orders_*.csv"    # a name or glob inside the folder; several names: the one that
                                  # is there; left out: the path given (all files of a folder)
  table: sales                    # the table of a DuckDB or SQLite file, the sheet of a workbook
  format:                         # all optional; what is left out is found from the file
    delimiter: ";"                # one character, or whitespace
    encoding: cp1252
    header: false                 # then names are needed
    names: [customer, day, pieces, dollars]
    widths: [6, 9, 3, 8]          # fixed width instead of a delimiter
    decimal: ","
    thousands: "."
    currency: "€"                 # written beside amounts
    dates: "%d.%m.%Y"             # strptime; of several each value fits one
  columns:                        # ours: theirs; left out: theirs are named as ours
    customer_id: Kunde
    transaction_date: [Datum, Date]                            # the first of these that is there
    product_id: {constant: ALL}
    transaction_id: {join: [customer_id, transaction_date]}    # of columns of ours, with "-"
    line_item_amount: {multiply: [quantity, unit_price]}       # of columns of ours
    product_category: {family: {of: product_id, length: 2, where: "^[0-9]", otherwise: Service}}
    region: {column: Land, optional: true}                     # empty where the file has none
  returns: {column: Beleg, prefix: G}     # quantity and amount of these rows are made negative;
                                          # or {column: Art, values: [refund]}
```

In `order_lines`, without a `transaction_id` an order is what a customer buys on one day, and
without a `line_item_id` a line's id is made of what it says, so that equal lines have equal ids.
"""

from __future__ import annotations

import hashlib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from generate.file_format import Format, Names, Strict
from generate.near_names import did_you_mean
from generate.raw_tables import CUSTOMERS, HEADERS, LINES, PRODUCTS, TABLES, Column, Table
from generate.staging import LoadError

# a price per unit makes amounts, and list prices where products are derived
_LINES = Table(LINES.name, LINES.key, (*LINES.columns, Column("unit_price", "DECIMAL(18,4)")))
# what a shop says of a customer's or product's today is nothing that a past order line says
_OF_TODAY = ("last_purchase_date", "current_stock_level")
ORDER_LINES = Table(
    "order_lines",
    LINES.key,
    tuple(
        {
            column.name: Column(column.name, column.data_type)
            for table in (HEADERS, CUSTOMERS, PRODUCTS, _LINES)
            for column in table.columns
            if column.name not in _OF_TODAY
        }.values()
    ),
)
FILLABLE = {table.name: table for table in (CUSTOMERS, PRODUCTS, HEADERS, _LINES, ORDER_LINES)}
# with advice
REQUIRED_FLAT = {
    "customer_id": "who bought",
    "transaction_date": "when",
    "product_id": "or {constant: ALL} where the file knows no products",
    "quantity": "or {constant: 1} where the file has none",
    "line_item_amount": "or {multiply: [quantity, unit_price]}",
}
# what is made where a mapping of order lines does not say otherwise
_MADE_FLAT = {
    "transaction_id": ["customer_id", "transaction_date"],
    "line_item_id": ["transaction_id", "product_id", "quantity", "line_item_amount"],
}


class Family(Strict):
    """The first characters of a code, where the code looks like `where`."""

    of: str
    length: int = Field(ge=1, le=64)
    where: str = ""
    otherwise: str | None = None


class Rule(Strict):
    """Where a column of ours comes from: exactly one of the ways below."""

    column: Names | None = None
    constant: Annotated[str, BeforeValidator(str)] | None = None
    join: Names | None = None
    multiply: Annotated[list[str], Field(min_length=2, max_length=2)] | None = None
    family: Family | None = None
    optional: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Rule:
        if len(self.model_fields_set - {"optional"}) != 1:
            raise ValueError("expected one of column, constant, join, multiply, family")
        return self

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns of ours that this one is made of."""
        family = (self.family.of,) if self.family else ()
        return (*(self.join or ()), *(self.multiply or ()), *family)


class Returns(Strict):
    """Which rows are returns: a column of theirs begins with `prefix`, or is one of `values`."""

    column: str
    prefix: str | None = None
    values: Names | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Returns:
        if bool(self.prefix) == bool(self.values):
            raise ValueError("expected either prefix or values")
        return self


def _as_rule(value: object) -> object:
    return {"column": value} if isinstance(value, str | list) else value


class TableMapping(Strict):
    """How one table is filled."""

    file: Names | None = None
    table: str | None = None
    format: Format = Format()
    columns: dict[str, Annotated[Rule, BeforeValidator(_as_rule)]] = Field(default_factory=dict)
    returns: Returns | None = None


class Mapping(Strict):
    """A whole mapping; the module's description shows its form."""

    order_lines: TableMapping | None = None
    customer_details: TableMapping | None = None
    products: TableMapping | None = None
    store_sales_header: TableMapping | None = None
    store_sales_line_items: TableMapping | None = None

    @property
    def tables(self) -> dict[str, TableMapping]:
        """The tables that the mapping fills."""
        names = (ORDER_LINES.name, *(table.name for table in TABLES))
        return {name: one for name in names if (one := getattr(self, name)) is not None}

    @property
    def hash(self) -> str:
        """sha256 of what the mapping says, however it is written."""
        return hashlib.sha256(self.model_dump_json(exclude_defaults=True).encode()).hexdigest()


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
        raise LoadError(
            f"{file}: cannot be read as YAML: {' '.join(str(error).split())}"
        ) from error
    if not isinstance(content, dict):
        raise LoadError(f"{file}: expected tables and their columns, as in `order_lines: ...`")
    try:
        mapping = Mapping.model_validate(content)
    except ValidationError as error:
        raise LoadError(f"{file}: {_explained(error)}") from error
    _check_form(file, mapping)
    for name, table in mapping.tables.items():
        _check_columns(f"{file}: {name}", FILLABLE[name], table)
    return mapping


def rules(name: str, table: TableMapping) -> dict[str, Rule]:
    """Return where each column of a table comes from, what is read before what is made of it."""
    stated = dict(table.columns) or {
        column.name: Rule(column=[column.name], optional=not column.required)
        for column in FILLABLE[name].columns
    }
    if name == ORDER_LINES.name:
        stated = {key: Rule(join=parts) for key, parts in _MADE_FLAT.items()} | stated
    order = TopologicalSorter({key: rule.reads for key, rule in stated.items()}).static_order()
    return {key: stated[key] for key in order}


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
