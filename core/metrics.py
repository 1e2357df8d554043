"""How good a forecast is: every metric by one definition, for every model alike.

Undefined values are NaN, never a crash:

- all actuals zero: WAPE, R2, Gini, Spearman, top-10 % capture, decile error, sum ratio and AUC have
  nothing to be measured against;
- a constant forecast has no order, so no Spearman (its Gini and capture are those of chance);
- under ten rows there is no top 10 %;
- Brier needs a probability, AUC any score and both kinds of customer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import roc_auc_score

Values = NDArray[np.float64]

# ties in a forecast fall at random, but the same way in every run
TIE_SEED = 0

# metric -> (what it says in plain words, where the best value lies)
EXPLAINED: dict[str, tuple[str, str]] = {
    "mae": ("average error per customer, in money", "0"),
    "wape": ("sum of all errors as a share of what was really spent", "0"),
    "rmse": ("typical error in money, where large errors weigh more", "0"),
    "r2": ("share of the differences between customers that is explained", "1"),
    "gini": ("how well the big spenders come first (1 = perfect order, 0 = chance)", "1"),
    "spearman": ("how well the whole ranking agrees with what happened", "1"),
    "top10_capture": ("share of the money that the 10 % ranked highest spent", "1"),
    "decile_error": ("how far the sums are off in ten groups from low to high forecast", "0"),
    "sum_ratio": ("forecast total over actual total", "1"),
    "auc": ("chance that a buyer is ranked above a non-buyer", "1"),
    "brier": ("squared error of the purchase probability", "0"),
}
METRICS = tuple(EXPLAINED)
BEST_VALUE = {name: float(best) for name, (_, best) in EXPLAINED.items()}


@dataclass(frozen=True)
class Forecast:
    """What one model says of the test rows: spend, and the purchase probability if it has one."""

    spend: Values
    probability: Values | None = None


def normalised_gini(actual: Values, forecast: Values) -> float:
    """Return the area under the capture curve over chance, as a share of the best possible.

    The first of two equal forecasts stays first; `evaluate` shuffles the rows beforehand.
    """
    best = _capture_area(actual, actual)
    return _capture_area(actual, forecast) / best if best > 0 else float("nan")


def _capture_area(actual: Values, order_by: Values) -> float:
    total = actual.sum()
    if total <= 0:
        return float("nan")
    captured = np.cumsum(actual[np.argsort(-order_by, kind="stable")]) / total
    return float(captured.mean() - 0.5)


def spearman(actual: Values, forecast: Values) -> float:
    """Return the rank correlation; NaN where either side is constant."""
    if len(actual) < 2 or np.ptp(actual) == 0 or np.ptp(forecast) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(actual), rankdata(forecast))[0, 1])


def decile_of(forecast: Values) -> NDArray[np.int64]:
    """Number the rows 0 (lowest forecast) to 9 by tenths of their rank, ties in row order."""
    last_rank = max(len(forecast) - 1, 1)
    rank = np.empty(len(forecast), dtype=np.int64)
    rank[np.argsort(forecast, kind="stable")] = np.arange(len(forecast))
    # a rank on the border of two tenths belongs to the lower one; whole numbers, so no rounding
    return np.maximum(-(-rank * 10 // last_rank) - 1, 0)


def deciles(actual: Values, forecast: Values) -> pd.DataFrame:
    """Sum forecast and actual by tenth of the forecast.

    Returns
    -------
    DataFrame
        One row per decile (1 = lowest): customers, forecast, actual, all sums.
    """
    order = _shuffle(len(actual))
    frame = pd.DataFrame({"forecast": forecast[order], "actual": actual[order]})
    grouped = frame.groupby(decile_of(frame["forecast"].to_numpy()) + 1)
    sums = grouped.sum().assign(customers=grouped.size())
    return sums.rename_axis("decile").reset_index()[["decile", "customers", "forecast", "actual"]]


def evaluate(actual: Values, forecast: Forecast) -> dict[str, float]:
    """Measure one forecast.

    Parameters
    ----------
    actual
        Spend that happened, shape (rows,), not negative.
    forecast
        Spend and, if the model has one, purchase probability for the same rows. Spend below zero
        counts as zero. Without a probability the spend is the score of the AUC.

    Returns
    -------
    dict
        Every name of `METRICS`; NaN where the module's docstring says so.

    Raises
    ------
    ValueError
        If there are no rows, lengths differ, or a value is not finite.
    """
    actual = np.asarray(actual, dtype=np.float64)
    spend = _checked(forecast.spend, actual, "spend")
    score = spend
    brier = float("nan")
    bought = actual > 0
    if forecast.probability is not None:
        score = _checked(forecast.probability, actual, "probability")
        brier = float(np.mean((score - bought) ** 2))
    auc = float("nan") if bought.all() or not bought.any() else roc_auc_score(bought, score)

    order = _shuffle(len(actual))
    actual, spend = actual[order], np.maximum(spend, 0.0)[order]
    error = spend - actual
    total = actual.sum() if actual.sum() > 0 else float("nan")
    spread = ((actual - actual.mean()) ** 2).sum()
    best_tenth = np.argsort(-spend)[: len(actual) // 10]
    by_decile = np.bincount(decile_of(spend), weights=error, minlength=10)
    return {
        "mae": float(np.abs(error).mean()),
        "wape": float(np.abs(error).sum() / total),
        "rmse": float(np.sqrt((error**2).mean())),
        "r2": float(1 - (error**2).sum() / spread) if spread > 0 else float("nan"),
        "gini": normalised_gini(actual, spend),
        "spearman": spearman(actual, spend),
        "top10_capture": float(actual[best_tenth].sum() / total)
        if len(best_tenth)
        else float("nan"),
        "decile_error": float(np.abs(by_decile).sum() / total),
        "sum_ratio": float(spend.sum() / total),
        "auc": float(auc),
        "brier": brier,
    }


def evaluation_table(actual: Values, forecasts: Mapping[str, Forecast]) -> pd.DataFrame:
    """Measure every model on the same rows: one row per model, one column per metric."""
    rows = {name: evaluate(actual, forecast) for name, forecast in forecasts.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(METRICS)).rename_axis("model")


# what is said of doubt: metric -> what it says in plain words
DOUBT_EXPLAINED = {
    "coverage": "share of customers whose spend lies in their 80 % interval",
    "coverage_nonzero": "the same of those whose interval is not [0, 0]",
    "coverage_lowest": "the same in the tenth of the forecast where it is lowest",
    "coverage_zero": "share of those with [0, 0] who bought nothing",
    "share_zero": "share of customers whose interval is [0, 0]",
    "ece": "how far purchase probabilities are off in ten groups",
}
FEWEST_COVERED = 30


def evaluate_doubt(actual: Values, published: Mapping[str, Values]) -> dict[str, float]:
    """Measure intervals and probabilities.

    Parameters
    ----------
    actual
        Spend that happened, shape (rows,).
    published
        predicted_30d_spend, purchase_probability, spend_low, spend_high of the same rows.

    Returns
    -------
    dict
        Every name of `DOUBT_EXPLAINED`; NaN where there is no such customer. The lowest coverage
        is that of tenths with at least `FEWEST_COVERED` intervals other than [0, 0].
    """
    low, high = published["spend_low"], published["spend_high"]
    inside = (actual >= low) & (actual <= high)
    some = high > 0
    tenth = decile_of(published["predicted_30d_spend"])
    tenths = [inside[some & (tenth == number)] for number in range(10)]
    coverages = [covered.mean() for covered in tenths if len(covered) >= FEWEST_COVERED]
    return {
        "coverage": float(inside.mean()),
        "coverage_nonzero": _mean(inside[some]),
        "coverage_lowest": float(min(coverages)) if coverages else float("nan"),
        "coverage_zero": _mean(inside[~some]),
        "share_zero": float((~some).mean()),
        "ece": calibration_error(actual > 0, published["purchase_probability"]),
    }


def calibration_error(bought: NDArray[np.bool_], probability: Values) -> float:
    """Return the expected calibration error over ten groups of equal size (Naeini et al. 2015)."""
    tenth = decile_of(probability)
    surplus = np.bincount(tenth, probability - bought, minlength=10)
    return float(np.abs(surplus).sum() / len(bought))


def _mean(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else float("nan")


def metric_text(name: str, value: float | None) -> str:
    """Return a metric as it is printed everywhere: money with one decimal, `-` where undefined."""
    if value is None or np.isnan(value):
        return "-"
    return f"{value:,.1f}" if name in ("mae", "rmse") else f"{value:.3f}"


def _shuffle(rows: int) -> NDArray[np.int64]:
    return np.random.default_rng(TIE_SEED).permutation(rows)


def _checked(values: Values, actual: Values, what: str) -> Values:
    values = np.asarray(values, dtype=np.float64)
    if len(actual) == 0:
        raise ValueError("there are no rows to evaluate")
    if values.shape != actual.shape:
        raise ValueError(f"{what} has shape {values.shape}, the actuals have {actual.shape}")
    if not np.isfinite(values).all() or not np.isfinite(actual).all():
        raise ValueError(f"{what} and actuals must be finite")
    return values
