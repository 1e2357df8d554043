"""A backtest of the small shop: each date from its own past, kept, resumed, measured."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

import warehouse
from core.metrics import METRICS, Forecast, Measured, evaluate
from tests.conftest import in_warehouse
from train import backtest as command
from train.backtest import PUBLISHED, backtest
from train.backtesting import compare
from train.backtesting.bootstrap import drawings, metric_intervals
from train.candidates.models import BASELINES, QUICK

# more than are fitted side by side
CUTS = 3


@pytest.fixture(scope="module")
def tested(built_shop, tmp_path_factory):
    """A copy of the small shop with a backtest in it, and what the run returned."""
    shop = built_shop.copy_to(tmp_path_factory.mktemp("backtest"))
    with in_warehouse(shop.file):
        return shop.file, backtest(folds=CUTS, effort=QUICK)


def read(file, sql, *values):
    with in_warehouse(file), warehouse.connect(read_only=True) as connection:
        return connection.execute(sql, list(values)).df()


FORECASTS = """
    select * exclude (written_at) from main.backtest where as_of_date <= ? order by all
"""


def test_every_customer_of_a_date_has_one_forecast_of_each_model(tested):
    file, result = tested
    rows = read(
        file,
        """
        select as_of_date, model, count(*) as n, count(distinct customer_id) as customers
        from main.backtest group by all
        """,
    )
    population = read(
        file,
        "select as_of_date, count(*) as n from features.feat_labels group by all",
    ).set_index("as_of_date")["n"]
    assert (rows["n"] == rows["customers"]).all()
    assert (rows["n"] == rows["as_of_date"].map(population)).all()
    assert rows["as_of_date"].nunique() == len(result.days) == CUTS


def test_windows_of_the_dates_do_not_overlap(tested):
    days = pd.Series(tested[1].days)
    assert (days.diff().dropna() >= pd.Timedelta(days=30)).all()


def test_a_forecast_uses_nothing_that_came_after_its_date(tested, built_shop, tmp_path):
    file, result = tested
    earlier = built_shop.copy_to(tmp_path)
    until = result.days[-2]
    with in_warehouse(earlier.file):
        # the labels of the date before the last are just known: the last does not exist yet
        again = backtest(until + dt.timedelta(days=30), folds=CUTS - 1, effort=QUICK)
    assert again.days == result.days[: CUTS - 1]
    pd.testing.assert_frame_equal(
        read(file, FORECASTS, until), read(earlier.file, FORECASTS, until), check_exact=True
    )


def test_a_finished_run_fits_nothing_again(tested, monkeypatch):
    file, result = tested
    monkeypatch.setattr(compare, "fit_folds", lambda *_, **__: pytest.fail("fitted again"))
    with in_warehouse(file):
        again = backtest(folds=CUTS, effort=QUICK)
    assert again.reused == result.days
    pd.testing.assert_frame_equal(again.mean, result.mean, check_exact=True)


def test_a_stopped_run_goes_on_where_it_was(tested, built_shop, tmp_path, monkeypatch):
    shop = built_shop.copy_to(tmp_path)
    fit_folds, calls = compare.fit_folds, []

    def stops_at_the_second(*values, **names):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return fit_folds(*values, **names)

    with in_warehouse(shop.file):
        monkeypatch.setattr(compare, "fit_folds", stops_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            backtest(folds=CUTS, effort=QUICK)
        again = backtest(folds=CUTS, effort=QUICK)
    assert again.reused == again.days[:2]
    pd.testing.assert_frame_equal(again.mean, tested[1].mean, check_exact=True)


def test_other_candidates_are_fitted_anew(tested, built_shop, tmp_path):
    shop = built_shop.copy_to(tmp_path)
    with in_warehouse(shop.file):
        backtest(folds=1, effort=QUICK)
        assert not backtest(folds=1, effort=QUICK, seed=1).reused


def test_the_mart_shows_every_metric_of_every_model_and_date(tested):
    file, result = tested
    shown = read(file, "select * from marts.model_skill")
    for day, table in result.tables.items():
        part = shown[shown["as_of_date"] == pd.Timestamp(day)]
        wide = part.pivot(index="model", columns="metric", values="value")
        pd.testing.assert_frame_equal(
            wide.reindex(index=table.index, columns=list(METRICS)),
            table[list(METRICS)],
            check_names=False,
        )
    known = shown.dropna(subset="low")
    assert (known["low"] <= known["high"]).all()


def test_what_was_published_is_the_model_chosen(tested):
    result = tested[1]
    for day, table in result.tables.items():
        chosen = table.loc[result.chosen[day], list(METRICS)]
        assert table.loc[PUBLISHED, list(METRICS)].equals(chosen)


def test_the_command_says_whether_the_model_is_worth_it(tested):
    app = typer.Typer()
    app.command()(command.main)
    with in_warehouse(tested[0]):
        said = CliRunner().invoke(app, ["--cuts", str(CUTS), "--quick"])
    assert said.exit_code == 0, said.output
    assert "than those of the best simple baseline" in said.output


def test_an_empty_warehouse_says_what_to_do(tmp_path):
    app = typer.Typer()
    app.command()(command.main)
    with in_warehouse(tmp_path / "none.duckdb"):
        said = CliRunner().invoke(app, [])
    assert said.exit_code == 1
    assert "make" in said.stderr


@pytest.fixture(scope="module")
def measured():
    rng = np.random.default_rng(5)
    actual = rng.poisson(0.5, 2000) * rng.lognormal(3, 1, 2000)
    good = actual * rng.lognormal(0, 0.5, 2000) + 1
    forecasts = {"good": good, "same": good, **{name: rng.random(2000) for name in BASELINES}}
    forecasts = {name: Forecast(values, median=values) for name, values in forecasts.items()}
    return actual, forecasts, metric_intervals(actual, forecasts, BASELINES)


def test_the_interval_lies_around_the_metric(measured):
    actual, forecasts, found = measured
    wape = found[(found["model"] == "good") & (found["metric"] == "wape")].iloc[0]
    assert wape["value"] == evaluate(actual, forecasts["good"])["wape"]
    assert wape["low"] < wape["value"] < wape["high"]


def test_the_best_baseline_differs_from_itself_by_nothing(measured):
    found = measured[2]
    own = found[found["model"] == found["best_baseline"]]
    assert set(own["metric"]) == set(METRICS) - {"brier"}
    assert (own[["difference", "difference_low", "difference_high"]] == 0).all(axis=None)


def test_equal_forecasts_have_equal_intervals(measured):
    found = measured[2].set_index(["model", "metric"])
    assert found.loc["good"].equals(found.loc["same"])


def test_drawn_rows_are_measured_as_evaluate_measures_them():
    rng = np.random.default_rng(3)
    actual = (rng.random(3000) < 0.4) * rng.lognormal(3, 1, 3000)
    noisy = actual * rng.lognormal(0, 1, 3000) + rng.random(3000)
    forecasts = [
        Forecast(noisy, rng.random(3000), rng.random(3000)),
        # without ties, which fall by chance
        Forecast(rng.gamma(1.0, 9.0, 3000)),
    ]
    snapshot = Measured(actual, forecasts)
    for rows in [np.arange(3000), *drawings(3000, 5, seed=1)]:
        found = snapshot.measure(np.bincount(rows, minlength=3000).astype(float))
        for forecast, measured in zip(forecasts, found, strict=True):
            columns = (forecast.spend, forecast.probability, forecast.median)
            drawn = (None if values is None else values[rows] for values in columns)
            expected = list(evaluate(actual[rows], Forecast(*drawn)).values())
            np.testing.assert_allclose(measured, expected, rtol=2e-3, atol=2e-3)


def test_the_interval_is_as_wide_as_the_metric_varies():
    """Over many samples of customers nine of ten intervals hold the metric of all of them."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(60):
        actual = rng.gamma(2.0, 1.0, 400)
        two = np.full(400, 2.0)
        forecasts = {name: Forecast(two, median=two) for name in BASELINES}
        found = metric_intervals(actual, forecasts, BASELINES, replicates=60, seed=1)
        mae = found[found["metric"] == "mae"].iloc[0]
        # the mean distance of a Gamma(2) from its mean is 8 exp(-2)
        held += mae["low"] <= 8 * np.exp(-2) <= mae["high"]
    assert 46 <= held <= 60
