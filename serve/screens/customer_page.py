"""One customer: the forecast and why, what was, what if, and who is alike."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

import warehouse
from serve import customer_list, look_up, repository
from serve.ranges import in_words
from serve.screens import charts, contacts, forecast_view, what_if_section
from serve.screens.form import group_of, label_of
from serve.screens.wording import day, plain

# the name of the customer in the page's address
ID = "id"
NOW, WHAT_IF = "as it is", "what if"
NUMBER, TEXT = st.column_config.NumberColumn, st.column_config.TextColumn
ALIKE = {
    "customer_id": TEXT("Customer", pinned=True),
    "predicted_30d_spend": NUMBER("Expected", format="%,.2f"),
    "purchase_probability": NUMBER("Buys", format="percent"),
    "orders_lifetime": NUMBER("Orders", format="%d"),
    "net_spend_lifetime": NUMBER("Spent so far", format="%,.0f"),
    "days_since_last_order": NUMBER("Days since order", format="%d"),
    "favourite_category": TEXT("Buys mostly"),
    "segment_id": TEXT("Segment"),
}


def open_page(customer_id: str | None) -> None:
    """Go to a customer, or back to the list."""
    st.query_params.from_dict({ID: customer_id} if customer_id else {})
    st.rerun()


def show(customer_id: str) -> None:
    """Show all that is known of a customer."""
    if st.button("All customers", icon=":material/arrow_back:", type="tertiary"):
        open_page(None)
    st.title(plain(customer_id))
    with repository.reading() as connection:
        stored = look_up.customer(connection, customer_id, repository.current_date(connection))
        row = customer_list.one(customer_id)
        windows = customer_list.history(customer_id)
        alike = customer_list.similar(customer_id)
    if stored is None or row is None or stored["prediction"] is None:
        st.info("There is no forecast of a customer of this id.")
        return
    if contacts.allowed():
        st.markdown(plain(", ".join(contacts.of(customer_id)) or "No contact is known."))
    _who(row)
    _forecast(customer_id, stored["prediction"])
    _history(windows, row)
    _reasons(stored)
    _alike(alike)
    if stored["features"]:
        _features(stored["features"])


def _who(row: pd.Series) -> None:
    last = (
        "no order yet" if pd.isna(row.last_order_date) else f"last order {day(row.last_order_date)}"
    )
    st.caption(
        plain(
            f"{row.segment_id}, {row.region}, {row.loyalty_tier}; customer for "
            f"{row.tenure_days:,} days; {row.orders_lifetime:,} orders, "
            f"{row.net_spend_lifetime:,.2f} in all; {last}; buys mostly {row.favourite_category}. "
            f"As of {day(row.as_of_date)}, model {row.model_version}."
        )
    )


def _forecast(customer_id: str, prediction: dict[str, Any]) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(f"The next {warehouse.HORIZON_DAYS} days")
        forecast_view.metrics(prediction)
        drawn = st.container()
    with right:
        st.subheader("What if")
        st.caption("Had the customer also ordered or returned something:")
        changed = what_if_section.show(customer_id, prediction)
    with drawn:
        forecast_view.chart({NOW: prediction} | ({WHAT_IF: changed} if changed else {}))


def _history(windows: pd.DataFrame, row: pd.Series) -> None:
    st.subheader("Two years")
    ahead = pd.DataFrame(
        {
            "day": [row.as_of_date],
            "money": [row.predicted_30d_spend],
            "spend_low": [row.spend_low],
            "spend_high": [row.spend_high],
        }
    )
    st.altair_chart(charts.history(windows, ahead))
    st.caption(
        f"Purchases minus returns of {warehouse.HORIZON_DAYS} days each, and what is expected of "
        "those ahead."
    )


def _reasons(stored: dict[str, Any]) -> None:
    st.subheader("Why")
    reasons = stored["reasons"]
    if not reasons:
        st.caption("This forecast is not explained yet; `make score` explains it.")
        return
    average, expected = stored["average_spend"], stored["prediction"]["predicted_30d_spend"]
    left, right = st.columns([3, 2], gap="large")
    left.altair_chart(charts.waterfall(steps(average, reasons, expected)))
    told = [f"- {plain(each['sentence'])}" for each in reasons if each["sentence"]]
    right.markdown(
        f"What makes it differ most from the average of {average:,.2f}:\n\n" + "\n".join(told)
    )
    right.caption(
        "The bars add up. They say what the model rests on, not what caused the spending."
    )


def steps(average: float, reasons: list[dict[str, Any]], expected: float) -> pd.DataFrame:
    """Return the bars from the average to a forecast: label, start, end, effect and kind."""
    rows = [("average customer", 0.0, average, average, "total")]
    reached = average
    for each in reasons:
        end = reached + each["effect"]
        kind = "more" if each["effect"] >= 0 else "less"
        rows.append((each["driver"], reached, end, each["effect"], kind))
        reached = end
    rows.append(("this customer", 0.0, expected, expected, "total"))
    return pd.DataFrame(rows, columns=["label", "start", "end", "effect", "kind"])


def _alike(alike: pd.DataFrame) -> None:
    st.subheader("Customers like this one")
    picked = st.dataframe(
        alike[list(ALIKE)],
        column_config=ALIKE,
        hide_index=True,
        on_select="rerun",
        selection_mode="single-row",
        key=f"like {alike['customer_id'].tolist()}",
    )
    if picked.selection.rows:
        open_page(alike["customer_id"].iloc[picked.selection.rows[0]])


def _features(features: dict[str, Any]) -> None:
    """Show what the model saw, by group."""
    columns = [c for c in repository.contract().columns if c.name in features]
    with st.expander(f"All {len(columns)} features that the forecast is made from"):
        st.dataframe(
            {
                "group": [group_of(column) for column in columns],
                "feature": [label_of(column.name) for column in columns],
                "value": [in_words(features[column.name]) for column in columns],
            },
            hide_index=True,
        )
