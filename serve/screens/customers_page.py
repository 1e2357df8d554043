"""The app's page of customers: a list by filters, and one of them."""

from __future__ import annotations

from functools import partial

import streamlit as st

from serve import customer_list
from serve.customer_list import Filters, Order
from serve.screens import contacts, customer_page
from serve.screens.wording import between

ROWS = 50
EVERYBODY, ONLY, WITHOUT = "all", "only new ones", "without them"
COLD_START = {EVERYBODY: None, ONLY: True, WITHOUT: False}
CHOICES = {"segment_id": "Segment", "region": "Region", "favourite_category": "Buys mostly"}
BOUNDS = (
    *("Customer for at least (days)", "Customer for at most (days)"),
    *("Last order at least (days ago)", "Last order at most (days ago)"),
)
TENTH = "1 is the tenth of whom most is expected"
NUMBER, TEXT = st.column_config.NumberColumn, st.column_config.TextColumn
SHOWN = {
    "customer_id": TEXT("Customer", pinned=True),
    # only where contacts are allowed
    "first_name": TEXT("Name"),
    "predicted_30d_spend": NUMBER(
        "Expected", format="%,.2f", help="Expected spend of the days ahead"
    ),
    "purchase_probability": NUMBER("Buys", format="percent", help="Chance of any purchase"),
    "spend_low": NUMBER("At least", format="%,.0f", help="Four of five end between the two"),
    "spend_high": NUMBER("At most", format="%,.0f", help="Four of five end between the two"),
    "revenue": st.column_config.LineChartColumn(
        "Two years", help="Each 30 days of the last two years"
    ),
    "reason": TEXT("Reason", width=280, help="What makes it differ most from the average"),
    "segment_id": TEXT("Segment"),
    "region": TEXT("Region"),
    "favourite_category": TEXT("Buys mostly"),
    "days_since_last_order": NUMBER("Days since order", format="%d"),
    "tenure_days": NUMBER("Days a customer", format="%d"),
    "net_spend_lifetime": NUMBER("Spent so far", format="%,.0f"),
    "spend_decile": NUMBER("Tenth", format="%d", help=TENTH),
}


def page() -> None:
    """Show the customer that the address names, or the list."""
    if chosen := st.query_params.get(customer_page.ID):
        customer_page.show(chosen)
        return
    st.title("Customers")
    choices = customer_list.choices()
    if not choices["segment_id"]:
        st.info("There are no forecasts yet: `make score` makes them once there is a model.")
        return
    filters, order = _asked(choices)
    total = customer_list.total(filters)
    if not total["customers"]:
        st.info("No customer is like that.")
        return
    with st.container(horizontal=True, gap="medium"):
        st.metric("Customers", f"{total['customers']:,}", width="content")
        st.metric(
            "Expected spend",
            f"{total['expected_spend']:,.0f}",
            delta=f"80 %: {between(total)}",
            delta_color="off",
            delta_arrow="off",
            width="content",
        )
        st.download_button(
            f"All {total['customers']:,} as CSV",
            partial(customer_list.csv, filters, order),
            file_name="customers.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
    _list(filters, order, int(total["customers"]))


def _asked(choices: dict[str, list[str]]) -> tuple[Filters, Order]:
    """Ask whom to list, and in which order; answers outlast a look at a customer."""
    left, middle, right = st.columns([2, 2, 1], vertical_alignment="bottom")
    part = left.text_input(
        "Customer id or name" if contacts.allowed() else "Customer id",
        placeholder="any part of it",
        key="part",
        persist_state="session",
    )
    by = middle.selectbox("Sort by", list(customer_list.SORTS), key="sort", persist_state="session")
    descending = right.toggle(
        "Highest first", value=True, key="descending", persist_state="session"
    )
    with st.expander("Filters", icon=":material/filter_list:"):
        places = st.columns(3)
        segments, regions, categories = (
            place.multiselect(label, choices[column], key=column, persist_state="session")
            for place, (column, label) in zip(places, CHOICES.items(), strict=True)
        )
        tenths, cold_start = st.columns(2)
        deciles = tenths.multiselect(
            "Tenth", range(1, 11), help=TENTH, key="deciles", persist_state="session"
        )
        cold = cold_start.segmented_control(
            "Bought never or once",
            list(COLD_START),
            default=EVERYBODY,
            required=True,
            key="cold",
            persist_state="session",
        )
        tenure_from, tenure_to, since_order_from, since_order_to = (
            place.number_input(
                label,
                min_value=0,
                value=None,
                step=1,
                placeholder="any",
                key=label,
                persist_state="session",
            )
            for place, label in zip(st.columns(4), BOUNDS, strict=True)
        )
    kind = contacts.WithContacts if contacts.allowed() else Filters
    filters = kind(
        part.strip(),
        tuple(segments),
        tuple(regions),
        tuple(deciles),
        tuple(categories),
        tenure_from,
        tenure_to,
        since_order_from,
        since_order_to,
        cold_start=COLD_START[cold],
    )
    return filters, Order(by, descending)


def _list(filters: Filters, order: Order, customers: int) -> None:
    place = st.container()
    pages = -(-customers // ROWS)
    number = st.pagination(pages, key="page") if pages > 1 else 1
    rows = customer_list.page(filters, order, ROWS, (number - 1) * ROWS)
    with place:
        st.caption("Choose a row to see the customer.")
        picked = st.dataframe(
            rows[[name for name in SHOWN if name in rows]],
            column_config=SHOWN,
            hide_index=True,
            on_select="rerun",
            selection_mode="single-row",
            height="content",
            key="list",
        )
    if picked.selection.rows:
        customer_page.open_page(rows["customer_id"].iloc[picked.selection.rows[0]])
