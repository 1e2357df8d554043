"""A boosted ensemble as tables: each tree a lookup by the pattern of all its decisions.

A small tree asks some questions of a row; written as bits, the answers to all of them, whether they
lie on the row's way or not, are a number, and the number gives the leaf. To let some features of a
row be those of another, the bits of the questions about these features are exchanged: no tree is
walked again. That makes the many forecasts of an explanation cheap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

Values = NDArray[np.float64]
Patterns = NDArray[np.uint16]

# of 2 ** 16 patterns a table takes half a megabyte
MOST_QUESTIONS = 16


@dataclass(frozen=True)
class Answers:
    """The patterns of some rows.

    Attributes
    ----------
    different
        Per tree the patterns that occur.
    place
        Per tree and row its place among them, shape (trees, rows).
    """

    different: tuple[Patterns, ...]
    place: NDArray[np.intp]

    def row(self, number: int) -> Patterns:
        """Return the patterns of one row, shape (trees,)."""
        return np.array(
            [
                patterns[at]
                for patterns, at in zip(self.different, self.place[:, number], strict=True)
            ],
            dtype=np.uint16,
        )


@dataclass(frozen=True)
class TreePatterns:
    """The trees of a fitted HistGradientBoosting model of one output.

    Attributes
    ----------
    features
        Per tree, the column that each question is about.
    thresholds, missing_yes
        Per tree and question: yes if the value is at most the threshold, or missing and so said.
    tables
        Per tree, its value by pattern, shape (2 ** questions,).
    base
        What the trees' values are added to.
    link
        "identity", "log" or "logit": what makes a forecast of the sum.
    """

    features: tuple[NDArray[np.int64], ...]
    thresholds: tuple[Values, ...]
    missing_yes: tuple[NDArray[np.bool_], ...]
    tables: tuple[Values, ...]
    base: float
    link: str

    @classmethod
    def of(cls, model: BaseEstimator) -> TreePatterns | None:
        """Read a fitted model; None if it is of another kind, or has larger trees."""
        if not isinstance(model, HistGradientBoostingClassifier | HistGradientBoostingRegressor):
            return None
        # scikit-learn has no public way to the trees; an artefact is tied to its version
        trees = [stage[0].nodes for stage in model._predictors]
        inner = [np.flatnonzero(tree["is_leaf"] == 0) for tree in trees]
        if any(len(nodes) > MOST_QUESTIONS for nodes in inner) or len(model._predictors[0]) > 1:
            return None
        if isinstance(model, HistGradientBoostingClassifier):
            link = "logit"
        else:
            link = "identity" if model.loss in ("squared_error", "quantile") else "log"
        return cls(
            tuple(
                tree["feature_idx"][nodes].astype(np.int64)
                for tree, nodes in zip(trees, inner, strict=True)
            ),
            tuple(tree["num_threshold"][nodes] for tree, nodes in zip(trees, inner, strict=True)),
            tuple(
                tree["missing_go_to_left"][nodes].astype(bool)
                for tree, nodes in zip(trees, inner, strict=True)
            ),
            tuple(_table(tree, nodes) for tree, nodes in zip(trees, inner, strict=True)),
            float(np.ravel(model._baseline_prediction)[0]),
            link,
        )

    def answers(self, prepared: Values) -> Answers:
        """Answer all questions for some rows."""
        columns = np.ascontiguousarray(prepared.T)
        missing = np.isnan(columns)
        different, place = [], np.empty((len(self.tables), columns.shape[1]), dtype=np.intp)
        for tree, features in enumerate(self.features):
            pattern = np.zeros(columns.shape[1], dtype=np.uint16)
            for bit, feature in enumerate(features):
                yes = columns[feature] <= self.thresholds[tree][bit]
                if self.missing_yes[tree][bit]:
                    yes |= missing[feature]
                pattern |= yes.astype(np.uint16) << np.uint16(bit)
            distinct, place[tree] = np.unique(pattern, return_inverse=True)
            different.append(distinct)
        return Answers(tuple(different), place)

    def bits(self, columns: NDArray[np.bool_]) -> Patterns:
        """Return per tree the bits of the questions about some columns, shape (trees,)."""
        return np.array(
            [
                np.left_shift(1, np.flatnonzero(columns[features])).sum()
                for features in self.features
            ],
            dtype=np.uint16,
        )

    def forecast(self, own: Answers, other: Patterns, bits: Patterns) -> Values:
        """Return what the model says, a forecast or a probability, shape (rows,).

        Parameters
        ----------
        own
            Answers of the rows.
        other
            Patterns of one other row, shape (trees,).
        bits
            Per tree the questions that a row answers itself; the other answers the rest.
        """
        total = np.full(own.place.shape[1], self.base)
        for tree, table in enumerate(self.tables):
            mixed = (own.different[tree] & bits[tree]) | (other[tree] & ~bits[tree])
            # the rows share few patterns: a short table of them stays in the cache
            total += table[mixed].take(own.place[tree], mode="clip")
        return self._linked(total)

    def forecast_between(self, own: Answers, other: Answers, bits: Patterns) -> Values:
        """Return the same where each row has another row of its own, shape (rows,)."""
        total = np.full(own.place.shape[1], self.base)
        for tree, table in enumerate(self.tables):
            asked = (own.different[tree] & bits[tree]).take(own.place[tree])
            others = (other.different[tree] & ~bits[tree]).take(other.place[tree])
            total += table[asked | others]
        return self._linked(total)

    def _linked(self, total: Values) -> Values:
        return {"identity": np.asarray, "log": np.exp, "logit": expit}[self.link](total)


def _table(tree: NDArray[np.void], inner: NDArray[np.int64]) -> Values:
    """Return the value of the leaf that each pattern leads to."""
    bit = np.zeros(len(tree), dtype=np.int64)
    bit[inner] = np.arange(len(inner))
    pattern = np.arange(2 ** len(inner))
    at = np.zeros(len(pattern), dtype=np.int64)
    for _ in range(int(tree["depth"].max())):
        yes = (pattern >> bit[at]) & 1 == 1
        below = np.where(yes, tree["left"][at], tree["right"][at])
        at = np.where(tree["is_leaf"][at] == 1, at, below)
    return tree["value"][at]
