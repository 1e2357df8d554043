"""What a customer spent and how often: two families of features, each a few small functions."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from proof.oracle.orders import NOTHING, Order
from proof.oracle.past import LIFETIME, Past, halflife_sum, momentum, money, ratio

SATURDAY = 6
FLOW_WINDOWS = {
    "7d": (1, 7),
    "14d": (1, 14),
    "30d": (1, 30),
    "31_60d": (31, 60),
    "61_90d": (61, 90),
    "91_120d": (91, 120),
    "90d": (1, 90),
    "180d": (1, 180),
    "360d": (1, 360),
    "181_360d": (181, 360),
    "336_365d": (336, 365),
    "lifetime": LIFETIME,
}


def spend_features(past: Past) -> dict[str, object]:
    """What the customer spent, in windows, and how it moves."""
    spend = {name: money(past.total("spend", days)) for name, days in FLOW_WINDOWS.items()}
    spend["61_120d"] = money(past.total("spend", (61, 120)))
    return {
        **{f"spend_{name}": amount for name, amount in spend.items()},
        "net_spend_lifetime": spend["lifetime"] - money(past.total("returned")),
        "spend_velocity_90d": ratio(spend["90d"], 90),
        "spend_momentum_30d": momentum(spend["30d"], spend["31_60d"]),
        "spend_momentum_90d": momentum(spend["90d"], money(past.total("spend", (91, 180)))),
        "spend_momentum_180d": momentum(spend["180d"], spend["181_360d"]),
        "spend_halflife_90d": halflife_sum(past, "spend"),
        **order_value_features(past),
    }


def order_value_features(past: Past) -> dict[str, object]:
    """What an order was worth, in the mean and at most."""
    mean = {
        name: ratio(
            past.total("spend", FLOW_WINDOWS[name]), past.total("orders", FLOW_WINDOWS[name])
        )
        for name in ("90d", "360d", "lifetime")
    }
    return {
        **{f"avg_order_value_{name}": value for name, value in mean.items()},
        "avg_order_value_trend": ratio(mean["90d"], mean["360d"]),
        "max_order_value_360d": largest(past.inside((1, 360))),
        "max_order_value_lifetime": largest(past.orders),
    }


def largest(orders: Iterable[Order]) -> Decimal:
    """Return what the largest order was worth, 0 where there is none."""
    return max((order.spend for order in orders), default=NOTHING)


def frequency_features(past: Past) -> dict[str, object]:
    """How often and how recently the customer ordered, and their rhythm."""
    orders = {name: past.total("orders", days) for name, days in FLOW_WINDOWS.items()}
    tenure = past.days_before(past.known_from)
    return {
        **{f"orders_{name}": count for name, count in orders.items()},
        "orders_momentum_30d": momentum(orders["30d"], orders["31_60d"]),
        "orders_momentum_90d": momentum(orders["90d"], past.total("orders", (91, 180))),
        "orders_momentum_180d": momentum(orders["180d"], orders["181_360d"]),
        "orders_halflife_90d": halflife_sum(past, "orders"),
        "tenure_days": tenure,
        "transaction_density_lifetime": ratio(orders["lifetime"], tenure),
        "weekend_share_360d": ratio(weekend_orders(past.inside((1, 360))), orders["360d"]),
        **active_day_features(past),
        **rhythm_features(past),
    }


def weekend_orders(orders: Iterable[Order]) -> int:
    """Return how many orders fell on a Saturday or Sunday."""
    return sum(order.orders for order in orders if order.event_date.isoweekday() >= SATURDAY)


def active_day_features(past: Past) -> dict[str, object]:
    """On how many days, and in how many periods of 30 days, the customer ordered."""
    periods = [(30 * number + 1, 30 * number + 30) for number in range(12)]
    return {
        "active_days_30d": len(past.active_days((1, 30))),
        "active_days_90d": len(past.active_days((1, 90))),
        "active_days_360d": len(past.active_days((1, 360))),
        "active_days_lifetime": len(past.active_days()),
        "active_months_360d": sum(1 for period in periods if past.active_days(period)),
    }


def rhythm_features(past: Past) -> dict[str, object]:
    """When the customer ordered first and last, and how long the gaps between orders are."""
    days = past.active_days()
    since_last = past.days_before(max(days)) if days else None
    gaps = [past.gaps[day] for day in days if day in past.gaps]
    mean = Fraction(sum(gaps), len(gaps)) if gaps else None
    return {
        "days_since_last_order": since_last,
        "days_since_first_order": past.days_before(min(days)) if days else None,
        "mean_gap_days": float(mean) if gaps else None,
        "std_gap_days": standard_deviation(gaps, mean) if gaps else None,
        "overdue_ratio": float(since_last / mean) if gaps else None,
    }


def standard_deviation(numbers: list[int], mean: Fraction) -> float:
    """Return the standard deviation of a whole population."""
    return math.sqrt(sum((number - mean) ** 2 for number in numbers) / len(numbers))
