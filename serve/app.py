"""The app: `python -m streamlit run serve/app.py`."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import streamlit as st

import warehouse
from serve.fetching import follow_store
from serve.screens import (
    audience_page,
    by_hand_page,
    changes_page,
    client,
    customers_page,
    month_page,
)


def guarded(page: Callable[[], None]) -> Callable[[], None]:
    """Let a page read one generation from top to bottom, and say in plain words why it cannot."""

    @wraps(page)
    def run() -> None:
        try:
            with warehouse.pinned(warehouse.path()):
                page()
        except warehouse.HeldError:
            st.info("The figures are being renewed. That takes a moment; nothing is lost.")
            st.button("Look again", icon=":material/refresh:")
        except warehouse.WarehouseError as error:
            st.error(f"The figures cannot be read now: {error.shown}.")
        except client.ApiError as error:
            st.error(str(error))

    return run


follow_store()
# no page icon: one given by name is fetched from outside
st.set_page_config(page_title="Retail forecast", layout="wide")
# wide screens get a readable measure, phones lose the desktop's margins; a table's own button would
# save the rows that are shown alone; what Streamlit writes small or chosen is too faint to be read
st.html(
    """<style>
    .stMainBlockContainer { max-width: 1180px; padding-top: 2.5rem; }
    .stApp [data-testid="stCaptionContainer"] { color: inherit; opacity: .8; }
    .stApp [data-testid="stCaptionContainer"] code { color: inherit; }
    .stApp button[data-selected="true"],
    .stApp button[data-selected="true"] * { color: inherit !important; }
    .stElementToolbar button[aria-label="Download as CSV"] { display: none; }
    @media (max-width: 640px) {
        .stMainBlockContainer { padding-left: 1rem; padding-right: 1rem; }
        .stMainBlockContainer h1 { font-size: 1.75rem; }
    }
    </style>"""
)
PAGES = {
    st.Page(guarded(month_page.page), title="This month", default=True): ":material/bar_chart:",
    st.Page(
        guarded(customers_page.page), title="Customers", url_path="customers"
    ): ":material/group:",
    st.Page(
        guarded(changes_page.page), title="Slipping, rising", url_path="changes"
    ): ":material/trending_down:",
    st.Page(
        guarded(audience_page.page), title="Whom to contact", url_path="audience"
    ): ":material/checklist:",
    st.Page(guarded(by_hand_page.page), title="By hand", url_path="by-hand"): ":material/edit:",
}
# links instead of the built-in menu, which hides behind an arrow on phones
chosen = st.navigation(list(PAGES), position="hidden")
with st.container(horizontal=True):
    for each, icon in PAGES.items():
        st.page_link(each, icon=icon, width="content")
chosen.run()
