"""Forecasts of longer horizons from one fit: what the next 30 days say, carried on.

The days ahead are cut into windows. Into each of them a customer carries the forecast of the next
30 days, times the purchases that the process of buyers (BG/NBD: who buys, and who has left) expects
there over those that it expects in the first 30, times the level of the shop there over the present
one. So all horizons are one forecast: windows add up, and a longer horizon is never less. What the
windows of the past brought, beyond what this says of them, corrects them: one factor for each
stretch between two horizons, believed the more the more windows of that length have ended. Where
none has, the forecast is `extended` by the process alone, and says so.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from train.calibration.intervals import LevelIntervals
from train.calibration.spread import AmountSpread
from train.candidates.bgnbd import BuyTillDie, Summaries
from train.candidates.level import DAY, Levelled, LevelProcess, Months
from train.candidates.preprocessing import Columns
from train.candidates.row_sample import sample_of
from train.dataset import LABELS, Rows

Values = NDArray[np.float64]

WINDOW = 30
HORIZONS = (30, 90, 180, 365)
# where windows begin and end
EDGES = sorted({*range(0, HORIZONS[-1], WINDOW), *HORIZONS})
BASES = LEARNED, EXTENDED = ("learned", "extended")
# what past windows of a length say of the factor counts as much as so many of them say nothing
PRIOR_WINDOWS = 1.0
# rows that are compared with what came
MOST_ROWS = 40_000
# the factor of a stretch; one that is further off says that the shop is another one now
LIMITS = (0.4, 2.5)
# yearly, of `expected_lifetime_value`, and the years that it looks ahead
DISCOUNT_RATE, YEARS = 0.1, 3
LEAST = 1e-9


@dataclass(frozen=True)
class _Reach:
    """What rows carry into the windows between `EDGES`, before factors.

    Attributes
    ----------
    carried
        Spend over that of the first window, shape (rows, windows).
    orders
        Expected purchases, shape (rows, windows).
    rates
        Of purchases until each of `HORIZONS`, over that of the first, shape (rows, horizons).
    """

    carried: Values
    orders: Values
    rates: Values

    def of(self, rows: NDArray[np.bool_]) -> _Reach:
        """Return that of some rows."""
        return _Reach(self.carried[rows], self.orders[rows], self.rates[rows])


@dataclass
class Horizons:
    """What carries forecasts of 30 days on.

    Attributes
    ----------
    buyers
        The process of buyers.
    level
        The shop's level by day.
    factors
        By horizon, of the stretch that ends there.
    rates
        By horizon, of the rate at which purchases come until then.
    spreads, intervals
        By horizon, of spend around its forecast.
    basis
        By horizon: `LEARNED` or `EXTENDED`.
    """

    buyers: BuyTillDie
    level: LevelProcess
    factors: dict[int, float] = field(default_factory=lambda: dict.fromkeys(HORIZONS, 1.0))
    rates: dict[int, float] = field(default_factory=lambda: dict.fromkeys(HORIZONS, 1.0))
    spreads: dict[int, AmountSpread] = field(default_factory=dict)
    intervals: dict[int, LevelIntervals] = field(default_factory=dict)
    basis: dict[int, str] = field(default_factory=lambda: dict.fromkeys(HORIZONS, EXTENDED))

    @classmethod
    def learn(
        cls,
        purchase: Levelled,
        rows: Rows,
        spend: Values,
        probability: Values,
        happened: pd.DataFrame,
        first: tuple[AmountSpread, LevelIntervals],
    ) -> Horizons:
        """Learn the factors from windows that had ended.

        Parameters
        ----------
        purchase
            The fitted candidate that knows purchases.
        rows
            Of the past.
        spend, probability
            What is published of their next 30 days.
        happened
            What `read_windows` says of them.
        first
            Spread and intervals of the next 30 days, which longer ones that nobody has seen keep.
        """
        horizons = cls(*parts_of(purchase))
        horizons.spreads = dict.fromkeys(HORIZONS, first[0])
        horizons.intervals = dict.fromkeys(HORIZONS, first[1])
        horizons.basis[HORIZONS[0]] = LEARNED
        everyone = horizons._reach(rows.X)
        for shorter, horizon in itertools.pairwise(HORIZONS):
            ended = happened[f"spend_{horizon}"].notna().to_numpy()
            if not ended.any() or happened.loc[ended, f"spend_{horizon}"].sum() <= 0:
                # the doubt of the longest that was seen; none is narrower than that
                horizons.spreads[horizon] = horizons.spreads[shorter]
                horizons.intervals[horizon] = horizons.intervals[shorter]
                horizons.rates[horizon] = horizons.rates[shorter]
                continue
            horizons.basis[horizon] = LEARNED
            reach = everyone.of(ended)
            days = rows.X.loc[ended, DAY].to_numpy()
            weight = 1 + (days.max() - days.min()) / horizon
            weight /= weight + PRIOR_WINDOWS
            made = horizons._added_up(reach, spend[ended], probability[ended])
            actual = happened.loc[ended, [f"spend_{shorter}", f"spend_{horizon}"]].to_numpy()
            stretch = made[f"spend_{horizon}"] - made[f"spend_{shorter}"]
            ratio = (actual[:, 1] - actual[:, 0]).sum() / max(stretch.sum(), LEAST)
            horizons.factors[horizon] = float(np.clip(ratio, *LIMITS) ** weight)
            bought = happened.loc[ended, f"bought_{horizon}"].to_numpy(dtype=bool)
            rate = _rate(made[f"chance_{horizon}"], bought)
            horizons.rates[horizon] = float(np.clip(rate, *LIMITS) ** weight)
            made = horizons._added_up(reach, spend[ended], probability[ended])
            mean, chance = made[f"spend_{horizon}"], made[f"chance_{horizon}"]
            on_level = mean * (actual[:, 1].sum() / max(mean.sum(), LEAST))
            spread = AmountSpread.fit(on_level, chance, actual[:, 1])
            horizons.spreads[horizon] = spread
            horizons.intervals[horizon] = LevelIntervals.fit(spread, mean, chance, actual[:, 1])
        return horizons

    def predict(self, X: Columns, spend: Values, probability: Values) -> dict[str, Values]:
        """Return spend_H, orders_H and chance_H of each of `HORIZONS`, shape (rows,) each.

        Parameters
        ----------
        X
            Rows of the mart.
        spend, probability
            What is published of their next 30 days.
        """
        return self._added_up(self._reach(X), spend, probability)

    def _reach(self, X: Columns) -> _Reach:
        """Return what the rows carry into each window, on which no factor has a say."""
        carried, orders, until = self._carried(X, EDGES)
        summaries = Summaries.of(X)
        first = self._rate_until(summaries, np.full(len(X), float(WINDOW)))
        ends = [until[:, EDGES.index(horizon) - 1] for horizon in HORIZONS]
        rates = [self._rate_until(summaries, end) / np.maximum(first, LEAST) for end in ends]
        return _Reach(carried, orders, np.column_stack(rates))

    def _added_up(self, reach: _Reach, spend: Values, probability: Values) -> dict[str, Values]:
        made: dict[str, Values] = {}
        total, count, rate = np.zeros((3, len(spend)))
        for number, end in enumerate(EDGES[1:]):
            factor = self.factors[next(length for length in HORIZONS if end <= length)]
            total = total + reach.carried[:, number] * factor
            count = count + reach.orders[:, number] * factor
            if end in HORIZONS:
                longer = reach.rates[:, HORIZONS.index(end)]
                # never less likely than until an earlier day
                rate = np.maximum(rate, np.maximum(longer, 1.0) * self.rates[end])
                made[f"spend_{end}"] = spend * total
                made[f"orders_{end}"] = count
                made[f"chance_{end}"] = (
                    probability if end == WINDOW else 1 - (1 - probability) ** np.maximum(rate, 1.0)
                )
        return made

    def table(self, X: Columns, spend: Values, probability: Values) -> pd.DataFrame:
        """Return what is published of each row and horizon, rows in order, horizons together.

        Returns
        -------
        DataFrame
            row (position), horizon_days, predicted_spend, expected_orders, purchase_probability,
            spend_p10, spend_p50, spend_p90, spend_low, spend_high, basis.
        """
        made = self.predict(X, spend, probability)
        frames = []
        for horizon in HORIZONS:
            mean, chance = made[f"spend_{horizon}"], made[f"chance_{horizon}"]
            spread = self.spreads[horizon].of(mean, chance)
            low, high = self.intervals[horizon].bounds(spread)
            frames.append(
                pd.DataFrame(
                    {
                        "row": np.arange(len(X)),
                        "horizon_days": np.int16(horizon),
                        "predicted_spend": mean,
                        "expected_orders": made[f"orders_{horizon}"],
                        "purchase_probability": chance,
                        **spread.published(),
                        "spend_low": low,
                        "spend_high": high,
                        "basis": pd.Categorical([self.basis[horizon]], BASES).repeat(len(X)),
                    }
                )
            )
        return pd.concat(frames, ignore_index=True)

    def lifetime(self, X: Columns, spend: Values) -> pd.DataFrame:
        """Return the chance to be still a customer, and the value of the years ahead.

        The value is the sum of the windows' spend, each discounted to today (Fader, Hardie and Lee
        2005, "RFM and CLV", J. Marketing Research 42(4), with an end after `YEARS`).

        Returns
        -------
        DataFrame
            alive_probability, expected_lifetime_value (money).
        """
        edges = list(range(0, YEARS * 365 + WINDOW, WINDOW))
        carried, _, _ = self._carried(X, edges)
        middle = (np.array(edges[:-1]) + np.array(edges[1:])) / 2
        longest = self.factors[HORIZONS[-1]]
        factors = [
            next((self.factors[length] for length in HORIZONS if end <= length), longest)
            for end in edges[1:]
        ]
        discounted = np.array(factors) * (1 + DISCOUNT_RATE) ** (-middle / 365)
        return pd.DataFrame(
            {
                "alive_probability": self.buyers.alive(X),
                "expected_lifetime_value": spend * (carried * discounted).sum(axis=1),
            }
        )

    def _carried(
        self, X: Columns, edges: Sequence[int]
    ) -> tuple[Values, Values, NDArray[np.float64]]:
        """Return for each window spend over that of the first, orders, and busy days until its end.

        Shape (rows, windows) each. Busy days are days at the present level.
        """
        summaries = Summaries.of(X)
        made = self.buyers.purchases_until(summaries, edges)
        within = np.diff(made, axis=1)
        width = np.diff(edges)
        first = within[:, :1]
        # who has never bought goes on at one rate
        steady = ~summaries.has_bought | (first[:, 0] < LEAST)
        share = np.where(steady[:, None], width / WINDOW, within / np.maximum(first, LEAST))
        day = np.asarray(X[DAY], dtype=np.float64)
        # of the first window more is known than its day, and its spend is at that level
        windows = [Months.of(X), *(Months.usual(day + edge, day) for edge in edges[1:-1])]
        levels = np.column_stack([self.level.factor(window) for window in windows])
        busy = levels / levels[:, :1]
        return share * busy, within * levels, np.cumsum(busy * width, axis=1)

    def _rate_until(self, summaries: Summaries, days: Values) -> Values:
        if self.buyers.purchases_ is None:
            return days / WINDOW
        chance = self.buyers.chance_until(summaries, days)
        rate = -np.log1p(-np.clip(chance, 0.0, 1 - LEAST))
        return np.where(summaries.has_bought & (rate > LEAST), rate, days / WINDOW)


def _rate(chance: Values, bought: NDArray[np.bool_]) -> float:
    """Return the factor on rates at which the expected buyers are about as many as there were."""
    expected, buyers = chance.mean(), np.clip(bought.mean(), LEAST, 1 - 1e-6)
    return float(np.log1p(-buyers) / np.log1p(-np.clip(expected, LEAST, 1 - 1e-6)))


def parts_of(purchase: Levelled) -> tuple[BuyTillDie, LevelProcess]:
    """Return the process of buyers and the level that a fitted candidate of purchases holds."""
    inner = purchase.estimator_
    buyers = inner if isinstance(inner, BuyTillDie) else inner.buyers_
    return buyers, purchase.spend_level_


def sample(rows: Rows, seed: int) -> Rows:
    """Return the rows that are compared with what came."""
    return rows.take(sample_of(len(rows), MOST_ROWS, seed))


def read_windows(
    connection: duckdb.DuckDBPyConnection, rows: Rows, labelled: Sequence[dt.date]
) -> pd.DataFrame:
    """Read what customers spent in longer windows: sums of labels, 30 days apart.

    Parameters
    ----------
    labelled
        As-of dates whose labels are known.

    Returns
    -------
    DataFrame
        spend_H (money) and bought_H of each of `HORIZONS`, in the order of the rows; null where a
        window had not ended. Of a part of 30 days the same part of the label counts.
    """
    keys = pd.DataFrame(
        {
            "position": np.arange(len(rows)),
            "customer_id": rows.customer_id,
            "as_of_date": pd.to_datetime(rows.as_of_date),
        }
    )
    known = set(labelled)
    columns = []
    for horizon in HORIZONS:
        part = f"greatest(least({horizon} - apart, {WINDOW}), 0) / {WINDOW}"
        columns.append(f"sum(target * ({part})) as spend_{horizon}")
        columns.append(
            f"coalesce(bool_or(target > 0 and apart + {WINDOW} <= {horizon}), false)"
            f" as bought_{horizon}"
        )
    connection.register("keys_of_windows", keys)
    frame = connection.execute(
        f"""
        with joined as (
            select
                keys.position,
                labels.as_of_date - cast(keys.as_of_date as date) as apart,
                cast(labels.target_30d_spend as double) as target
            from keys_of_windows as keys
            inner join {LABELS} as labels
                on keys.customer_id = labels.customer_id
                and cast(keys.as_of_date as date) <= labels.as_of_date
                and labels.as_of_date < cast(keys.as_of_date as date) + {HORIZONS[-1]}
                and (labels.as_of_date - cast(keys.as_of_date as date)) % {WINDOW} = 0
        )
        select position, {", ".join(columns)}
        from joined
        group by position
        order by position
        """
    ).df()
    connection.unregister("keys_of_windows")
    frame = frame.set_index("position").reindex(range(len(rows)))
    for horizon in HORIZONS:
        last = WINDOW * ((horizon - 1) // WINDOW)
        dates: Mapping[object, bool] = {
            day: pd.Timestamp(day).date() + dt.timedelta(last) in known
            for day in np.unique(rows.as_of_date)
        }
        ended = np.array([dates[day] for day in rows.as_of_date])
        frame.loc[~ended, f"spend_{horizon}"] = np.nan
    return frame.reset_index(drop=True)
