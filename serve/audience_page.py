"""The app's page that chooses whom to contact with a budget, and shows what past ones brought."""

from __future__ import annotations

import shlex

import pandas as pd
import streamlit as st

from serve import audience, customer_list, repository
from serve.campaign import ASSUMED, HOLD_OUT, AudienceError, Campaign, Choice, Uplift
from serve.choosing import choose
from serve.wording import plain

MEASURED = "as measured"
NUMBER, TEXT = st.column_config.NumberColumn, st.column_config.TextColumn
MEMBERS = {
    "customer_id": TEXT("Customer", pinned=True),
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
    choices = customer_list.choices()
    if not choices["segment_id"]:
        st.info("There are no forecasts to choose by yet.")
        return
    try:
        if campaign := _asked(choices):
            _show(choose(campaign))
    except AudienceError as error:
        st.error(plain(f"{str(error)[:1].upper()}{str(error)[1:]}."))
    _past()


def _asked(choices: dict[str, list[str]]) -> Campaign | None:
    """Ask what the audience is for; None before the first answer."""
    with st.form("asked"):
        left, right = st.columns(2)
        name = left.text_input("Name", "letter", help="Decides by chance who is held out.")
        contacts = right.number_input("Customers to contact at most", 1, value=500)
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
        if st.form_submit_button("Choose", type="primary", icon=":material/checklist:"):
            st.session_state["campaign"] = Campaign(
                name=name,
                contacts=contacts,
                cost=each,
                margin=kept,
                held_out=apart,
                uplift=Uplift(uplift, doubt) if by == ASSUMED else None,
                regions=(region,) if region else (),
                segments=(segment,) if segment else (),
            )
    return st.session_state.get("campaign")


def _show(choice: Choice) -> None:
    st.subheader(plain(choice.campaign.name))
    st.markdown("\n".join(f"- {plain(sentence)}" for sentence in audience.words(choice)))
    st.download_button(
        f"These {len(choice.members):,} as CSV",
        audience.csv(choice),
        file_name="audience.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )
    st.dataframe(
        choice.members.head(MOST_ROWS),
        column_config=MEMBERS,
        column_order=list(MEMBERS),
        hide_index=True,
    )
    if len(choice.left_out):
        st.dataframe(choice.left_out, column_config=LEFT_OUT, hide_index=True)
    with st.expander("Keep it, so that its effect is measured"):
        st.markdown("The same list is written, and kept for ever, by the command")
        st.code(command(choice.campaign), language="bash", wrap_lines=True)


def command(campaign: Campaign) -> str:
    """Return the command that chooses the same audience, and keeps it."""
    words = ["shop", "audience", campaign.name, "--contacts", f"{campaign.contacts}"]
    words += ["--cost", f"{campaign.cost:g}", "--margin", f"{campaign.margin:g}"]
    words += ["--hold-out", f"{campaign.held_out:g}"]
    if campaign.uplift:
        words += ["--uplift", f"{campaign.uplift.mean:g}"]
        words += ["--uplift-error", f"{campaign.uplift.error:g}"]
    for option, names in (("--region", campaign.regions), ("--segment", campaign.segments)):
        words += [word for name in names for word in (option, name)]
    return shlex.join([*words, "--out", "audience.csv"])


def _past() -> None:
    past: pd.DataFrame = repository.frame(
        f"select {', '.join(PAST)} from marts.audience_results order by starts_on desc, audience"
    )
    if len(past):
        st.subheader("What past ones brought")
        st.dataframe(past, column_config=PAST, hide_index=True)
