"""The app's charts, in one style."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

COLOUR = "#1f6f78"
SOFT = "#b9d3d6"
ACCENT = "#d1622b"


def revenue_by_decile(deciles: pd.DataFrame) -> alt.Chart:
    """Draw expected revenue by decile, the best customers on the left."""
    return (
        _bars(deciles)
        .encode(
            x=alt.X(
                "decile:O",
                sort=deciles["decile"].tolist(),
                title="decile",
                axis=_axis(labelAngle=0),
            ),
            y=alt.Y("revenue:Q", title=None, axis=_axis(format="~s", tickCount=4)),
            tooltip=_tooltips("decile"),
        )
        .properties(height=240)
    )


def revenue_by_group(groups: pd.DataFrame, title: str) -> alt.Chart:
    """Draw expected revenue by group as lying bars: names are long."""
    return (
        _bars(groups)
        .encode(
            y=alt.Y("name:N", sort=groups["name"].tolist(), title=None, axis=_axis(labelLimit=110)),
            x=alt.X("revenue:Q", title=None, axis=_axis(format="~s", tickCount=4)),
            tooltip=[alt.Tooltip("name:N", title=title), *_tooltips("decile")[1:]],
        )
        .properties(height=max(26 * len(groups) + 30, 120))
    )


def customers_by_spend(steps: pd.DataFrame) -> alt.Chart:
    """Draw how many customers fall into each step of expected spend."""
    return (
        _bars(steps)
        .encode(
            x=alt.X(
                "label:N",
                sort=steps["label"].tolist(),
                title="expected spend",
                axis=_axis(labelAngle=-45, labelOverlap=False),
            ),
            y=alt.Y("customers:Q", title=None, axis=_axis(format="~s", tickCount=4)),
            tooltip=[
                alt.Tooltip("label:N", title="expected spend"),
                alt.Tooltip("customers:Q", format=","),
            ],
        )
        .properties(height=260)
    )


def interval(prediction: dict[str, Any]) -> alt.LayerChart:
    """Draw the interval that holds 80 % as a band, the median as a tick and the mean as a dot."""
    row = pd.DataFrame([prediction])
    scale = alt.Scale(domainMin=0, nice=True)
    low = alt.X(
        "spend_low:Q", title=None, scale=scale, axis=_axis(format=",~f", tickCount=4, grid=True)
    )
    base = alt.Chart(row)
    return (
        alt.layer(
            base.mark_bar(size=14, color=SOFT, cornerRadius=7).encode(x=low, x2="spend_high:Q"),
            base.mark_tick(size=22, thickness=3, color=COLOUR).encode(x="spend_p50:Q"),
            base.mark_point(size=110, filled=True, opacity=1, color=ACCENT).encode(
                x="predicted_30d_spend:Q"
            ),
        )
        .properties(height=80)
        .configure_view(strokeWidth=0)
    )


def _bars(rows: pd.DataFrame) -> alt.Chart:
    return alt.Chart(rows).mark_bar(color=COLOUR, cornerRadiusEnd=2).configure_view(strokeWidth=0)


def _axis(**settings: Any) -> alt.Axis:  # noqa: ANN401
    return alt.Axis(
        **{"grid": False, "ticks": False, "domain": False, "labelPadding": 6} | settings
    )


def _tooltips(name: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip(f"{name}:O"),
        alt.Tooltip("revenue:Q", title="expected revenue", format=",.2f"),
        alt.Tooltip("customers:Q", format=","),
        alt.Tooltip("mean_spend:Q", title="per customer", format=",.2f"),
    ]
