"""Names, addresses and loyalty of the generated customers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from faker import Faker

from generate.shop.purchases import REGIONS, SEGMENTS, Customers

CITIES_PER_REGION = 12
STORES_PER_REGION = 4
_TIERS = ("None", "Bronze", "Silver", "Gold")
_TIER_FROM = (0, 250, 1000)  # points from which a member is Bronze, Silver, Gold


@dataclass(frozen=True)
class Pools:
    """Names to draw from, made once per shop."""

    first_names: pa.Array
    last_names: pa.Array
    cities: pa.Array  # CITIES_PER_REGION for each region in turn


def draw_pools(faker: Faker) -> Pools:
    """Draw the pools of names."""
    cities = [faker.unique.city() for _ in range(CITIES_PER_REGION * len(REGIONS))]
    return Pools(
        first_names=pa.array([faker.first_name() for _ in range(400)]),
        last_names=pa.array([faker.last_name() for _ in range(400)]),
        cities=pa.array(cities),
    )


def identifiers(prefix: str, digits: int, numbers: np.ndarray) -> pa.Array:
    """Return ids like C0000017."""
    text = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), digits, "0")
    return pc.binary_join_element_wise(prefix, text, "")


def draw_people(
    pools: Pools, customers: Customers, customer_id: pa.Array, rng: np.random.Generator
) -> dict[str, pa.Array]:
    """Draw the columns of `customer_details` that depend on no purchase."""
    count = len(customers)
    first = pools.first_names.take(pa.array(rng.integers(0, len(pools.first_names), count)))
    last = pools.last_names.take(pa.array(rng.integers(0, len(pools.last_names), count)))
    city = customers.region * CITIES_PER_REGION + rng.integers(0, CITIES_PER_REGION, count)
    name = pc.utf8_lower(pc.binary_join_element_wise(first, last, "."))
    email = pc.binary_join_element_wise(
        name, pc.binary_join_element_wise(pc.utf8_lower(customer_id), "example.com", "@"), "."
    )
    return {
        "customer_id": customer_id,
        "first_name": first,
        "email": email,
        "customer_phone": identifiers("+44 7700 ", 6, rng.integers(0, 1_000_000, count)),
        "city": pools.cities.take(pa.array(city)),
        "region": pa.array(REGIONS).take(pa.array(customers.region)),
        "segment_id": pa.array(SEGMENTS).take(pa.array(customers.segment)),
    }


def draw_stores(customers: Customers, customer: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the store of each purchase: mostly the customer's own, else another of the region."""
    own = rng.integers(0, STORES_PER_REGION, len(customers))
    other = rng.integers(0, STORES_PER_REGION, len(customer))
    at_home = rng.random(len(customer)) < 0.85
    return (
        customers.region[customer] * STORES_PER_REGION + np.where(at_home, own[customer], other) + 1
    )


def loyalty_status(member: np.ndarray, points: np.ndarray) -> pa.Array:
    """Return each customer's tier; who is no member has none."""
    tier = np.where(member, np.searchsorted(_TIER_FROM, points, side="right"), 0)
    return pa.array(_TIERS).take(pa.array(tier))
