"""The calendar of the days ahead, and the shop's own level and season."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from proof.oracle.orders import NOTHING, Order
from proof.oracle.past import momentum
from proof.oracle.reading import Promotion

SATURDAY = 6
FIRST_DAY = date(2000, 1, 1)
# what the days ahead were a year ago, and the whole year
AHEAD_A_YEAR_AGO, YEAR = (336, 365), (1, 365)


def calendar_features(as_of: date, horizon_days: int) -> dict[str, object]:
    """What the calendar says of the days ahead."""
    ahead = [as_of + timedelta(days) for days in range(horizon_days)]
    return {
        "ahead_day_number": (as_of - FIRST_DAY).days,
        "ahead_weekend_days": sum(1 for day in ahead if day.isoweekday() >= SATURDAY),
        "ahead_christmas_days": sum(1 for day in ahead if before_christmas(day)),
        "ahead_month": (as_of + timedelta(15)).month,
    }


def before_christmas(day: date) -> bool:
    """Whether a day lies between 1 November and 24 December."""
    return (11, 1) <= (day.month, day.day) <= (12, 24)


def promotion_features(
    promotions: Iterable[Promotion], as_of: date, horizon_days: int
) -> dict[str, object]:
    """What the plan, as it is known, says of the days ahead, and of the 30 days before."""
    known = [one for one in promotions if one.announced is None or one.announced < as_of]

    def on(day: date) -> list[Promotion]:
        return [one for one in known if one.start <= day <= one.end]

    ahead = [on(as_of + timedelta(days)) for days in range(horizon_days)]
    lifts = sum((one.lift for day in ahead for one in day), NOTHING)
    return {
        "ahead_promotion_days": sum(1 for day in ahead if day),
        "ahead_promotion_lift": float(lifts) / horizon_days,
        "shop_promotion_days_30d": sum(1 for days in range(1, 31) if on(as_of - timedelta(days))),
    }


def level_features(orders: list[Order], as_of: date) -> dict[str, object]:
    """What the whole shop sold, from the orders of all customers."""
    newer, older = spend_of(orders, as_of, (1, 30)), spend_of(orders, as_of, (31, 60))
    return {
        "shop_spend_30d": newer,
        "shop_spend_31_60d": older,
        "shop_momentum_30d": momentum(newer, older),
        "shop_orders_30d": sum(order.orders for order in inside(orders, as_of, (1, 30))),
        "shop_spend_336_365d": spend_of(orders, as_of, AHEAD_A_YEAR_AGO),
        "shop_season_ratio": season_ratio(orders, as_of),
    }


def season_ratio(orders: list[Order], as_of: date) -> float | None:
    """Return how busy the days ahead were, a year ago, against the whole year, if it is known."""
    days = [order.event_date for order in orders if order.spend > 0]
    year = spend_of(orders, as_of, YEAR)
    if not days or (as_of - min(days)).days < YEAR[1] or year == 0:
        return None
    return float(spend_of(orders, as_of, AHEAD_A_YEAR_AGO)) / 30 / (float(year) / 365)


def inside(orders: Iterable[Order], as_of: date, window: tuple[int, int]) -> list[Order]:
    """Return the orders of a window of days before the as-of date."""
    first, last = window
    return [order for order in orders if first <= (as_of - order.event_date).days <= last]


def spend_of(orders: Iterable[Order], as_of: date, window: tuple[int, int]) -> Decimal:
    """Return the spend of a window of days before the as-of date."""
    return sum((order.spend for order in inside(orders, as_of, window)), NOTHING)
