"""How the app shows the forecast of one customer; alike wherever two are to be compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from serve.screens import charts

Forecast = Mapping[str, Any]


def metrics(forecast: Forecast, against: Forecast | None = None) -> None:
    """Show expected spend, chance and interval; against another forecast the differences, too."""
    spend, chance = forecast["predicted_30d_spend"], forecast["purchase_probability"]
    more = likelier = None
    if against is not None:
        more = f"{spend - against['predicted_30d_spend']:+,.2f}"
        likelier = f"{100 * (chance - against['purchase_probability']):+.1f} points"
    with st.container(horizontal=True, gap="medium"):
        st.metric("Expected spend", f"{spend:,.2f}", more, width="content")
        st.metric("Chance of a purchase", f"{chance:.1%}", likelier, width="content")
        st.metric(
            "Four of five",
            f"{forecast['spend_low']:,.2f} - {forecast['spend_high']:,.2f}",
            width="content",
        )


def chart(forecasts: Mapping[str, Forecast]) -> None:
    """Draw forecasts by their labels on one axis, unless nothing is expected at all."""
    rows = pd.DataFrame([{"label": label, **each} for label, each in forecasts.items()])
    if rows["spend_high"].max() > 0:
        st.altair_chart(charts.intervals(rows))
        st.caption(
            "The dot is the expected spend, the band holds four outcomes of five, the tick is the "
            "median."
        )
