"""Kinds of shops on which a forecast's level is tried, each with a known truth.

A customer comes with a first purchase, buys at `rate * m(t)` while alive and leaves for ever with a
fixed chance after each purchase: BG/NBD (Fader, Hardie, Lee 2005) in the time of cumulated `m`, as
the generated shop has it, but for the arrivals, the calendar and the prices, which differ by kind.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from load.loader import load
from load.promotions import load_promotions

Values = NDArray[np.float64]

MAPPING = """
order_lines:
  columns:
    transaction_id: order_id
    customer_id: customer_id
    transaction_date: order_date
    line_item_amount: amount
"""
LAST_DAY = dt.date(2025, 9, 30)
YEAR = 365
EASTER = {
    2022: dt.date(2022, 4, 17),
    2023: dt.date(2023, 4, 9),
    2024: dt.date(2024, 3, 31),
    2025: dt.date(2025, 4, 20),
}


@dataclass(frozen=True)
class Kind:
    """What makes one kind of shop; functions of the days since the first one.

    Attributes
    ----------
    days
        Length of the history.
    arrivals
        Newcomers per day, any unit: they are brought to `customers` in all.
    intensity, price
        Factors on the rate of purchases and on the value of a basket.
    before
        Days before the first one from which customers had come already; 0: the shop opens.
    customers
        How many come in all.
    rate, drop
        Mean of the customers' rates per day, and of their chances to leave.
    spread
        Standard deviation, in logs, of the customers' mean baskets.
    giant
        Share of turnover of one customer who leaves 100 days before the end; 0: nobody.
    promotions
        First day, number of days and lift of each: the intensity is `1 + lift` times as high.
    told
        Whether the shop plans its promotions in `raw.planned_promotions`.
    last_day
        Of the history.
    """

    days: int = 3 * YEAR
    arrivals: Callable[[Values], Values] = np.ones_like
    intensity: Callable[[Values], Values] = np.ones_like
    price: Callable[[Values], Values] = np.ones_like
    before: int = 2 * YEAR
    customers: int = 2_500
    rate: float = 1 / 45
    drop: float = 0.07
    spread: float = 0.6
    giant: float = 0.0
    promotions: tuple[tuple[int, int, float], ...] = ()
    told: bool = False
    last_day: dt.date = LAST_DAY

    @property
    def start(self) -> dt.date:
        """The first day."""
        return self.last_day - dt.timedelta(self.days - 1)

    def busy(self, days: Values) -> Values:
        """Return the factor on the rate of purchases, promotions included."""
        factor = self.intensity(days)
        for first, length, lift in self.promotions:
            factor = factor * np.where((days >= first) & (days < first + length), 1 + lift, 1.0)
        return factor

    def plan(self) -> pd.DataFrame:
        """Return the promotions as rows of `raw.planned_promotions`."""
        rows = [
            (self.start + dt.timedelta(first), self.start + dt.timedelta(first + length - 1), lift)
            for first, length, lift in self.promotions
        ]
        plan = pd.DataFrame(rows, columns=["start_date", "end_date", "expected_lift"])
        return plan.assign(name=[f"P{number}" for number in range(len(plan))])


def _year_of(days: Values, last_day: dt.date, length: int) -> Values:
    """Return the day of the year, in turns, of days since the first of a history."""
    first = last_day - dt.timedelta(length - 1)
    return (days + first.timetuple().tm_yday) / 365.25


def _christmas(last_day: dt.date, length: int, height: float) -> Callable[[Values], Values]:
    """Return a season with its peak in the first days of December."""

    def factor(days: Values) -> Values:
        from_peak = (_year_of(days, last_day, length) - 0.925 + 0.5) % 1 - 0.5
        return 1 + height * np.exp(-((from_peak / 0.055) ** 2))

    return factor


def _easter(days: Values) -> Values:
    """Return a peak in the two weeks before each Easter."""
    first = LAST_DAY - dt.timedelta(3 * YEAR - 1)
    factor = np.ones_like(days)
    for day in EASTER.values():
        before = (day - first).days - days
        factor += 1.5 * ((before > 0) & (before <= 14))
    return factor


def _fails(days: Values) -> Values:
    """Return a summer season that does not come in the last year."""
    in_year = _year_of(days, LAST_DAY, 3 * YEAR) % 1
    season = 1 + 0.6 * np.exp(-(((in_year - 0.55) / 0.06) ** 2))
    return np.where(days > 3 * YEAR - 200, 1.0, season)


def _on_any_days() -> tuple[tuple[int, int, float], ...]:
    """Return promotions of one to three weeks that no season explains, one in 45 days or so."""
    rng = np.random.default_rng(7)
    promotions = []
    for first in range(0, 3 * YEAR, 45):
        begins, length = first + int(rng.integers(0, 24)), int(rng.integers(7, 22))
        promotions.append((begins, length, round(rng.uniform(0.3, 1.2), 2)))
    return tuple(promotions)


# the peaks are seen from August on: the last as-of dates lie before, in and after them
_XMAS_END = dt.date(2025, 1, 31)

KINDS: dict[str, Kind] = {
    "steady": Kind(),
    "growing 60 % a year": Kind(arrivals=lambda days: np.exp(days / YEAR * np.log(1.6))),
    "shrinking": Kind(arrivals=lambda days: np.exp(-days / YEAR * 0.6)),
    "one cohort that fades": Kind(
        days=540, before=0, arrivals=lambda days: (days < 90).astype(float)
    ),
    "first year only": Kind(
        days=340, intensity=_christmas(_XMAS_END, 340, 1.0), last_day=_XMAS_END
    ),
    "one Christmas seen": Kind(
        days=460, intensity=_christmas(_XMAS_END, 460, 1.0), last_day=_XMAS_END
    ),
    "Easter moves": Kind(intensity=_easter, last_day=dt.date(2025, 6, 30), days=3 * YEAR - 92),
    "a season fails": Kind(intensity=_fails),
    "a price rise": Kind(price=lambda days: np.where(days > 3 * YEAR - 130, 1.25, 1.0)),
    "a big customer leaves": Kind(giant=0.15),
    "a promotion a year ago": Kind(promotions=((2 * YEAR - 99, 30, 0.9),)),
    "promotions told in advance": Kind(promotions=_on_any_days(), told=True),
    "the same, not told": Kind(promotions=_on_any_days()),
    "wholesale tail": Kind(spread=1.5),
    "many newcomers": Kind(drop=0.45, customers=6_000, before=YEAR),
    "several Christmases": Kind(intensity=_christmas(_XMAS_END, 3 * YEAR, 1.0), last_day=_XMAS_END),
}


@dataclass
class Shop:
    """A drawn shop: its orders, and what is behind them.

    Attributes
    ----------
    orders
        order_id, customer_id, order_date, amount.
    people
        Index customer_id; days of the first purchase of all, of the first in the orders and of the
        last of all; rate per day, chance to leave, mean basket.
    cumulated, price
        Intensity until each day, from `Kind.before` on, and price by day, from there too.
    """

    kind: Kind
    orders: pd.DataFrame
    people: pd.DataFrame = field(repr=False)
    cumulated: Values = field(repr=False)
    price: Values = field(repr=False)

    def expected(self, day: dt.date, horizon: int = 30) -> float:
        """Return what those who have bought by a day are expected to spend after it.

        Whether they are still alive, their rates and their baskets are known: no forecast from the
        orders can do better.
        """
        at = (day - self.kind.start).days
        end = at + horizon
        alive = self.people[(self.people["seen"] < at) & (self.people["gone"] >= at)]
        offset = self.kind.before
        time = self.cumulated[end + offset] - self.cumulated[at + offset]
        # expected purchases until leaving: sum of (1 - p) ** k over a Poisson process
        purchases = -np.expm1(-alive["rate"] * alive["drop"] * time) / alive["drop"]
        weights = np.diff(self.cumulated[at + offset : end + offset + 1])
        price = weights @ self.price[at + offset : end + offset] / weights.sum()
        return float((purchases * alive["basket"]).sum() * price)


def draw(kind: Kind, seed: int) -> Shop:
    """Draw a shop; equal seeds give equal shops."""
    rng = np.random.default_rng(seed)
    days = np.arange(-kind.before, kind.days, dtype=float)
    cumulated = np.concatenate([[0.0], np.cumsum(kind.busy(days))])
    price = kind.price(days)
    arrivals = kind.arrivals(days)
    number = kind.customers
    # newcomers come with the season too, as other purchases do
    weight = arrivals * kind.busy(days)
    entry = rng.choice(days, number, p=weight / weight.sum())
    rate = rng.gamma(1.2, kind.rate / 1.2, number)
    drop = np.clip(rng.beta(1.0, 1 / kind.drop - 1, number), 1e-3, 1.0)
    level = rng.normal(3.5, kind.spread, number)
    life = rng.geometric(drop)
    start = cumulated[(entry + kind.before).astype(int)]
    counts = rng.poisson(rate * (cumulated[-1] - start))
    customer = np.repeat(np.arange(number), counts)
    moment = start[customer] + rng.random(len(customer)) * (cumulated[-1] - start)[customer]
    order = np.lexsort((moment, customer))
    customer, moment = customer[order], moment[order]
    # the first purchase is the one they come with
    customer = np.concatenate([np.arange(number), customer])
    moment = np.concatenate([start, moment])
    order = np.lexsort((moment, customer))
    customer, moment = customer[order], moment[order]
    first = np.concatenate([[True], customer[1:] != customer[:-1]])
    rank = np.arange(len(customer)) - np.flatnonzero(first)[np.cumsum(first) - 1]
    alive = rank < life[customer]
    customer, moment, rank = customer[alive], moment[alive], rank[alive]
    day = np.minimum(np.searchsorted(cumulated, moment, side="right") - 1, len(days) - 1)
    noise = rng.normal(0.0, 0.5, len(customer))
    amount = np.exp(level[customer] + noise) * price[day]
    left = rank == life[customer] - 1
    gone = np.full(number, np.inf)
    gone[customer[left]] = days[day[left]]
    names = np.array([f"K{code:06d}" for code in rng.permutation(number)], dtype=object)
    basket = np.exp(level + 0.125)
    orders = pd.DataFrame(
        {"customer_id": names[customer], "day": days[day], "amount": np.round(amount, 2)}
    )
    people = pd.DataFrame(
        {"entry": entry, "gone": gone, "rate": rate, "drop": drop, "basket": basket}, index=names
    )
    if kind.giant:
        orders, people = _with_giant(kind, orders, people)
    inside = orders[(orders["day"] >= 0) & (orders["amount"] > 0)]
    inside = inside.sort_values(["day", "customer_id"], kind="stable").reset_index(drop=True)
    people["seen"] = inside.groupby("customer_id")["day"].min().reindex(people.index)
    inside.insert(0, "order_id", [f"B{number:07d}" for number in range(len(inside))])
    dates = pd.to_datetime(kind.start) + pd.to_timedelta(inside.pop("day"), unit="D")
    inside["order_date"] = dates.dt.date
    return Shop(kind, inside, people, cumulated, price)


def load_drawn(shop: Shop, folder: Path) -> None:
    """Load a shop's orders, by way of files in a folder."""
    (folder / "mapping.yml").write_text(MAPPING)
    shop.orders.to_parquet(folder / "orders.parquet", index=False)
    load(folder / "orders.parquet", mapping=folder / "mapping.yml", may_lose=True)
    if shop.kind.told:
        shop.kind.plan().to_csv(folder / "promotions.csv", index=False)
        load_promotions(folder / "promotions.csv")


def _with_giant(
    kind: Kind, orders: pd.DataFrame, people: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add one customer who buys twice a month, a share of the turnover, and leaves."""
    leaves = kind.days - 100
    per_day = orders.loc[orders["day"] >= 0, "amount"].sum() / kind.days
    amount = per_day * kind.giant / (1 - kind.giant) * 15
    rhythm = np.arange(-kind.before, leaves, 15, dtype=float)
    giant = pd.DataFrame({"customer_id": "GIANT", "day": rhythm, "amount": round(amount, 2)})
    people.loc["GIANT"] = [-kind.before, leaves, 1 / 15, 1e-6, amount]
    return pd.concat([orders, giant]), people
