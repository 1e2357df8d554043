"""What a forecast expects of itself: how good its own distribution says it will turn out.

A month is drawn many times from what is published: a level for the whole shop, then for each
customer a quantile of the own distribution. What the scores of those months are, and how far they
stray, is known on the night of the scoring; when the window has ended, what happened is held
against it (Dawid 1984, prequential analysis, J. Royal Stat. Soc. A 147(2)).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.stats import norm

from train.calibration.intervals import COVERAGE
from train.calibration.spread import AmountSpread
from train.candidates.inference import JOBS

Values = NDArray[np.float64]

DRAWS = 400
# of a larger shop the scores of a sample; its sums are scaled up, whose chance is then too large
MOST_ROWS = 50_000
# metric -> what it says
EXPLAINED = {
    "total": "spend of all customers, in money",
    "buyers": "customers who buy",
    "rmse": "typical error of the mean, in money",
    "wape": "sum of the median's errors as a share of what was spent",
    "coverage": "share of customers whose spend lies in their 80 % interval",
    "brier": "squared error of the purchase probability",
}


def expected_scores(
    published: Mapping[str, Values], spread: AmountSpread, month_doubt: float, seed: int = 0
) -> pd.DataFrame:
    """Return what each score is expected to be, with an interval that holds it in 80 % of months.

    Parameters
    ----------
    published
        What `Calibration.straighten` returns.
    month_doubt
        Half the width, in logs, of the 80 % interval of what the month does to all customers alike.

    Returns
    -------
    DataFrame
        metric, expected, low, high; a row for each of `EXPLAINED`.
    """
    rng = np.random.default_rng(seed)
    rows = len(published["predicted_30d_spend"])
    scale = max(rows / MOST_ROWS, 1.0)
    if scale > 1:
        sample = np.sort(rng.permutation(rows)[:MOST_ROWS])
        published = {name: values[sample] for name, values in published.items()}
    levels = np.exp(rng.normal(0, month_doubt / norm.ppf(0.5 + COVERAGE / 2), DRAWS))

    def drawn(level: float, quantiles: Values) -> dict[str, float]:
        chance = 1 - (1 - published["purchase_probability"]) ** level
        mean = published["predicted_30d_spend"] * level
        return scores(spread.of(mean, chance).quantile(quantiles), published, scale)

    # the numbers come one after the other, whoever works with them
    draws = ((level, rng.random(len(published["predicted_30d_spend"]))) for level in levels)
    of_draws = pd.DataFrame(
        Parallel(n_jobs=JOBS, prefer="threads")(delayed(drawn)(*draw) for draw in draws)
    )
    tail = (1 - COVERAGE) / 2
    return pd.DataFrame(
        {
            "metric": of_draws.columns,
            "expected": of_draws.mean().to_numpy(),
            "low": of_draws.quantile(tail).to_numpy(),
            "high": of_draws.quantile(1 - tail).to_numpy(),
        }
    )


def scores(actual: Values, published: Mapping[str, Values], scale: float = 1.0) -> dict[str, float]:
    """Measure what was published; marts.forecast_scorecard says the same in SQL.

    As `core.metrics` defines them; its `Measured` sorts what happened, which differs in each draw:
    62 ms for 50,000 rows, and this 0.2.
    """
    bought = actual > 0
    inside = (actual >= published["spend_low"]) & (actual <= published["spend_high"])
    return {
        "total": scale * actual.sum(),
        "buyers": scale * bought.sum(),
        "rmse": np.sqrt(np.square(actual - published["predicted_30d_spend"]).mean()),
        "wape": np.abs(actual - published["spend_p50"]).sum() / max(actual.sum(), 1e-9),
        "coverage": inside.mean(),
        "brier": np.square(published["purchase_probability"] - bought).mean(),
    }
