"""Which column is what: the mapping from a shop's own files to the raw tables.

A mapping is a YAML file. Its tables are either `order_lines` (one row per order line, from which
orders are derived) or `store_sales_header` and `store_sales_line_items`; `customer_details` and
`products` may stand beside either and are derived where they are missing. The page
`docs/reference/mapping.md` says all of it; in short:

```yaml
timezone: America/New_York        # the shop's clock; moments with an offset are put onto it
order_lines:
  file: "exports/orders_*.csv"    # name or glob inside the folder; left out: the path given
  table: sales                    # the table of a database, the sheet of a workbook
  format: {delimiter: ";", decimal: ",", dates: day/month/year}   # what is not found from the file
  join: [{file: orders.csv, by: order_id}]    # further columns from files beside, by a key
  where: Status <> 'cancelled'    # SQL: the rows that count
  columns:                        # ours: theirs, or SQL over theirs
    transaction_id: concat_ws('-', store, receipt)
    customer_id: [Kunde, Customer]                  # the first of these that is there
    transaction_date: Datum
    unit_price: Preis
    quantity: Menge
    line_item_amount: quantity * unit_price         # or over other columns of ours
  order_amount: Subtotal - Refunded                 # what the order came to; its lines share it
  split_orders_by: [store, day]                     # an id that is used anew is told apart by these
refunds:
  file: refunds.csv
  columns: {transaction_id: Order, transaction_date: Day, line_item_amount: Amount}
rates: {file: rates.csv, columns: {currency: Code, day: Day, rate: Rate}}
```
"""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

import yaml
from pydantic import BeforeValidator, Field, ValidationError, field_validator
from pydantic_core import PydanticSerializationError

from load.file_format import Format, Names, Strict
from load.near_names import did_you_mean
from load.raw_tables import CUSTOMERS, HEADERS, LINES, PRODUCTS, PROMOTIONS, TABLES, Column, Table
from load.staging import LoadError

# a price per unit makes amounts, and list prices where products are derived
_LINES = Table(LINES.name, LINES.key, (*LINES.columns, Column("unit_price", "DECIMAL(18,4)")))
# what a shop says of a customer's or product's today is nothing that a past order line says
_OF_TODAY = ("last_purchase_date", "current_stock_level")
ORDER_LINES = Table(
    "order_lines",
    LINES.key,
    (
        *{
            column.name: Column(column.name, column.data_type)
            for table in (HEADERS, CUSTOMERS, PRODUCTS, _LINES)
            for column in table.columns
            if column.name not in _OF_TODAY
        }.values(),
        Column("currency", "VARCHAR"),
    ),
)
REFUNDS = Table(
    "refunds",
    HEADERS.key,
    (
        Column("transaction_id", "VARCHAR", required=True),
        Column("transaction_date", "TIMESTAMP", required=True),
        Column("line_item_amount", "DECIMAL(18,4)", required=True),
    ),
)
RATES = Table(
    "rates",
    "currency",
    (
        Column("currency", "VARCHAR", required=True),
        Column("day", "DATE", required=True),
        Column("rate", "DECIMAL(18,6)", required=True),
    ),
)
FILLABLE = {
    table.name: table
    for table in (CUSTOMERS, PRODUCTS, HEADERS, _LINES, ORDER_LINES, REFUNDS, RATES, PROMOTIONS)
}
# a column called so is looked at even where a mapping says nothing of it
CURRENCY_NAMES = (
    *("currency", "currencycode", "ordercurrency", "ordercurrencycode", "transactioncurrency"),
    *("ccy", "curr", "waehrung", "währung", "devise", "moneda", "valuta"),
)
# what a mapping of order lines must say, with advice
REQUIRED_FLAT = {
    "customer_id": "who bought; an e-mail address will do",
    "transaction_date": "when",
    "line_item_amount": "what was paid, or SQL such as quantity * unit_price",
}
# what is taken where a mapping of order lines does not say otherwise
STANDS_FOR = {"product_id": "'ALL'", "quantity": "1"}
# what the mapping language had before it had SQL
_SAID_IN_SQL = {
    "constant": "write the constant as SQL, as in 'ALL' or 1",
    "join": "write concat_ws('-', a, b)",
    "multiply": "write quantity * unit_price",
    "family": "write SQL, as in 'Family ' || left(product_id, 2)",
    "column": "write the column's name alone",
    "returns": (
        "write SQL, as in line_item_amount: if(starts_with(Invoice, 'C'), -abs(Amount), Amount)"
    ),
}


def _as_text(value: object) -> object:
    """Let SQL be written as a number or a day, too."""
    return str(value) if isinstance(value, int | float | date) else value


def _entry(value: object) -> object:
    if isinstance(value, dict):
        advice = next((_SAID_IN_SQL[key] for key in value if key in _SAID_IN_SQL), "")
        raise ValueError(f"expected a column's name or SQL{f': {advice}' if advice else ''}")
    return [_as_text(value)] if not isinstance(value, list) else value


# a column's name or SQL; of several the first all of whose columns the file has
Entry = Annotated[list[str], BeforeValidator(_entry), Field(min_length=1)]


class Join(Strict):
    """A file whose columns are read beside: its key is the rows' own column of the same name."""

    file: Names
    by: Names
    table: str | None = None
    format: Format = Format()
    optional: bool = False


class TableMapping(Strict):
    """How one table is filled."""

    file: Names | None = None
    table: str | None = None
    format: Format = Format()
    join: list[Join] = Field(default_factory=list)
    where: Entry | None = None
    columns: dict[str, Entry] = Field(default_factory=dict)


class OrderLines(TableMapping):
    """How order lines, and the orders that they make, are filled."""

    order_amount: Entry | None = None
    split_orders_by: list[Literal["customer", "store", "day"]] = Field(default_factory=list)


class Mapping(Strict):
    """A whole mapping; the module's description shows its form."""

    timezone: str | None = None
    unsure: list[str] = Field(default_factory=list)
    order_lines: OrderLines | None = None
    refunds: TableMapping | None = None
    rates: TableMapping | None = None
    customer_details: TableMapping | None = None
    products: TableMapping | None = None
    store_sales_header: TableMapping | None = None
    store_sales_line_items: TableMapping | None = None

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        return None if value is None else zone_named(value)

    @property
    def tables(self) -> dict[str, TableMapping]:
        """The tables that the mapping fills, in the order in which they are read."""
        names = (ORDER_LINES.name, *(table.name for table in TABLES), REFUNDS.name, RATES.name)
        return {
            name: table_mapping
            for name in names
            if (table_mapping := getattr(self, name)) is not None
        }

    @property
    def hash(self) -> str:
        """sha256 of what the mapping says, however it is written."""
        return hashlib.sha256(self.model_dump_json(exclude_defaults=True).encode()).hexdigest()


def zone_named(name: str) -> str:
    """Return a time zone's name, checked.

    Raises
    ------
    ValueError
        If there is no such zone.
    """
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(
            f"unknown time zone {name!r}; expected a name such as Europe/Berlin or UTC"
        ) from error
    return name


def entries(name: str, table: TableMapping) -> dict[str, list[str]]:
    """Return what each column of a table is read from: names of theirs, or one SQL expression."""
    if not table.columns:
        return {column.name: [column.name] for column in FILLABLE[name].columns}
    stands = {key: [sql] for key, sql in STANDS_FOR.items()} if name == ORDER_LINES.name else {}
    return stands | table.columns


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
    if mapping.unsure:
        raise LoadError(
            f"{file}: nobody has looked at {', '.join(mapping.unsure)} yet: see what the file "
            "says, mend the mapping, and delete the line `unsure`"
        )
    _check_form(file, mapping)
    for name, table in mapping.tables.items():
        _check_columns(f"{file}: {name}", FILLABLE[name], table)
    return mapping


def _explained(error: ValidationError) -> str:
    """Return what pydantic found, in one line."""
    keys = {key for model in (Mapping, OrderLines, Format) for key in model.model_fields}
    sentences = []
    for problem in error.errors(include_url=False, include_context=False):
        *path, last = (str(part) for part in problem["loc"]) if problem["loc"] else ("",)
        if problem["type"] == "extra_forbidden":
            advice = _SAID_IN_SQL.get(last)
            hint = f": {advice}" if advice else did_you_mean(last, keys)
            sentences.append(f"{'.'.join(path) or 'it'} has an unknown key {last}{hint}")
        else:
            sentences.append(
                f"{'.'.join([*path, last])}: {problem['msg'].removeprefix('Value error, ')}"
            )
    return "; ".join(sentences)


def _check_form(file: Path, mapping: Mapping) -> None:
    pair = (mapping.store_sales_header, mapping.store_sales_line_items)
    flat = mapping.order_lines is not None
    if (flat and any(pair)) or not (flat or all(pair)):
        raise LoadError(
            f"{file}: expected order_lines, or both store_sales_header and "
            f"store_sales_line_items; found {', '.join(mapping.tables) or 'no table'}"
        )
    if not flat and (mapping.refunds or mapping.rates):
        raise LoadError(f"{file}: refunds and rates go with order_lines")


def _check_columns(place: str, fillable: Table, table: TableMapping) -> None:
    if fillable in (ORDER_LINES, REFUNDS, RATES) and not table.columns:
        raise LoadError(f"{place}: needs columns, which say what is what: ours: theirs")
    names = [column.name for column in fillable.columns]
    for key in table.columns:
        if key not in names:
            raise LoadError(
                f"{place}: has no column {key}{did_you_mean(key, names)}; its columns are "
                f"{', '.join(names)}"
            )
    needed = dict.fromkeys((column.name for column in fillable.columns if column.required), "")
    for name, advice in (REQUIRED_FLAT if fillable is ORDER_LINES else needed).items():
        if name == "customer_id" and "email" in table.columns:
            continue
        if table.columns and name not in table.columns:
            advice = f" ({advice})" if advice else ""
            raise LoadError(f"{place}: says nothing of the required column {name}{advice}")
