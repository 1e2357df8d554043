"""Whom to contact with a budget, and what that is expected to bring.

Under one relative uplift for all, contacting a customer is worth `margin * uplift * expected spend`
less the cost: those for whom that is highest, and above 0, are the best list that a budget can buy.
Expected spend is not uplift: what a contact adds is an assumption until a hold-out has shown it.
"""

from __future__ import annotations

from datetime import date
from math import floor, hypot

import duckdb
import numpy as np
import pandas as pd

import warehouse
from serve import look_up, repository
from serve.campaign import HOLD_OUT, TREATMENT, AudienceError, Campaign, Choice, Uplift

TABLE = "audiences"
# of the normal distribution: a tenth lies above
Z80 = 1.28155
# why a customer is not contacted, in the order in which it is asked
OTHER_SET = "of another region or segment"
STILL_OPEN = "in an audience whose window is open"
NOT_WORTH = "expected gain not above 0"
BEYOND = "beyond the budget"
BY_CHANCE = "held out by chance"
REASONS = (OTHER_SET, STILL_OPEN, NOT_WORTH, BEYOND, BY_CHANCE)
# windows that overlap: what one contact brings is not told from what the other does
OVERLAPS = f"abs(starts_on - $starts_on::date) < {warehouse.HORIZON_DAYS}"


def choose(campaign: Campaign) -> Choice:
    """Choose the customers whose contacts are worth most; nothing is written.

    Raises
    ------
    AudienceError
        If no uplift is known, nothing is forecast, or nobody is worth a contact.
    warehouse.WarehouseError
        If the warehouse is missing, not built, or held by another process.
    """
    with repository.reading() as connection:
        uplift = campaign.uplift or measured_uplift(connection)
        [(as_of,)] = connection.execute(
            "select max(as_of_date) from marts.customer_predictions"
        ).fetchall()
        if as_of is None:
            raise AudienceError("there are no forecasts to choose by: run `make score`")
        starts_on = campaign.starts_on or as_of
        if starts_on < as_of:
            raise AudienceError(f"a campaign by the forecast of {as_of} starts then or later")
        customers = _judged(_customers(connection, campaign, starts_on), campaign, uplift)
        members = customers[customers["arm"].notna()]
        if members.empty:
            raise AudienceError(_why_nobody(customers, campaign, uplift))
        contacted = members[members["arm"] == TREATMENT]
        total = look_up.total_of(connection, look_up.IDS, {"ids": list(contacted["customer_id"])})
    if total is None or total["total_low"] is None:
        raise AudienceError("the forecasts say nothing of the doubt in sums: run `make score`")
    low, high = total["total_low"], total["total_high"]
    spend, cost = float(contacted["predicted_30d_spend"].sum()), campaign.cost * len(contacted)
    kept = campaign.margin * uplift.mean
    gain, doubt = kept * spend - cost, campaign.margin * spend * Z80 * uplift.error
    below, above = sorted((kept * (low - spend), kept * (high - spend)))
    return Choice(
        campaign=campaign,
        uplift=uplift,
        as_of=as_of,
        starts_on=starts_on,
        members=members.drop(columns="why").reset_index(drop=True),
        left_out=_left_out(customers),
        contacts=len(contacted),
        cost=cost,
        expected_spend=spend,
        spend_low=low,
        spend_high=high,
        expected_gain=gain,
        gain_low=gain - hypot(below, doubt),
        gain_high=gain + hypot(above, doubt),
        break_even=cost / (campaign.margin * spend) if spend > 0 else None,
    )


def affordable(money: float, cost: float) -> int:
    """Return how many contacts an amount of money pays for.

    Raises
    ------
    AudienceError
        If a contact costs nothing.
    """
    if not cost > 0:
        raise AudienceError("where a contact costs nothing, say how many there may be")
    # 0.3 pays for three of 0.1
    return floor(money / cost + 1e-9)


def measured_uplift(connection: duckdb.DuckDBPyConnection) -> Uplift:
    """Return the uplift that past audiences have measured: what all of them gained, over the rest.

    That is the sum of their lifts over the sum of what is spent without a contact, each of a
    customer of the audience and so weighed by how many it has (a combined ratio: Cochran 1977,
    6.8). Weights that follow from what happened would not do: an audience whose hold-out spent
    much by chance would look both poor and sure. What a ratio is too high for the doubt in its
    denominator is taken off (6.10 there). Where they differ by more than chance, the error grows by
    as much (Birge 1932).

    Raises
    ------
    AudienceError
        If none has been measured yet.
    """
    measured = connection.execute(
        """
        select
            audience,
            treated + held_out as customers,
            lift,
            held_out_level,
            treated_variance,
            held_out_variance
        from marts.audience_results
        where treated_variance + held_out_variance > 0
        order by audience
        """
    ).df()
    customers = measured["customers"].to_numpy(dtype=float)
    level = measured["held_out_level"].to_numpy(dtype=float)
    without = float(customers @ level)
    if not without > 0:
        raise AudienceError(
            "no past audience tells yet what a contact brings: assume an uplift and how unsure it "
            "is (--uplift 0.1 --uplift-error 0.1), hold some out, and the next one will be measured"
        )
    lift = measured["lift"].to_numpy(dtype=float)
    of_level = measured["held_out_variance"].to_numpy(dtype=float)
    too_high = 1 + float(np.square(customers) @ of_level) / without**2
    mean = (1 + float(customers @ lift) / without) / too_high - 1
    # of a lift less the share of its own level that it is of all
    variance = measured["treated_variance"].to_numpy(dtype=float) + (1 + mean) ** 2 * of_level
    scatter = np.sum(np.square(lift - mean * level) / variance) / max(len(measured) - 1, 1)
    error = float(np.sqrt(max(scatter, 1.0) * (np.square(customers) @ variance))) / without
    return Uplift(mean, error, f"measured on {', '.join(measured['audience'])}")


def _customers(
    connection: duckdb.DuckDBPyConnection, campaign: Campaign, starts_on: date
) -> pd.DataFrame:
    """Return the newest forecasts, with `why` some are out of question.

    `drawn` is an order by chance, the same whenever the audience has the same name.
    """
    return connection.execute(
        f"""
        select
            customer_id,
            region,
            segment_id,
            predicted_30d_spend,
            purchase_probability,
            reasons,
            md5(customer_id || ' of ' || $name) as drawn,
            case
                when not (len($regions::varchar[]) = 0 or region in $regions)
                    or not (len($segments::varchar[]) = 0 or segment_id in $segments)
                    then $other_set
                when customer_id in (select customer_id from main.{TABLE} where {OVERLAPS})
                    then $still_open
            end as why
        from marts.customer_predictions
        """,
        {
            "name": campaign.name,
            "regions": list(campaign.regions),
            "segments": list(campaign.segments),
            "starts_on": starts_on,
            "other_set": OTHER_SET,
            "still_open": STILL_OPEN,
        },
    ).df()


def _judged(customers: pd.DataFrame, campaign: Campaign, uplift: Uplift) -> pd.DataFrame:
    """Add expected_gain and `arm`, or `why` none; the most worth first."""
    spend = customers["predicted_30d_spend"]
    worth = campaign.margin * uplift.mean * spend - campaign.cost
    judged = customers.assign(expected_gain=worth, arm=None).sort_values(
        ["expected_gain", "customer_id"], ascending=[False, True], ignore_index=True
    )
    judged.loc[judged["why"].isna() & ~(judged["expected_gain"] > 0), "why"] = NOT_WORTH
    able = judged.index[judged["why"].isna()]
    asked = round(campaign.contacts / (1 - campaign.held_out))
    pool = able[:asked]
    judged.loc[able[asked:], "why"] = BEYOND
    # all of the budget is spent where there are enough of them
    held_out = max(round(campaign.held_out * len(pool)), len(pool) - campaign.contacts)
    by_chance = judged.loc[pool, "drawn"].sort_values().index[:held_out]
    judged.loc[pool, "arm"] = TREATMENT
    judged.loc[by_chance, "arm"] = HOLD_OUT
    judged.loc[by_chance, "why"] = BY_CHANCE
    return judged.drop(columns="drawn")


def _left_out(judged: pd.DataFrame) -> pd.DataFrame:
    summed = judged.groupby("why").agg(
        customers=("customer_id", "size"),
        expected_spend=("predicted_30d_spend", "sum"),
        expected_gain=("expected_gain", "sum"),
    )
    found = [why for why in REASONS if why in summed.index]
    return summed.loc[found].rename_axis("reason").reset_index()


def _why_nobody(judged: pd.DataFrame, campaign: Campaign, uplift: Uplift) -> str:
    reasons = ", ".join(f"{row.customers:,} {row.reason}" for row in _left_out(judged).itertuples())
    return (
        f"nobody is worth a contact at a cost of {campaign.cost:g}, a margin of "
        f"{campaign.margin:.0%} and an uplift of {uplift.mean:.1%} ({uplift.basis}): {reasons}"
    )
