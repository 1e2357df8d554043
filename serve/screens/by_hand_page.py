"""The app's page for features entered by hand: the API says what the model makes of them."""

from __future__ import annotations

import streamlit as st

from serve import repository, schema
from serve.screens import client, forecast_view
from serve.screens.form import edited


def page() -> None:
    """Predict the spend of somebody whose features the reader enters."""
    st.title("By hand")
    st.caption("A customer who never bought, to begin with: open a group and change it.")
    contract = repository.contract()
    # the answer belongs above the features, which are read first
    answer = st.container()
    features = edited(contract, schema.example(contract), repository.categories(), key="by hand")
    with answer:
        if st.button("Predict", type="primary", icon=":material/query_stats:"):
            prediction = client.predict(features)
            forecast_view.metrics(prediction)
            forecast_view.chart({"by hand": prediction})
            st.caption(f"Model {prediction['model_version']}.")
