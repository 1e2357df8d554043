"""What trees are given, straight from features: quantile steps of numbers, codes of categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from train.candidates.preprocessing import Columns, Features, QuantileSteps, as_text
from train.compiled.machine_code import machine_code

Values = NDArray[np.float64]

# of fewer rows it takes longer to find out which texts they have
FEW = 200


@dataclass(frozen=True)
class Preparation:
    """A fitted `for_trees` of the features.

    Attributes
    ----------
    numeric, categorical
        The features that it reads; a column is made of each, in this order.
    edges
        Of the steps of all numbers, each feature's rising.
    begins
        Where each feature's edges begin, and after the last where they end.
    codes
        By categorical feature the code of each text; of any other -1.
    """

    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    edges: Values
    begins: NDArray[np.int64]
    codes: tuple[Mapping[str, float], ...]

    @classmethod
    def of(cls, prepare: BaseEstimator) -> Preparation | None:
        """Read a fitted transformer; None if it is of another kind."""
        if not isinstance(prepare, ColumnTransformer):
            return None
        match [part for part in prepare.transformers_ if part[1] != "drop"]:
            case [
                (_, QuantileSteps() as steps, numeric),
                (_, Pipeline(steps=[_, (_, OrdinalEncoder() as encoder)]), categorical),
            ]:
                pass
            case _:
                return None
        codes = []
        for place, texts in enumerate(encoder.categories_):
            rows = np.full((len(texts), len(categorical)), "", dtype=object)
            rows[:, place] = texts
            made = encoder.transform(pd.DataFrame(rows, columns=list(categorical)))[:, place]
            codes.append(dict(zip(map(str, texts), map(float, made), strict=True)))
        return cls(
            tuple(numeric),
            tuple(categorical),
            np.concatenate([np.array([]), *steps.edges_]),
            np.cumsum([0, *(len(edges) for edges in steps.edges_)]),
            tuple(codes),
        )

    @property
    def names(self) -> list[str]:
        """The feature behind each column."""
        return [*self.numeric, *self.categorical]

    def transform(self, X: Columns) -> Values:
        """Return the columns, shape (rows, columns)."""
        if isinstance(X, pd.DataFrame):
            X = Features.of(X, self.numeric, self.categorical)
        # each column in one piece, as trees read them
        columns = np.empty((len(self.numeric) + len(self.categorical), len(X)))
        _steps(self.edges, self.begins, X.numbers, _places(self.numeric, X.numeric), columns)
        for place, (name, codes) in enumerate(
            zip(self.categorical, self.codes, strict=True), len(self.numeric)
        ):
            columns[place] = _coded(X[name], codes)
        return columns.T


@lru_cache(maxsize=64)
def _places(wanted: tuple[str, ...], given: tuple[str, ...]) -> NDArray[np.int64]:
    # a model asks for the same ones row by row
    return np.array([given.index(name) for name in wanted])


def _coded(texts: NDArray[np.object_], codes: Mapping[str, float]) -> Values:
    if len(texts) < FEW:
        return np.array([codes.get(as_text(text), -1.0) for text in texts])
    place, different = pd.factorize(texts, use_na_sentinel=False)
    return np.array([codes.get(as_text(text), -1.0) for text in different])[place]


@machine_code
def _steps(edges, begins, numbers, places, columns):  # noqa: ANN001, ANN202
    """Write the index of each number's step, as `numpy.searchsorted` on the left, -1 for null."""
    for feature in range(len(places)):
        first, end = begins[feature], begins[feature + 1]
        for row in range(numbers.shape[1]):
            value = numbers[places[feature], row]
            if np.isnan(value):
                columns[feature, row] = -1.0
                continue
            low, high = first, end
            while low < high:
                middle = (low + high) // 2
                if edges[middle] < value:
                    low = middle + 1
                else:
                    high = middle
            columns[feature, row] = low - first
