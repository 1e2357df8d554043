"""The part of the app's first page that asks what would be if a customer had bought more."""

from __future__ import annotations

from typing import Any

import streamlit as st

from serve import client
from serve.changes import BIGGEST_AMOUNT, MOST_CHANGES
from serve.form import label_of
from serve.ranges import in_words
from serve.schema import MOST_DAYS

ORDERS, RETURNS = "Orders", "Returns"


def show(customer_id: str) -> None:
    """Ask for hypothetical orders of a customer and show the forecast before and after."""
    st.subheader("What if")
    st.caption(
        "Had the customer also ordered or returned something: all features that follow from it "
        "change with it. The others are as stored, not as edited below."
    )
    with st.form(f"what if {customer_id}", border=False):
        kind, many, amount, days = st.columns(4)
        more = kind.selectbox("More", [ORDERS, RETURNS], key=f"{customer_id}/what if/kind")
        number = many.number_input(
            "How many", 1, MOST_CHANGES, 1, key=f"{customer_id}/what if/number"
        )
        each = amount.number_input(
            "Amount of each", 0.01, float(BIGGEST_AMOUNT), 80.0, key=f"{customer_id}/what if/amount"
        )
        ago = days.number_input(
            "Days ago",
            1,
            MOST_DAYS,
            1,
            help="Before the as-of date; 1 is the last day that counts.",
            key=f"{customer_id}/what if/days",
        )
        submitted = st.form_submit_button("What if?", icon=":material/alt_route:")
    if submitted:
        change = {"amount": each, "days_ago": ago, "is_return": more == RETURNS}
        _answer(customer_id, [change] * number)


def _answer(customer_id: str, changes: list[dict[str, Any]]) -> None:
    try:
        answer = client.what_if(customer_id, changes)
    except client.ApiError as error:
        st.error(str(error))
        return
    before, after = answer["before"], answer["after"]
    more = after["predicted_30d_spend"] - before["predicted_30d_spend"]
    likelier = after["purchase_probability"] - before["purchase_probability"]
    with st.container(horizontal=True, gap="medium"):
        st.metric(
            "Expected spend, what if",
            f"{after['predicted_30d_spend']:,.2f}",
            f"{more:+,.2f}",
            width="content",
        )
        st.metric(
            "Probability, what if",
            f"{after['purchase_probability']:.1%}",
            f"{100 * likelier:+.1f} points",
            width="content",
        )
    st.caption(
        f"Without it {before['predicted_30d_spend']:,.2f} are expected, with probability "
        f"{before['purchase_probability']:.1%}. Model {after['model_version']}."
    )
    if answer["warnings"]:
        st.warning("\n".join(f"- {warning}" for warning in answer["warnings"]))
    with st.expander(f"Features that follow ({len(answer['changed'])})"):
        st.dataframe(
            {
                "feature": [label_of(entry["feature"]) for entry in answer["changed"]],
                # a column has one type, features have several
                "as it is": [in_words(entry["before"]) for entry in answer["changed"]],
                "what if": [in_words(entry["after"]) for entry in answer["changed"]],
            },
            hide_index=True,
        )
