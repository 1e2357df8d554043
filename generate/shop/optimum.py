"""The best forecast of a generated shop's customers, at any day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from generate.shop.drawer import Behaviour, Drawer
from generate.shop.plan import Plan

HORIZON = 30
# the lattice of as-of dates, as `int_snapshots_scheduled` has it
_ANCHOR = date(2000, 1, 1)
_STEP, _SMALL_STEP = 30, 5
# dbt counts the customers that cleaning leaves: a shop a little above its border may fall below it
_SMALL_SHOP = 11_000


def snapshots(plan: Plan) -> list[date]:
    """Return every as-of date that the feature mart may hold on its grid, and the end."""
    step = _SMALL_STEP if plan.customers < _SMALL_SHOP else _STEP
    end = plan.start + timedelta(plan.days)
    first = -((_ANCHOR - plan.start - timedelta(30)).days // step)
    last = (end - _ANCHOR).days // step
    grid = {_ANCHOR + timedelta(step * number) for number in range(first, last + 1)}
    return sorted(grid | {end})


def expected(
    drawer: Drawer, behaviour: Behaviour, days: Sequence[date], horizon: int = HORIZON
) -> pa.Table:
    """Return the best forecast of some customers at some days.

    Parameters
    ----------
    horizon
        Days that the forecast is of.

    Returns
    -------
    Table
        as_of_date, customer_id, expected_30d_spend (currency units, of the horizon's days),
        purchase_probability; one row per day and customer registered before it.

    Raises
    ------
    ValueError
        If a day lies outside the shop's period.
    """
    plan = drawer.plan
    ahead = drawer.process.calendar(plan.start, plan.days + horizon)
    histories = behaviour.histories(ahead)
    forecaster = drawer.process.forecaster(histories)
    parts = [_empty()]
    for as_of in days:
        day = (as_of - plan.start).days
        if not 0 <= day <= plan.days:
            end = plan.start + timedelta(plan.days)
            raise ValueError(f"{as_of} is outside the shop's period, {plan.start} to {end}")
        customers = histories.known(day)
        forecast = forecaster.expect(day, horizon, customers)
        parts.append(
            pa.table(
                {
                    "as_of_date": pa.array(np.full(len(customers), np.datetime64(as_of, "D"))),
                    "customer_id": behaviour.customer_id.take(pa.array(customers)),
                    "expected_30d_spend": forecast.spend,
                    "purchase_probability": forecast.purchase_probability,
                }
            )
        )
    return pa.concat_tables(parts)


@dataclass(frozen=True)
class Redrawn:
    """The best forecast, and what tells whether the shop is still drawn as it was."""

    rows: pa.Table
    purchases: int
    cents: int


def redraw(plan: Plan, days: Sequence[date], horizon: int = HORIZON) -> Redrawn:
    """Draw what the customers of a shop do once more, and return the best forecast at some days.

    Raises
    ------
    ValueError
        If a day lies outside the shop's period.
    """
    drawer = Drawer(plan)
    rows, purchases, cents = [], 0, 0
    for number in range(len(plan.blocks)):
        behaviour = drawer.behaviour(number)
        rows.append(expected(drawer, behaviour, days, horizon))
        purchases += len(behaviour.purchases.cents)
        cents += int(behaviour.purchases.cents.sum())
    return Redrawn(pa.concat_tables(rows), purchases, cents)


def _empty() -> pa.Table:
    return pa.schema(
        {
            "as_of_date": pa.date32(),
            "customer_id": pa.string(),
            "expected_30d_spend": pa.float64(),
            "purchase_probability": pa.float64(),
        }
    ).empty_table()
