"""What is published: a fitted candidate, straightened by its own out-of-time forecasts."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from threadpoolctl import ThreadpoolController

from core.doubt import LEVELS
from train.calibration.expected_scores import expected_scores
from train.calibration.intervals import LevelIntervals
from train.calibration.probability import PurchaseCalibrator
from train.calibration.spread import AmountSpread
from train.calibration.totals import USUAL_VARIANCE, PastMonth, TotalDoubt
from train.candidates.inference import BLOCK_ROWS, JOBS, predict_both, rows_of
from train.candidates.preprocessing import Columns, Features
from train.candidates.protocol import KnowsLevel
from train.compiled.compiling import compiled
from train.horizons import Horizons

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


@cache
def _threads() -> ThreadpoolController:
    # looking for the loaded libraries takes milliseconds: once per process is enough
    return ThreadpoolController()


def level_variance(estimator: BaseEstimator, X: Columns) -> float:
    """Return what a candidate says of a date's level; the usual doubt where it knows none."""
    if isinstance(estimator, KnowsLevel) and len(X):
        return estimator.level_variance(X)
    return USUAL_VARIANCE


@dataclass(frozen=True)
class OutOfTime:
    """Forecasts of one snapshot that the model had not learned from, beside what happened.

    Attributes
    ----------
    actual, spend, probability
        Shape (rows,).
    has_own
        Whether the probability is the model's own, not that of another.
    level_variance
        Of the log of the shop's level, as the model expected it.
    """

    actual: Values
    spend: Values
    probability: Values
    has_own: bool = True
    level_variance: float = USUAL_VARIANCE


@dataclass
class Calibration:
    """What out-of-time forecasts taught about a model; nothing yet where there were none."""

    purchase: PurchaseCalibrator = field(
        default_factory=lambda: PurchaseCalibrator().fit(np.array([]), np.array([], dtype=bool))
    )
    spread: AmountSpread = field(default_factory=AmountSpread.none)
    intervals: LevelIntervals = field(default_factory=LevelIntervals.none)
    doubt: TotalDoubt = field(default_factory=TotalDoubt)

    @classmethod
    def learn(cls, past: Sequence[OutOfTime], *, doubt: bool = True) -> Calibration:
        """Learn from out-of-time snapshots.

        Parameters
        ----------
        past
            Newest first.
        doubt
            Whether intervals, and the doubt of totals, are learned too.
        """
        if not past:
            return cls()
        happened = np.concatenate([fold.actual for fold in past])
        raw = np.concatenate([fold.probability for fold in past])
        purchase = PurchaseCalibrator().fit(raw, happened > 0)
        probability = purchase.predict(raw)
        # the spread around forecasts whose own month is on level: the month's doubt is the total's
        floored = [np.maximum(fold.spend, 0.0) for fold in past]
        on_level = [
            spend * (fold.actual.sum() / spend.sum() if spend.sum() > 0 else 1.0)
            for fold, spend in zip(past, floored, strict=True)
        ]
        spread = AmountSpread.fit(np.concatenate(on_level), probability, happened)
        if not doubt:
            return cls(purchase, spread)
        forecasts = np.concatenate(floored)
        intervals = LevelIntervals.fit(spread, forecasts, probability, happened)
        deviation = spread.of(forecasts, probability).deviation()
        ends = np.cumsum([len(spend) for spend in floored])[:-1]
        months = zip(past, floored, np.split(deviation, ends), strict=True)
        of_totals = TotalDoubt.learn(
            [
                PastMonth(fold.actual, month_spend, month_deviation, fold.level_variance)
                for fold, month_spend, month_deviation in months
            ]
        )
        return cls(purchase, spread, intervals, of_totals)

    def quantiles(self, published: Mapping[str, Values]) -> Values:
        """Return the quantiles at `core.doubt.LEVELS` of what is published, (rows, levels)."""
        spend, chance = published["predicted_30d_spend"], published["purchase_probability"]
        rows = self.spread.of(spend, chance)
        return np.column_stack([rows.quantile(level) for level in LEVELS])

    def straighten(self, raw: Values, chance: Values) -> dict[str, Values]:
        """Return what is published of a candidate's spend and chance to buy: `COLUMNS`."""
        spend = np.maximum(raw, 0.0)
        probability = self.purchase.predict(chance)
        columns = {"predicted_30d_spend": spend, "purchase_probability": probability}
        rows = self.spread.of(spend, probability)
        columns |= rows.published()
        low, high = self.intervals.bounds(rows)
        return columns | {
            "spend_low": low,
            "spend_high": high,
            "spend_deviation": rows.deviation(),
        }


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
    horizons
        What carries its forecasts on to longer horizons.
    is_compiled
        Whether both candidates forecast from `Features`, without scikit-learn: see `compiled`.
    """

    def __init__(
        self,
        spend: BaseEstimator,
        purchase: BaseEstimator,
        calibration: Calibration,
        numeric: Sequence[str],
        categorical: Sequence[str],
        horizons: Horizons | None = None,
        *,
        is_compiled: bool = False,
    ) -> None:
        self.spend = spend
        self.purchase = purchase
        self.calibration = calibration
        self.numeric = tuple(numeric)
        self.categorical = tuple(categorical)
        self.horizons = horizons
        self.is_compiled = is_compiled

    def compiled(self) -> Forecaster:
        """Return one that forecasts the same, to the last bit, in a fortieth of the time.

        Raises
        ------
        train.compiled.compiling.NotCompiledError
            If a candidate is of a kind for which that is not known.
        """
        spend = compiled(self.spend)
        purchase = spend if self.purchase is self.spend else compiled(self.purchase)
        return Forecaster(
            spend,
            purchase,
            self.calibration,
            self.numeric,
            self.categorical,
            self.horizons,
            is_compiled=True,
        )

    def doubt_of_totals(self, frame: pd.DataFrame) -> dict[str, float]:
        """Return the columns of `main.scoring_runs` that say how sure totals of a date are.

        Parameters
        ----------
        frame
            A row of the date, or more.
        """
        X = self.rows(frame.head(1))
        return self.calibration.doubt.columns(level_variance(self.spend, X))

    def by_horizon(self, X: Columns, scores: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Carry the scores of what `rows` returns on: `Horizons.table` and `Horizons.lifetime`."""
        spend = scores["predicted_30d_spend"].to_numpy(dtype=np.float64)
        chance = scores["purchase_probability"].to_numpy(dtype=np.float64)
        cuts = [*range(0, len(X), BLOCK_ROWS), len(X)]
        made = Parallel(n_jobs=JOBS, prefer="threads")(
            delayed(self._carried_on)(X, spend, chance, begin, end)
            for begin, end in itertools.pairwise(cuts)
        )
        longer, lifetimes = (
            pd.concat(parts, ignore_index=True) for parts in zip(*made, strict=True)
        )
        return longer, lifetimes

    def _carried_on(
        self, X: Columns, spend: Values, chance: Values, begin: int, end: int
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        assert self.horizons is not None  # whatever was saved has them
        rows = rows_of(X, slice(begin, end))
        table = self.horizons.table(rows, spend[begin:end], chance[begin:end])
        table["row"] += begin
        return table, self.horizons.lifetime(rows, spend[begin:end])

    def expected_scores(self, scores: pd.DataFrame, month_doubt: float) -> pd.DataFrame:
        """Return how good scores of a date, as `predict` returns them, expect to turn out.

        See `train.calibration.expected_scores`.
        """
        published = {name: scores[name].to_numpy(dtype=np.float64) for name in COLUMNS}
        return expected_scores(published, self.calibration.spread, month_doubt)

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
        return pd.DataFrame(self.predict_rows(self.rows(frame)), index=frame.index)

    def predict_records(self, records: Sequence[Mapping[str, object]]) -> list[dict[str, float]]:
        """Forecast a few rows, each given as field by feature: the same as `predict`, sooner."""
        X = Features.of_records(records, self.numeric, self.categorical)
        published = self.predict_rows(X if self.is_compiled else X.frame())
        rows = zip(*(values.tolist() for values in published.values()), strict=True)
        return [dict(zip(published, row, strict=True)) for row in rows]

    def predict_rows(self, X: Columns) -> dict[str, Values]:
        """Forecast what `rows` returns: `COLUMNS`, shape (rows,) each."""
        if self.is_compiled:
            return self._predict_rows(X)
        # boosting opens a parallel region per tree: on a busy core each costs 12 ms of waiting
        with _threads().limit(limits=1, user_api="openmp"):
            return self._predict_rows(X)

    def rows(self, frame: pd.DataFrame) -> Columns:
        """Return the contract's features of some rows, as the model takes them."""
        X = Features.of(frame, self.numeric, self.categorical)
        return X if self.is_compiled else X.frame(frame.index)

    def _predict_rows(self, X: Columns) -> dict[str, Values]:
        spend, chance = predict_both(self.spend, X, jobs=JOBS)
        if chance is None:
            chance = self.purchase.predict_purchase(X)
        return self.calibration.straighten(spend, chance)
