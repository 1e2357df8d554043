"""The app's page that chooses whom to contact with a budget, and shows what past ones brought."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import streamlit as st

import warehouse
from core.store import MANIFEST
from serve import audience, customer_list
from serve.campaign import ASSUMED, HOLD_OUT, AudienceError, Campaign, Choice, Uplift
from serve.choosing import choose
from serve.screens import contacts
from serve.screens.wording import plain, sentence

MEASURED = "as measured"
# of a reader's session: what is chosen, what was written of it, or why nothing was
CHOICE, KEPT, NOT_KEPT = "choice", "kept", "not kept"
NUMBER, TEXT = st.column_config.NumberColumn, st.column_config.TextColumn
MEMBERS = {
    "customer_id": TEXT("Customer", pinned=True),
    # only where contacts are allowed
    "first_name": TEXT("Name"),
    "arm": TEXT("Arm", help=f"{HOLD_OUT}: not to be contacted, by chance, to measure the effect"),
    "predicted_30d_spend": NUMBER("Expected", format="%,.2f", help="Spend without a contact"),
    "purchase_probability": NUMBER("Buys", format="percent"),
    "expected_gain": NUMBER("Gain", format="%,.2f", help="Expected of a contact, after its cost"),
    "region": TEXT("Region"),
    "segment_id": TEXT("Segment"),
}
LEFT_OUT = {
    "reason": TEXT("Not contacted"),
    "customers": NUMBER("Customers", format="%,d"),
    "expected_spend": NUMBER("Expected spend", format="%,.0f"),
    "expected_gain": NUMBER("Expected gain", format="%,.0f"),
}
PAST = {
    "audience": TEXT("Audience", pinned=True),
    "starts_on": st.column_config.DateColumn("From", format="D MMM YYYY"),
    "treated": NUMBER("Contacted", format="%,d"),
    "held_out": NUMBER("Held out", format="%,d"),
    "lift": NUMBER("Lift each", format="%+,.2f"),
    "lift_low": NUMBER("At least (80 %)", format="%+,.2f"),
    "lift_high": NUMBER("At most (80 %)", format="%+,.2f"),
    "gain": NUMBER("Gain", format="%+,.0f"),
    "verdict": TEXT("Verdict"),
}
# of the list, what is looked at; the file has all
MOST_ROWS = 500


def page() -> None:
    """Choose an audience, and show what past ones came to."""
    st.title("Whom to contact")
    st.caption(
        "Whoever spends much mostly buys anyway: expected spend is not uplift. What a contact adds "
        "is an assumption until customers who were held out by chance have shown it."
    )
    choices = _last_read("choices", customer_list.choices)
    if not choices["segment_id"]:
        st.info("There are no forecasts to choose by yet.")
        return
    try:
        if campaign := _asked(choices):
            found = choose(campaign)
            if contacts.allowed():
                found = replace(found, members=contacts.beside(found.members))
            st.session_state[CHOICE] = found
            for former in (KEPT, NOT_KEPT):
                st.session_state.pop(former, None)
    except AudienceError as error:
        st.session_state.pop(CHOICE, None)
        st.error(sentence(str(error)))
    # not chosen again: once it is kept, its customers are in an audience
    if choice := st.session_state.get(CHOICE):
        _show(choice)
    _past()


def _last_read(name: str, read: Callable[[], Any]) -> Any:  # noqa: ANN401
    """Read; while the warehouse is written, return what was read last in this session."""
    try:
        st.session_state[name] = read()
    except warehouse.HeldError:
        if name not in st.session_state:
            raise
    return st.session_state[name]


def _asked(choices: dict[str, list[str]]) -> Campaign | None:
    """Ask what the audience is for; None unless that was just said."""
    with st.form("asked"):
        left, right = st.columns(2)
        name = left.text_input("Name", "letter", help="Decides by chance who is held out.")
        most = right.number_input("Customers to contact at most", 1, value=500)
        regions, segments = st.columns(2)
        # one of each: a list of several stays unfolded over what follows
        region = regions.selectbox("Region", choices["region"], index=None, placeholder="any")
        segment = segments.selectbox(
            "Segment", choices["segment_id"], index=None, placeholder="any"
        )
        cost, margin, held_out = st.columns(3)
        each = cost.number_input("Cost of a contact", 0.0, value=1.0)
        kept = margin.number_input("Share of spend that is kept", 0.0, 1.0, 0.3)
        apart = held_out.number_input("Share held out", 0.0, 0.9, 0.2)
        basis, mean, error = st.columns(3)
        by = basis.selectbox("Uplift", [ASSUMED, MEASURED])
        uplift = mean.number_input("Assumed uplift", value=0.1, help="Share of what they spend.")
        doubt = error.number_input("Its standard error", 0.0, value=0.1)
        if not st.form_submit_button("Choose", type="primary", icon=":material/checklist:"):
            return None
    return Campaign(
        name=name,
        contacts=most,
        cost=each,
        margin=kept,
        held_out=apart,
        uplift=Uplift(uplift, doubt) if by == ASSUMED else None,
        regions=(region,) if region else (),
        segments=(segment,) if segment else (),
    )


def _show(choice: Choice) -> None:
    st.subheader(plain(choice.campaign.name))
    st.markdown("\n".join(f"- {plain(line)}" for line in audience.words(choice)))
    with st.container(horizontal=True):
        st.download_button(
            f"These {len(choice.members):,} as CSV",
            audience.csv(choice),
            file_name="audience.csv",
            mime="text/csv",
            icon=":material/download:",
            on_click="ignore",
        )
        _offer_to_keep(choice)
    if kept := st.session_state.get(KEPT):
        st.success(kept)
    elif why := st.session_state.get(NOT_KEPT):
        st.warning(f"Nothing was written. {why}")
    st.dataframe(
        choice.members.head(MOST_ROWS),
        column_config=MEMBERS,
        column_order=list(MEMBERS),
        hide_index=True,
    )
    if len(choice.left_out):
        st.dataframe(choice.left_out, column_config=LEFT_OUT, hide_index=True)


def _offer_to_keep(choice: Choice) -> None:
    if (warehouse.path().parent / MANIFEST).exists():
        st.caption("This app reads a copy; `shop audience` keeps the list where nights run.")
    elif KEPT not in st.session_state:
        st.button(
            "Keep this list",
            icon=":material/bookmark_add:",
            help="For ever, under its name, so that its effect is measured (main.audiences).",
            on_click=_keep,
            args=(choice,),
        )


def _keep(choice: Choice) -> None:
    """Write the list that is shown; called before the page, so to what is published now."""
    try:
        audience.save(choice)
    except AudienceError as error:
        st.session_state[NOT_KEPT] = sentence(str(error))
    except warehouse.WarehouseError as error:
        st.session_state[NOT_KEPT] = sentence(error.shown)
    else:
        st.session_state[KEPT] = plain(audience.kept(choice))


def _past() -> None:
    past = _last_read("past audiences", audience.past)
    if len(past):
        st.subheader("What past ones brought")
        st.dataframe(past, column_config=PAST, hide_index=True)
