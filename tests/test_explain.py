"""The table `prediction_reasons`: written whole, adding up, only of forecasts that still stand."""

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import warehouse
from serve import explain as command
from serve import look_up, repository
from serve.explain import explain
from serve.predictions import MART, ScoreError
from serve.score import score
from train.registry.artefact import champion


def rows(sql):
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(sql).df()


SUMS = """
    select customer_id, any_value(average_spend) + sum(effect) as explained
    from main.prediction_reasons group by all order by all
"""
FORECASTS = """
    select customer_id, predicted_30d_spend as forecast, avg(predicted_30d_spend) over () as average
    from main.predictions
    where as_of_date = (select max(as_of_date) from main.predictions) order by all
"""


def test_effects_and_the_average_make_the_forecast(small_shop):
    said, forecast = rows(SUMS), rows(FORECASTS)
    assert said["customer_id"].equals(forecast["customer_id"])
    np.testing.assert_allclose(said["explained"], forecast["forecast"], rtol=1e-9, atol=1e-9)
    average = rows("select distinct average_spend from main.prediction_reasons")
    assert average["average_spend"].tolist() == pytest.approx([forecast["average"].iloc[0]])


def test_the_three_largest_effects_are_in_words(small_shop):
    found = rows("select * from main.prediction_reasons order by customer_id, place")
    assert found["sentence"].notna().equals(found["place"] <= 3)
    sizes = found.groupby("customer_id")["effect"].apply(lambda one: np.diff(one.abs()).max())
    assert (sizes <= 0).all()
    told = found[found["sentence"].notna()]
    said = told["sentence"].str.rsplit(": ", n=1).str[1].str.replace(",", "").astype(float)
    np.testing.assert_allclose(said, told["effect"], atol=0.005 + 1e-9)


def test_a_sentence_speaks_of_the_customers_own_features(small_shop):
    found = rows(
        f"""
        select sentence, days_since_last_order::int as days
        from main.prediction_reasons inner join {MART} using (customer_id, as_of_date)
        where driver = 'recency' and sentence is not null and days_since_last_order > 1
        """
    )
    assert len(found)
    for sentence, days in zip(found["sentence"], found["days"], strict=True):
        assert sentence.startswith(f"last order {days:,} days ago: ")


def customer(customer_id):
    with repository.reading() as connection:
        return look_up.customer(connection, customer_id, repository.current_date(connection))


def test_the_mart_and_the_lookup_show_them(small_shop):
    one = rows("select customer_id, reasons from marts.customer_predictions limit 1").iloc[0]
    found = customer(one["customer_id"])
    told = [reason["sentence"] for reason in found["reasons"] if reason["sentence"]]
    assert told == list(one["reasons"])
    total = sum(reason["effect"] for reason in found["reasons"]) + found["average_spend"]
    assert total == pytest.approx(found["prediction"]["predicted_30d_spend"])


def test_the_same_forecasts_have_the_same_reasons(shop_copy):
    before = rows("select * exclude (explained_at) from main.prediction_reasons order by all")
    explain()
    after = rows("select * exclude (explained_at) from main.prediction_reasons order by all")
    assert before.equals(after)


def test_only_the_highest_forecasts_if_so_asked(shop_copy):
    assert explain(top=5).customers == 5
    named = rows("select distinct customer_id from main.prediction_reasons")["customer_id"]
    highest = rows(FORECASTS).nlargest(5, "forecast")["customer_id"]
    assert set(named) == set(highest)


def test_forecasts_of_another_model_are_not_explained(shop_copy):
    with warehouse.connect() as connection:
        connection.execute("update main.predictions set model_version = 'another'")
    with pytest.raises(ScoreError, match=r"not those of .*run `python serve/score\.py"):
        explain()


def test_a_mart_that_changed_since_is_named_with_a_customer(shop_copy):
    with warehouse.connect() as connection:
        connection.execute(
            "update main.predictions set predicted_30d_spend = 1 + predicted_30d_spend"
        )
    before = rows("select count(*) as n from main.prediction_reasons")
    with pytest.raises(ScoreError, match=r"not what the model says of its row in the mart"):
        explain()
    assert rows("select count(*) as n from main.prediction_reasons").equals(before)


def test_an_older_model_explains_nothing_in_the_lookup(shop_copy):
    with warehouse.connect() as connection:
        connection.execute("update main.prediction_reasons set model_version = 'former'")
    one = rows("select customer_id from main.predictions limit 1")["customer_id"].iloc[0]
    assert customer(one)["reasons"] is None


def test_nothing_scored_says_what_to_do(shop_copy):
    with warehouse.connect() as connection:
        connection.execute("delete from main.predictions")
    app = typer.Typer()
    app.command()(command.main)
    said = CliRunner().invoke(app, [])
    assert said.exit_code == 1
    assert "python serve/score.py" in said.stderr
    score()
    assert CliRunner().invoke(app, ["--top", "3"]).exit_code == 0


def test_what_the_parts_add_is_the_change_of_the_total_since_the_model_learned(small_shop):
    parts = rows("select * from main.forecast_changes")
    [then] = parts["compared_with"].unique()
    learned = rows("select max(as_of_date) as newest from main.training_dates")
    assert then == learned["newest"].iloc[0]
    features = rows(f"select * from {MART} where as_of_date = '{then.date()}'")
    before = champion().predict(features)["predicted_30d_spend"].sum()
    now = rows(FORECASTS)["forecast"].sum()
    assert parts["change"].sum() == pytest.approx(now - before, rel=1e-9)
    sums = rows(
        "select sum(money_explained) as change from marts.forecast_drift group by dimension"
    )
    np.testing.assert_allclose(sums["change"], now - before, atol=1e-6 * now)
