"""How honest the doubt of a forecast is: its intervals, its quantiles, its probabilities."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from core.metrics import Values, decile_of

# what is said of doubt: metric -> what it says in plain words
DOUBT_EXPLAINED = {
    "coverage": "share of customers whose spend lies in their 80 % interval",
    "coverage_nonzero": "the same of those whose interval is not [0, 0]",
    "coverage_lowest": "the same in the tenth of the forecast where it is lowest",
    "coverage_zero": "share of those with [0, 0] who bought nothing",
    "share_zero": "share of customers whose interval is [0, 0]",
    "ece": "how far purchase probabilities are off in ten groups",
    "log_loss": "how surprising who bought was, in nats; the probability's own score",
    "pinball_p10": "error of the lower tenth, in money, above weighing a tenth of below",
    "pinball_p90": "error of the upper tenth, in money, below weighing a tenth of above",
    "crps": "error of the whole distribution of a customer's spend, in money",
}
# what CRPS is taken over: the middles of twenty equal steps
LEVELS = (np.arange(20) + 0.5) / 20
FEWEST_COVERED = 30


def evaluate_doubt(
    actual: Values, published: Mapping[str, Values], quantiles: Values
) -> dict[str, float]:
    """Measure intervals, quantiles and probabilities.

    Parameters
    ----------
    actual
        Spend that happened, shape (rows,).
    published
        predicted_30d_spend, purchase_probability, spend_p10, spend_p90, spend_low, spend_high of
        the same rows.
    quantiles
        Of spend at `LEVELS`, shape (rows, levels).

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
        "log_loss": log_loss(actual > 0, published["purchase_probability"]),
        "pinball_p10": float(pinball(actual, published["spend_p10"], 0.1).mean()),
        "pinball_p90": float(pinball(actual, published["spend_p90"], 0.9).mean()),
        "crps": crps(actual, quantiles),
    }


def pinball(actual: Values, quantile: Values, level: Values | float) -> Values:
    """Return the loss that a quantile of this level makes smallest (Koenker and Bassett 1978)."""
    above = actual - quantile
    return np.maximum(level * above, (level - 1) * above)


def crps(actual: Values, quantiles: Values) -> float:
    """Return the mean continuous ranked probability score, from quantiles at `LEVELS`.

    It is twice the pinball loss, averaged over all levels (Gneiting and Ranjan 2011); of a
    distribution of one point it is the absolute error.
    """
    return float(2 * pinball(actual[:, None], quantiles, LEVELS).mean())


def log_loss(bought: NDArray[np.bool_], probability: Values) -> float:
    """Return the mean negative log likelihood; a chance counts as at least a millionth."""
    chance = np.clip(np.where(bought, probability, 1 - probability), 1e-6, 1.0)
    return float(-np.log(chance).mean())


def calibration_error(bought: NDArray[np.bool_], probability: Values) -> float:
    """Return the expected calibration error over ten groups of equal size (Naeini et al. 2015)."""
    tenth = decile_of(probability)
    surplus = np.bincount(tenth, probability - bought, minlength=10)
    return float(np.abs(surplus).sum() / len(bought))


def _mean(values: NDArray[np.bool_]) -> float:
    return float(values.mean()) if len(values) else float("nan")
