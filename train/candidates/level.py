"""The level of the shop, learned apart from the customers: what all of them buy more, or less.

A tree that may see the calendar learns few months from many rows: it takes one month's chance for a
season, and cannot go beyond the months it knows. So customers are learned without the calendar, and
the months by one series: the log of what the shop sold over what an ordinary forecast of its
customers says. A Gaussian process of time forecasts it (Rasmussen and Williams 2006, Gaussian
Processes for Machine Learning, ch. 2 and 5.4.3): a level that wanders, a season that comes again
each year and fades as years go by, weekends among the days ahead, and chance. How far the level
wanders and how strong the season is are not known; each of a few answers is weighed by how likely
it makes the past (5.2), so a shop with steady months believes its newest one little. In a shop's
first year the season is not known, and `LevelProcess.predict` says how wide that leaves the doubt.

As the ordinary forecast knows each customer's own history, what a shop sells less because its
customers grow old, or more because more have come, is no season: against the shop's sales of a year
before it would be.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import cho_solve, cholesky
from scipy.optimize import brentq
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.utils.metaestimators import available_if

from train.candidates import decomposition
from train.candidates.inference import predict_both, rows_of
from train.candidates.preprocessing import Columns, once, without_nulls
from train.candidates.row_sample import sample_of

Values = NDArray[np.float64]

# when the days ahead begin
DAY = "ahead_day_number"
# what an ordinary forecast hangs on most, summed over all customers of a snapshot
CONTROLS = ("spend_30d", "spend_90d", "spend_180d", "spend_360d", "spend_lifetime")
# features that are the same for every customer of a snapshot
CALENDAR_PREFIXES = ("ahead_", "shop_")

YEAR, WINDOW = 365.25, 30.0
# `make bench-level` compares these; standard deviations are in logs, times in days.
# Of the usual level around that of all months together
USUAL = 0.1
# how far the level wanders, and how long it takes to forget
WANDERS, MEMORY = (0.02, 0.08, 0.2), 180.0
# how strong the season is, how soon it changes (as a share of the year, over pi), and how soon
# another year has another season
SEASONS, SEASON_LENGTH, SEASON_MEMORY = (0.02, 0.1, 0.3), 0.25, 4000.0
# what a month does for no reason that comes again
MONTHS = (0.03, 0.1, 0.2)
# how far off the first months are, and how long it takes to fade: what customers bought before the
# data begin is not known, so that old ones look new. Without it a shop's first year says that the
# level wanders far, and its newest month is believed too much (mean error of 16 shops' last months
# against their truth .082, with it .076)
BEGINS, BEGINNING = 0.2, 90.0


class Known(NamedTuple):
    """What a feature known in advance does to the log level, before any month is seen.

    Attributes
    ----------
    usual
        Its value in a usual month.
    effect, deviation
        Mean and standard deviation of what one more does.
    is_share
        Whether the value is a share by which sales rise: the log of what they are multiplied by
        counts.
    """

    usual: float
    effect: float
    deviation: float
    is_share: bool = False

    def beyond(self, value: Values) -> Values:
        """Return by how much a value is beyond the usual one; nothing where it is not known."""
        if self.is_share:
            value = np.log1p(np.maximum(value, -0.99))
        return without_nulls(value - self.usual)


KNOWN_AHEAD = {
    "ahead_weekend_days": Known(WINDOW * 2 / 7, 0.0, 0.02),
    "ahead_promotion_days": Known(0.0, 0.0, 0.015),
    # mean over the days: what is expected is taken at its word until promotions were seen
    "ahead_promotion_lift": Known(0.0, 1.0, 0.5, is_share=True),
    "shop_promotion_days_30d": Known(0.0, 0.0, 0.01),
}
# an answer with less weight is left out
SMALLEST_WEIGHT = 0.01
# more months than these, evenly drawn, tell no more of the level, and cost seconds
MOST_MONTHS = 400


def without_calendar(names: Sequence[str]) -> list[str]:
    """Return the features that tell customers apart, not months."""
    return [name for name in names if not name.startswith(CALENDAR_PREFIXES)]


@dataclass(frozen=True)
class Months:
    """Windows of days ahead.

    Attributes
    ----------
    day
        Number of the first day, shape (months,).
    as_of
        Number of the day from which customers look ahead, shape (months,): the first one, but for
        longer horizons.
    known
        By how much each of `KNOWN_AHEAD` is beyond its usual value, shape (months, features).
    """

    day: Values
    as_of: Values
    known: Values

    @classmethod
    def of(cls, X: Columns) -> Months:
        """Take those of rows of the mart, one for each row; what it lacks is as usual."""
        return once(cls._of, X)

    @classmethod
    def _of(cls, X: Columns) -> Months:
        known = [
            feature.beyond(np.asarray(X[name], dtype=np.float64)) if name in X else np.zeros(len(X))
            for name, feature in KNOWN_AHEAD.items()
        ]
        day = np.asarray(X[DAY], dtype=np.float64)
        return cls(day, day, np.column_stack(known))

    @classmethod
    def usual(cls, day: Values, as_of: Values) -> Months:
        """Take windows of which nothing but their days is known."""
        return cls(day, as_of, np.zeros((len(day), len(KNOWN_AHEAD))))

    @property
    def expected(self) -> Values:
        """The log level that what is known lets expect before any month is seen."""
        return np.sum([by * of.effect for by, of in self._features()], axis=0)

    def take(self, positions: NDArray[np.intp]) -> Months:
        """Return some of them."""
        return Months(self.day[positions], self.as_of[positions], self.known[positions])

    @cached_property
    def distinct(self) -> tuple[Months, NDArray[np.intp]]:
        """Each of them once, and the position there of each."""
        if len(self.day) == 1:
            return self, np.zeros(1, dtype=np.intp)
        columns = self._columns()
        if len(columns) and (columns == columns[:1]).all():
            # the rows of a date, or below of several: a hundred times as fast as by lines
            return self.take(np.zeros(1, dtype=np.intp)), np.zeros(len(columns), dtype=np.intp)
        _, first, row = np.unique(self.day, return_index=True, return_inverse=True)
        if (columns == columns[first][row]).all():
            return self.take(first), row
        lines, row = np.unique(columns, axis=0, return_inverse=True)
        return Months(lines[:, 0], lines[:, 1], lines[:, 2:]), row

    @cached_property
    def key(self) -> bytes:
        """What tells them from others."""
        return self._columns().tobytes()

    def shared(self, other: Months) -> Values:
        """Return the covariance by what is known of both, shape (months, months of the other)."""
        return np.sum(
            [
                of.deviation**2 * np.outer(by, by_other)
                for (by, of), (by_other, _) in zip(self._features(), other._features(), strict=True)
            ],
            axis=0,
        )

    def _columns(self) -> Values:
        return np.column_stack([self.day, self.as_of, self.known])

    def _features(self) -> list[tuple[Values, Known]]:
        return list(zip(self.known.T, KNOWN_AHEAD.values(), strict=True))


@dataclass(frozen=True)
class _Shares:
    """What windows have in common with others, which no amplitude changes; shape (left, right).

    Attributes
    ----------
    always, known
        Covariance of the usual level with the beginning, and by what is known of both.
    wanders, season, month
        Correlation of each part that has an amplitude.
    """

    always: Values
    wanders: Values
    season: Values
    month: Values
    known: Values

    def covariance(self, wanders: float, season: float, month: float) -> Values:
        """Return the covariance of the log levels of the windows."""
        return (
            self.always
            + wanders**2 * self.wanders
            + season**2 * self.season
            + month**2 * self.month
            + self.known
        )


@dataclass(frozen=True)
class _Answer:
    """One set of amplitudes, what it makes of the past, and its weight."""

    amplitudes: tuple[float, float, float]
    solved: Values
    root: Values
    weight: float


# a level takes half a millisecond, and rows that are forecast one by one are of one date; kept
# beside the process, which is saved
_FACTORS: WeakKeyDictionary[LevelProcess, dict[bytes, Values]] = WeakKeyDictionary()
MOST_FACTORS = 1_000
# in logs: no shop sells a hundred times what is usual; who asks with promotions beyond all bounds
# gets a number all the same
MOST_LEVEL = 5.0


class LevelProcess:
    """The log level of the shop's months, as a Gaussian process of time."""

    def fit(
        self,
        months: Months,
        log_level: Values,
        chance_noise: Values,
        sample_noise: Values,
        usual: float = 0.0,
    ) -> LevelProcess:
        """Learn from one value per month; without any, all months are usual.

        Parameters
        ----------
        months
            Whose windows have ended.
        log_level
            Log of what happened over the ordinary forecast; NaN where nothing did.
        chance_noise, sample_noise
            Variance of `log_level` by the chance of single customers, which windows that overlap
            share, and by the sample that the forecast is taken over, which they do not.
        usual
            Mean of the process, in logs.
        """
        self.usual_ = usual
        usable = np.flatnonzero(np.isfinite(log_level) & np.isfinite(months.day))
        usable = usable[:: -(-len(usable) // MOST_MONTHS) or 1]
        self.months_ = months.take(usable)
        self.begins_ = self.months_.as_of.min(initial=np.inf)
        surplus = log_level[usable] - usual - self.months_.expected
        chance_noise = np.sqrt(chance_noise[usable])
        shares = self._shares(self.months_, self.months_)
        noise = np.outer(chance_noise, chance_noise) * shares.month
        noise += np.diag(sample_noise[usable] + 1e-6)
        answers, likely = [], []
        for amplitudes in itertools.product(WANDERS, SEASONS, MONTHS):
            root = cholesky(shares.covariance(*amplitudes) + noise, lower=True)
            solved = cho_solve((root, True), surplus)
            likely.append(-0.5 * surplus @ solved - np.log(np.diag(root)).sum())
            answers.append((amplitudes, solved, root))
        weight = np.exp(np.array(likely) - max(likely))
        weight = np.where(weight / weight.sum() < SMALLEST_WEIGHT, 0.0, weight)
        weight /= weight.sum()
        self.answers_ = [
            _Answer(*answer, share) for answer, share in zip(answers, weight, strict=True) if share
        ]
        return self

    def predict(self, months: Months) -> tuple[Values, Values]:
        """Return mean and variance of the log level, both shape (months,)."""
        means, variances = [], []
        among, with_past = self._shares(months, months), self._shares(months, self.months_)
        for answer in self.answers_:
            mean, reach = _mean(answer, with_past)
            spread = np.linalg.solve(answer.root, reach.T)
            means.append(mean)
            prior = np.diag(among.covariance(*answer.amplitudes))
            variances.append(prior - np.square(spread).sum(axis=0))
        weight = np.array([answer.weight for answer in self.answers_])
        mean = weight @ np.array(means)
        between = weight @ np.square(np.array(means) - mean)
        mean += self.usual_ + months.expected
        return mean, weight @ np.array(variances) + between

    def factor(self, months: Months) -> Values:
        """Return the level, shape (months,); 1 where a month's day is not known."""
        windows, row = months.distinct
        known = _FACTORS.setdefault(self, {})
        key = windows.key
        if key not in known:
            if len(known) >= MOST_FACTORS:
                known.clear()
            known[key] = self._factor(windows)
        return known[key][row]

    def _factor(self, windows: Months) -> Values:
        log_level = self.usual_ + windows.expected
        with_past = self._shares(windows, self.months_)
        for answer in self.answers_:
            log_level = log_level + answer.weight * _mean(answer, with_past)[0]
        return np.nan_to_num(np.exp(np.clip(log_level, -MOST_LEVEL, MOST_LEVEL)), nan=1.0)

    def _shares(self, left: Months, right: Months) -> _Shares:
        apart = np.abs(left.day[:, None] - right.day)
        in_year = np.square(np.sin(np.pi * apart / YEAR) / SEASON_LENGTH)
        age, other_age = (np.maximum(of.as_of - self.begins_, 0.0) for of in (left, right))
        return _Shares(
            always=USUAL**2 + BEGINS**2 * np.exp(-(age[:, None] + other_age) / BEGINNING),
            wanders=np.exp(-apart / MEMORY),
            season=np.exp(-2 * in_year - apart / SEASON_MEMORY),
            # the share of their days that they have in common
            month=np.maximum(1 - apart / WINDOW, 0.0),
            known=left.shared(right),
        )


def _mean(answer: _Answer, with_past: _Shares) -> tuple[Values, Values]:
    reach = with_past.covariance(*answer.amplitudes)
    # not a product of matrices, whose last bits hang on how many rows it has
    return (reach * answer.solved).sum(axis=1), reach


def _learns_purchases(wrapper: Levelled) -> bool:
    # once compiled, it holds no longer what it was fitted from
    return hasattr(wrapper.estimator or wrapper.estimator_, "predict_purchase")


class Levelled(RegressorMixin, BaseEstimator):
    """An estimator of ordinary months, brought to the level of the days ahead.

    Spend is multiplied by the level. A chance to buy follows the same rule for the rate at which
    purchases come: `1 - (1 - p) ** level`, with a level of its own, as in a Poisson process.

    Parameters
    ----------
    estimator
        Learns spend, and purchases if it has `predict_purchase`; should not see the calendar.
    rows
        It learns from so many rows at most; the months' totals are taken over all rows given.
    random_state
        Seed of the sample.
    """

    def __init__(self, estimator: BaseEstimator, rows: int, random_state: int = 0) -> None:
        self.estimator = estimator
        self.rows = rows
        self.random_state = random_state

    def fit(
        self,
        X: pd.DataFrame,
        y: Values,
        sample_weight: object = None,
        totals: pd.DataFrame | None = None,
    ) -> Levelled:
        """Fit the estimator, then the levels of the months over its forecasts.

        Parameters
        ----------
        totals
            Of whole snapshots, in order of their days: customers, spend, buyers, and sums of
            `CONTROLS`. Those of the rows by default, which say less where they are a sample.
        """
        self.n_features_in_ = X.shape[1]
        y = np.asarray(y, dtype=np.float64)
        sample = sample_of(len(X), self.rows, self.random_state)
        self.estimator_ = clone(self.estimator).fit(X.iloc[sample], y[sample])
        _, first, month = np.unique(X[DAY], return_index=True, return_inverse=True)
        months, rows = Months.of(X.iloc[first]), np.bincount(month).astype(np.float64)
        if totals is None:
            totals = pd.DataFrame(
                {
                    "customers": rows,
                    "spend": np.bincount(month, y),
                    "buyers": np.bincount(month, y > 0),
                }
            )
        spend, chance = predict_both(self.estimator_, X)
        ordinary = np.maximum(spend, 0.0)
        share = rows / totals["customers"].to_numpy()
        actual = totals["spend"].to_numpy()
        forecast, sample_noise = _whole(ordinary, X, month, totals)
        # a loss on ratios keeps the mean ratio right, not the sum of money (Wuethrich 2020)
        sums = actual.sum(), forecast.sum()
        usual = float(np.log(sums[0] / sums[1])) if min(sums) > 0 else 0.0
        with np.errstate(divide="ignore", invalid="ignore"):
            log_level = np.log(actual / np.maximum(forecast, 0.0))
            chance_noise = np.square(np.exp(usual) * ordinary - y).sum() / y.sum() / actual
        log_level[~np.isfinite(log_level)] = np.nan
        self.spend_level_ = LevelProcess().fit(
            months, log_level, chance_noise, sample_noise * (1 - share), usual
        )
        if chance is not None:
            buyers = totals["buyers"].to_numpy()
            log_rates = _log_rates(month, buyers * share, chance)
            self.purchase_level_ = LevelProcess().fit(
                months, log_rates, 1 / np.maximum(buyers, 1.0), (1 - share) / rows
            )
        return self

    def opened(self, X: Columns) -> decomposition.Opened:
        """Open the estimator: see `train.candidates.decomposition`."""
        return decomposition.times(
            decomposition.open_up(self.estimator_, X),
            DAY,
            lambda rows: self.spend_level_.factor(Months.of(rows)),
        )

    def level_variance(self, X: Columns) -> float:
        """Return the variance of the log level of the days ahead of the first row."""
        return float(self.spend_level_.predict(Months.of(rows_of(X, slice(1))))[1][0])

    def predict_both(self, X: Columns) -> tuple[Values, Values | None]:
        """Return expected spend, and the probability of a purchase where it is learned."""
        spend, chance = predict_both(self.estimator_, X)
        months = Months.of(X)
        spend = spend * self.spend_level_.factor(months)
        if chance is None:
            return spend, None
        return spend, 1 - (1 - np.clip(chance, 0.0, 1.0)) ** self.purchase_level_.factor(months)

    def predict(self, X: Columns) -> Values:
        """Return expected spend."""
        return self.predict_both(X)[0]

    @available_if(_learns_purchases)
    def predict_purchase(self, X: Columns) -> Values:
        """Return the probability of a purchase."""
        chance = self.predict_both(X)[1]
        assert chance is not None  # or the method were not there
        return chance


def _whole(
    ordinary: Values, X: pd.DataFrame, month: NDArray[np.intp], totals: pd.DataFrame
) -> tuple[Values, Values]:
    """Estimate the forecast of whole months from a sample, and the variance of its log.

    What a regression on features of known sums says of a customer is taken over all customers, and
    only the rest from the sample (a control variate): with one large customer in the sample, or
    not, months would be a third apart. The variance is that of all months alike: a month that has
    large customers in its sample is no less sure than one that lacks them.
    """
    controls = [name for name in CONTROLS if name in X and name in totals]
    of_row = np.column_stack([np.ones(len(X)), X[controls].to_numpy(dtype=np.float64)])
    of_month = totals[["customers", *controls]].to_numpy(dtype=np.float64)
    scale = np.maximum(np.abs(of_row).max(axis=0), 1e-9)
    explained, *_ = np.linalg.lstsq(of_row / scale, ordinary, rcond=None)
    rest = ordinary - of_row / scale @ explained
    rows = np.bincount(month).astype(np.float64)
    customers = totals["customers"].to_numpy()
    forecast = of_month / scale @ explained + np.bincount(month, rest) / rows * customers
    with np.errstate(divide="ignore", invalid="ignore"):
        noise = np.square(rest).mean() / rows * np.square(customers / forecast)
    return forecast, np.nan_to_num(noise, posinf=0.0)


def _log_rates(month: NDArray[np.intp], buyers: Values, chance: Values) -> Values:
    """Return by month the log level of the rates at which its expected buyers are as many."""
    rate = -np.log1p(-np.clip(chance, 0.0, 1 - 1e-9))
    log_levels = np.full(len(buyers), np.nan)
    order = np.argsort(month, kind="stable")
    for number, rates in enumerate(np.split(rate[order], np.cumsum(np.bincount(month))[:-1])):

        def surplus(
            log_level: float, rates: Values = rates, wanted: float = buyers[number]
        ) -> float:
            return float((1 - np.exp(-rates * np.exp(log_level))).sum() - wanted)

        # no level brings about no buyers, or only buyers
        if surplus(-5.0) < 0 < surplus(5.0):
            log_levels[number] = brentq(surplus, -5.0, 5.0, xtol=1e-6)
    return log_levels
