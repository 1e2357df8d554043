"""The app's first page: pick a customer or enter features, and ask the API for a prediction."""

from __future__ import annotations

from typing import Any

import streamlit as st

import warehouse
from serve import charts, client, repository, schema, what_if_section
from serve.form import edited

STORED, BY_HAND = "A stored customer", "By hand"


def page() -> None:
    """Predict the next 30 days of one customer."""
    st.title("What will a customer spend?")
    start = st.radio("Start from", [STORED, BY_HAND], horizontal=True, label_visibility="collapsed")
    contract = repository.contract()
    try:
        if start == STORED:
            picked = _picked()
            if picked is None:
                return
            name, features = picked["customer_id"], picked["features"]
        else:
            st.caption("A customer who never bought, to begin with: open a group and change it.")
            name, features = "by hand", schema.example(contract)
        # the answer belongs above the features, which are read first
        answer = st.container()
        if start == STORED:
            what_if_section.show(name)
        st.subheader("Features")
        features = edited(contract, features, _known_categories(), key=name)
    except warehouse.WarehouseError as error:
        st.error(f"The warehouse cannot be read now. {error}")
        return
    except client.ApiError as error:
        st.error(str(error))
        return
    with answer:
        if st.button("Predict", type="primary", icon=":material/query_stats:"):
            _predicted(features)


def _picked() -> dict[str, Any] | None:
    """Let the reader choose a customer; return what the API knows of them."""
    left, right = st.columns(2)
    text = left.text_input("Customer id begins with", placeholder="all customers").strip()
    ids = repository.customer_ids(text)
    if not ids:
        st.info(f"No customer id begins with {text}." if text else "There are no customers yet.")
        return None
    customer_id = right.selectbox("Customer", ids, help="Of whom most is expected come first.")
    customer = client.customer(customer_id)
    if customer["features"] is None:
        st.info(
            f"The features of {customer_id} as of {customer['as_of_date']} are no longer in the "
            "warehouse. `make score` scores the current as-of date."
        )
        return None
    prediction = customer["prediction"]
    st.caption(
        f"As of {customer['as_of_date']}. "
        + (
            f"Stored prediction: {prediction['predicted_30d_spend']:,.2f}."
            if prediction
            else "Not scored yet."
        )
    )
    if customer["reasons"]:
        told = [f"- {reason['sentence']}" for reason in customer["reasons"] if reason["sentence"]]
        st.markdown(
            f"What makes it differ most from the average of {customer['average_spend']:,.2f}:\n\n"
            + "\n".join(told)
        )
    return customer


def _predicted(features: dict[str, Any]) -> None:
    """Ask the API and show its answer."""
    try:
        prediction = client.predict(features)
    except client.ApiError as error:
        st.error(str(error))
        return
    with st.container(horizontal=True, gap="medium"):
        for label, value in (
            (
                f"Expected spend, {warehouse.HORIZON_DAYS} days",
                f"{prediction['predicted_30d_spend']:,.2f}",
            ),
            ("Probability of a purchase", f"{prediction['purchase_probability']:.1%}"),
            ("Four of five", f"{prediction['spend_low']:,.2f} - {prediction['spend_high']:,.2f}"),
        ):
            st.metric(label, value, width="content")
    if prediction["spend_high"] > 0:
        st.altair_chart(charts.interval(prediction))
    st.caption(
        f"The dot is the expected spend, the bar holds four outcomes of five, the tick is the "
        f"median ({prediction['spend_p50']:,.2f}). Model {prediction['model_version']}."
    )


@st.cache_data(ttl="10m", show_spinner=False)
def _known_categories() -> dict[str, list[str]]:
    return repository.categories()
