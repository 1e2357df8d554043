"""One input per feature of the contract, in groups that a reader can take in."""

from __future__ import annotations

from typing import Any

import streamlit as st

import warehouse
from serve.schema import python_type

PROFILE, SHOP = "Who and where", "The whole shop"
AHEAD = f"The {warehouse.HORIZON_DAYS} days ahead"
BY_UNIT = {
    "money": "Spend and returns",
    "money per day": "Spend and returns",
    "count": "Orders",
    "days": "Timing",
    "orders per day": "Timing",
    "points": "Loyalty",
    "points per money": "Loyalty",
}
OTHERS = "Ratios and baskets"
ACROSS = 3
YES_NO = {None: "unknown", True: "yes", False: "no"}


def edited(
    contract: warehouse.Contract,
    features: dict[str, Any],
    categories: dict[str, list[str]],
    key: str,
) -> dict[str, Any]:
    """Show the features for editing and return them as the reader left them.

    Parameters
    ----------
    features
        Values to begin with; what is missing is empty.
    categories
        Known values of each categorical feature, offered as choices.
    key
        What the values belong to; another key starts afresh.

    Returns
    -------
    dict
        One value per feature; an empty input is left out, and the API says whether it may be.
    """
    groups: dict[str, list[warehouse.Column]] = {}
    for column in contract.columns:
        if column.role != "key":
            groups.setdefault(group_of(column), []).append(column)
    values: dict[str, Any] = {}
    for group, columns in groups.items():
        with st.expander(f"{group} ({len(columns)})"):
            # row by row, so that phones, which stack the places, keep the contract's order
            for start in range(0, len(columns), ACROSS):
                places = st.columns(ACROSS)
                for place, column in zip(places, columns[start : start + ACROSS], strict=False):
                    with place:
                        values[column.name] = _input(
                            column,
                            features.get(column.name),
                            categories.get(column.name, []),
                            f"{key}/{column.name}",
                        )
    return {name: value for name, value in values.items() if value is not None}


def group_of(column: warehouse.Column) -> str:
    """Return the heading that a feature stands under."""
    if python_type(column) in (bool, str):
        return PROFILE
    if column.window == "horizon":
        return AHEAD
    if column.name.startswith("shop_"):
        return SHOP
    return BY_UNIT.get(column.unit or "", OTHERS)


def label_of(name: str) -> str:
    """Return a feature's name as words: `spend_31_60d` becomes "Spend 31-60 days"."""
    words: list[str] = []
    for word in name.split("_"):
        if word.endswith("d") and word[:-1].isdigit():
            first = f"{words.pop()}-" if words and words[-1].isdigit() else ""
            words.append(f"{first}{word[:-1]} days")
        else:
            words.append(word)
    return " ".join(words).capitalize()


def _input(column: warehouse.Column, value: Any, choices: list[str], key: str) -> Any:  # noqa: ANN401
    label, help_text = label_of(column.name), column.description or None
    kind = python_type(column)
    if kind is str:
        options = choices if value is None or value in choices else [value, *choices]
        return st.selectbox(
            label,
            options,
            index=None if value is None else options.index(value),
            accept_new_options=True,
            placeholder="unknown",
            help=help_text,
            key=key,
        )
    if kind is bool:
        answers = [None, True, False] if column.nullable else [True, False]
        return st.selectbox(
            label,
            answers,
            index=answers.index(value) if value in answers else 0,
            format_func=YES_NO.__getitem__,
            help=help_text,
            key=key,
        )
    # limits are the contract's business: the API names them when they are passed
    return st.number_input(
        label,
        value=None if value is None else int(value) if kind is int else float(value),
        step=1 if kind is int else None,
        format="%d" if kind is int else "%.2f" if "decimal" in column.data_type.lower() else "%.3f",
        placeholder="unknown",
        help=help_text,
        key=key,
    )
