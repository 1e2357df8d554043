"""What compiled candidates are made of beside trees and their preparation."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.candidates.preprocessing import Columns
from train.compiled.preparation import Preparation
from train.compiled.trees import Trees

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Constant:
    """The same for each row, where there was nothing to learn from.

    Attributes
    ----------
    value
        Of a regressor.
    classes, shares
        Of a classifier.
    """

    value: float
    classes_: tuple[bool, ...] = ()
    shares: tuple[float, ...] = ()

    def predict(self, X: Sized) -> Values:
        """Return the value, shape (rows,)."""
        return np.full(len(X), self.value)

    def predict_proba(self, X: Sized) -> Values:
        """Return the share of each class, shape (rows, classes)."""
        return np.tile(self.shares, (len(X), 1))


@dataclass(frozen=True)
class Prepared:
    """A model of prepared features."""

    prepare: Preparation
    model: Trees | Constant

    def __getitem__(self, step: int) -> Preparation | Trees | Constant:
        """Return a step, as of scikit-learn's `Pipeline`."""
        return (self.prepare, self.model)[step]

    def predict(self, X: Columns) -> Values:
        """Return the model's forecast, shape (rows,)."""
        return self.model.predict(self.prepare.transform(X))
