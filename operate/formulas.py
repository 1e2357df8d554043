"""The metrics of `core.metrics` as formulas, with their sources, and what each of them judges.

`operate.reference` makes a page of them.
"""

from __future__ import annotations

from core.doubt import FEWEST_COVERED

HYNDMAN = "Hyndman and Koehler 2006, Int. J. Forecasting 22(4)"
KOENKER = "Koenker and Bassett 1978, Econometrica 46(1)"
BY_DEFINITION = "by definition"
# metric -> formula, its source
FORMULAS = {
    "mae": ("mean(abs(m - y))", HYNDMAN),
    "wape": ("sum(abs(m - y)) / sum(y)", "Kolassa and Schütz 2007, Foresight 6"),
    "rmse": ("sqrt(mean((f - y)^2))", HYNDMAN),
    "r2": (
        "1 - sum((f - y)^2) / sum((y - mean(y))^2)",
        "Kvålseth 1985, The American Statistician 39(4)",
    ),
    "gini": (
        "A(f) / A(y), A(x) = mean over k of (share of y that the k highest x have) - 1/2",
        "accuracy ratio, of money: Engelmann, Hayden and Tasche 2003, Risk 16",
    ),
    "spearman": (
        "correlation(rank(f), rank(y)), ties share a rank",
        "Spearman 1904, Am. J. Psychology 15",
    ),
    "top10_capture": ("sum(y of the tenth with the highest f) / sum(y)", "Ling and Li 1998, KDD"),
    "decile_error": ("sum over tenths of f of abs(sum(f) - sum(y)) / sum(y)", BY_DEFINITION),
    "sum_ratio": ("sum(f) / sum(y)", BY_DEFINITION),
    "auc": (
        "P(p of a buyer > p of a non-buyer), ties one half",
        "Hanley and McNeil 1982, Radiology 143(1)",
    ),
    "brier": ("mean((p - b)^2)", "Brier 1950, Monthly Weather Review 78(1)"),
    "coverage": ("mean(low <= y <= high)", "Christoffersen 1998, Int. Economic Review 39(4)"),
    "coverage_nonzero": ("the same where high > 0", BY_DEFINITION),
    "coverage_lowest": (
        f"least of the same in tenths of f with {FEWEST_COVERED} such customers or more",
        BY_DEFINITION,
    ),
    "coverage_zero": ("mean(y = 0) where high = 0", BY_DEFINITION),
    "share_zero": ("mean(high = 0)", BY_DEFINITION),
    "ece": (
        "sum over tenths of p of abs(sum(p - b)) / n",
        "Naeini, Cooper and Hauskrecht 2015, AAAI",
    ),
    "log_loss": ("mean(-log(if b then p else 1 - p))", "Good 1952, J. Royal Stat. Soc. B 14(1)"),
    "pinball_p10": ("mean(max(.1 (y - q), -.9 (y - q)))", KOENKER),
    "pinball_p90": ("mean(max(.9 (y - q), -.1 (y - q)))", KOENKER),
    "crps": (
        "2 mean over levels of pinball loss",
        "Gneiting and Ranjan 2011, J. Business and Economic Statistics 29(3)",
    ),
}
# of intervals and probabilities: they are asked for 80 %, and [0, 0] is sure of it or more
BEST = {
    "coverage": "at least .80",
    "coverage_nonzero": ".80",
    "coverage_lowest": ".80",
    "coverage_zero": "at least .80",
    "share_zero": "none",
    "ece": "0",
    "log_loss": "0",
    "pinball_p10": "0",
    "pinball_p90": "0",
    "crps": "0",
}
# published column, what it is -> metrics that it is best by when it is right
JUDGED = {
    "`predicted_30d_spend`, a mean": ("rmse", "r2", "sum_ratio", "decile_error"),
    "`predicted_30d_spend`, as an order of customers": ("gini", "spearman", "top10_capture"),
    "`spend_p50`, a median": ("mae", "wape"),
    "`purchase_probability`": ("brier", "log_loss", "auc", "ece"),
    "`spend_p10`, `spend_p90`, quantiles": ("pinball_p10", "pinball_p90"),
    "all of them, the whole distribution": ("crps",),
    "`spend_low`, `spend_high`": (
        *("coverage", "coverage_nonzero", "coverage_lowest", "coverage_zero", "share_zero"),
    ),
}
METRICS_SAY = """
`y` is what a customer spent in the 30 days, `f` the forecast of its mean, `m` of its median, `q` of
another quantile, `b` 1 for who bought and 0 for who did not, `p` the probability of that, `n` the
number of customers.

The code is `core/metrics.py` and `core/doubt.py`. Values of each candidate on the test of each fit
stand in [main.model_evaluation](tables.md#mainmodel_evaluation), those of past dates with intervals
in [marts.model_skill](tables.md#martsmodel_skill).
"""
JUDGED_SAYS = """
Squared errors are least for the mean and absolute ones for the median (Gneiting 2011, JASA
106(494)): judged by WAPE, a forecast of the mean would be rewarded for being too low. So MAE and
WAPE are those of the median everywhere; a simple baseline's one number stands for both.
"""
