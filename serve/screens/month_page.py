"""The app's first page: what the days ahead will bring, and what has moved."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import streamlit as st

from serve import month, moves
from serve.month import Month
from serve.screens import charts
from serve.screens.wording import ago, between, day, plain

SETS = {"segment": "Segments", "region": "Regions", "category": "Categories"}
MOST_MOVES, MOST_SETS = 5, 12
SAID: dict[str, Any] = {
    "as_of_date": st.column_config.DateColumn("From", format="D MMM YYYY", pinned=True),
    "expected_spend": st.column_config.NumberColumn("Forecast", format="%,.0f"),
    "total_low": st.column_config.NumberColumn("At least (80 %)", format="%,.0f"),
    "total_high": st.column_config.NumberColumn("At most (80 %)", format="%,.0f"),
    "actual_spend": st.column_config.NumberColumn("Came in", format="%,.0f"),
    "off": st.column_config.NumberColumn("Off by", format="percent"),
    "source": "Made",
}


def page() -> None:
    """Show the month ahead."""
    st.title("This month")
    shown = month.read()
    if shown.expected is None:
        st.info(
            "There are no forecasts yet. `make run` makes them; with a warehouse that is built, "
            "`make fit` and then `make score` do."
        )
        return
    _headline(shown)
    for alarm in shown.alarms.to_dict("records"):
        show = st.error if alarm["severity"] == "error" else st.warning
        message, to_do = plain(alarm["message"]), plain(alarm["what_to_do"])
        show(f"{message}, since {day(alarm['since'])}. To do: {to_do}.")
    _months(shown)
    _moved(shown)
    _by_set(shown)


def _headline(shown: Month) -> None:
    newest, expected = shown.newest, shown.expected
    horizon = int(newest.horizon_days)
    last_day = newest.as_of_date + dt.timedelta(horizon - 1)
    st.markdown(
        f"What the {horizon} days from **{day(newest.as_of_date)} to {day(last_day)}** bring"
    )
    with st.container(horizontal=True, gap="medium"):
        _metric("Expected revenue", expected["expected_spend"], f"80 %: {between(expected)}")
        for label, before in (
            (f"Last {horizon} days", shown.last),
            ("Same days last year", shown.year_ago),
        ):
            if before:
                change = expected["expected_spend"] / before - 1
                _metric(label, before, f"{change:+.0%} from there", coloured=True)
        judged = shown.said.dropna(subset="actual_spend")
        if len(judged):
            last = judged.iloc[0]
            _metric(
                f"Came in from {last.as_of_date.day} {last.as_of_date:%b %Y}",
                last.actual_spend,
                f"forecast {last.expected_spend:,.0f}, {_judged(last)}",
            )
    known, newcomers = shown.total("all"), shown.total("newcomers")
    of_whom = f"Known customers {known['expected_spend']:,.0f} ({between(known)})"
    if newcomers is not None:
        of_whom += (
            f", newcomers, whom nobody knows yet, {newcomers['expected_spend']:,.0f} "
            f"({between(newcomers)})"
        )
    st.caption(
        f"{of_whom}. {newest.buyers:,.0f} of {newest.customers:,} customers are expected to buy; "
        f"the best tenth makes {newest.best_tenth_share:.0%} of the money."
    )
    today = dt.datetime.now(dt.UTC).date()
    through = newest.as_of_date - dt.timedelta(1)
    st.caption(
        f"Sales through {day(through)}, {ago(through.date(), today)}. Forecast of "
        f"{day(newest.scored_at)}, {ago(newest.scored_at.date(), today)}, by model "
        f"{newest.model_version}."
    )


def _metric(label: str, value: float, beside: str, *, coloured: bool = False) -> None:
    st.metric(
        label,
        f"{value:,.0f}",
        delta=beside,
        delta_color="normal" if coloured else "off",
        delta_arrow="auto" if coloured else "off",
        width="content",
    )


def _judged(said: pd.Series) -> str:
    return (
        "inside its interval"
        if said["total_low"] <= said["actual_spend"] <= said["total_high"]
        else "outside its interval"
    )


def _months(shown: Month) -> None:
    st.subheader("Two years")
    expected = shown.expected.to_frame().T.assign(as_of_date=shown.newest.as_of_date)
    st.altair_chart(charts.months(shown.revenue, shown.said, expected))
    st.caption(
        f"Each dot is {shown.newest.horizon_days:.0f} days of the whole shop, from its day on; "
        "bands hold four outcomes of five."
    )
    if shown.said.empty:
        st.caption(
            "No forecast of an earlier day is kept yet; `make backtest` makes those of past dates."
        )
        return
    with st.expander(f"What earlier forecasts said ({len(shown.said)})"):
        st.dataframe(
            shown.said.assign(
                source=shown.said["is_backtest"].map({True: "backtest", False: "published"}),
                off=shown.said["actual_spend"] / shown.said["expected_spend"] - 1,
            ),
            column_config=SAID,
            column_order=list(SAID),
            hide_index=True,
        )


def _moved(shown: Month) -> None:
    windows = moves.read()
    known = (shown.newest.as_of_date - shown.revenue["first_day"].min()).days
    against = [name for name, (_, days) in moves.COMPARED.items() if days <= known]
    kinds = {
        label: windows.loc[[kind]].droplevel(0)
        for kind, label in SETS.items()
        if kind in windows.index and len(windows.loc[kind]) > 1
    }
    if not kinds or not against:
        return
    st.subheader("What moved")
    chosen = st.segmented_control(
        "The last 30 days against",
        against,
        default=against[-1],
        required=True,
        format_func=lambda name: moves.COMPARED[name][0],
    )
    for column, (label, rows) in zip(
        st.columns(len(kinds), gap="large"), kinds.items(), strict=True
    ):
        with column:
            st.markdown(f"**{label}**")
            moved_most = moves.moves(rows, chosen).head(MOST_MOVES).reset_index(names="name")
            for moved in moved_most.to_dict("records"):
                colour = "green" if moved["change"] > 0 else "red"
                share = "" if pd.isna(moved["share"]) else f" ({moved['share']:+.0%})"
                st.markdown(
                    f"{plain(moved['name'])} :{colour}[**{moved['change']:+,.0f}**{share}]  \n"
                    f":small[{moved['reason']}]"
                )


def _by_set(shown: Month) -> None:
    kinds = {
        label: shown.sums.loc[kind].rename_axis("name").reset_index()
        for kind, label in SETS.items()
        if kind in shown.sums.index and len(shown.sums.loc[kind]) > 1
    }
    if not kinds:
        return
    st.subheader("Expected, by whom")
    for column, (label, sums) in zip(
        st.columns(len(kinds), gap="large"), kinds.items(), strict=True
    ):
        with column:
            st.markdown(f"**{label}**")
            st.altair_chart(charts.expected_by_set(sums.head(MOST_SETS)))
            if len(sums) > MOST_SETS:
                st.caption(f"The largest {MOST_SETS} of {len(sums)}.")
