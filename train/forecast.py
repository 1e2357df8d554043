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

from train.both import predict_both
from train.calibrate import AmountSpread, PurchaseCalibrator, shop_level, total_spread
from train.transform import model_input

Values = NDArray[np.float64]

COLUMNS = ("predicted_30d_spend", "purchase_probability", "spend_p10", "spend_p50", "spend_p90")


@cache
def _threads() -> ThreadpoolController:
    # looking for the loaded libraries takes milliseconds: once per process is enough
    return ThreadpoolController()


@dataclass(frozen=True)
class OutOfTime:
    """What a model said of one snapshot that it had not learned from, beside what happened.

    Attributes
    ----------
    actual, spend, probability
        Shape (rows,).
    has_own
        Whether the probability is the model's own, not lent by another.
    """

    actual: Values
    spend: Values
    probability: Values
    has_own: bool = True


@dataclass
class Calibration:
    """What out-of-time forecasts taught about a model; nothing yet where there were none."""

    level: float = 1.0
    total_factor: float = float("inf")
    purchase: PurchaseCalibrator = field(
        default_factory=lambda: PurchaseCalibrator().fit(np.array([]), np.array([], dtype=bool))
    )
    spread: AmountSpread | None = None

    @classmethod
    def learn(cls, past: Sequence[OutOfTime]) -> Calibration:
        """Learn from out-of-time snapshots, newest first."""
        if not past:
            return cls()
        actual = [float(cut.actual.sum()) for cut in past]
        spend = [float(cut.spend.sum()) for cut in past]
        level = shop_level(actual, spend)
        # each snapshot's total as it would have been published, with the level known by then
        published = [
            total * shop_level(actual[index + 1 :], spend[index + 1 :])
            for index, total in enumerate(spend)
        ]
        happened = np.concatenate([cut.actual for cut in past])
        purchase = PurchaseCalibrator().fit(
            np.concatenate([cut.probability for cut in past]), happened > 0
        )
        # the spread around forecasts whose own month is on level: the month's doubt is the total's
        levelled = [
            cut.spend * (total / forecast if forecast > 0 else 1.0)
            for cut, total, forecast in zip(past, actual, spend, strict=True)
        ]
        probability = purchase.predict(np.concatenate([cut.probability for cut in past]))
        spread = AmountSpread.fit(np.concatenate(levelled), probability, happened)
        return cls(level, total_spread(actual, published), purchase, spread)

    def spend(self, raw: Values) -> Values:
        """Return the forecast of a candidate at the shop's present level, not below zero."""
        return np.maximum(raw, 0.0) * self.level


class Forecaster:
    """Forecast spend, purchase probability and interval from rows of the mart.

    Parameters
    ----------
    spend
        Fitted candidate.
    purchase
        Fitted estimator with `predict_purchase`; may be the same.
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
            `COLUMNS` with the index of `frame`: money, a share, money; finite, not negative, and
            p10 <= p50 <= p90.
        """
        if frame.empty:
            return pd.DataFrame(columns=list(COLUMNS), index=frame.index, dtype=np.float64)
        X = model_input(frame, self.numeric, self.categorical)
        # boosting opens a parallel region per tree: on a busy core each costs 12 ms of waiting
        with _threads().limit(limits=1, user_api="openmp"):
            spend, chance = predict_both(self.spend, X)
            if chance is None:
                _, chance = predict_both(self.purchase, X)
        spend = self.calibration.spend(spend)
        probability = self.calibration.purchase.predict(chance)
        columns = {COLUMNS[0]: spend, COLUMNS[1]: probability}
        spread = self.calibration.spread or AmountSpread.none()
        floor = np.zeros(len(frame))
        for name, level in zip(COLUMNS[2:], (0.1, 0.5, 0.9), strict=True):
            floor = np.maximum(floor, spread.quantile(spend, probability, level))
            columns[name] = floor
        return pd.DataFrame(columns, index=frame.index)

    def total_interval(self, total: float) -> tuple[float, float]:
        """Return where the sum of all customers' spend lies with a chance of 80 %.

        From the errors of out-of-time totals (`train.calibrate.total_spread`), not from the
        customers' intervals: errors of one month share their cause and do not cancel out.
        """
        factor = self.calibration.total_factor
        return (total / factor, total * factor) if np.isfinite(factor) else (0.0, float("inf"))
