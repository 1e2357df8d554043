"""The schema `truth`: complete, right on the whole shop, and seen by nobody who forecasts."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys

import duckdb
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import warehouse
from benchmarks import leak_demo
from core import dbt_runner
from core.metrics import METRICS
from generate import truth
from generate.shop import optimum
from generate.shop.drawer import draw_shop
from generate.shop.plan import Plan
from generate.synthetic import generate
from operate import achievable
from tests.conftest import CUSTOMERS, DAYS, SEED, in_warehouse

PLAN = Plan(CUSTOMERS, SEED, days=DAYS)


def rows(connection, day):
    return connection.execute(
        "select * from truth.expected_spend where as_of_date = ? order by customer_id", [day]
    ).fetchall()


def test_the_best_forecast_is_known_for_every_row_of_the_feature_mart(built_shop):
    with in_warehouse(built_shop.file), warehouse.connect(read_only=True) as connection:
        missing = connection.execute(
            f"""
            select count(*), count(*) filter (where truth.customer_id is null)
            from features.{warehouse.FEATURE_MART}
            left join truth.expected_spend as truth using (as_of_date, customer_id)
            """
        ).fetchone()
    assert missing[0] > 10_000
    assert missing[1] == 0


def test_nobody_is_expected_to_buy_before_registration(built_shop):
    with in_warehouse(built_shop.file), warehouse.connect(read_only=True) as connection:
        early = connection.execute(
            """
            select count(*) from truth.expected_spend
            inner join truth.customers using (customer_id)
            where as_of_date <= ?::date + registered::integer
            """,
            [PLAN.start],
        ).fetchone()
        probabilities = connection.execute(
            "select min(purchase_probability), max(purchase_probability) from truth.expected_spend"
        ).fetchone()
    assert early == (0,)
    assert 0 <= probabilities[0] < probabilities[1] <= 1


@pytest.mark.parametrize("preset", ["shop", "promotions", "classic"])
def test_sums_and_buyers_come_as_expected_in_every_tenth_of_the_customers(preset):
    plan = Plan(4000, seed=11, preset=preset, faults=False)
    shop = draw_shop(plan)
    sales = shop.tables["store_sales_header"]
    sales = sales.assign(day=sales["transaction_date"].dt.normalize())
    parts = []
    # windows that do not overlap
    for day in [PLAN.start + dt.timedelta(days) for days in range(300, 1400, 90)]:
        begin = pd.Timestamp(day)
        inside = sales[(sales["day"] >= begin) & (sales["day"] < begin + pd.Timedelta(days=30))]
        net = inside.groupby("customer_id")["total_amount"].sum() / 100
        bought = inside[inside["total_amount"] > 0]["customer_id"].unique()
        part = optimum.redraw(plan, [day]).rows.to_pandas().set_index("customer_id")
        parts.append(part.assign(net=net, bought=part.index.isin(bought)).fillna({"net": 0.0}))
    told = pd.concat(parts)
    told["tenth"] = pd.qcut(told["expected_30d_spend"].rank(method="first"), 10, labels=False)
    for _, tenth in told.groupby("tenth"):
        for actual, forecast in (
            ("net", "expected_30d_spend"),
            ("bought", "purchase_probability"),
        ):
            error = tenth[actual] - tenth[forecast]
            # the same customers come back in several windows, which are nearly independent
            noise = np.sqrt((error**2).sum())
            assert abs(error.sum()) < 4 * noise + 1e-6


def test_any_day_can_be_added_and_a_day_of_the_grid_comes_out_equal(world):
    world("any-day")
    grid = optimum.snapshots(PLAN)[100]
    between = grid + dt.timedelta(2)
    with warehouse.connect(read_only=True) as connection:
        before = rows(connection, grid)
        assert before
        assert not rows(connection, between)
    written = truth.add([grid, between])
    with warehouse.connect(read_only=True) as connection:
        assert rows(connection, grid) == before
        added = rows(connection, between)
    assert len(added) + len(before) == written
    # adding again replaces
    truth.add([between])
    with warehouse.connect(read_only=True) as connection:
        assert rows(connection, between) == added


def test_a_day_outside_the_shop_or_no_generated_shop_is_one_clear_message(
    world, tmp_path, monkeypatch
):
    import typer

    app = typer.Typer()
    app.command()(truth.main)
    world("outside")
    result = CliRunner().invoke(app, ["2030-01-01"])
    assert result.exit_code == 1
    assert "outside the shop's period, 2022-01-01 to 2024-06-19" in result.stderr
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "other.duckdb"))
    duckdb.connect(str(tmp_path / "other.duckdb")).close()
    result = CliRunner().invoke(app, ["2023-06-17"])
    assert result.exit_code == 1
    assert "holds no generated shop" in result.stderr


def test_a_shop_that_is_no_longer_drawn_as_it_was_gets_no_truth(world):
    world("changed")
    with warehouse.connect() as connection:
        connection.execute("update truth.shop set cents = cents + 1")
    with pytest.raises(truth.TruthError, match="another version"):
        truth.add([dt.date(2023, 6, 17)])
    with warehouse.connect() as connection:
        connection.execute("update truth.shop set plan = replace(plan, 'block', 'brick')")
    with pytest.raises(truth.TruthError, match=r"cannot be read.*another version"):
        truth.add([dt.date(2023, 6, 17)])


def test_the_day_after_the_last_sale_is_known_where_the_period_ends_without_one(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "tiny.duckdb"))
    generate(Plan(12, seed=3, days=203, faults=False))
    with warehouse.connect(read_only=True) as connection:
        end = connection.execute(
            "select max(recorded_at)::date + 1 from raw.store_sales_header"
        ).fetchone()[0]
        assert end < dt.date(2022, 1, 1) + dt.timedelta(203)
        assert rows(connection, end)


def test_no_model_no_feature_and_no_score_sees_the_truth():
    for room in ("dbt_project", "train", "serve"):
        files = [
            file
            for file in (warehouse.ROOT / room).rglob("*")
            if file.suffix in (".py", ".sql", ".yml", ".jinja")
            and "target" not in file.relative_to(warehouse.ROOT).parts
        ]
        assert files
        for file in files:
            text = file.read_text()
            assert "truth." not in text, file
            assert "expected_30d_spend" not in text, file


def test_features_are_the_same_without_the_truth(world, built_shop):
    world("blind")
    with warehouse.connect() as connection:
        connection.execute("drop schema truth cascade")
    dbt_runner.build(select=f"+{warehouse.FEATURE_MART} +feat_labels", run_only=True)
    with warehouse.connect() as connection:
        connection.execute(f"attach '{built_shop.file}' as sighted (read_only)")
        for table in (warehouse.FEATURE_MART, "feat_labels"):
            assert not connection.execute(
                f"select * from features.{table} except all select * from sighted.features.{table}"
            ).fetchall()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_truth_reaches_all_that_is_possible_and_the_mean_nothing(seed, tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "seed.duckdb"))
    generate(Plan(600, seed=seed, days=400))
    dbt_runner.build(select="+feat_labels", run_only=True)
    with warehouse.connect(read_only=True) as connection:
        (test,) = connection.execute("select max(as_of_date) from features.feat_labels").fetchone()
        nothing = pd.DataFrame(columns=list(METRICS), dtype=float)
        shares = achievable.shares(connection, nothing, test)
    best, mean = shares.loc[achievable.BEST], shares.loc[achievable.MEAN]
    assert best["skill_share"] == 1
    assert best["auc_share"] == 1
    assert 0.1 < best["r2"] < 0.9
    assert best["auc"] > 0.7
    assert mean["skill_share"] == pytest.approx(0, abs=1e-12)
    assert mean["auc_share"] == 0


def test_a_fitted_model_reaches_a_part_of_what_is_possible(small_shop):
    with warehouse.connect(read_only=True) as connection:
        evaluation = (
            connection.execute("select * from main.model_evaluation").df().set_index("model")
        )
        test = pd.Timestamp(evaluation["test_as_of_date"].iloc[0]).date()
        shares = achievable.shares(connection, evaluation, test)
    chosen = evaluation.index[evaluation["is_chosen"]][0]
    assert 0.3 < shares.loc[chosen, "auc_share"] < 1.1
    assert shares.loc[chosen, "r2"] == evaluation.loc[chosen, "r2"]


def test_where_luck_beats_the_best_forecast_no_share_is_told(built_shop):
    with in_warehouse(built_shop.file), warehouse.connect() as connection:
        (test,) = connection.execute("select max(as_of_date) from features.feat_labels").fetchone()
        connection.execute("begin transaction")
        connection.execute(
            "update truth.expected_spend set expected_30d_spend = 1e6, purchase_probability = 0"
        )
        model = pd.DataFrame({"r2": [0.1], "auc": [0.6]}, index=["model"])
        shares = achievable.shares(connection, model, test)
        connection.execute("rollback")
    assert shares[["skill_share", "auc_share"]].isna().all(axis=None)


def test_a_test_snapshot_without_truth_names_the_command(small_shop):
    nothing = pd.DataFrame(columns=list(METRICS))
    with (
        warehouse.connect(read_only=True) as connection,
        pytest.raises(achievable.UnknownTruthError, match=r"generate/truth\.py 2024-01-01"),
    ):
        achievable.shares(connection, nothing, dt.date(2024, 1, 1))


def test_the_floor_of_the_target_changes_little_and_is_measured(small_shop):
    with warehouse.connect(read_only=True) as connection:
        (test,) = connection.execute("select max(as_of_date) from features.feat_labels").fetchone()
        floor = achievable.floor_effect(connection, test)
        target = connection.execute(
            "select sum(target_30d_spend) from features.feat_labels where as_of_date = ?", [test]
        ).fetchone()
        net = connection.execute(
            "select sum(spend - returned) from intermediate.int_customer_days_summed"
            " where event_date >= ?::date and event_date < ?::date + 30",
            [test, test],
        ).fetchone()
    # customers who came after the snapshot have no label but some sales
    assert 0 <= floor.added_share < 0.05
    assert float(target[0]) / (1 + floor.added_share) <= float(net[0]) + 0.01
    assert abs(floor.r2 - floor.r2_without) < 0.05


def test_labels_of_another_horizon_are_not_held_against_the_truth(shop_copy):
    with warehouse.connect() as connection:
        connection.execute("update intermediate.int_snapshots_scheduled set horizon_days = 60")
        nothing = pd.DataFrame(columns=list(METRICS))
        with pytest.raises(achievable.UnknownTruthError, match="sums of 60 days"):
            achievable.shares(connection, nothing, dt.date(2024, 1, 1))


def test_each_classic_mistake_looks_better_than_what_is_possible_and_an_honest_fit_does_not(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "classic.duckdb"))
    generate(Plan(500, seed=2, days=500, preset="classic", faults=False))
    dbt_runner.build(select=f"+{warehouse.FEATURE_MART} +feat_labels", run_only=True)
    result = leak_demo.compare(leak_demo.read())
    honest = result.loc["honest fit"]
    assert 0 < honest["r2"] < honest["optimum"] + 0.05
    mistakes = result.drop(index="honest fit")
    assert len(mistakes) == 4
    assert (mistakes["r2"] > mistakes["optimum"] + 0.05).all()


def test_what_a_killed_process_left_goes_with_the_next_command(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "shop.duckdb"))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left, held = tmp_path / f".scratch-{ended.pid}-x", tmp_path / f".scratch-{os.getpid()}-x"
    left.mkdir()
    held.mkdir()
    generate(Plan(10, days=30, faults=False))
    assert not left.exists()
    assert held.exists()
