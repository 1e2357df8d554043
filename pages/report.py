"""The pictures of a fit and one page that holds them all, readable on a phone."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from core.doubt import DOUBT_EXPLAINED
from core.metrics import EXPLAINED, METRICS, decile_of, deciles, metric_text
from pages.look import figure, template
from pages.palette import BLUE, GREY, ORANGE

Values = NDArray[np.float64]

TEMPLATE = Path(__file__).with_name("report.html.jinja")

CAPTIONS = {
    "calibration": "Forecast and actual spend in ten groups of customers, from the lowest "
    "forecasts to the highest. Bars of equal height: the sums are right.",
    "lift": "Share of all spend that is reached by going down the list of customers, best forecast "
    "first. The dashed line is chance.",
    "forecast_against_actual": "Each point is a customer of the test snapshot. On the line the "
    "forecast is exact; points at the foot bought nothing.",
    "probability": "Purchase probability and share of buyers in ten groups of customers, from the "
    "least likely to the likeliest. On the line the probabilities are right.",
    "importance": "How much worse the ranking gets (loss of normalised Gini) when one feature is "
    "shuffled, on data that the model had not seen.",
}


@dataclass(frozen=True)
class Story:
    """What a fit has to tell.

    Attributes
    ----------
    card
        The version's card.
    status
        What the version has become, and why, in one sentence.
    baseline, error_ratio
        The best simple baseline, and the errors of the chosen model over its errors.
    evaluation
        Metrics on the test snapshot, one row per model, the best first.
    intervals
        Of the chosen model and the best simple baseline: metric, value, low, high by model.
    history
        Metrics of the chosen model, one row per as-of date, newest first.
    doubt
        Coverage and calibration on the test snapshot, as in `core.doubt.DOUBT_EXPLAINED`.
    actual, forecast
        Spend on the test snapshot and what would have been published of it.
    importance
        Loss per feature, largest first.
    drivers
        The driver of each feature.
    drift
        Why the newest forecast of the model before is not what it was when that learned:
        as_of_date, compared_with, dimension, member, money_explained, message (of what is unusual),
        as in `marts.forecast_drift`; no rows where none was scored.
    """

    card: Mapping[str, Any]
    status: str
    baseline: str
    error_ratio: float
    evaluation: pd.DataFrame
    intervals: pd.DataFrame
    history: pd.DataFrame
    doubt: Mapping[str, float]
    actual: Values
    forecast: pd.DataFrame
    importance: pd.Series
    drivers: Mapping[str, str]
    drift: pd.DataFrame


def write(story: Story, folder: Path) -> Path:
    """Draw the plots and write the page into a folder.

    Returns
    -------
    Path
        `report.html`; the plots lie beside it as PNG files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    spend = story.forecast["predicted_30d_spend"].to_numpy()
    chance = story.forecast["purchase_probability"].to_numpy()
    figures = {
        "calibration": _calibration(story.actual, spend),
        "lift": _lift(story.actual, spend),
        "probability": _probability(story.actual > 0, chance),
        "forecast_against_actual": _scatter(story.actual, spend),
        "importance": _importance(story.importance),
    }
    images = []
    for name, drawing in figures.items():
        file = folder / f"{name}.png"
        drawing.savefig(file, dpi=110)
        encoded = base64.b64encode(file.read_bytes()).decode()
        images.append({"name": name, "caption": CAPTIONS[name], "data": encoded})
    by_driver = story.importance.clip(lower=0).groupby(story.drivers.get).sum()
    page = template(TEMPLATE).render(
        card=story.card,
        status=story.status,
        headline=_headline(story),
        customers=len(story.actual),
        metrics=METRICS,
        explained=EXPLAINED,
        models=[(name, _cells(row)) for name, row in story.evaluation.iterrows()],
        history=[(day, _cells(row)) for day, row in story.history.iterrows()],
        intervals=[
            (row.model, row.metric, *(metric_text(str(row.metric), value) for value in row[2:5]))
            for row in story.intervals[["model", "metric", "value", "low", "high"]].itertuples(
                index=False
            )
        ],
        doubt=[(DOUBT_EXPLAINED[name], f"{value:.3f}") for name, value in story.doubt.items()],
        drivers=by_driver.sort_values(ascending=False, kind="stable").items(),
        images=images,
        drift=story.drift.to_dict("records"),
    )
    file = folder / "report.html"
    file.write_text(page)
    return file


def _headline(story: Story) -> list[tuple[str, str]]:
    """Return figures that answer whether it is worth it, each with its words."""
    ratio = story.error_ratio
    figures = [
        (
            f"{abs(1 - ratio):.0%}",
            f"{'smaller' if ratio < 1 else 'larger'} errors than the best simple baseline, "
            f"{story.baseline}",
        )
    ]
    sums = story.evaluation.loc[story.card["chosen"], "sum_ratio"]
    if np.isfinite(sums):
        figures.append((f"{sums:.0%}", "forecast of all customers over what they spent"))
    figures.append((f"{story.doubt['coverage']:.0%}", "of customers within their 80 % interval"))
    return figures


def _cells(row: pd.Series) -> list[str]:
    return [metric_text(name, row[name]) for name in METRICS]


def _calibration(actual: Values, forecast: Values) -> Figure:
    drawing, axes = figure("Calibration by decile", "decile of the forecast", "spend")
    groups = deciles(actual, forecast)
    axes.bar(groups["decile"] - 0.2, groups["forecast"], 0.4, label="forecast", color=BLUE)
    axes.bar(groups["decile"] + 0.2, groups["actual"], 0.4, label="actual", color=ORANGE)
    axes.set_xticks(range(1, 11))
    axes.legend(frameon=False)
    return drawing


def _lift(actual: Values, forecast: Values) -> Figure:
    drawing, axes = figure("Lift", "share of customers", "share of spend")
    total = actual.sum()
    share = np.arange(1, len(actual) + 1) / len(actual)
    if total > 0:
        for label, order_by, colour in (
            ("best possible", actual, GREY),
            ("forecast", forecast, BLUE),
        ):
            captured = np.cumsum(actual[np.argsort(-order_by, kind="stable")]) / total
            axes.plot(share, captured, label=label, color=colour)
    axes.plot([0, 1], [0, 1], "--", color=GREY, linewidth=1)
    axes.legend(frameon=False, loc="lower right")
    return drawing


def _probability(bought: NDArray[np.bool_], chance: Values) -> Figure:
    drawing, axes = figure("Purchase probability", "probability", "share of buyers")
    tenth = decile_of(chance)
    rows = np.maximum(np.bincount(tenth, minlength=10), 1)
    axes.plot(
        np.bincount(tenth, chance, minlength=10) / rows,
        np.bincount(tenth, bought, minlength=10) / rows,
        "o-",
        color=BLUE,
    )
    axes.plot([0, 1], [0, 1], "--", color=GREY, linewidth=1)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    return drawing


def _scatter(actual: Values, forecast: Values) -> Figure:
    drawing, axes = figure("Forecast against actual", "forecast", "actual spend")
    axes.scatter(forecast, actual, s=6, alpha=0.35, color=BLUE, linewidths=0)
    top = max(float(actual.max()), float(forecast.max()), 1.0)
    axes.plot([0, top], [0, top], "--", color=GREY, linewidth=1)
    # money has a long tail: logarithmic from 10 up, linear below so that zero has a place
    axes.set_xscale("symlog", linthresh=10)
    axes.set_yscale("symlog", linthresh=10)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=-1)
    return drawing


def _importance(importance: pd.Series) -> Figure:
    drawing, axes = figure("Importance", "loss of Gini", "", height=5.2)
    top = importance.head(15)[::-1]
    axes.barh(top.index.astype(str), top.to_numpy(), color=BLUE)
    return drawing
