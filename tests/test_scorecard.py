"""What was published is kept, and judged when its window has ended."""

import numpy as np
import pytest

import warehouse
from core import dbt_runner
from core.metrics import Forecast, evaluate
from serve.score import score
from train.calibration.expected_scores import EXPLAINED, expected_scores, scores
from train.calibration.intervals import LevelIntervals
from train.calibration.spread import AmountSpread
from warehouse import in_warehouse

JUDGED = "forecast_outcomes forecast_scorecard"


def rows(sql, parameters=None):
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(sql, parameters or {}).df()


def score_what_has_ended():
    day = rows("select max(as_of_date) as day from features.feat_labels")["day"].iloc[0]
    return score(day.date())


@pytest.fixture(scope="module")
def judged_shop(scored_shop, tmp_path_factory):
    """A run as of a day whose window has ended, and its judgement."""
    shop = scored_shop.copy_to(tmp_path_factory.mktemp("judged"))
    with in_warehouse(shop.file):
        result = score_what_has_ended()
        dbt_runner.build(select=JUDGED)
    return shop, result


@pytest.fixture
def judged(judged_shop, monkeypatch):
    shop, result = judged_shop
    monkeypatch.setenv("WAREHOUSE_PATH", str(shop.file))
    return result


def test_a_run_is_kept_beside_the_runs_before_it(judged):
    runs = rows("select run_id, as_of_date, count(*) as n from published_forecasts group by all")
    assert sorted(runs["run_id"]) == [1, 2]
    newest = runs[runs["run_id"] == 2].iloc[0]
    assert (newest["as_of_date"].date(), newest["n"]) == (judged.as_of, judged.customers)


def test_the_same_scores_again_are_no_new_run(judged):
    score(judged.as_of)
    assert rows("select max(run_id) as newest from published_forecasts")["newest"].iloc[0] == 2


def test_other_scores_of_the_same_day_are_a_new_run(shop_copy):
    score_what_has_ended()
    with warehouse.connect() as connection:
        connection.execute("update published_forecasts set predicted_spend = predicted_spend + 1")
    score_what_has_ended()
    kept = rows("select run_id from published_forecasts group by all")
    assert sorted(kept["run_id"]) == [1, 2, 3]


def test_a_run_is_judged_by_what_the_labels_say(judged):
    outcomes = rows(
        """
        select outcomes.actual_spend, labels.target_30d_spend::double as label
        from marts.forecast_outcomes as outcomes
        inner join features.feat_labels as labels using (as_of_date, customer_id)
        """
    )
    assert len(outcomes) == judged.customers
    assert outcomes["actual_spend"].sum() > 0
    assert outcomes["actual_spend"].tolist() == outcomes["label"].tolist()


def test_the_baseline_is_what_was_spent_in_the_days_before(judged):
    outcomes = rows(
        """
        select outcomes.last_days_spend, mart.spend_30d::double as before
        from marts.forecast_outcomes as outcomes
        inner join features.feat_customer_snapshots as mart using (as_of_date, customer_id)
        """
    )
    assert outcomes["last_days_spend"].tolist() == outcomes["before"].tolist()


def test_a_run_whose_window_goes_on_is_not_judged(judged):
    assert rows("select distinct run_id from marts.forecast_outcomes")["run_id"].tolist() == [2]


def test_scores_in_sql_are_those_that_were_expected_in_python(judged):
    outcomes = rows("from marts.forecast_outcomes")
    published = {name: outcomes[name].to_numpy() for name in outcomes if name.startswith("spend_")}
    published["predicted_30d_spend"] = outcomes["predicted_spend"].to_numpy()
    published["purchase_probability"] = outcomes["purchase_probability"].to_numpy()
    measured = scores(outcomes["actual_spend"].to_numpy(), published)
    card = rows("from marts.forecast_scorecard").set_index("metric")["realised"].to_dict()
    assert card == pytest.approx(measured)
    assert set(card) == set(EXPLAINED)


def test_scores_are_those_that_models_are_compared_by():
    random = np.random.default_rng(3)
    published = published_of(*shop_of(random))
    actual = random.permutation(published["predicted_30d_spend"])
    forecast = Forecast(
        published["predicted_30d_spend"], published["purchase_probability"], published["spend_p50"]
    )
    evaluated, measured = evaluate(actual, forecast), scores(actual, published)
    for name in ("rmse", "wape", "brier"):
        assert measured[name] == pytest.approx(evaluated[name]), name


def shop_of(random, customers=2_000):
    """Customers as they are published, and the spread around them."""
    chance = random.beta(0.8, 2.5, customers)
    amount = random.lognormal(3 + chance, 0.4)
    happened = (
        (random.random(customers) < chance) * amount * random.lognormal(-0.08, 0.4, customers)
    )
    spread = AmountSpread.fit(chance * amount, chance, happened)
    return chance, chance * amount, spread


def published_of(chance, spend, spread):
    low, high = LevelIntervals.none().bounds(spread.of(spend, chance))
    return {
        "predicted_30d_spend": spend,
        "purchase_probability": chance,
        "spend_p50": spread.of(spend, chance).quantile(0.5),
        "spend_low": low,
        "spend_high": high,
    }


def test_scores_lie_in_the_stated_interval_in_four_of_five_months():
    random = np.random.default_rng(0)
    chance, spend, spread = shop_of(random)
    published = published_of(chance, spend, spread)
    stated = expected_scores(published, spread, month_doubt=0.15).set_index("metric")
    inside = dict.fromkeys(EXPLAINED, 0)
    months = 200
    for _ in range(months):
        level = np.exp(random.normal(0, 0.15 / 1.2816))
        bought = random.random(len(spend)) < 1 - (1 - chance) ** level
        given = spend * level / (1 - (1 - chance) ** level)
        actual = bought * given * random.lognormal(-0.08, 0.4, len(spend))
        for metric, value in scores(actual, published).items():
            inside[metric] += stated.loc[metric, "low"] <= value <= stated.loc[metric, "high"]
    for metric in ("total", "buyers", "wape", "brier", "rmse"):
        assert inside[metric] / months == pytest.approx(0.8, abs=0.12), metric


def test_a_doubtful_month_has_wider_scores():
    random = np.random.default_rng(1)
    chance, spend, spread = shop_of(random)
    published = published_of(chance, spend, spread)
    wide = {}
    for doubt in (0.05, 0.4):
        total = expected_scores(published, spread, doubt).set_index("metric").loc["total"]
        wide[doubt] = total["high"] - total["low"]
    assert wide[0.4] > 3 * wide[0.05]


def test_the_sums_of_a_sample_are_those_of_the_shop(monkeypatch):
    random = np.random.default_rng(2)
    chance, spend, spread = shop_of(random)
    published = published_of(chance, spend, spread)
    whole = expected_scores(published, spread, 0.1).set_index("metric")["expected"]
    monkeypatch.setattr("train.calibration.expected_scores.MOST_ROWS", 1_000)
    sampled = expected_scores(published, spread, 0.1).set_index("metric")["expected"]
    assert sampled["total"] == pytest.approx(whole["total"], rel=0.1)
    assert sampled["buyers"] == pytest.approx(whole["buyers"], rel=0.1)
