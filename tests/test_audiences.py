"""Whom to contact with a budget, what is kept of the choice, and what came of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import combinations

import duckdb
import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

import warehouse
from core import dbt_runner
from serve import audience
from serve.audience import save, words, write
from serve.campaign import HOLD_OUT, TREATMENT, AudienceError, Campaign, Uplift
from serve.choosing import affordable, choose, measured_uplift
from warehouse import in_warehouse

LETTER = Campaign("spring letter", 40, 0.5, 0.3, uplift=Uplift(0.1, 0.05))
MODELS = "stg_scoring__audiences+"


def rows(sql, parameters=None):
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(sql, parameters or {}).df()


def command(*arguments):
    program = typer.Typer()
    program.command()(audience.main)
    return CliRunner().invoke(program, arguments)


def test_no_other_list_within_the_budget_is_worth_more(small_shop):
    campaign = replace(LETTER, contacts=3, held_out=0.0, regions=["North"])
    chosen = choose(campaign)
    spend = rows(
        "select predicted_30d_spend as spend from marts.customer_predictions where region = 'North'"
        " order by hash(customer_id) limit 40"
    )["spend"]
    spend = pd.concat([spend, chosen.members["predicted_30d_spend"]])
    best = max(
        sum(0.3 * 0.1 * each - 0.5 for each in some)
        for count in range(4)
        for some in combinations(spend, count)
        if len(set(some)) == count
    )
    assert chosen.expected_gain == pytest.approx(best)


def test_whoever_costs_more_than_they_bring_is_left_out(small_shop):
    dear = choose(replace(LETTER, contacts=10_000, cost=3.0))
    assert 0 < dear.contacts < 400
    assert (dear.members["predicted_30d_spend"] > 3.0 / 0.03).all()
    assert "expected gain not above 0" in set(dear.left_out["reason"])


def test_everybody_is_contacted_or_left_out_for_a_reason_and_sums_agree(small_shop):
    chosen = choose(replace(LETTER, regions=["North", "South"], contacts=20))
    contacted = chosen.members[chosen.members["arm"] == TREATMENT]
    everybody = rows(
        "select count(*) as n, sum(predicted_30d_spend) as s from marts.customer_predictions"
    )
    assert len(contacted) + chosen.left_out["customers"].sum() == everybody["n"].iloc[0]
    assert chosen.expected_spend + chosen.left_out["expected_spend"].sum() == pytest.approx(
        everybody["s"].iloc[0]
    )
    assert chosen.left_out["reason"].tolist() == [
        "of another region or segment",
        "expected gain not above 0",
        "beyond the budget",
        "held out by chance",
    ]


def test_the_budget_is_spent_and_a_fifth_more_is_held_out(small_shop):
    chosen = choose(LETTER)
    assert chosen.members["arm"].value_counts().to_dict() == {TREATMENT: 40, HOLD_OUT: 10}
    assert chosen.cost == 20.0


def test_who_is_held_out_follows_from_the_name_alone(small_shop):
    def held_out(name):
        members = choose(replace(LETTER, name=name)).members
        return set(members.loc[members["arm"] == HOLD_OUT, "customer_id"])

    assert held_out("spring letter") == held_out("spring letter") != held_out("autumn letter")


def test_everybody_of_an_audience_is_held_out_with_the_same_chance(small_shop):
    names = 20
    times = np.zeros(50)
    for number in range(names):
        times += choose(replace(LETTER, name=f"letter {number}")).members["arm"] == HOLD_OUT
    # 50 binomial counts with a mean of 4
    assert times.sum() == names * 10
    assert times.std() == pytest.approx(np.sqrt(names * 0.2 * 0.8), rel=0.4)
    assert abs(np.corrcoef(times, np.arange(50))[0, 1]) < 0.5


def test_without_doubt_of_the_uplift_the_gain_is_as_sure_as_the_spend(small_shop):
    sure = choose(replace(LETTER, uplift=Uplift(0.1, 0.0)))
    assert sure.gain_low == pytest.approx(0.03 * sure.spend_low - sure.cost)
    assert sure.gain_high == pytest.approx(0.03 * sure.spend_high - sure.cost)
    doubtful = choose(replace(LETTER, uplift=Uplift(0.1, 1.0)))
    half = 1.28155 * 0.3 * doubtful.expected_spend
    assert doubtful.gain_high - doubtful.expected_gain == pytest.approx(half, rel=0.01)


def test_the_uplift_that_just_pays_brings_nothing(small_shop):
    chosen = choose(LETTER)
    again = 0.3 * chosen.break_even * chosen.expected_spend - chosen.cost
    assert again == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": " "}, "needs a name"),
        ({"contacts": 0}, "1 or more"),
        ({"cost": float("nan")}, "the cost"),
        ({"margin": 1.5}, "the margin"),
        ({"held_out": 1.0}, "held out"),
        ({"uplift": Uplift(0.1, -1.0)}, "the error of an uplift"),
    ],
)
def test_a_campaign_that_makes_no_sense_is_refused(change, message):
    with pytest.raises(AudienceError, match=message):
        replace(LETTER, **change)


def test_where_nobody_is_worth_a_contact_it_says_so(small_shop):
    with pytest.raises(AudienceError, match="nobody is worth a contact at a cost of 1e"):
        choose(replace(LETTER, cost=1e9))


def test_without_a_past_audience_an_uplift_must_be_assumed(small_shop):
    with pytest.raises(AudienceError, match="no past audience tells yet"):
        choose(replace(LETTER, uplift=None))


def test_money_pays_for_whole_contacts():
    assert affordable(0.3, 0.1) == 3
    assert affordable(9.99, 2) == 4
    with pytest.raises(AudienceError, match="costs nothing"):
        affordable(10, 0)


def test_an_assumption_is_called_one(small_shop):
    said = " ".join(words(choose(LETTER)))
    assert said.startswith("Expected spend is not uplift. Assumed: ")
    assert "If so, contacts bring" in said


def test_an_audience_is_kept_once_and_its_customers_are_left_alone_meanwhile(shop_copy):
    chosen = choose(LETTER)
    overlapping = choose(replace(LETTER, name="another"))
    save(chosen)
    kept = rows("select customer_id, arm, expected_gain from main.audiences order by all")
    expected = chosen.members[["customer_id", "arm", "expected_gain"]]
    assert kept.to_dict("list") == expected.sort_values("customer_id").to_dict("list")
    with pytest.raises(AudienceError, match="already"):
        save(chosen)
    with pytest.raises(AudienceError, match="50 of them were chosen for another audience"):
        save(overlapping)
    assert len(rows("from main.audiences")) == 50
    next_one = choose(replace(LETTER, name="next"))
    assert not set(next_one.members["customer_id"]) & set(kept["customer_id"])
    assert next_one.left_out["reason"].iloc[0] == "in an audience whose window is open"
    later = choose(replace(LETTER, name="next", starts_on=chosen.as_of + timedelta(30)))
    assert set(later.members["customer_id"]) == set(kept["customer_id"])


def test_a_list_that_cannot_be_kept_is_not_written(shop_copy, tmp_path):
    chosen = choose(LETTER)
    save(chosen)
    with pytest.raises(AudienceError, match="already"):
        write(chosen, tmp_path / "letter.csv")
    assert not list(tmp_path.glob("*letter*"))


def test_the_command_writes_the_list_that_it_keeps(shop_copy, tmp_path):
    file = tmp_path / "letter.csv"
    options = [
        "--money",
        "20",
        "--cost",
        "0.5",
        "--margin",
        "0.3",
        "--uplift",
        "0.1",
        "--uplift-error",
        "0.05",
    ]
    shown = command("spring letter", *options, "--out", str(file))
    assert shown.exit_code == 0, shown.output
    listed = pd.read_csv(file, dtype={"customer_id": str})
    kept = rows("select customer_id, arm from main.audiences")
    assert sorted(zip(listed["customer_id"], listed["arm"], strict=True)) == sorted(
        kept.itertuples(index=False, name=None)
    )
    assert "spring letter" in command().output
    assert command("x", *options[2:]).exit_code == 2
    assert command("x", "--contacts", "3", "--cost", "1", "--margin", "1").exit_code == 1


@pytest.fixture(scope="module")
def ended(scored_shop, tmp_path_factory):
    """An audience of everybody whose window has just ended, and one that ends a day later."""
    shop = scored_shop.copy_to(tmp_path_factory.mktemp("ended"))
    with in_warehouse(shop.file):
        north = Campaign("north", 9_999, 0.0, 0.5, 0.3, Uplift(0.1, 0.0), regions=["North"])
        save(choose(north))
        save(choose(replace(north, name="south", regions=["South"])))
        with warehouse.connect() as connection:
            connection.execute(
                "update main.audiences set as_of_date = as_of_date - 30,"
                " starts_on = starts_on - if(audience = 'north', 30, 29)"
            )
        dbt_runner.build(select=MODELS)
    return shop


@pytest.fixture
def past(ended, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(ended.file))


def test_what_both_arms_spent_is_what_plain_sql_says(past):
    said = rows("from marts.audience_results where audience = 'north'").iloc[0]
    spent = rows(
        """
        with spent as (
            select audiences.arm, greatest(coalesce(sum(days.spend - days.returned), 0), 0) as spend
            from main.audiences
            left join intermediate.int_customer_days_spaced as days
                on audiences.customer_id = days.customer_id
                and days.known_until = date '9999-12-31'
                and days.event_date between audiences.starts_on and audiences.starts_on + 29
            where audiences.audience = 'north'
            group by audiences.arm, audiences.customer_id
        )
        select arm, avg(spend)::double as spend, count(*) as n from spent group by all
        """
    ).set_index("arm")
    assert said["treated_spend"] == pytest.approx(spent.loc[TREATMENT, "spend"])
    assert said["treated_spend"] > 0
    assert said["held_out_spend"] == pytest.approx(spent.loc[HOLD_OUT, "spend"])
    assert (said["treated"], said["held_out"]) == tuple(spent.loc[[TREATMENT, HOLD_OUT], "n"])


def test_a_window_is_open_until_its_last_day_has_passed(past):
    verdicts = rows("select audience, verdict, lift from marts.audience_results order by all")
    assert verdicts["verdict"].tolist()[1] == "open"
    assert verdicts["verdict"].tolist()[0] != "open"
    assert verdicts["lift"].isna().tolist() == [False, True]


def test_contacts_that_did_nothing_are_said_to_have_no_effect(past):
    said = rows("from marts.audience_results where audience = 'north'").iloc[0]
    assert said["verdict"] == "no effect"
    assert said["lift_low_95"] < said["lift_low"] < said["lift"] < said["lift_high"]
    assert said["gain"] == pytest.approx(said["lift"] * said["treated"] * 0.5)


def test_a_lift_is_the_slope_of_the_arm_in_a_regression_on_the_forecast(past):
    members = rows("from intermediate.int_audience_members_spent where audience = 'north'")
    treated = members["is_treated"].to_numpy(dtype=float)
    design = np.column_stack([np.ones(len(members)), treated, members["predicted_30d_spend"]])
    coefficients = np.linalg.lstsq(design, members["spend"].to_numpy(), rcond=None)[0]
    [lift] = rows("select lift from marts.audience_results where lift is not null")["lift"]
    assert lift == pytest.approx(coefficients[1])


def test_what_past_audiences_measured_is_the_uplift_of_the_next(past):
    [said] = rows("from marts.audience_results where lift is not null").itertuples()
    with warehouse.connect(read_only=True) as connection:
        uplift = measured_uplift(connection)
    too_high = 1 + said.held_out_variance / said.held_out_level**2
    assert 1 + uplift.mean == pytest.approx((1 + said.relative_lift) / too_high)
    of_level = said.treated_variance + (1 + uplift.mean) ** 2 * said.held_out_variance
    assert uplift.error == pytest.approx(np.sqrt(of_level) / said.held_out_level)
    assert said.lift_error == pytest.approx(np.sqrt(said.treated_variance + said.held_out_variance))
    assert uplift.basis == "measured on north"


def measured(results):
    with duckdb.connect() as connection:
        connection.register("results", results)
        connection.execute(
            "create schema marts; create table marts.audience_results as from results"
        )
        return measured_uplift(connection)


def test_of_several_measured_uplifts_the_larger_weighs_more_and_disagreement_is_doubt():
    none = [None] * 4
    results = pd.DataFrame(
        [("a", 60, 20, 1.0, 10.0, 0.5, 0.5), ("b", 15, 5, 2.0, 10.0, 2.0, 2.0), ("c", 9, 1, *none)],
        columns=[
            "audience",
            "treated",
            "held_out",
            "lift",
            "held_out_level",
            "treated_variance",
            "held_out_variance",
        ],
    )
    uplift = measured(results)
    too_high = 1 + (80**2 * 0.5 + 20**2 * 2) / 1000**2
    mean = (1 + (80 * 1 + 20 * 2) / 1000) / too_high - 1
    assert uplift.mean == pytest.approx(mean)
    variances = np.array([0.5, 2]) * (1 + (1 + mean) ** 2)
    chi_squared = (np.square([1 - 10 * mean, 2 - 10 * mean]) / variances).sum()
    assert chi_squared < 1
    assert uplift.error == pytest.approx(np.sqrt(np.square([80, 20]) @ variances) / 1000)
    apart = measured(results.assign(lift=[1.0, 40.0, None]))
    assert apart.error > 5 * uplift.error


def test_many_small_audiences_measure_the_uplift_that_there_is():
    rng = np.random.default_rng(5)
    true, uplifts = 0.1, []
    for _ in range(300):
        arms = {}
        for arm, customers, factor in (("treated", 100, 1 + true), ("held_out", 25, 1)):
            # one in four buys, and some of them ten times as much as others
            spend = factor * rng.lognormal(3, 1, (12, customers))
            arms[arm] = spend * (rng.random(spend.shape) < 0.25)
        level = {arm: spend.mean(axis=1) for arm, spend in arms.items()}
        both = sum(spend.var(axis=1) * spend.shape[1] for spend in arms.values()) / 123
        results = pd.DataFrame(
            {
                "audience": [f"audience {number}" for number in range(12)],
                "treated": 100,
                "held_out": 25,
                "lift": level["treated"] - level["held_out"],
                "held_out_level": level["held_out"],
                # as the mart moderates them
                "treated_variance": (100 * arms["treated"].var(axis=1) + 30 * both) / 129 / 100,
                "held_out_variance": (25 * arms["held_out"].var(axis=1) + 30 * both) / 54 / 25,
            }
        )
        uplifts.append(measured(results))
    means = np.array([uplift.mean for uplift in uplifts])
    errors = np.array([uplift.error for uplift in uplifts])
    assert means.mean() == pytest.approx(true, abs=0.03)
    assert 0.72 < (np.abs(means - true) < 1.28155 * errors).mean() < 0.88
