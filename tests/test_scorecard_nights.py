"""A shop is played night by night for three months: every run is judged, most as they expected."""

import pytest

from benchmarks.scorecard import Nights, play, summarised
from generate.shop.plan import Plan
from train.calibration.expected_scores import EXPLAINED

PLAN, NIGHTS = Plan(500, 3, days=700), Nights(number=10, apart=9, fit_every=6)


@pytest.fixture(scope="module")
def card(dbt_folders, tmp_path_factory):
    """The scorecard when all windows have ended."""
    return play(PLAN, NIGHTS, tmp_path_factory.mktemp("nights"), quick=True)


def test_every_night_is_judged_by_every_metric(card):
    judged = card.groupby("metric")["as_of_date"].apply(lambda days: list(days.dt.date))
    assert judged.to_dict() == {metric: NIGHTS.days(PLAN) for metric in EXPLAINED}
    assert card[["realised", "expected", "low", "high"]].notna().all(axis=None)


def test_a_fit_now_and_then_is_what_the_next_nights_are_scored_by(card):
    assert card["model_version"].nunique() == 2


def test_most_runs_turn_out_as_they_had_expected(card):
    # ten windows that overlap are three months: far from 80 % by chance alone
    assert summarised(card).loc["all", "as_expected"] > 0.55
