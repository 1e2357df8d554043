"""What was in the baskets, what came back, and loyalty: three more families of features."""

from __future__ import annotations

from decimal import Decimal

from proof.oracle.orders import NOTHING
from proof.oracle.past import LIFETIME, Past, money, ratio

TIERS = ((2000, "Gold"), (500, "Silver"), (1, "Bronze"))


def basket_features(past: Past) -> dict[str, object]:
    """How large baskets were, and what of them was bought on promotion."""
    orders = past.total("orders", (1, 360))
    return {
        "items_per_order_360d": ratio(past.total("items", (1, 360)), orders),
        "lines_per_order_360d": ratio(past.total("lines", (1, 360)), orders),
        "promotion_share_90d": share_of_spend(past, "promoted", (1, 90)),
        "promotion_share_360d": share_of_spend(past, "promoted", (1, 360)),
        "promotion_share_lifetime": share_of_spend(past, "promoted", LIFETIME),
    }


def return_features(past: Past) -> dict[str, object]:
    """What came back, and when last."""
    days = [order.event_date for order in past.orders if order.returned > 0]
    return {
        "returns_30d": money(past.total("returned", (1, 30))),
        "returns_90d": money(past.total("returned", (1, 90))),
        "returns_360d": money(past.total("returned", (1, 360))),
        "returns_share_360d": share_of_spend(past, "returned", (1, 360)),
        "returns_share_lifetime": share_of_spend(past, "returned", LIFETIME),
        "days_since_last_return": past.days_before(max(days)) if days else None,
    }


def share_of_spend(past: Past, measure: str, window: tuple[int, int]) -> float:
    """Return a measure of the orders of a window over what was spent in it."""
    return ratio(past.total(measure, window), past.total("spend", window))


def category_features(past: Past) -> dict[str, object]:
    """In which categories the customer bought."""
    spend = spend_by_category(past)
    total = sum(spend.values(), NOTHING)
    favourite = max(spend, key=lambda category: (spend[category], category), default=None)
    return {
        "categories_lifetime": len(spend),
        "favourite_category": favourite or "None",
        "favourite_category_share": ratio(spend[favourite], total) if spend else 0.0,
        "category_concentration": ratio(sum(amount**2 for amount in spend.values()), total**2),
    }


def spend_by_category(past: Past) -> dict[str, Decimal]:
    """Return the spend of each category in which something was bought."""
    spend: dict[str, Decimal] = {}
    for order in past.orders:
        for line in order.lines_known:
            if line.amount > 0:
                spend[line.category] = spend.get(line.category, NOTHING) + line.amount
    return spend


def loyalty_features(past: Past) -> dict[str, object]:
    """Loyalty recomputed as of the date, and what the shop says of the customer."""
    points = past.total("points")
    return {
        "loyalty_points": points,
        "loyalty_tier": tier(points),
        "loyalty_efficiency": ratio(points, past.total("spend")),
        "is_cold_start": past.total("orders") < 2,
        "region": past.customer.region,
        "segment_id": past.customer.segment_id,
        "last_store_id": last_store(past),
    }


def tier(points: int) -> str:
    """Return the tier that a number of points gives."""
    return next((name for least, name in TIERS if points >= least), "None")


def last_store(past: Past) -> str:
    """Return the store of the last order; of several on that day the last in the alphabet."""
    orders = [order for order in past.orders if order.spend > 0]
    if not orders:
        return "NONE"
    last_day = max(order.event_date for order in orders)
    return max(order.store_id for order in orders if order.event_date == last_day)
