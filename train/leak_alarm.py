"""Find features that know the future: no honest one predicts alone what only the future can tell.

A feature is tried alone: a small tree learns from it on past snapshots and is measured on the test
snapshot, by two questions whose answers need different knowledge:

- who buys: AUC of "spend is above zero", over all customers;
- how much: rank correlation with spend, over those who buy.

The limit of either is halfway from what the others know to perfection. "The others" are all
features but the strongest quarter, jointly in one boosted model: features of one history say much
the same, so an honest feature never stands that far above them, while several leaks cannot cover
for each other. The limit is never below `FLOORS`, for marts where few features carry anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import roc_auc_score
from sklearn.tree import DecisionTreeRegressor
from threadpoolctl import threadpool_limits

import warehouse
from core.metrics import spearman
from train.candidates.preprocessing import for_trees
from train.candidates.row_sample import sample_of
from train.dataset import Rows

Values = NDArray[np.float64]

# The strongest honest features reach AUC .78 (days_since_last_order) and rank correlation .58
# (avg_order_value_lifetime) on the generated shop, .73 and .56 on Online Retail II 2009-2010. The
# exact optimum of a public example of this task has R2 .48, its leaking features .96 and more.
FLOORS = {"who buys": 0.90, "how much": 0.85}
SAMPLE_ROWS = 12_000
FEWEST_BUYERS = 50


class LeakError(warehouse.ShopError):
    """A feature predicts the target implausibly well."""


@dataclass(frozen=True)
class Leak:
    """One feature above the limit of one question."""

    feature: str
    question: str
    skill: float
    limit: float

    def __str__(self) -> str:
        """Say it in one clause."""
        return (
            f"{self.feature} alone tells {self.question} with {self.skill:.3f} "
            f"(limit {self.limit:.3f})"
        )


def find_leaks(
    train: Rows, test: Rows, numeric: Sequence[str], categorical: Sequence[str], seed: int = 0
) -> list[Leak]:
    """Try every feature alone.

    Parameters
    ----------
    train, test
        Rows of past snapshots and of the test snapshot; samples of both are used.
    numeric, categorical
        Features by role.

    Returns
    -------
    list of Leak
        Features above the limit, strongest first; empty too where there are too few buyers to
        tell (under 50 on either side).
    """
    encode = for_trees(numeric, categorical)
    past, future = _sample(train, seed), _sample(test, seed)
    X_past = encode.fit_transform(past.X)
    X_future = encode.transform(future.X)
    names = [*numeric, *categorical]
    leaks: list[Leak] = []
    for question, floor in FLOORS.items():
        asked_past = _rows_of_question(question, past.y)
        asked_future = _rows_of_question(question, future.y)
        answer, truth = _answer(question, past.y[asked_past]), future.y[asked_future]
        bought = min((past.y > 0).sum(), (future.y > 0).sum())
        if bought < FEWEST_BUYERS or np.ptp(answer) == 0 or np.ptp(truth) == 0:
            continue
        past_columns, future_columns = X_past[asked_past], X_future[asked_future]
        alone = np.array(
            [
                _skill(
                    question,
                    truth,
                    _tree(past_columns[:, [column]], answer, future_columns[:, [column]]),
                )
                for column in range(len(names))
            ]
        )
        others = np.sort(np.argsort(-alone, kind="stable")[len(names) // 4 :])
        joint = HistGradientBoostingRegressor(
            max_iter=60, max_leaf_nodes=8, early_stopping=False, random_state=seed
        )
        # a fit this small waits longer for a second thread than it gains by it
        with threadpool_limits(limits=1):
            joint.fit(past_columns[:, others], answer)
            reference = _skill(question, truth, joint.predict(future_columns[:, others]))
        limit = max(floor, (1 + reference) / 2)
        leaks += [
            Leak(name, question, float(skill), limit)
            for name, skill in zip(names, alone, strict=True)
            if skill > limit
        ]
    return sorted(leaks, key=lambda leak: (-leak.skill, leak.feature))


def check_leakage(
    train: Rows, test: Rows, numeric: Sequence[str], categorical: Sequence[str], seed: int = 0
) -> None:
    """Stop with the names of leaking features.

    Raises
    ------
    LeakError
        If any feature is above its limit.
    """
    leaks = find_leaks(train, test, numeric, categorical, seed)
    if leaks:
        raise LeakError(
            "leak alarm: "
            + "; ".join(map(str, leaks))
            + ". Nothing was fitted. Make the feature read only facts known before its as-of date, "
            "or take it out of the mart and its contract"
        )


def _rows_of_question(question: str, y: Values) -> NDArray[np.bool_]:
    return y > 0 if question == "how much" else np.ones(len(y), dtype=bool)


def _answer(question: str, y: Values) -> Values:
    return rankdata(y) / len(y) if question == "how much" else (y > 0).astype(np.float64)


def _skill(question: str, truth: Values, score: Values) -> float:
    if question == "who buys":
        bought = truth > 0
        return float(roc_auc_score(bought, score)) if bought.any() and not bought.all() else 0.5
    correlation = spearman(truth, score)
    return 0.0 if np.isnan(correlation) else correlation


def _tree(past: Values, answer: Values, future: Values) -> Values:
    leaf = max(5, len(answer) // 200)
    tree = DecisionTreeRegressor(max_leaf_nodes=64, min_samples_leaf=leaf, random_state=0)
    return tree.fit(past, answer).predict(future)


def _sample(rows: Rows, seed: int) -> Rows:
    return rows.take(sample_of(len(rows), SAMPLE_ROWS, seed))
