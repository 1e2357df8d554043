"""A whole generated shop: clean raw tables, and the latent values they come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
from faker import Faker

from generate.baskets import Lines, Returns, draw_lines, draw_returns
from generate.calendar_intensity import Calendar, calendar
from generate.catalogue import Catalogue, draw_catalogue
from generate.people import Pools, draw_people, draw_pools, draw_stores, identifiers, loyalty_status
from generate.process import Customers, Process, Purchases, draw_customers, draw_purchases

START, DAYS = date(2022, 1, 1), 1461
# customers are drawn in blocks with a seed each: how many blocks are held at once changes nothing
BLOCK = 10_000
_STREAMS = ("customers", "people", "purchases", "lines", "returns", "stores", "delays")


@dataclass
class Shop:
    """The tables as they would be raw, money in whole cents, and what lies behind them.

    Attributes
    ----------
    tables
        The four raw tables by name, without `_loaded_at`; money columns hold cents.
    latent
        One row per customer: customer_id, kind, rate (purchases per day of m = 1), drop_out,
        level (of the log basket), registered (day since start, negative before it).
    ledger
        The planted faults, one row each; empty for a clean shop. See `planting.plant`.
    """

    process: Process
    calendar: Calendar
    tables: dict[str, pd.DataFrame]
    latent: pd.DataFrame
    ledger: pd.DataFrame = field(default_factory=pd.DataFrame)


def draw_shop(
    customers: int,
    seed: int,
    start: date = START,
    days: int = DAYS,
    process: Process | None = None,
) -> Shop:
    """Draw a clean shop; equal arguments give equal tables.

    Raises
    ------
    ValueError
        If there is no customer or no day.
    """
    if customers < 1 or days < 1:
        raise ValueError("a shop needs at least one customer and one day")
    process = process or Process()
    faker = Faker("en_GB")
    faker.seed_instance(seed)
    known = calendar(start, days)
    catalogue = draw_catalogue(np.random.default_rng(np.random.SeedSequence(seed)), faker)
    pools = draw_pools(faker)
    drawer = _BlockDrawer(process, known, catalogue, pools, seed)
    blocks = []
    for first in range(0, customers, BLOCK):
        blocks.append(drawer.draw(first, min(BLOCK, customers - first)))
    tables = {
        name: pd.concat([block[name] for block in blocks], ignore_index=True) for name in blocks[0]
    }
    latent = tables.pop("latent")
    return Shop(process, known, {**tables, "products": catalogue.products}, latent)


@dataclass
class _BlockDrawer:
    """Draws blocks in order; carries the numbers of headers and lines from one to the next."""

    process: Process
    calendar: Calendar
    catalogue: Catalogue
    pools: Pools
    seed: int
    headers: int = 0
    lines: int = 0

    def draw(self, first: int, count: int) -> dict[str, pd.DataFrame]:
        """Draw the customers `first`, `first + 1`, ... with all they bought."""
        block = np.random.SeedSequence(self.seed, spawn_key=(1 + first // BLOCK,))
        rng = {
            name: np.random.default_rng(stream)
            for name, stream in zip(_STREAMS, block.spawn(len(_STREAMS)), strict=True)
        }
        customers = draw_customers(self.process, self.calendar.days, count, rng["customers"])
        purchases = draw_purchases(self.process, self.calendar, customers, rng["purchases"])
        lines = draw_lines(self.calendar, customers, purchases, self.catalogue.cents, rng["lines"])
        returns = draw_returns(self.process, self.calendar, purchases, lines, rng["returns"])
        people = draw_people(self.pools, customers, first + 1, rng["people"])
        store = draw_stores(customers, purchases.customer, rng["stores"])
        headers, items = self._sales(purchases, lines, returns, store, people, rng["delays"])
        return {
            "customer_details": self._details(customers, purchases, lines, people),
            "store_sales_header": headers,
            "store_sales_line_items": items,
            "latent": pd.DataFrame(
                {
                    "customer_id": people["customer_id"].to_pandas(),
                    "kind": np.array([kind.name for kind in self.process.kinds])[customers.kind],
                    "rate": customers.rate,
                    "drop_out": customers.drop_out,
                    "level": customers.level,
                    "registered": customers.registered,
                }
            ),
        }

    def _sales(
        self,
        purchases: Purchases,
        lines: Lines,
        returns: Returns,
        store: np.ndarray,
        people: dict[str, pa.Array],
        rng: np.random.Generator,
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Put purchases and returns into one sequence in order of time."""
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
        ids = identifiers("T", 9, self.headers + 1 + np.arange(len(order)))
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
        items = pd.DataFrame(
            {
                "line_item_id": identifiers(
                    "L", 9, self.lines + 1 + np.arange(len(header))
                ).to_pandas(),
                "transaction_id": ids.take(pa.array(header)).to_pandas(),
                "product_id": _text(self.catalogue.products["product_id"])
                .take(pa.array(np.concatenate([lines.product, returns.lines.product])[by_header]))
                .to_pandas(),
                "quantity": np.concatenate([lines.quantity, returns.lines.quantity])[by_header],
                "promotion_id": self._promotions(
                    np.concatenate([lines.promotion, returns.lines.promotion])[by_header]
                ),
                "line_item_amount": np.concatenate([lines.cents, returns.lines.cents])[by_header],
                "recorded_at": recorded[header],
            }
        )
        self.headers += len(headers)
        self.lines += len(items)
        return headers, items

    def _promotions(self, index: np.ndarray) -> pd.Series:
        positions = pa.array(index, mask=index < 0)
        return pa.array(self.calendar.promotion_ids, pa.string()).take(positions).to_pandas()

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
