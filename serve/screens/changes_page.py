"""The app's page of customers who slip or rise, and of who moved from set to set."""

from __future__ import annotations

import datetime as dt

import streamlit as st

from serve import repository
from serve.screens import charts
from serve.screens.wording import day

NUMBER, TEXT = st.column_config.NumberColumn, st.column_config.TextColumn
DIRECTIONS = {"slipping": "less than at their own level", "rising": "more than at their own level"}
SHOWN = {
    "customer_id": TEXT("Customer", pinned=True),
    "own_change": NUMBER("At stake", format="%+,.2f", help="Against the customer's own level"),
    "expected_spend_then": NUMBER("Expected then", format="%,.2f"),
    "expected_spend_now": NUMBER("Expected now", format="%,.2f"),
    "purchase_probability_then": NUMBER("Bought then", format="percent"),
    "purchase_probability_now": NUMBER("Buys now", format="percent"),
    "reason": TEXT("Reason", width="large"),
    "segment_id": TEXT("Segment"),
    "region": TEXT("Region"),
}
KINDS = {"segment": "Segments", "region": "Regions", "decile": "Tenths"}
MOST_ROWS = 200


def page() -> None:
    """Show who changed against an earlier forecast, and who moved where."""
    st.title("Slipping and rising")
    dates = repository.frame(
        """
        select days_before, any_value(compared_with) as compared_with
        from marts.customer_changes group by all order by days_before
        """
    ).set_index("days_before")["compared_with"]
    if dates.empty:
        st.info(
            "No forecast of an earlier day is kept to compare with yet. Each night keeps its own; "
            "`shop score --as-of DATE` makes one of an earlier day."
        )
        return
    days = st.segmented_control(
        "Against the forecast of",
        dates.index.tolist(),
        default=dates.index[0],
        required=True,
        format_func=lambda before: f"{before} days ago",
    )
    direction = st.segmented_control("Who is", list(DIRECTIONS), default="slipping", required=True)
    _changed(days, direction, dates[days])
    _moved(days)


def _changed(days: int, direction: str, compared_with: dt.date) -> None:
    asked = {"days": days, "direction": direction}
    of_direction = """
        from marts.customer_changes where days_before = $days and direction = $direction
    """
    total = repository.frame(
        f"""select count(*) as customers, coalesce(sum(money_at_stake), 0) as money,
            count_if(not is_same_model) as others {of_direction}""",
        asked,
    ).iloc[0]
    st.markdown(
        f"**{total.customers:,.0f} customers** are expected to spend **{total.money:,.0f}** "
        f"{DIRECTIONS[direction]} of {day(compared_with)}; the most at stake first."
    )
    if total.others:
        st.caption("Another model made the earlier forecast: a part of the change may be its.")
    rows = repository.frame(f"select * {of_direction} order by place", asked)
    st.dataframe(
        rows.head(MOST_ROWS), column_config=SHOWN, column_order=list(SHOWN), hide_index=True
    )
    st.download_button(
        f"All {len(rows):,} as CSV",
        rows.to_csv(index=False),
        file_name=f"{direction}.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _moved(days: int) -> None:
    st.subheader("From where to where")
    kind = st.segmented_control(
        "Of", list(KINDS), default="decile", required=True, format_func=KINDS.__getitem__
    )
    rows = repository.frame(
        """
        select from_set, to_set, customers, expected_spend_then, expected_spend_now
        from marts.segment_migration where days_before = $days and set_kind = $kind
        order by try_cast(from_set as integer), from_set, try_cast(to_set as integer), to_set
        """,
        {"days": days, "kind": kind},
    )
    st.altair_chart(charts.moved(rows))
    st.caption("Customers by where they were then (down) and where they are now (across).")
    with st.expander("As a table"):
        st.dataframe(rows, hide_index=True)
