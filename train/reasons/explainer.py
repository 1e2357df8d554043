"""Why a forecast differs from the average one: an effect in money for each driver.

A driver is a group of features, named in the contract. Its effect is the Shapley value of the game
"forecast with the features of these drivers, the others as in a customer to compare with" (Shapley
1953; Lundberg and Lee 2017 for forecasts), so the effects add up exactly. The customers compared
with are a few whose forecasts have the average of all as their weighted mean. Orderings of the
drivers are drawn, each walked in both directions (Mitchell et al. 2022, antithetic sampling).

Drivers are exchanged in what the model has made of the rows (`train.candidates.decomposition`), so
what it derives from several features moves with the driver that it says most of.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

import warehouse
from train.candidates.decomposition import Parts, open_up
from train.candidates.inference import JOBS, blocks_of, predict_both, rows_of
from train.candidates.preprocessing import Columns
from train.forecaster import Forecaster
from train.reasons.owned import Owned

Values = NDArray[np.float64]

# customers to compare with: one of each of so many equal parts of the forecast
COMPARED = 16
ORDER_SEED = 0
ONE = re.compile(r"\b1 (day|order|point)s\b")


@dataclass(frozen=True)
class Compared:
    """Customers to compare with.

    Attributes
    ----------
    parts
        What the model knows of them.
    spend, weight
        Their forecasts, money, and weights, which add up to 1; shape (customers,).
    average
        The mean forecast of all customers of the date, which is the weighted mean of theirs.
    """

    parts: Parts
    spend: Values
    weight: Values
    average: float


class Explainer:
    """Explains the forecasts of one as-of date.

    Parameters
    ----------
    forecaster
        The model.
    contract
        Names the drivers.
    sample
        The contract's features of customers to choose the compared ones from.
    average
        The mean forecast of all customers of the date.
    """

    def __init__(
        self,
        forecaster: Forecaster,
        contract: warehouse.Contract,
        sample: pd.DataFrame,
        average: float,
    ) -> None:
        self._forecaster = forecaster
        X = self._forecaster.rows(sample)
        self._model = open_up(forecaster.spend, X)
        self._owned = Owned.of(
            self._model, {column.name: column.driver for column in contract.columns}
        )
        self.drivers = self._owned.drivers
        self.compared = self._choose(X, average)

    def effects(self, frame: pd.DataFrame) -> Values:
        """Return the effect of each driver on each customer, money, shape (rows, drivers).

        The effects of a row add up to its forecast minus `compared.average`.
        """
        X = self._forecaster.rows(frame)
        blocks = blocks_of(X)
        pool = Parallel(n_jobs=JOBS, prefer="threads")
        by_block = pool(delayed(self._effects_of_block)(block) for block in blocks)
        return np.concatenate([np.empty((0, len(self.drivers))), *by_block])

    def _effects_of_block(self, X: Columns) -> Values:
        # OpenMP has a limit of its own in every thread
        with threadpool_limits(limits=1):
            parts = self._model.parts(X)
            spend = self._spend(X)
            effects = np.zeros((len(X), len(self.drivers)))
            first = np.random.default_rng(ORDER_SEED).permutation(len(self.drivers))
            for number, weight in enumerate(self.compared.weight):
                # turned by one each time, the orderings give each driver each place equally often
                order = np.roll(first, number)
                for way in (order, order[::-1]):
                    effects += weight / 2 * self._walk(parts, spend, number, way)
        return effects

    def _walk(self, parts: Parts, spend: Values, number: int, order: NDArray[np.int64]) -> Values:
        """Turn a compared customer into each one by drivers; return what each step adds."""
        before = np.full(len(spend), self.compared.spend[number])
        steps = np.empty((len(spend), len(self.drivers)))
        for place, (driver, bits, numbers) in enumerate(self._owned.walk(order)):
            if place < len(order) - 1:
                raw = self._model.mixed(parts, self.compared.parts, number, bits, numbers)
                after = np.maximum(raw, 0.0)
            else:
                after = spend
            steps[:, driver] = after - before
            before = after
        return steps

    def _spend(self, X: Columns) -> Values:
        return np.maximum(predict_both(self._forecaster.spend, X)[0], 0.0)

    def _choose(self, X: Columns, average: float) -> Compared:
        with threadpool_limits(limits=1):
            spend = self._spend(X)
            rows = _nearest_to_means(spend)
            parts = self._model.parts(rows_of(X, rows))
        return Compared(parts, spend[rows], _weights(spend[rows], average), average)


def _nearest_to_means(spend: Values) -> NDArray[np.int64]:
    """Return one row of each of `COMPARED` parts, the one nearest to the part's mean."""
    parts = np.array_split(np.argsort(spend, kind="stable"), min(COMPARED, len(spend)))
    return np.array([part[np.argmin(np.abs(spend[part] - spend[part].mean()))] for part in parts])


def _weights(spend: Values, average: float) -> Values:
    """Return equal weights, tilted between lowest and highest until their mean is the average."""
    weight = np.full(len(spend), 1 / len(spend))
    width = spend[-1] - spend[0]
    if width > 0:
        surplus = (average - float(weight @ spend)) / width
        weight[-1] += surplus
        weight[0] -= surplus
    return weight


def sentences(
    contract: warehouse.Contract,
    frame: pd.DataFrame,
    drivers: Sequence[str],
    effects: Values,
    largest: NDArray[np.int64],
) -> list[list[str]]:
    """Say effects in words: "last order 12 days ago: +18.40".

    Parameters
    ----------
    frame
        The contract's features.
    effects
        Shape (rows, drivers).
    largest
        For each row the positions of the drivers to speak of, shape (rows, sentences).
    """
    return [
        [f"{_words(contract, drivers[place], row)}: {values[place]:+,.2f}" for place in places]
        for row, places, values in zip(frame.to_dict("records"), largest, effects, strict=True)
    ]


def _words(contract: warehouse.Contract, driver: str, row: dict) -> str:
    wording, wording_unknown = contract.drivers.get(driver, (driver, driver))
    try:
        text = wording.format_map(_Known(row))
    except _UnknownError:
        text = wording_unknown.format_map(row)
    return ONE.sub(r"1 \1", text)


class _UnknownError(LookupError):
    """A feature is null."""


class _Known(dict):
    def __getitem__(self, name: str) -> object:
        value = super().__getitem__(name)
        if pd.isna(value) or value == "None":
            raise _UnknownError(name)
        return value
