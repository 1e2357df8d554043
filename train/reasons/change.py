"""Why the total forecast of the same customers differs between two dates: money by driver.

From what is known of them at one date to what is known at the other, features are exchanged driver
by driver, in one order and in the reverse of it, and what a step adds is averaged over the two: the
steps add up (Shapley 1953, by one antithetic pair of orderings: Mitchell et al. 2022). What all
customers of a date share is a driver of its own, the level of the shop.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import warehouse
from train.candidates.decomposition import open_up
from train.candidates.inference import JOBS, blocks_of, predict_both
from train.candidates.level import CALENDAR_PREFIXES
from train.candidates.preprocessing import Columns
from train.forecaster import Forecaster
from train.reasons.owned import Owned

Values = NDArray[np.float64]

LEVEL = "level of the shop"


class Change:
    """Splits the change of a forecaster's totals.

    Parameters
    ----------
    forecaster
        The model.
    contract
        Names the drivers.
    sample
        A row of the contract's features, or more.
    """

    def __init__(
        self, forecaster: Forecaster, contract: warehouse.Contract, sample: pd.DataFrame
    ) -> None:
        self._forecaster = forecaster
        self._model = open_up(forecaster.spend, forecaster.rows(sample))
        driver_of = {
            column.name: LEVEL if column.name.startswith(CALENDAR_PREFIXES) else column.driver
            for column in contract.columns
        }
        self._owned = Owned.of(self._model, driver_of)
        self.drivers = self._owned.drivers

    def split(self, before: pd.DataFrame, after: pd.DataFrame) -> tuple[Values, float, float]:
        """Return what each driver adds to the total, and the totals before and after; money.

        Parameters
        ----------
        before, after
            The contract's features at the two dates, the same customers in the same order.
        """
        pairs = zip(self._blocks(before), self._blocks(after), strict=True)
        pool = Parallel(n_jobs=JOBS, prefer="threads")
        by_block = pool(delayed(self._split_block)(*pair) for pair in pairs)
        sums = np.sum(by_block, axis=0) if by_block else np.zeros(len(self.drivers) + 2)
        return sums[:-2], float(sums[-2]), float(sums[-1])

    def total(self, frame: pd.DataFrame) -> float:
        """Return the total forecast of some customers."""
        return float(sum(self._spend(block).sum() for block in self._blocks(frame)))

    def _split_block(self, before: Columns, after: Columns) -> Values:
        # OpenMP has a limit of its own in every thread
        with threadpool_limits(limits=1):
            then, now = self._model.parts(before), self._model.parts(after)
            totals = float(self._spend(before).sum()), float(self._spend(after).sum())
        changes = np.zeros(len(self.drivers))
        forwards = range(len(self.drivers))
        for order in (forwards, forwards[::-1]):
            reached = totals[0]
            for driver, bits, numbers in self._owned.walk(order):
                total = totals[1]
                if driver != order[-1]:
                    mixed = self._model.mixed_between(now, then, bits, numbers)
                    total = float(np.maximum(mixed, 0.0).sum())
                changes[driver] += (total - reached) / 2
                reached = total
        return np.array([*changes, *totals])

    def _blocks(self, frame: pd.DataFrame) -> list[Columns]:
        return blocks_of(self._forecaster.rows(frame))

    def _spend(self, X: Columns) -> Values:
        return np.maximum(predict_both(self._forecaster.spend, X)[0], 0.0)
