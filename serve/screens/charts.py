"""The app's charts, in one style; colours of `pages/palette.py` that show on light and dark."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from pages.palette import BLUE, GREY, ORANGE

CAME, SAID, NOW = "came in", "earlier forecasts", "forecast"
COLOURS = alt.Scale(domain=[CAME, SAID, NOW], range=[BLUE, GREY, ORANGE])


def months(revenue: pd.DataFrame, said: pd.DataFrame, expected: pd.DataFrame) -> alt.LayerChart:
    """Draw what came in in windows of 30 days, and forecasts with their bands of 80 %.

    Parameters
    ----------
    revenue
        first_day, revenue.
    said, expected
        Forecasts of earlier dates and of the newest one: as_of_date, expected_spend, total_low,
        total_high.
    """
    came = revenue.rename(columns={"first_day": "day", "revenue": "money"}).assign(what=CAME)
    forecasts = pd.concat([said.assign(what=SAID), expected.assign(what=NOW)])
    forecasts = forecasts.rename(columns={"as_of_date": "day", "expected_spend": "money"})
    # as the dots are: the bands' own is too faint for a legend
    legend = alt.Legend(orient="top", symbolOpacity=1)
    colour = alt.Color("what:N", title=None, scale=COLOURS, legend=legend)
    day = alt.X("day:T", title=None, axis=_axis(format="%b %Y", labelAngle=0, tickCount=6))
    money = alt.Y("money:Q", title=None, axis=_axis(format="~s", tickCount=5, grid=True))
    tooltip = [
        alt.Tooltip("day:T", title="30 days from", format="%d %B %Y"),
        alt.Tooltip("what:N", title=" "),
        alt.Tooltip("money:Q", title="money", format=",.0f"),
    ]
    bounds = [
        alt.Tooltip("total_low:Q", title="at least (80 %)", format=",.0f"),
        alt.Tooltip("total_high:Q", title="at most (80 %)", format=",.0f"),
    ]
    line = alt.Chart(came).encode(x=day, y=money, color=colour, tooltip=tooltip)
    dots = alt.Chart(forecasts).encode(x=day, y=money, color=colour, tooltip=tooltip + bounds)
    return (
        alt.layer(
            dots.mark_bar(size=9, opacity=0.35, cornerRadius=4).encode(
                y="total_low:Q", y2="total_high:Q"
            ),
            line.mark_line(strokeWidth=2, point=alt.OverlayMarkDef(size=30)),
            dots.mark_point(size=60, filled=True, opacity=1),
        )
        .properties(height=300)
        .configure_view(strokeWidth=0)
    )


def expected_by_set(sums: pd.DataFrame) -> alt.LayerChart:
    """Draw the sums of sets as lying bars with their intervals: names are long.

    Parameters
    ----------
    sums
        name, customers, expected_spend, total_low, total_high; the largest first.
    """
    name = alt.Y("name:N", sort=sums["name"].tolist(), title=None, axis=_axis(labelLimit=120))
    tooltip = [
        alt.Tooltip("name:N", title=" "),
        alt.Tooltip("customers:Q", format=","),
        alt.Tooltip("expected_spend:Q", title="expected", format=",.0f"),
        alt.Tooltip("total_low:Q", title="at least (80 %)", format=",.0f"),
        alt.Tooltip("total_high:Q", title="at most (80 %)", format=",.0f"),
    ]
    base = alt.Chart(sums).encode(y=name, tooltip=tooltip)
    money = alt.X("expected_spend:Q", title=None, axis=_axis(format="~s", tickCount=4, grid=True))
    return (
        alt.layer(
            base.mark_bar(color=BLUE, cornerRadiusEnd=2).encode(x=money),
            base.mark_rule(color=ORANGE, strokeWidth=2).encode(x="total_low:Q", x2="total_high:Q"),
        )
        .properties(height=max(26 * len(sums) + 30, 120))
        .configure_view(strokeWidth=0)
    )


def history(windows: pd.DataFrame, forecast: pd.DataFrame) -> alt.LayerChart:
    """Draw what a customer brought in each window, and the forecast with its interval.

    Parameters
    ----------
    windows
        day, money, orders.
    forecast
        day, money, spend_low, spend_high; one row.
    """
    day = alt.X("day:T", title=None, axis=_axis(format="%b %Y", labelAngle=0, tickCount=6))
    money = alt.Y("money:Q", title=None, axis=_axis(format="~s", tickCount=4, grid=True))
    from_day = alt.Tooltip("day:T", title="30 days from", format="%d %B %Y")
    brought = alt.Tooltip("money:Q", title="money", format=",.2f")
    bars = alt.Chart(windows).encode(
        x=day, y=money, tooltip=[from_day, brought, alt.Tooltip("orders:Q")]
    )
    ahead = alt.Chart(forecast).encode(
        x=day,
        tooltip=[
            from_day,
            alt.Tooltip("money:Q", title="expected", format=",.2f"),
            alt.Tooltip("spend_low:Q", title="at least (80 %)", format=",.2f"),
            alt.Tooltip("spend_high:Q", title="at most (80 %)", format=",.2f"),
        ],
    )
    return (
        alt.layer(
            bars.mark_bar(size=9, color=BLUE, cornerRadiusEnd=2),
            ahead.mark_bar(size=9, color=ORANGE, opacity=0.35, cornerRadius=4).encode(
                y="spend_low:Q", y2="spend_high:Q"
            ),
            ahead.mark_point(size=70, filled=True, opacity=1, color=ORANGE).encode(y=money),
        )
        .properties(height=220)
        .configure_view(strokeWidth=0)
    )


def intervals(forecasts: pd.DataFrame) -> alt.LayerChart:
    """Draw forecasts on one axis: a band that holds 80 %, the median a tick, the mean a dot.

    Parameters
    ----------
    forecasts
        label, predicted_30d_spend, spend_p50, spend_low, spend_high.
    """
    scale = alt.Scale(domainMin=0, nice=True)
    axis = _axis(format=",~f", tickCount=4, grid=True)
    label = alt.Y("label:N", sort=forecasts["label"].tolist(), title=None, axis=_axis())
    base = alt.Chart(forecasts).encode(y=label)
    return (
        alt.layer(
            base.mark_bar(size=14, color=BLUE, opacity=0.35, cornerRadius=7).encode(
                x=alt.X("spend_low:Q", title=None, scale=scale, axis=axis), x2="spend_high:Q"
            ),
            base.mark_tick(size=22, thickness=3, color=BLUE).encode(x="spend_p50:Q"),
            base.mark_point(size=110, filled=True, opacity=1, color=ORANGE).encode(
                x="predicted_30d_spend:Q"
            ),
        )
        .properties(height=40 * len(forecasts) + 40)
        .configure_view(strokeWidth=0)
    )


def waterfall(steps: pd.DataFrame) -> alt.LayerChart:
    """Draw how a forecast comes about: each bar begins where the one before it ends.

    Parameters
    ----------
    steps
        label, start, end, effect and kind (`total`, `more` or `less`), from top to bottom.
    """
    kinds = alt.Scale(domain=["total", "more", "less"], range=[GREY, BLUE, ORANGE])
    base = alt.Chart(steps).encode(
        y=alt.Y("label:N", sort=steps["label"].tolist(), title=None, axis=_axis(labelLimit=150)),
        tooltip=[alt.Tooltip("label:N", title=" "), alt.Tooltip("effect:Q", format="+,.2f")],
    )
    return (
        alt.layer(
            base.mark_bar(cornerRadius=2).encode(
                x=alt.X("start:Q", title=None, axis=_axis(format="~s", tickCount=4, grid=True)),
                x2="end:Q",
                color=alt.Color("kind:N", scale=kinds, legend=None),
            ),
        )
        .properties(height=26 * len(steps) + 30)
        .configure_view(strokeWidth=0)
    )


def moved(rows: pd.DataFrame) -> alt.LayerChart:
    """Draw as a heat map how many customers went from each set to each other.

    Parameters
    ----------
    rows
        from_set, to_set, customers, expected_spend_then, expected_spend_now; in the order of axes.
    """
    names = list(dict.fromkeys([*rows["from_set"], *rows["to_set"]]))
    base = alt.Chart(rows).encode(
        x=alt.X("to_set:N", sort=names, title="now", axis=_axis(orient="top", labelAngle=0)),
        y=alt.Y("from_set:N", sort=names, title="before", axis=_axis()),
        tooltip=[
            # not "then": Vega draws nothing with a field of that name
            alt.Tooltip("from_set:N", title="before"),
            alt.Tooltip("to_set:N", title="now"),
            alt.Tooltip("customers:Q", format=","),
            alt.Tooltip("expected_spend_then:Q", title="expected then", format=",.0f"),
            alt.Tooltip("expected_spend_now:Q", title="expected now", format=",.0f"),
        ],
    )
    share = alt.Opacity("customers:Q", scale=alt.Scale(range=[0.08, 0.9]), legend=None)
    return (
        alt.layer(
            base.mark_rect(color=BLUE, cornerRadius=2).encode(opacity=share),
            base.mark_text(color=ORANGE, fontWeight="bold").encode(
                text=alt.Text("customers:Q", format=",")
            ),
        )
        .properties(height=34 * rows["from_set"].nunique() + 60)
        .configure_view(strokeWidth=0)
    )


def _axis(**settings: Any) -> alt.Axis:  # noqa: ANN401
    return alt.Axis(
        **{"grid": False, "ticks": False, "domain": False, "labelPadding": 6} | settings
    )
