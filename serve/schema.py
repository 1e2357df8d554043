"""What the API takes and gives: types made from the feature contract, and the fixed answers."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, TypedDict

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    create_model,
    model_validator,
)

import warehouse
from serve.changes import BIGGEST_AMOUNT, MOST_ITEMS

# whole numbers that a DOUBLE, and so JSON and a model, holds to the last digit
BIGGEST = 2**53
# DECIMAL(18,2), and far from where sums of doubles overflow
BIGGEST_MONEY = 10.0**16
# no date lies further back than this
MOST_DAYS = 365_000
MOST_IDS = 10_000
FeatureValue = bool | int | float | str | None
PYTHON_TYPES: dict[str, type[bool | int | float | str]] = {
    "DECIMAL": float,
    "DOUBLE": float,
    "FLOAT": float,
    "BIGINT": int,
    "INTEGER": int,
    "SMALLINT": int,
    "HUGEINT": int,
    "BOOLEAN": bool,
    "VARCHAR": str,
}


def encodable(text: str) -> str:
    """Return a text that can be written down: JSON can smuggle in half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("the text has characters that no encoding can hold") from error
    return text


def iso_date(value: Any) -> Any:  # noqa: ANN401
    """Read a text as a date: JSON has none of its own, and a number is no date."""
    return dt.date.fromisoformat(value) if isinstance(value, str) else value


def whole(value: Any) -> Any:  # noqa: ANN401
    """Read 3.0 as 3: JSON has one kind of numbers, and clients write them as they like."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


WholeNumber = Annotated[int, BeforeValidator(whole)]


class FromOneGeneration(BaseModel):
    """An answer, all of which comes from one generation."""

    generation: int | None = Field(
        description="Number of the published generation; null before the first night."
    )


class Amounts(BaseModel):
    """One customer's spend in the horizon that begins on the as-of date."""

    predicted_30d_spend: float = Field(description="Expected spend; sums of it are right.")
    purchase_probability: float = Field(description="Probability of any purchase.")
    spend_p10: float = Field(description="Spend that is exceeded with probability 0.9.")
    spend_p50: float = Field(description="Median spend; 0 for whoever rather buys nothing.")
    spend_p90: float = Field(description="Spend that is exceeded with probability 0.1.")
    spend_low: float | None = Field(
        description="Lower end of the interval that holds the spend with probability 0.8."
    )
    spend_high: float | None = Field(
        description="Its upper end; null in forecasts of an earlier version."
    )
    spend_deviation: float | None = Field(description="Standard deviation of the spend.")


class Forecast(Amounts):
    """The forecast of one customer."""

    model_version: str


class Prediction(FromOneGeneration, Forecast):
    """A forecast made now."""

    warnings: list[str] = Field(description="What to doubt: values that the model never saw.")


class Predictions(FromOneGeneration):
    """Forecasts of many rows, in their order."""

    model_version: str
    predictions: list[Amounts]


class StoredPrediction(Forecast):
    """A row of the table `predictions`."""

    as_of_date: dt.date


class Reason(BaseModel):
    """What one driver adds to the average spend, or takes from it."""

    driver: str
    effect: float = Field(description="Money.")
    sentence: str | None = Field(description="In words, for the three largest.")


class Customer(FromOneGeneration):
    """What the warehouse holds on one customer: the newest prediction and its features."""

    customer_id: str
    as_of_date: dt.date = Field(description="The as-of date of the prediction and the features.")
    prediction: StoredPrediction | None = Field(description="null before the first scoring run.")
    reasons: list[Reason] | None = Field(
        description="Why the prediction differs from the average one, the largest effect first; "
        "null where it is not explained. The effects add up to prediction minus average."
    )
    average_spend: float | None = Field(description="Mean prediction of the date.")
    features: dict[str, FeatureValue] | None = Field(
        description="The mart's row, fit to be sent to /predict; null where the mart dropped it."
    )


class Listed(BaseModel):
    """A customer of a list, with the newest forecast."""

    customer_id: str
    segment_id: str
    region: str
    loyalty_tier: str
    is_cold_start: bool = Field(description="Bought never or once.")
    orders_lifetime: int
    net_spend_lifetime: float
    last_order_date: dt.date | None
    predicted_30d_spend: float
    purchase_probability: float
    spend_p10: float
    spend_p50: float
    spend_p90: float
    spend_low: float | None
    spend_high: float | None
    spend_decile: int = Field(description="1 for the tenth with the highest forecast.")
    reasons: list[str] | None = Field(description="In words, the three largest.")


class Page(FromOneGeneration):
    """A part of a list of customers."""

    customers: list[Listed]
    cursor: str | None = Field(description="Asks for the next part; null where this is the last.")


class CustomerList(BaseModel):
    """Whose spend is to be summed."""

    model_config = ConfigDict(
        strict=True, extra="forbid", json_schema_extra={"examples": [{"customer_ids": ["C1"]}]}
    )

    customer_ids: list[Annotated[str, AfterValidator(encodable)]] = Field(
        min_length=1,
        max_length=MOST_IDS,
        description="In any spelling; one counts once.",
    )


class Total(FromOneGeneration):
    """What the customers of a list will spend together."""

    as_of_date: dt.date
    customers: int = Field(description="How many of the list have a forecast.")
    unknown: int = Field(description="How many have none, and are not in the sum.")
    expected_spend: float
    total_low: float | None = Field(
        description="Lower end of the interval that holds the sum with probability 0.8; null "
        "without any past month."
    )
    total_high: float | None


class FeatureRow(FromOneGeneration):
    """A row of the feature mart."""

    customer_id: str
    as_of_date: dt.date
    features: dict[str, FeatureValue]


class Model(FromOneGeneration):
    """The card of the model: what it was made of, and how good it was on days that it never saw."""

    model_config = ConfigDict(protected_namespaces=())

    version: str
    as_of: dt.date
    horizon_days: int
    chosen: str = Field(description="The candidate that won.")
    training_as_of_dates: list[dt.date]
    training_rows: int
    test_as_of_date: dt.date
    metrics: Any = Field(description="Of each candidate, on the test date.")
    importance: dict[str, float]
    limits: list[str]
    libraries: dict[str, str]
    contract: str = Field(description="Hash of the feature contract that it reads.")


class Alive(BaseModel):
    """The process answers."""

    status: str


class Version(FromOneGeneration):
    """Which code answers."""

    version: str
    model_version: str | None


class Change(BaseModel):
    """An order, or a return, that did not happen."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        json_schema_extra={"examples": [{"amount": 80.0, "days_ago": 1}]},
    )

    amount: float = Field(ge=0.01, le=BIGGEST_AMOUNT, description="What was paid, or paid back.")
    days_ago: Annotated[int, Field(ge=1, le=MOST_DAYS), BeforeValidator(whole)] | None = Field(
        default=None, description="Days before the as-of date; 1 if not given."
    )
    date: Annotated[dt.date, BeforeValidator(iso_date)] | None = Field(
        default=None, description="The day itself, instead of days_ago."
    )
    is_return: bool = False
    items: WholeNumber = Field(default=1, ge=1, le=MOST_ITEMS)
    category: Annotated[str, AfterValidator(encodable)] | None = Field(
        default=None, description="The customer's favourite if not given."
    )
    is_promoted: bool = False

    @model_validator(mode="after")
    def _one_day(self) -> Change:
        if self.days_ago is not None and self.date is not None:
            raise ValueError("give days_ago or date, not both")
        return self


class ChangedFeature(BaseModel):
    """A feature that follows from the changes."""

    feature: str
    before: FeatureValue
    after: FeatureValue


class WhatIf(FromOneGeneration):
    """The forecast of a customer as it is, and as it would be."""

    customer_id: str
    as_of_date: dt.date
    before: Forecast
    after: Forecast
    changed: list[ChangedFeature] = Field(description="Features that would differ.")
    warnings: list[str] = Field(
        description="What to doubt: values that the model never saw, amounts that are capped."
    )


class Health(FromOneGeneration):
    """Whether the service can predict, and with which model."""

    status: str = Field(description="'ok', or 'no model'.")
    model_loaded: bool
    model_version: str | None
    model_as_of: dt.date | None = Field(description="The as-of date the model was fitted at.")
    horizon_days: int | None = Field(description="How many days the model forecasts.")
    detail: str | None = Field(description="What to do, where there is no model.")


class Problem(BaseModel):
    """Why a request failed and what to do."""

    detail: str


class InvalidField(BaseModel):
    """One field that cannot be used."""

    field: str
    message: str


class Invalid(BaseModel):
    """The fields that cannot be used; their values are not echoed."""

    detail: list[InvalidField]


def python_type(column: warehouse.Column) -> type[bool | int | float | str]:
    """Return the Python type of a contract column's SQL type.

    Raises
    ------
    warehouse.WarehouseError
        If the contract has a type that JSON has no strict counterpart for.
    """
    name = column.data_type.split("(")[0].strip().upper()
    if name not in PYTHON_TYPES:
        raise warehouse.WarehouseError(
            f"the contract's column {column.name} is a {column.data_type}: the API takes "
            + ", ".join(sorted(PYTHON_TYPES))
        )
    return PYTHON_TYPES[name]


def example(contract: warehouse.Contract) -> dict[str, Any]:
    """Return a body for `/predict`: a customer who never bought, what may be null left out."""
    return {
        column.name: _example_value(column)
        for column in contract.columns
        if column.role != "key" and not column.nullable
    }


def features_model(contract: warehouse.Contract) -> type[BaseModel]:
    """Make the strict request type: one field per feature, in the contract's order.

    A nullable feature may be null or left out. Text is never read as a number, NaN and the
    infinities are refused, and a field that the contract does not know is an error.
    """
    fields: dict[str, Any] = {}
    for column in contract.columns:
        if column.role == "key":
            continue
        kind = python_type(column)
        # bounds come first, and of the number, not of null: or the description has none. What may
        # stand in an annotation has no type of its own in Python 3.11
        taken: Any = Annotated[kind, Field(**limits(column))]
        if reader := {str: AfterValidator(encodable), int: BeforeValidator(whole)}.get(kind):
            taken = Annotated[taken, reader]
        if column.nullable:
            nothing = Field(default=None, description=column.description)
            fields[column.name] = (taken | None, nothing)
        else:
            fields[column.name] = (taken, Field(description=column.description))
    return create_model(
        "Features",
        __doc__="The features of one customer, as the contract of the feature mart states them.",
        __config__=ConfigDict(
            strict=True,
            extra="forbid",
            allow_inf_nan=False,
            json_schema_extra={"examples": [example(contract)]},
        ),
        **fields,
    )


class Limits(TypedDict, total=False):
    """As pydantic names them."""

    ge: float
    le: float


def limits(column: warehouse.Column) -> Limits:
    """Return between which values a column lies; nothing where any is possible."""
    kind = python_type(column)
    if kind in (bool, str):
        return {}
    # beyond these the warehouse could not hold the value either
    biggest = BIGGEST if kind is int else BIGGEST_MONEY
    return {
        "ge": -biggest if column.minimum is None else column.minimum,
        "le": biggest if column.maximum is None else column.maximum,
    }


def _example_value(column: warehouse.Column) -> bool | int | float | str:
    # a customer who never bought: zeros, and the cold start flagged
    kind = python_type(column)
    if kind is bool:
        return True
    if kind is str:
        return "Unknown"
    value: float = 6 if column.unit == "month" else 0
    if column.minimum is not None:
        value = max(value, column.minimum)
    if column.maximum is not None:
        value = min(value, column.maximum)
    return kind(value)
