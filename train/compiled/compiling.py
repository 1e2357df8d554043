"""Put flat arrays in the place of the scikit-learn objects inside a fitted candidate.

What is ours stays as it is: buyers, levels, spreads and intervals have one definition each, with
which they are fitted and forecast. Only what scikit-learn holds is exchanged, preparation and
trees: of the 30 ms that a single row took, 27.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.pipeline import Pipeline

import warehouse
from train.candidates.baselines import LastThirtyDays, MonthlyMean
from train.candidates.bgnbd import BuyTillDie
from train.candidates.level import Levelled
from train.candidates.models import Blend
from train.candidates.quantiles import QuantileMean
from train.candidates.two_part import LevelRatio, TwoPart
from train.candidates.zero_inflated import LogNormalMean
from train.compiled.parts import Constant, Prepared
from train.compiled.preparation import Preparation
from train.compiled.trees import Trees


class NotCompiledError(warehouse.ShopError):
    """A candidate holds something that no flat arrays are known for."""


def compiled(estimator: BaseEstimator) -> Any:  # noqa: ANN401
    """Return a fitted candidate that forecasts the same, to the last bit, without scikit-learn.

    Raises
    ------
    NotCompiledError
        If it is of a kind that is not known here.
    """
    match estimator:
        case Trees() | Constant() | Prepared() | Preparation():
            return estimator
        case BuyTillDie() | LastThirtyDays() | MonthlyMean():
            return estimator
        case Blend():
            members = [(name, compiled(member)) for name, member in estimator.members_]
            names = [(name, None) for name, _ in members]
            return _with(estimator, members=names, members_=members)
        case Levelled():
            return _with(estimator, estimator=None, estimator_=compiled(estimator.estimator_))
        case TwoPart():
            return _with(
                estimator,
                prepare=None,
                buyers=None,
                classifier=None,
                amount=None,
                prepare_=_preparation(estimator.prepare_),
                classifier_=compiled(estimator.classifier_),
                amount_=compiled(estimator.amount_),
            )
        case LevelRatio():
            return _with(estimator, ratio=None, ratio_=compiled(estimator.ratio_))
        case LogNormalMean():
            regressor = compiled(estimator.regressor_)
            return _with(estimator, regressor=None, regressor_=regressor)
        case QuantileMean():
            regressors = [compiled(regressor) for regressor in estimator.regressors_]
            return _with(estimator, regressor=None, regressors_=regressors)
        case Pipeline() if len(estimator) == 2:
            return Prepared(_preparation(estimator[0]), compiled(estimator[1]))
        case DummyRegressor():
            return Constant(float(np.ravel(estimator.constant_)[0]))
        case DummyClassifier() if estimator.strategy == "prior":
            classes = tuple(bool(name) for name in estimator.classes_)
            return Constant(0.0, classes, tuple(map(float, estimator.class_prior_)))
    trees = Trees.of(estimator)
    if trees is None:
        raise NotCompiledError(type(estimator).__name__)
    return trees


def _preparation(prepare: BaseEstimator) -> Preparation:
    if isinstance(prepare, Preparation):
        return prepare
    preparation = Preparation.of(prepare)
    if preparation is None:
        raise NotCompiledError(type(prepare).__name__)
    return preparation


def _with(fitted: BaseEstimator, /, **attributes: object) -> BaseEstimator:
    """Return a copy with other attributes; what was not fitted of it (its settings) may go."""
    other = copy.copy(fitted)
    other.__dict__.update(attributes)
    return other
