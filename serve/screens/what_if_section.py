"""The part of a customer's page that asks what would be, had the customer bought more."""

from __future__ import annotations

from typing import Any

import streamlit as st

from serve.changes import BIGGEST_AMOUNT, MOST_CHANGES
from serve.ranges import in_words
from serve.schema import MOST_DAYS
from serve.screens import client, forecast_view
from serve.screens.form import label_of

ORDERS, RETURNS = "Orders", "Returns"
USUAL_AMOUNT = 80.0


def show(customer_id: str, prediction: dict[str, Any]) -> dict[str, Any] | None:
    """Ask for hypothetical orders of a customer; keep and return the forecast they would bring.

    Parameters
    ----------
    prediction
        The stored forecast, beside which the other is shown.
    """
    kept = f"{customer_id}/what if"
    with st.form(kept, border=False):
        kind, many = st.columns(2)
        more = kind.selectbox("More", [ORDERS, RETURNS], key=f"{kept}/kind")
        number = many.number_input("How many", 1, MOST_CHANGES, 1, key=f"{kept}/number")
        amount, days = st.columns(2)
        each = amount.number_input(
            "Amount of each", 0.01, float(BIGGEST_AMOUNT), USUAL_AMOUNT, key=f"{kept}/amount"
        )
        ago = days.number_input(
            "Days ago",
            1,
            MOST_DAYS,
            1,
            help="Before the as-of date; 1 is the last day that counts.",
            key=f"{kept}/days",
        )
        submitted = st.form_submit_button("What if?", icon=":material/alt_route:")
    if submitted:
        change = {"amount": each, "days_ago": ago, "is_return": more == RETURNS}
        try:
            st.session_state[f"{kept}/answer"] = client.what_if(customer_id, [change] * number)
        except client.ApiError as error:
            st.session_state.pop(f"{kept}/answer", None)
            st.error(str(error))
    answer = st.session_state.get(f"{kept}/answer")
    if answer is None:
        return None
    if answer["before"]["predicted_30d_spend"] != prediction["predicted_30d_spend"]:
        st.info("The forecasts were renewed meanwhile. Ask once more to compare with the new one.")
        return None
    forecast_view.metrics(answer["after"], prediction)
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
    return answer["after"]
