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
from datetime import date
from graphlib import TopologicalSorter
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from load.file_format import Format, Names, Strict
from load.raw_tables import CUSTOMERS, HEADERS, LINES, PRODUCTS, TABLES, Column, Table

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
# what a mapping of order lines must say, with advice
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


def _as_text(value: object) -> object:
    """Let a constant be written as a number or a day, too."""
    return str(value) if isinstance(value, int | float | date) else value


class Family(Strict):
    """The first characters of a code, where the code looks like `where`."""

    of: str
    length: int = Field(ge=1, le=64)
    where: str = ""
    otherwise: str | None = None


class Rule(Strict):
    """Where a column of ours comes from: exactly one of the ways below."""

    column: Names | None = None
    constant: Annotated[str, BeforeValidator(_as_text)] | None = None
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


def rules(name: str, table: TableMapping) -> dict[str, Rule]:
    """Return where each column of a table comes from, what is read before what is made of it.

    Raises
    ------
    graphlib.CycleError
        If columns are made of each other.
    KeyError
        If a column is made of one that the mapping says nothing of.
    """
    stated = dict(table.columns) or {
        column.name: Rule(column=[column.name], optional=not column.required)
        for column in FILLABLE[name].columns
    }
    if name == ORDER_LINES.name:
        stated = {key: Rule(join=parts) for key, parts in _MADE_FLAT.items()} | stated
    order = TopologicalSorter({key: rule.reads for key, rule in stated.items()}).static_order()
    return {key: stated[key] for key in order}
