"""The app: `python -m streamlit run serve/app.py`."""

from __future__ import annotations

import streamlit as st

from serve import overview_page, predict_page
from serve.fetching import follow_store

follow_store()
# no page icon: one given by name is fetched from outside
st.set_page_config(page_title="Retail forecast", layout="wide")
# wide screens get a readable measure, phones lose the desktop's margins
st.html(
    """<style>
    .stMainBlockContainer { max-width: 1080px; padding-top: 2.5rem; }
    @media (max-width: 640px) {
        .stMainBlockContainer { padding-left: 1rem; padding-right: 1rem; }
        .stMainBlockContainer h1 { font-size: 1.75rem; }
    }
    </style>"""
)
PREDICT = st.Page(predict_page.page, title="Predict", default=True)
OVERVIEW = st.Page(overview_page.page, title="Overview", url_path="overview")
# links instead of the built-in menu, which hides behind an arrow on phones
chosen = st.navigation([PREDICT, OVERVIEW], position="hidden")
with st.container(horizontal=True):
    st.page_link(PREDICT, icon=":material/person_search:", width="content")
    st.page_link(OVERVIEW, icon=":material/bar_chart:", width="content")
chosen.run()
