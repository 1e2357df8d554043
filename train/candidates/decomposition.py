"""An estimator opened up: spend as a function of parts that can be exchanged between customers.

Explaining a forecast asks for it many times, with some features exchanged. What the estimator makes
of its rows is made once: answers to the questions of its trees, and numbers that these forecasts
are multiplied with. Estimators of ours open themselves (`opened`); of any other the numbers are its
prepared columns, or its features, with a number in the place of each category.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from train.candidates.preprocessing import Columns
from train.candidates.protocol import Opens
from train.candidates.tree_patterns import Answers, Patterns, TreePatterns
from train.compiled.parts import Constant, Prepared
from train.compiled.preparation import Preparation

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Parts:
    """What an opened estimator knows of some rows.

    Attributes
    ----------
    answers
        Of each ensemble of trees.
    numbers
        Shape (numbers, rows).
    """

    answers: list[Answers]
    numbers: Values


@dataclass(frozen=True)
class Opened:
    """An estimator as trees, numbers, and what makes spend of both.

    Attributes
    ----------
    trees
        Ensembles.
    tree_features
        For each ensemble the feature behind each column that it asks about.
    number_features
        The feature behind each number.
    parts
        Makes the parts of some rows of features.
    combine
        Makes spend of the ensembles' forecasts and the numbers, all of shape (rows,).
    """

    trees: tuple[TreePatterns, ...]
    tree_features: tuple[Sequence[str], ...]
    number_features: tuple[str, ...]
    parts: Callable[[Columns], Parts]
    combine: Callable[[Sequence[Values], Values], Values]

    def mixed(
        self,
        own: Parts,
        other: Parts,
        number: int,
        bits: Sequence[Patterns],
        owned: NDArray[np.bool_],
    ) -> Values:
        """Return the spend of rows which are like another row in some features.

        Parameters
        ----------
        own
            Parts of the rows.
        other, number
            Parts of other rows, and which of them.
        bits
            For each ensemble and tree the questions that a row answers itself.
        owned
            Which numbers are the rows' own.
        """
        outputs = [
            tree.forecast(answers, there.row(number), patterns)
            for tree, answers, there, patterns in zip(
                self.trees, own.answers, other.answers, bits, strict=True
            )
        ]
        numbers = np.where(owned[:, None], own.numbers, other.numbers[:, [number]])
        return self.combine(outputs, numbers)

    def mixed_between(
        self, own: Parts, other: Parts, bits: Sequence[Patterns], owned: NDArray[np.bool_]
    ) -> Values:
        """Return the same where each row has another row of its own to be like."""
        outputs = [
            tree.forecast_between(answers, others, patterns)
            for tree, answers, others, patterns in zip(
                self.trees, own.answers, other.answers, bits, strict=True
            )
        ]
        return self.combine(outputs, np.where(owned[:, None], own.numbers, other.numbers))


def open_up(estimator: BaseEstimator, X: Columns) -> Opened:
    """Open a fitted estimator of spend; `X` names its features, its rows do not matter."""
    if isinstance(estimator, Opens):
        return estimator.opened(X)
    if isinstance(estimator, Constant):
        return Opened(
            (),
            (),
            (),
            lambda rows: Parts([], _no_numbers(rows)),
            lambda _, numbers: estimator.predict(numbers.T),
        )
    names = _prepared_by_one_step(estimator, X)
    if names is not None:
        prepare, model = estimator[0], estimator[-1]
        trees = TreePatterns.of(model)
        if trees:
            return Opened(
                (trees,),
                (names,),
                (),
                lambda rows: Parts([trees.answers(prepare.transform(rows))], _no_numbers(rows)),
                lambda outputs, _: outputs[0],
            )
        return of_numbers(
            names,
            lambda rows: np.asarray(prepare.transform(rows), dtype=np.float64),
            model.predict,
        )
    assert isinstance(X, pd.DataFrame)  # whatever else there is, is not compiled
    coded = _CodedCategories(X)
    return of_numbers(
        list(X.columns), coded.numbers, lambda columns: estimator.predict(coded.rows(columns))
    )


def _prepared_by_one_step(estimator: BaseEstimator, X: Columns) -> list[str] | None:
    """Name the feature behind each column that a model gets; None where this cannot be told."""
    if isinstance(estimator, Prepared):
        return estimator.prepare.names
    if not (
        isinstance(estimator, Pipeline)
        and len(estimator) == 2
        and isinstance(estimator[0], ColumnTransformer)
        and isinstance(X, pd.DataFrame)
    ):
        return None
    names = prepared_features(estimator[0])
    prepared = estimator[0].transform(X.head(1))
    return None if issparse(prepared) or prepared.shape[1] != len(names) else names


class _CodedCategories:
    """Rows of features as numbers, and back: each category that is met gets a number of its own."""

    def __init__(self, X: pd.DataFrame) -> None:
        self._columns = list(X.columns)
        self._categorical = list(X.columns.difference(X.select_dtypes("float64").columns))
        self._next = itertools.count()
        # rows are coded in several threads: each of these steps is one that no other comes between
        self._codes: dict[object, int] = {}
        self._categories: dict[int, object] = {}

    def numbers(self, rows: Columns) -> Values:
        """Return the rows, shape (rows, features)."""
        assert isinstance(rows, pd.DataFrame)
        coded = {name: rows[name].map(self._code) for name in self._categorical}
        return rows.assign(**coded)[self._columns].to_numpy(dtype=np.float64)

    def rows(self, numbers: Values) -> pd.DataFrame:
        """Return the rows that numbers stand for."""
        frame = pd.DataFrame(numbers, columns=self._columns)
        named = {
            name: np.array([self._categories[code] for code in frame[name]], dtype=object)
            for name in self._categorical
        }
        return frame.assign(**named)

    def _code(self, category: object) -> int:
        code = self._codes.setdefault(category, next(self._next))
        self._categories[code] = category
        return code


def of_numbers(
    names: Sequence[str],
    columns: Callable[[Columns], Values],
    predict: Callable[[Values], Values],
) -> Opened:
    """Open an estimator of columns, without a look inside."""
    return Opened(
        (),
        (),
        tuple(names),
        lambda rows: Parts([], columns(rows).T),
        lambda _, numbers: predict(np.ascontiguousarray(numbers.T)),
    )


def times(opened: Opened, feature: str, number: Callable[[Columns], Values]) -> Opened:
    """Multiply the forecast of an opened estimator by one more number."""

    def parts(rows: Columns) -> Parts:
        opened_parts = opened.parts(rows)
        return Parts(opened_parts.answers, np.vstack([opened_parts.numbers, number(rows)]))

    return Opened(
        opened.trees,
        opened.tree_features,
        (*opened.number_features, feature),
        parts,
        lambda outputs, numbers: opened.combine(outputs, numbers[:-1]) * numbers[-1],
    )


def mean_of(members: Sequence[Opened]) -> Opened:
    """Take the mean of several, none below zero."""

    def parts(rows: Columns) -> Parts:
        member_parts = [member.parts(rows) for member in members]
        answers = [tree_answers for part in member_parts for tree_answers in part.answers]
        return Parts(answers, np.vstack([part.numbers for part in member_parts]))

    def combine(outputs: Sequence[Values], numbers: Values) -> Values:
        spend, tree, number = [], 0, 0
        for member in members:
            trees, width = len(member.trees), len(member.number_features)
            forecast = member.combine(
                outputs[tree : tree + trees], numbers[number : number + width]
            )
            spend.append(np.maximum(forecast, 0.0))
            tree, number = tree + trees, number + width
        return np.mean(spend, axis=0)

    return Opened(
        tuple(tree for member in members for tree in member.trees),
        tuple(names for member in members for names in member.tree_features),
        tuple(name for member in members for name in member.number_features),
        parts,
        combine,
    )


def prepared_features(prepare: ColumnTransformer | Preparation) -> list[str]:
    """Name the feature behind each column that a preparation makes."""
    if isinstance(prepare, Preparation):
        return prepare.names
    features: list[str] = []
    for _, transformer, names in prepare.transformers_:
        # the features that the preparation leaves out
        if transformer == "drop":
            continue
        last = transformer[-1] if isinstance(transformer, Pipeline) else transformer
        if isinstance(last, OneHotEncoder):
            # names of further features may begin with that of one: the longest is meant
            for made in last.get_feature_names_out(list(names)):
                features.append(
                    max((name for name in names if made.startswith(f"{name}_")), key=len)
                )
        else:
            features += names
    return features


def _no_numbers(rows: Columns) -> Values:
    return np.empty((0, len(rows)))
