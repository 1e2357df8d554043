"""What the forecast of a customer would be, had they bought or returned something more.

python serve/what_if.py CUSTOMER --order 80 --order 45@2025-12-20 --return 30
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import duckdb
import typer

import warehouse
from core.expected_errors import expected_errors
from core.tables import new_table, wide_console
from serve import changes, repository
from serve.changes import Change
from serve.one_customer import NO_PROMOTION, Line, OneCustomer, one_customer
from serve.predictions import MART
from serve.ranges import Ranges, in_words
from train.forecaster import COLUMNS
from train.registry import artefact as artefacts


class UnknownCustomerError(warehouse.ShopError):
    """The mart has no such customer; the message says on which date."""


@dataclass(frozen=True)
class WhatIf:
    """The forecast as it is and as it would be, both by the model in use."""

    customer_id: str
    as_of: date
    model_version: str
    lines: list[Line]  # the changes, with all that was left open filled in
    before: dict[str, float]  # by COLUMNS
    after: dict[str, float]
    changed: dict[str, tuple[Any, Any]]  # features that differ, before and after
    warnings: list[str]


def what_if(
    customer_id: str, wanted: Sequence[Change], champion: artefacts.Artefact | None = None
) -> WhatIf:
    """Forecast a customer as if some orders or returns had happened too.

    They are added to the customer's cleaned order lines, and the SQL that built the mart makes the
    features of them. What the shop as a whole sold, and its caps on lines, stay as they are.

    Parameters
    ----------
    champion
        The model; the warehouse's champion by default.

    Raises
    ------
    UnknownCustomerError
        If the mart has no such customer on the current as-of date.
    ChangeError
        If there is nothing to change, or a change is impossible.
    train.registry.artefact.ArtefactError
        If there is no model, or it does not fit the mart.
    warehouse.WarehouseError
        If the warehouse is missing, not built, or held by another process.
    """
    champion = champion or artefacts.champion()
    with repository.reading() as connection:
        # a model may be held for longer than the mart that it was checked against
        artefacts.check_horizon(champion.card, connection)
        day = repository.current_date(connection)
        known = Ranges.of(connection, champion.version)
        with one_customer(connection) as customer:
            return changed_by(customer, customer_id, wanted, day, champion, known)


def changed_by(
    customer: OneCustomer,
    customer_id: str,
    wanted: Sequence[Change],
    day: date,
    champion: artefacts.Artefact,
    known: Ranges,
) -> WhatIf:
    """Do what `what_if` does, with what is the same for all customers of a generation.

    Parameters
    ----------
    day
        The current as-of date.
    known
        Of the champion.
    """
    row = _mart_row(customer.warehouse, customer_id, day)
    lines = changes.lines(customer.warehouse, customer_id, row, day, wanted)
    found = customer.features(customer_id, day, lines)
    _check(found.before, row, day)
    new = found.after
    assert new is not None  # known without the lines, so with them too
    warnings = _cut(lines, found.counted)
    changed = {name: (row[name], new[name]) for name in row if row[name] != new[name]}
    warnings += known.beyond({name: after for name, (_, after) in changed.items()})
    before, after = champion.predict_records([row, new])
    return WhatIf(customer_id, day, champion.version, lines, before, after, changed, warnings)


def _mart_row(connection: duckdb.DuckDBPyConnection, customer_id: str, day: date) -> dict[str, Any]:
    names = repository.contract().features
    row = connection.execute(
        f"select {', '.join(names)} from {MART} where customer_id = ? and as_of_date = ?",
        [customer_id, day],
    ).fetchone()
    if row is None:
        raise UnknownCustomerError(f"the mart has no customer {customer_id!r} as of {day}")
    return dict(zip(names, row, strict=True))


def _check(features: dict[str, Any] | None, row: dict[str, Any], day: date) -> None:
    """Refuse to go on from other features than the mart's: both forecasts must start alike."""
    differing = [name for name in row if features is None or features[name] != row[name]]
    if differing:
        raise warehouse.WarehouseError(
            f"the mart's {', '.join(differing)} as of {day} do not follow from this customer's "
            "order lines: run `make build`. If that changes nothing, they depend "
            "on other customers, and there is no what-if for them"
        )


def _cut(lines: list[Line], counted: list[Decimal]) -> list[str]:
    return [
        f"the {abs(line.amount):,.2f} of {line.day} count as {abs(counts):,.2f}: what is "
        "larger is capped, as an order of one line; several smaller orders are not"
        for line, counts in zip(lines, counted, strict=True)
        if counts != line.amount
    ]


def _print(result: WhatIf) -> None:
    console = wide_console()
    console.print(f"{result.customer_id} as of {result.as_of}, model {result.model_version}")
    for line in result.lines:
        console.print(
            f"  {'return' if line.amount < 0 else 'order'} of {abs(line.amount):,.2f} on "
            f"{line.day}: {abs(line.items):,} of {line.category}, store {line.store}"
            + (", on promotion" if line.promotion != NO_PROMOTION else "")
        )
    forecast = new_table("Forecast", "outcome", "as it is", "what if", "difference")
    for name in COLUMNS:
        before, after = result.before[name], result.after[name]
        digits = 3 if name == "purchase_probability" else 2
        cells = (f"{before:,.{digits}f}", f"{after:,.{digits}f}", f"{after - before:+,.{digits}f}")
        forecast.add_row(name, *cells)
    features = new_table("Features that follow", "outcome", "as it is", "what if")
    for name, values in result.changed.items():
        features.add_row(name, *map(in_words, values))
    console.print(forecast, features)
    for warning in result.warnings:
        console.print(f"warning: {warning}", style="yellow")


@expected_errors()
def main(
    customer_id: Annotated[str, typer.Argument(help="The customer, as the mart spells the id.")],
    order: Annotated[
        list[str] | None,
        typer.Option(help="AMOUNT or AMOUNT@DATE of an order; may be given several times."),
    ] = None,
    returned: Annotated[
        list[str] | None,
        typer.Option("--return", help="The same of a return, its amount without a sign."),
    ] = None,
    items: Annotated[int, typer.Option(help="Items in each of them.")] = 1,
    category: Annotated[
        str | None, typer.Option(help="Product category. Default: the customer's favourite.")
    ] = None,
    promotion: Annotated[bool, typer.Option("--promotion", help="Bought on promotion.")] = False,
) -> None:
    """Say what the forecast of a customer would be, had they bought or returned something more.

    Without a date it happens on the day before the as-of date, the last one that counts.
    """
    others = {"items": items, "category": category, "is_promoted": promotion}
    wanted = [changes.read(text, **others) for text in order or []]
    wanted += [changes.read(text, is_return=True, **others) for text in returned or []]
    _print(what_if(customer_id, wanted))


if __name__ == "__main__":
    typer.run(main)
