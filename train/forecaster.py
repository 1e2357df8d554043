"""What is published: a fitted candidate, straightened by its own out-of-time forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from threadpoolctl import ThreadpoolController

from train.calibration.intervals import LevelIntervals
from train.calibration.probability import PurchaseCalibrator, shop_level
from train.calibration.spread import AmountSpread
from train.calibration.totals import PastMonth, TotalDoubt
from train.candidates.inference import JOBS, predict_both
from train.candidates.preprocessing import model_input

Values = NDArray[np.float64]

COLUMNS = (
    "predicted_30d_spend",
    "purchase_probability",
    "spend_p10",
    "spend_p50",
    "spend_p90",
    "spend_low",
    "spend_high",
    "spend_deviation",
)
QUANTILES = {"spend_p10": 0.1, "spend_p50": 0.5, "spend_p90": 0.9}


@cache
def _threads() -> ThreadpoolController:
    # looking for the loaded libraries takes milliseconds: once per process is enough
    return ThreadpoolController()


@dataclass(frozen=True)
class OutOfTime:
    """Forecasts of one snapshot that the model had not learned from, beside what happened.

    Attributes
    ----------
    actual, spend, probability
        Shape (rows,).
    has_own
        Whether the probability is the model's own, not that of another.
    season_known
        Whether the mart knew how busy the days ahead were a year before.
    """

    actual: Values
    spend: Values
    probability: Values
    has_own: bool = True
    season_known: bool = False


def level_after(past: Sequence[OutOfTime]) -> float:
    """Return the shop's level after out-of-time snapshots, newest first."""
    return shop_level(
        [float(fold.actual.sum()) for fold in past],
        # as it is published, never below zero
        [float(np.maximum(fold.spend, 0.0).sum()) for fold in past],
        [fold.season_known for fold in past],
    )


@dataclass
class Calibration:
    """What out-of-time forecasts taught about a model; nothing yet where there were none."""

    level: float = 1.0
    purchase: PurchaseCalibrator = field(
        default_factory=lambda: PurchaseCalibrator().fit(np.array([]), np.array([], dtype=bool))
    )
    spread: AmountSpread = field(default_factory=AmountSpread.none)
    intervals: LevelIntervals = field(default_factory=LevelIntervals.none)
    doubt: TotalDoubt = field(default_factory=TotalDoubt)

    @classmethod
    def learn(
        cls, past: Sequence[OutOfTime], *, levelled: bool = True, doubt: bool = True
    ) -> Calibration:
        """Learn from out-of-time snapshots.

        Parameters
        ----------
        past
            Newest first.
        levelled
            Whether the level of spend is learned.
        doubt
            Whether more than means is learned.
        """
        if not past:
            return cls()
        happened = np.concatenate([fold.actual for fold in past])
        raw = np.concatenate([fold.probability for fold in past])
        purchase = PurchaseCalibrator().fit(raw, happened > 0, len(past[0].actual))
        if not doubt:
            return cls(level_after(past) if levelled else 1.0, purchase)
        # the level known now, and at each snapshot that known by then
        levels = [level_after(past[start:]) if levelled else 1.0 for start in range(len(past) + 1)]
        probability = purchase.predict(raw)
        # the spread around forecasts whose own month is on level: the month's doubt is the total's
        floored = [np.maximum(fold.spend, 0.0) for fold in past]
        on_level = [
            spend * (fold.actual.sum() / spend.sum() if spend.sum() > 0 else 1.0)
            for fold, spend in zip(past, floored, strict=True)
        ]
        spread = AmountSpread.fit(np.concatenate(on_level), probability, happened)
        # each snapshot as it would have been published
        published = [spend * level for spend, level in zip(floored, levels[1:], strict=True)]
        forecasts = np.concatenate(published)
        intervals = LevelIntervals.fit(spread, forecasts, probability, happened)
        deviation = spread.deviation(forecasts, probability)
        ends = np.cumsum([len(spend) for spend in published])[:-1]
        months = zip(past, published, np.split(deviation, ends), strict=True)
        of_totals = TotalDoubt.learn(
            [
                PastMonth(fold.actual, month_spend, month_deviation)
                for fold, month_spend, month_deviation in months
            ]
        )
        return cls(levels[0], purchase, spread, intervals, of_totals)

    def spend(self, raw: Values) -> Values:
        """Return the forecast of a candidate at the shop's present level, not below zero."""
        return np.maximum(raw, 0.0) * self.level

    def straighten(self, raw: Values, chance: Values) -> dict[str, Values]:
        """Return what is published of a candidate's spend and chance to buy: `COLUMNS`."""
        spend = self.spend(raw)
        probability = self.purchase.predict(chance)
        columns = {"predicted_30d_spend": spend, "purchase_probability": probability}
        floor = np.zeros(len(spend))
        for name, level in QUANTILES.items():
            floor = np.maximum(floor, self.spread.quantile(spend, probability, level))
            columns[name] = floor
        low, high = self.intervals.bounds(self.spread, spend, probability)
        deviation = self.spread.deviation(spend, probability)
        return columns | {"spend_low": low, "spend_high": high, "spend_deviation": deviation}


class Forecaster:
    """Forecast spend, purchase probability and interval from rows of the mart.

    Parameters
    ----------
    spend
        Fitted candidate.
    purchase
        Fitted estimator with `predict_purchase`, for a candidate that has none; may be the same.
    calibration
        What their out-of-time forecasts taught.
    numeric, categorical
        Features of the contract by role.
    """

    def __init__(
        self,
        spend: BaseEstimator,
        purchase: BaseEstimator,
        calibration: Calibration,
        numeric: Sequence[str],
        categorical: Sequence[str],
    ) -> None:
        self.spend = spend
        self.purchase = purchase
        self.calibration = calibration
        self.numeric = tuple(numeric)
        self.categorical = tuple(categorical)

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Forecast each row.

        Parameters
        ----------
        frame
            The contract's features, in any order; further columns are ignored.

        Returns
        -------
        DataFrame
            `COLUMNS` with the index of `frame`: money but for the probability; finite, not
            negative, p10 <= p50 <= p90 and low <= high.
        """
        if frame.empty:
            return pd.DataFrame(columns=list(COLUMNS), index=frame.index, dtype=np.float64)
        X = model_input(frame, self.numeric, self.categorical)
        # boosting opens a parallel region per tree: on a busy core each costs 12 ms of waiting
        with _threads().limit(limits=1, user_api="openmp"):
            spend, chance = predict_both(self.spend, X, jobs=JOBS)
            if chance is None:
                chance = self.purchase.predict_purchase(X)
        return pd.DataFrame(self.calibration.straighten(spend, chance), index=frame.index)
