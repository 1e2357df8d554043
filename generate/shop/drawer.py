"""Draw a generated shop block by block: raw tables, latent values, and the ledger of its faults."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import pyarrow as pa
from faker import Faker

from generate.faults import FAULTS
from generate.faults.planting import Tables, plant
from generate.shop.baskets import Comeback, Lines, draw_comebacks, draw_lines, returns_of
from generate.shop.calendar_intensity import Calendar
from generate.shop.catalogue import Catalogue, draw_catalogue
from generate.shop.history import Histories
from generate.shop.people import (
    Pools,
    draw_people,
    draw_pools,
    draw_stores,
    identifiers,
    loyalty_status,
)
from generate.shop.plan import Plan
from generate.shop.purchases import Customers, Purchases

# each has a generator of its own in each block
_STREAMS = ("customers", "people", "purchases", "lines", "returns", "stores", "delays")


@dataclass
class Shop:
    """The tables as they would be raw, money in whole cents, and what lies behind them.

    Attributes
    ----------
    tables
        The four raw tables by name, without `_loaded_at`; money columns hold cents. A column
        `<name>_text` holds what a row says instead, where it is no date or number.
    latent
        One row per customer: customer_id, kind, registered (day since start, negative before
        it), and the latent values of the process.
    ledger
        The planted faults, one row each. See `planting.plant`.
    """

    plan: Plan
    calendar: Calendar
    tables: Tables
    latent: pd.DataFrame
    ledger: pd.DataFrame


@dataclass(frozen=True)
class Behaviour:
    """What the customers of a block do, before it is written into tables."""

    customers: Customers
    purchases: Purchases
    comeback: Comeback
    customer_id: pa.Array

    def histories(self, calendar: Calendar) -> Histories:
        """Return the histories; `calendar` covers every day that is asked for."""
        return Histories(calendar, self.customers, self.purchases, self.comeback.day())


def draw_shop(plan: Plan) -> Shop:
    """Draw a whole shop in memory; equal plans give equal tables."""
    drawer = Drawer(plan)
    blocks = [drawer.block(number) for number in range(len(plan.blocks))]
    products, product_ledger = drawer.products
    tables = {"products": products}
    for name in blocks[0].tables:
        tables[name] = pd.concat([block.tables[name] for block in blocks], ignore_index=True)
    ledgers = [product_ledger, *(block.ledger for block in blocks)]
    return Shop(
        plan,
        drawer.calendar,
        tables,
        pd.concat([block.latent for block in blocks], ignore_index=True),
        pd.concat(ledgers, ignore_index=True),
    )


@dataclass(frozen=True)
class Block:
    """A block's part of the tables customer_details, headers and lines; see `Shop`."""

    behaviour: Behaviour
    tables: Tables
    latent: pd.DataFrame
    ledger: pd.DataFrame


class Drawer:
    """Draws the blocks of a shop, in any order."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.process = plan.process
        self.calendar = self.process.calendar(plan.start, plan.days)

    @cached_property
    def _names(self) -> tuple[Catalogue, Pools]:
        faker = Faker("en_GB")
        faker.seed_instance(self.plan.seed)
        rng = np.random.default_rng(np.random.SeedSequence(self.plan.seed))
        return draw_catalogue(rng, faker), draw_pools(faker)

    @property
    def _catalogue(self) -> Catalogue:
        return self._names[0]

    @cached_property
    def products(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The table of products, and the ledger of their faults."""
        tables, ledger = plant(
            {"products": self._catalogue.products}, self.plan, "products", FAULTS.values()
        )
        return tables["products"], ledger

    def behaviour(self, number: int) -> Behaviour:
        """Draw what the customers of a block do."""
        return self._behaviour(number, self._generators(number))

    def block(self, number: int) -> Block:
        """Draw a block with its tables and faults."""
        rng = self._generators(number)
        behaviour = self._behaviour(number, rng)
        customers, purchases = behaviour.customers, behaviour.purchases
        lines = draw_lines(self.calendar, customers, purchases, self._catalogue, rng["lines"])
        people = draw_people(self._names[1], customers, behaviour.customer_id, rng["people"])
        store = draw_stores(customers, purchases.customer, rng["stores"])
        headers, items = self._sales(number, behaviour, lines, store, people, rng["delays"])
        tables, ledger = plant(
            {
                "customer_details": self._details(customers, purchases, lines, people),
                "store_sales_header": headers,
                "store_sales_line_items": items,
            },
            self.plan,
            number,
            FAULTS.values(),
        )
        latent = pd.DataFrame(
            {
                "customer_id": behaviour.customer_id.to_pandas(),
                "kind": self.process.kind_names(customers),
                "registered": customers.registered,
                **customers.latent,
            }
        )
        return Block(behaviour, tables, latent, ledger)

    def _generators(self, number: int) -> dict[str, np.random.Generator]:
        block = np.random.SeedSequence(self.plan.seed, spawn_key=(1 + number,))
        return {
            name: np.random.default_rng(stream)
            for name, stream in zip(_STREAMS, block.spawn(len(_STREAMS)), strict=True)
        }

    def _behaviour(self, number: int, rng: dict[str, np.random.Generator]) -> Behaviour:
        first, count = self.plan.blocks[number]
        customers = self.process.draw_customers(self.plan.days, count, rng["customers"])
        purchases = self.process.draw_purchases(self.calendar, customers, rng["purchases"])
        comeback = draw_comebacks(self.process.returns, purchases, rng["returns"])
        ids = identifiers("C", 7, np.arange(first + 1, first + 1 + count))
        return Behaviour(customers, purchases, comeback, ids)

    def _sales(
        self,
        number: int,
        behaviour: Behaviour,
        lines: Lines,
        store: np.ndarray,
        people: dict[str, pa.Array],
        rng: np.random.Generator,
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Put purchases and returns into one sequence in order of time."""
        purchases = behaviour.purchases
        returns = returns_of(self.calendar, behaviour.comeback, lines)
        purchased = len(purchases.time)
        customer = np.concatenate([purchases.customer, purchases.customer[returns.purchase]])
        time = np.concatenate([purchases.time, returns.time])
        back = np.bincount(
            returns.lines.header, weights=returns.lines.cents, minlength=len(returns.time)
        )
        cents = np.concatenate([purchases.cents, back.astype("int64")])
        order = np.argsort(time, kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        timestamp = self.calendar.timestamps(time[order])
        recorded = timestamp + rng.integers(60, 1800, len(order)).astype("timedelta64[s]")
        # the block's number in front: no block needs to know how many rows the others have
        ids = identifiers(f"T{number:04d}", 7, np.arange(1, len(order) + 1))
        buyer = pa.array(customer[order])
        headers = pd.DataFrame(
            {
                "transaction_id": ids.to_pandas(),
                "customer_id": people["customer_id"].take(buyer).to_pandas(),
                "store_id": np.concatenate([store, store[returns.purchase]])[order].astype(str),
                "transaction_date": timestamp,
                "total_amount": cents[order],
                "customer_phone": people["customer_phone"].take(buyer).to_pandas(),
                "recorded_at": recorded,
            }
        )
        header = place[np.concatenate([lines.header, purchased + returns.lines.header])]
        # a stable sort keeps a basket's lines as they were drawn
        by_header = np.argsort(header, kind="stable")
        header = header[by_header]
        product = np.concatenate([lines.product, returns.lines.product])[by_header]
        items = pd.DataFrame(
            {
                "line_item_id": identifiers(
                    f"L{number:04d}", 8, np.arange(1, len(header) + 1)
                ).to_pandas(),
                "transaction_id": ids.take(pa.array(header)).to_pandas(),
                "product_id": _text(self._catalogue.products["product_id"])
                .take(pa.array(product))
                .to_pandas(),
                "quantity": np.concatenate([lines.quantity, returns.lines.quantity])[by_header],
                "promotion_id": self._promotions(
                    np.concatenate([lines.promotion, returns.lines.promotion])[by_header]
                ),
                "line_item_amount": np.concatenate([lines.cents, returns.lines.cents])[by_header],
                "recorded_at": recorded[header],
            }
        )
        return headers, items

    def _promotions(self, index: np.ndarray) -> pd.Series:
        positions = pa.array(index, mask=index < 0)
        names = [promotion.name for promotion in self.calendar.promotions]
        return pa.array(names, pa.string()).take(positions).to_pandas()

    def _details(
        self, customers: Customers, purchases: Purchases, lines: Lines, people: dict[str, pa.Array]
    ) -> pd.DataFrame:
        """Return customer_details; points and last purchase are those at the end of the data."""
        earning = np.where(lines.promotion >= 0, 2 * lines.cents, lines.cents)
        per_order = (
            np.bincount(lines.header, weights=earning, minlength=len(purchases.cents)) // 100
        )
        points = np.bincount(purchases.customer, weights=per_order, minlength=len(customers))
        points = np.where(customers.member, points, 0).astype("int64")
        last = np.full(len(customers), -1)
        np.maximum.at(last, purchases.customer, purchases.time.astype("int64"))
        last_date = self.calendar.start + last.astype("timedelta64[D]")
        since = self.calendar.start + customers.registered.astype("timedelta64[D]")
        columns = {name: column.to_pandas() for name, column in people.items()}
        return pd.DataFrame(
            {
                **columns,
                "loyalty_status": loyalty_status(customers.member, points).to_pandas(),
                "total_loyalty_points": points,
                "customer_since": since.astype("datetime64[s]"),
                "last_purchase_date": np.where(last < 0, np.datetime64("NaT"), last_date).astype(
                    "datetime64[s]"
                ),
            }
        )


def _text(column: pd.Series) -> pa.Array:
    return pa.array(column.to_numpy(dtype=object), pa.string())
