"""Figures, days and names as the app's pages write them."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pandas as pd


def plain(text: str) -> str:
    """Return a text of the data so that Markdown shows it as it is."""
    return re.sub(r"([\\`*_{}\[\]()#+!|$:~<>-])", r"\\\1", text)


def sentence(message: str) -> str:
    """Return a message of an error as a sentence, plain."""
    return plain(f"{message[:1].upper()}{message[1:]}.")


def day(value: dt.date) -> str:
    """Write a day as 5 March 2026."""
    return f"{value.day} {value:%B %Y}"


def ago(value: dt.date, today: dt.date) -> str:
    """Say how many days before today a day was."""
    days = (today - value).days
    return {0: "today", 1: "yesterday"}.get(days, f"{days:,} days ago")


def between(total: Any) -> str:  # noqa: ANN401
    """Write the interval of a sum; where no past month tells how sure it is, say so."""
    if pd.isna(total["total_high"]):
        return "how sure is not known"
    return f"{total['total_low']:,.0f} to {total['total_high']:,.0f}"
