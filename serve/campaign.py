"""What an audience is chosen for, and what a choice is; `serve.choosing` makes one of the other."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import pandas as pd

import warehouse

ASSUMED = "assumed"
TREATMENT, HOLD_OUT = "treatment", "hold-out"


class AudienceError(warehouse.ShopError):
    """An audience cannot be chosen or kept as asked; the message says what to do."""


@dataclass(frozen=True)
class Uplift:
    """By how much a contact raises what a customer spends, as a share of it.

    Attributes
    ----------
    mean, error
        The share, and its standard error.
    basis
        `ASSUMED`, or the past audiences that it was measured on.
    """

    mean: float
    error: float
    basis: str = ASSUMED


@dataclass(frozen=True)
class Campaign:
    """What an audience is chosen for.

    Attributes
    ----------
    name
        Names the audience for ever, and seeds who is held out.
    contacts
        How many customers the budget can contact.
    cost
        Of one contact, in money.
    margin
        Share of spend that is kept.
    held_out
        Share of the audience that is not contacted, by chance.
    uplift
        None: what past audiences have measured.
    regions, segments
        Only customers of these; empty: of all.
    starts_on
        First day on which their spend counts; None: the as-of date of the forecast.

    Raises
    ------
    AudienceError
        If it makes no sense.
    """

    name: str
    contacts: int
    cost: float
    margin: float
    held_out: float = 0.2
    uplift: Uplift | None = None
    regions: Collection[str] = ()
    segments: Collection[str] = ()
    starts_on: date | None = None

    def __post_init__(self) -> None:
        rules = {
            "an audience needs a name": bool(self.name.strip()),
            "contacts must be 1 or more": self.contacts >= 1,
            "the cost must be 0 or more": self.cost >= 0,
            "the margin must be above 0 and at most 1": 0 < self.margin <= 1,
            "the share held out must be at least 0 and below 1": 0 <= self.held_out < 1,
            "the error of an uplift must be 0 or more": not self.uplift or self.uplift.error >= 0,
        }
        # NaN keeps none of them
        for what, is_kept in rules.items():
            if not is_kept:
                raise AudienceError(what)


@dataclass(frozen=True)
class Choice:
    """An audience that was chosen, not kept yet.

    Attributes
    ----------
    campaign, uplift
        What it was chosen for, and by.
    as_of, starts_on
        Date of the forecast, and first day of the window.
    members
        customer_id, arm, region, segment_id, predicted_30d_spend (money), purchase_probability,
        expected_gain (money, if contacted), reasons; the most worth first.
    left_out
        reason, customers, expected_spend, expected_gain (money); one row per reason that applies.
    contacts, cost
        Of those in treatment.
    expected_spend, spend_low, spend_high
        What they will spend without a contact, in money, with an interval of 80 %.
    expected_gain, gain_low, gain_high
        What contacting them is expected to bring after costs, in money; the interval holds it in
        four of five cases, if the uplift and its error are right.
    break_even
        The uplift that would just pay for the contacts; None where nothing is expected of them.
    """

    campaign: Campaign
    uplift: Uplift
    as_of: date
    starts_on: date
    members: pd.DataFrame
    left_out: pd.DataFrame
    contacts: int
    cost: float
    expected_spend: float
    spend_low: float
    spend_high: float
    expected_gain: float
    gain_low: float
    gain_high: float
    break_even: float | None
