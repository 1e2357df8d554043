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
from sklearn.base import BaseEstimator

from train.compiled.trees import Trees, leaf_of

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
    trees
        What they were made of.
    """

    features: tuple[NDArray[np.int64], ...]
    thresholds: tuple[Values, ...]
    missing_yes: tuple[NDArray[np.bool_], ...]
    tables: tuple[Values, ...]
    trees: Trees

    @classmethod
    def of(cls, model: BaseEstimator) -> TreePatterns | None:
        """Read a fitted model; None if it is of another kind, or has larger trees."""
        trees = model if isinstance(model, Trees) else Trees.of(model)
        if trees is None:
            return None
        if any(np.diff(trees.first_question) > MOST_QUESTIONS):
            return None
        each = trees.each()
        return cls(
            tuple(questions["column"].astype(np.int64) for questions, _ in each),
            tuple(questions["threshold"] for questions, _ in each),
            tuple(questions["missing_yes"].astype(bool) for questions, _ in each),
            tuple(_table(questions, values) for questions, values in each),
            trees,
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
        total = np.full(own.place.shape[1], self.trees.base)
        for tree, table in enumerate(self.tables):
            mixed = (own.different[tree] & bits[tree]) | (other[tree] & ~bits[tree])
            # the rows share few patterns: a short table of them stays in the cache
            total += table[mixed].take(own.place[tree], mode="clip")
        return self.trees.linked(total)

    def forecast_between(self, own: Answers, other: Answers, bits: Patterns) -> Values:
        """Return the same where each row has another row of its own, shape (rows,)."""
        total = np.full(own.place.shape[1], self.trees.base)
        for tree, table in enumerate(self.tables):
            asked = (own.different[tree] & bits[tree]).take(own.place[tree])
            others = (other.different[tree] & ~bits[tree]).take(other.place[tree])
            total += table[asked | others]
        return self.trees.linked(total)


def _table(questions: NDArray[np.void], values: Values) -> Values:
    """Return the value of the leaf that each pattern leads to."""
    pattern = np.arange(2 ** len(questions))
    left = np.full(len(pattern), ~np.uint64(0))
    for bit, no in enumerate(questions["no"]):
        left &= np.where(pattern >> bit & 1 == 1, ~np.uint64(0), no)
    return values[leaf_of(left)]
