"""The app's overview: what the shop may expect of its customers in the next 30 days."""

from __future__ import annotations

import pandas as pd
import streamlit as st

import warehouse
from serve import charts, summaries

NUMBER = st.column_config.NumberColumn
SHOWN = {
    "customer_id": st.column_config.TextColumn("Customer", pinned=True),
    "predicted_30d_spend": NUMBER("Expected", format="accounting", help="Expected spend"),
    "purchase_probability": NUMBER("Buys", format="%.0f%%", help="Probability of any purchase"),
    "spend_low": NUMBER("Low", format="accounting", help="Four of five end between low and high"),
    "spend_high": NUMBER("High", format="accounting", help="Four of five end between low and high"),
    "segment_id": st.column_config.TextColumn("Segment"),
    "region": st.column_config.TextColumn("Region"),
}

SUMS = {"whole shop": "Whole shop", "all": "Known customers", "newcomers": "Newcomers"}


def page() -> None:
    """Show the mart `customer_predictions`."""
    st.title("Expected revenue")
    try:
        totals = summaries.totals()
        if not totals.customers:
            st.info(
                "There are no predictions yet. `make run` makes them; with a warehouse that is "
                "built, `make fit` and then `make score` do."
            )
            return
        _show_alarms()
        _show_totals(totals)
        _show_spread()
        _show_groups()
        _show_top()
    except warehouse.WarehouseError as error:
        st.error(f"The warehouse cannot be read now. {error}")


def _show_alarms() -> None:
    """Say in plain words what may be wrong with what is below."""
    for alarm in summaries.alarms().itertuples():
        show = st.error if alarm.severity == "error" else st.warning
        show(f"{alarm.message}, since {alarm.since:%d %B %Y}. To do: {alarm.what_to_do}.")


def _show_totals(totals: pd.Series) -> None:
    st.caption(
        f"The {warehouse.HORIZON_DAYS} days that begin on {totals.as_of_date:%d %B %Y}. Each sum "
        "with the range that it lies in with four chances of five; newcomers are customers whom "
        "nobody knows yet."
    )
    sums = summaries.sums().to_dict("index")
    with st.container(horizontal=True, gap="medium"):
        for kind, label in SUMS.items():
            if kind in sums:
                total = sums[kind]
                st.metric(
                    label,
                    f"{total['expected_spend']:,.0f}",
                    delta=_between(total["total_low"], total["total_high"]),
                    delta_color="off",
                    delta_arrow="off",
                    width="content",
                )
    st.caption("Of the customers known, below too:")
    with st.container(horizontal=True, gap="medium"):
        for label, value in (
            ("Expected buyers", f"{totals.buyers:,.0f}"),
            ("Customers", f"{totals.customers:,.0f}"),
            ("From the best tenth", f"{totals.best_tenth_share:.0%}"),
        ):
            st.metric(label, value, width="content")


def _between(low: float, high: float) -> str:
    return "unknown" if pd.isna(high) else f"{low:,.0f} - {high:,.0f}"


def _show_spread() -> None:
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader("By decile")
        st.caption("Expected revenue of each tenth of the customers, the best tenth first.")
        st.altair_chart(charts.revenue_by_decile(summaries.by_decile()))
    with right:
        st.subheader("By expected spend")
        st.caption("How many customers are expected to spend how much.")
        st.altair_chart(charts.customers_by_spend(summaries.histogram()))


def _show_groups() -> None:
    groups = {name: summaries.by_group(name) for name in summaries.GROUPS}
    # a shop without segments, or with one region, has nothing to compare
    groups = {name: rows for name, rows in groups.items() if len(rows) > 1}
    if not groups:
        return
    for column, (name, rows) in zip(
        st.columns(len(groups), gap="large"), groups.items(), strict=True
    ):
        with column:
            st.subheader(f"By {name.lower()}")
            st.altair_chart(charts.revenue_by_group(rows, name.lower()))


def _show_top() -> None:
    st.subheader("Top customers")
    limit = st.select_slider("How many", [10, 25, 50, 100, 500, 1000], value=25)
    customers = summaries.top(limit)
    shown = customers.assign(purchase_probability=100 * customers["purchase_probability"])
    st.dataframe(shown, column_config=SHOWN, hide_index=True)
    st.download_button(
        f"Download these {len(customers):,} as CSV",
        customers.to_csv(index=False),
        file_name="top_customers.csv",
        mime="text/csv",
        icon=":material/download:",
    )
