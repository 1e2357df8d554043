"""Which fit becomes the champion, by hand and by the rule, and what the registry keeps of it."""

import datetime as dt
import subprocess
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

import warehouse
from core import dbt_runner
from core.metrics import BEST_VALUE, METRICS, Forecast, Measured, evaluate
from train.backtesting.bootstrap import drawings
from train.backtesting.compare import RANKED
from train.backtesting.forecast_store import FoldForecasts
from train.candidates.baselines import LastThirtyDays
from train.dataset import Rows
from train.fit import fit, main
from train.forecaster import Calibration, Forecaster, OutOfTime
from train.registry import artefact, promotion, revision, versions
from train.registry.promotion import Pair, Verdict

CONTRACT = warehouse.contract()
CUSTOMERS = 400
DAYS = [dt.date(2020, 1, 1) + dt.timedelta(30 * number) for number in range(4)]
APART = "nothing to compare it with"


class ScaledLastThirtyDays(LastThirtyDays):
    """The last 30 days times a number."""

    def __init__(self, scale):
        self.scale = scale

    def predict(self, X):
        return super().predict(X) * self.scale


class FlatPurchase:
    """Half of all customers buy, whoever they are."""

    def predict_purchase(self, X):
        return np.full(len(X), 0.5)


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "shop.duckdb"))
    with warehouse.connect() as connection:
        connection.execute("select 1")
    return tmp_path


def make_rows(seed=0, customers=CUSTOMERS):
    """Customers who spend about what they spent in the last 30 days, or nothing."""
    random = np.random.default_rng(seed)
    count = customers * len(DAYS)
    spend = random.lognormal(3, 1, count) * (random.random(count) < 0.5)
    X = pd.DataFrame({name: np.zeros(count) for name in CONTRACT.numeric})
    X = X.assign(spend_30d=spend, **dict.fromkeys(CONTRACT.categorical, "north"))
    return Rows(
        X,
        spend * random.lognormal(0, 0.3, count),
        np.array([f"c{number % customers}" for number in range(count)], dtype=object),
        np.repeat(np.array(DAYS, dtype="datetime64[D]"), customers),
        pd.DataFrame(),
    )


ROWS = make_rows()


def evidence(rows, published):
    snapshots = {}
    for day, said in published.items():
        here = rows.at([day])
        one = OutOfTime(here.y, said.spend, np.zeros(len(here)))
        snapshots[day] = FoldForecasts(here.customer_id, {"scaled": one}, "by hand")
    return promotion.evidence(snapshots, published)


def publish(
    version,
    *,
    level=1.0,
    as_of=DAYS[3],
    cuts=DAYS[:2],
    rows=ROWS,
    spoil=1.0,
    barred=None,
    horizon=30,
):
    """Do what a fit does at its end, with a model that multiplies the last 30 days."""
    forecaster = Forecaster(
        ScaledLastThirtyDays(level),
        FlatPurchase(),
        Calibration(),
        CONTRACT.numeric,
        CONTRACT.categorical,
    )
    published = {
        day: Forecast(rows.at([day]).X["spend_30d"].to_numpy() * level * spoil) for day in cuts
    }
    proof = evidence(rows, published)
    verdict = promotion.evaluate_challenger(
        version, proof, lambda day: rows.at([day]), CONTRACT, barred=barred
    )
    card = {
        "version": version,
        "horizon_days": horizon,
        "as_of": as_of,
        "chosen": "scaled",
        "test_as_of_date": cuts[-1],
        "validation_as_of_dates": list(cuts[:-1]),
        "training_as_of_dates": [day for day in DAYS if day < as_of],
        "data_fingerprint": "rows",
        "parameters": {"seed": 0, "chosen": "scaled"},
        "metrics": {
            "scaled": dict.fromkeys(METRICS, level),
            "last 30 days": dict.fromkeys(METRICS, 2.0),
            "other": {**dict.fromkeys(METRICS, 9), "brier": None},
        },
        "importance": {"spend_30d": level, "tenure_days": 0.0},
    }
    folder = artefact.save(
        forecaster, card, CONTRACT, golden_rows=rows.at([cuts[-1]]).X, evidence=proof
    )
    with warehouse.connect() as connection:
        versions.enter(connection, artefact.read_card(folder), verdict)
    return verdict


def query(sql):
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(sql).fetchall()


def statuses():
    return dict(query("select version, status from main.model_registry"))


def row_of(version):
    with warehouse.connect(read_only=True) as connection:
        found = connection.execute("from main.model_registry where version = ?", [version]).df()
    return found.iloc[0]


def described():
    return {
        *query("select distinct model_version from main.feature_importance"),
        *query("select distinct model_version from main.training_dates"),
    }


def command(*arguments):
    app = typer.Typer()
    app.command()(main)
    return CliRunner().invoke(app, list(arguments))


def test_first_fit_is_champion(shop):
    assert publish("a") == Verdict("champion", f"{APART}: the warehouse has no model yet")
    assert artefact.champion().version == "a"


def test_better_fit_becomes_champion_and_says_on_which_dates(shop):
    publish("a", level=2.0)
    verdict = publish("b", level=1.0)
    assert verdict.status == "champion"
    assert verdict.reason.startswith("not worse than a beyond noise: D = -")
    assert verdict.reason.endswith("at 2020-01-01, 2020-01-31")
    assert statuses() == {"a": "former", "b": "champion"}
    assert described() == {("b",)}


def test_worse_fit_is_kept_as_challenger_and_leaves_the_champion_alone(shop):
    publish("a", level=1.0)
    verdict = publish("b", level=2.0)
    assert verdict.status == "challenger"
    assert verdict.reason.startswith("worse than a beyond noise: D = +")
    assert statuses() == {"a": "champion", "b": "challenger"}
    assert artefact.champion().version == "a"
    assert described() == {("a",)}
    assert row_of("b")["reason"] == verdict.reason
    assert pd.isna(row_of("b")["promoted_at"])


def test_fit_that_is_worse_within_noise_becomes_champion(shop):
    # equally wrong, each in its own way: one of the two must come out worse
    noise = [np.random.default_rng(seed).lognormal(0, 0.3, CUSTOMERS) for seed in (12, 13)]
    publish("a", spoil=noise[0])
    first = publish("b", spoil=noise[1])
    second = publish("c", spoil=noise[0])
    assert {first.status, second.status} == {"champion"}
    assert sorted(verdict.reason.split("D = ")[1][0] for verdict in (first, second)) == ["+", "-"]


def test_dates_after_the_champions_fit_are_forecast_by_itself(shop):
    publish("a", level=1.0, as_of=DAYS[2], cuts=DAYS[:1])
    verdict = publish("b", level=2.0, cuts=DAYS[2:])
    assert verdict.status == "challenger"
    assert verdict.reason.endswith("at 2020-03-01, 2020-03-31")


def test_dates_before_it_are_taken_from_its_evidence(shop):
    # what it says today of a date that it has learned from is good; out of time it was bad
    publish("a", level=1.0, spoil=3.0)
    assert publish("b", level=2.0).reason.startswith("not worse than a beyond noise: D = -")


def test_dates_that_the_champion_learned_from_do_not_count(shop):
    publish("a", level=1.0, cuts=DAYS[:1])
    verdict = publish("b", level=2.0, cuts=DAYS[1:2])
    assert verdict.reason.startswith(f"{APART}, so a stays the champion: no as-of date")


def test_without_anything_to_compare_the_present_champion_stays(shop):
    publish("a", level=2.0, cuts=DAYS[:1])
    assert publish("b", level=1.0, cuts=DAYS[1:2]).status == "challenger"
    assert statuses() == {"a": "champion", "b": "challenger"}
    assert artefact.champion().version == "a"


def test_without_anything_to_compare_a_champion_that_does_not_load_goes(shop):
    publish("a", cuts=DAYS[:1])
    (shop / "models" / "a" / "model.joblib").unlink()
    assert publish("b", cuts=DAYS[1:2]).reason.startswith(f"{APART}: ")
    assert statuses() == {"a": "former", "b": "champion"}


ANOTHER = f"{APART}: what a saw on {DAYS[0]} is another shop's"


def test_the_model_of_another_shop_with_the_same_ids_gives_way(shop):
    publish("a", level=1.0)
    assert publish("b", level=2.0, rows=make_rows(seed=1)).reason == ANOTHER
    assert statuses() == {"a": "former", "b": "champion"}


@pytest.mark.parametrize(("changed", "compared"), [(0.03, True), (0.2, False)])
def test_a_few_corrected_sales_do_not_part_two_fits(shop, changed, compared):
    publish("a", level=1.0)
    random = np.random.default_rng(5)
    y = np.where(random.random(len(ROWS)) < changed, ROWS.y * 1.1, ROWS.y)
    corrected = replace(ROWS, y=y)
    verdict = publish("b", level=2.0, rows=corrected)
    assert (APART not in verdict.reason) == compared


def test_buyers_decide_whether_it_is_the_same_shop(shop):
    # 98 % of the customers bought nothing here as there
    shops = []
    for seed in (0, 1):
        rows = make_rows(seed)
        buys = np.random.default_rng(seed).random(len(rows)) < 0.02
        y = np.where(buys, 10.0 + seed, 0.0)
        shops.append(replace(rows, y=y))
    publish("a", rows=shops[0])
    assert publish("b", rows=shops[1]).reason == ANOTHER


def test_changed_champion_is_no_hurdle(shop):
    publish("a", level=1.0)
    (shop / "models" / "a" / "evidence.parquet").write_bytes(b"")
    verdict = publish("b", level=2.0)
    assert verdict.status == "champion"
    assert "is not the file its card describes" in verdict.reason


def test_champion_of_another_contract_is_no_hurdle(shop):
    publish("a", level=1.0)
    other = warehouse.Contract(CONTRACT.columns[:-1])
    proof = evidence(ROWS, {DAYS[0]: Forecast(ROWS.at([DAYS[0]]).y)})
    verdict = promotion.evaluate_challenger("b", proof, lambda day: ROWS.at([day]), other)
    assert verdict.status == "champion"
    assert "another feature contract" in verdict.reason


def test_a_barred_fit_is_kept_as_challenger_however_good(shop):
    publish("a", level=2.0)
    verdict = publish("b", level=1.0, barred="a trial")
    assert verdict.status == "challenger"
    assert verdict.reason.startswith("a trial; not worse than a beyond noise: D = -")
    assert statuses() == {"a": "champion", "b": "challenger"}
    assert described() == {("a",)}


def test_a_barred_fit_is_not_even_the_first_champion(shop):
    verdict = publish("a", barred="a trial")
    assert verdict == Verdict("challenger", f"a trial; {APART}: the warehouse has no model yet")
    assert statuses() == {"a": "challenger"}


@pytest.mark.parametrize("loads", [True, False])
def test_the_champion_fitted_again_as_a_trial_stays_champion(shop, loads):
    publish("a")
    before = row_of("a")
    if not loads:
        (shop / "models" / "a" / "model.joblib").unlink()
    publish("a", barred="a trial")
    kept = ["status", "promoted_at", "reason"]
    assert row_of("a")[kept].equals(before[kept])
    assert artefact.champion().version == "a"


def test_a_champion_of_another_horizon_is_no_hurdle_and_no_way_back(shop):
    publish("a", horizon=60)
    verdict = publish("b", level=2.0)
    assert verdict.status == "champion"
    assert "a forecasts 60 days, and the mart is built for 30" in verdict.reason
    for arguments in (["--promote", "a"], ["--rollback"]):
        outcome = command(*arguments)
        assert outcome.exit_code == 1
        assert "a forecasts 60 days" in outcome.stderr
    assert statuses() == {"a": "former", "b": "champion"}


def test_champion_fitted_again_keeps_since_when_and_why(shop):
    publish("a")
    before = row_of("a")
    publish("a")
    after = row_of("a")
    assert after["fitted_at"] > before["fitted_at"]
    kept = ["status", "promoted_at", "reason"]
    assert after[kept].equals(before[kept])


def test_challenger_fitted_again_stays_challenger(shop):
    publish("a", level=1.0)
    publish("b", level=2.0)
    publish("b", level=2.0)
    assert statuses() == {"a": "champion", "b": "challenger"}


def test_registry_says_where_a_version_comes_from(shop):
    publish("a")
    row = row_of("a")
    assert row["as_of_date"] == pd.Timestamp(DAYS[3])
    assert row["contract_hash"] == CONTRACT.hash
    assert row["sha256"] == artefact.champion().card["sha256"]
    assert row["test_as_of_date"] == pd.Timestamp(DAYS[1])
    [(validations, training)] = query(
        "select validation_as_of_dates, training_as_of_dates from main.model_registry"
    )
    assert validations == DAYS[:1]
    assert training == DAYS[:3]
    assert query(
        "select metrics->>'$.chosen.gini', metrics->>'$.models.other.gini', parameters->>'seed'"
        " from main.model_registry"
    ) == [("1.0", "9", "0")]


def test_promotion_by_hand_overrules(shop):
    publish("a", level=1.0)
    publish("b", level=2.0)
    outcome = command("--promote", "b")
    assert outcome.exit_code == 0
    assert statuses() == {"a": "former", "b": "champion"}
    assert row_of("b")["reason"] == "promoted by hand instead of a"
    assert described() == {("b",)}
    assert query("from main.feature_importance")[0][:2] == ("spend_30d", 2.0)


def test_roll_back_brings_back_the_one_before_and_twice_the_present_one(shop):
    for version, level in (("a", 3.0), ("b", 2.0), ("c", 1.0)):
        publish(version, level=level)
    assert command("--rollback").exit_code == 0
    assert statuses() == {"a": "former", "b": "champion", "c": "former"}
    assert described() == {("b",)}
    versions.roll_back()
    assert statuses() == {"a": "former", "b": "former", "c": "champion"}


def test_without_a_former_champion_there_is_no_way_back(shop):
    publish("a")
    outcome = command("--rollback")
    assert outcome.exit_code == 1
    assert "no version was champion before" in outcome.stderr


@pytest.mark.parametrize("file", ["model.joblib", "golden.parquet", "evidence.parquet"])
def test_changed_version_is_not_promoted(shop, file):
    publish("a", level=1.0)
    publish("b", level=2.0)
    changed = shop / "models" / "b" / file
    changed.write_bytes(changed.read_bytes()[:-1])
    outcome = command("--promote", "b")
    assert outcome.exit_code == 1
    assert "sha256" in outcome.stderr
    assert statuses() == {"a": "champion", "b": "challenger"}


def test_another_model_under_a_registered_name_is_not_promoted(shop):
    publish("a", level=1.0)
    publish("b", level=2.0)
    with warehouse.connect() as connection:
        connection.execute("update main.model_registry set sha256 = 'x' where version = 'b'")
    with pytest.raises(artefact.ArtefactError, match="model_registry"):
        versions.promote("b")


@pytest.mark.parametrize("version", ["none", "../a", ".", "a/b", ""])
def test_what_is_no_version_is_not_promoted(shop, version):
    publish("a")
    with pytest.raises(artefact.ArtefactError):
        versions.promote(version)
    assert statuses() == {"a": "champion"}


def test_version_that_a_new_warehouse_does_not_know_is_entered_from_its_card(shop):
    publish("a", level=1.0)
    before = row_of("a")
    warehouse.path().unlink()
    with warehouse.connect() as connection:
        connection.execute("select 1")
    versions.promote("a")
    told = ["as_of_date", "contract_hash", "parameters", "metrics", "sha256"]
    assert row_of("a")[told].equals(before[told])
    assert artefact.champion().version == "a"


def test_promoting_the_champion_changes_nothing(shop):
    publish("a")
    before = row_of("a")
    assert "already" in versions.promote("a")
    assert row_of("a")[["promoted_at", "reason"]].equals(before[["promoted_at", "reason"]])


def test_promotion_without_a_warehouse_makes_none(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "none.duckdb"))
    outcome = command("--promote", "a")
    assert outcome.exit_code == 1
    assert "make run" in outcome.stderr
    assert list(tmp_path.iterdir()) == []


def test_promotion_and_roll_back_exclude_each_other(shop):
    assert command("--promote", "a", "--rollback").exit_code == 2
    assert command("--promote", "a", "--no-promote").exit_code == 2


def test_a_change_of_status_that_fails_halfway_changes_nothing(shop):
    publish("a", level=1.0)
    publish("b", level=2.0)
    with warehouse.connect() as connection:
        # the last that a promotion writes: a column more, which it does not fill
        connection.execute("drop table main.training_dates")
        connection.execute("create table main.training_dates (more integer not null)")
    with pytest.raises(Exception, match="training_dates"):
        versions.promote("b")
    assert statuses() == {"a": "champion", "b": "challenger"}
    assert query("select distinct model_version from main.feature_importance") == [("a",)]


def test_registry_of_an_earlier_version_of_the_project_is_taken_over(shop):
    with warehouse.connect() as connection:
        connection.execute(
            "create table main.model_registry as select 'old' as version,"
            " date '2019-01-01' as as_of_date, 'x' as sha256,"
            " timestamp '2019-01-02' as fitted_at, 'champion' as status"
        )
    assert publish("a").reason.startswith(APART)
    assert statuses() == {"old": "former", "a": "champion"}
    old = row_of("old")
    assert (old["sha256"], old["fitted_at"]) == ("x", pd.Timestamp("2019-01-02"))


def columns_of(table):
    return dict(
        query(
            "select column_name, lower(data_type) from duckdb_columns()"
            f" where schema_name = 'main' and table_name = '{table}'"
        )
    )


@pytest.mark.parametrize("table", versions.TABLES)
def test_dbt_and_fit_make_the_same_table(table, built_shop, monkeypatch, tmp_path):
    stated = dict(column.split()[:2] for column in warehouse.written_columns(table))
    monkeypatch.setenv("WAREHOUSE_PATH", str(built_shop.file))
    assert columns_of(table) == stated
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "shop.duckdb"))
    with warehouse.connect() as connection:
        versions.prepare(connection)
    assert columns_of(table) == stated


def test_dbt_refuses_two_champions(shop_copy):
    with warehouse.connect() as connection:
        connection.execute(
            "insert into main.model_registry by name select * replace ('second' as version)"
            " from main.model_registry where status = 'champion'"
        )
    with pytest.raises(dbt_runner.BuildError, match="assert_at_most_one_version_is_champion"):
        dbt_runner.build(select="stg_scoring__model_registry+")


def test_whole_fit_is_held_against_the_champion(shop_copy):
    [(champion,)] = query("select version from model_registry where status = 'champion'")
    result = fit(quick=True, seed=1)
    assert f"worse than {champion} beyond noise: D = " in result.verdict.reason
    assert len(result.verdict.reason.split(" at ")[1].split(", ")) == 2
    assert row_of(result.version)["status"] == result.verdict.status


def make_pair(random, rows=300):
    actual = random.lognormal(3, 1, rows) * (random.random(rows) < 0.4)
    level = np.log1p(actual)
    new, old = (level + random.normal(0, spread, rows) + 5 for spread in (1.0, 1.5))
    customers = random.permutation([f"c{number}" for number in range(rows)]).astype(object)
    return Pair(customers, actual, new, old)


@pytest.fixture
def pairs():
    random = np.random.default_rng(0)
    return [make_pair(random), make_pair(random)]


def test_difference_is_the_mean_log_ratio_of_the_errors(pairs):
    def errors(side):
        each = [evaluate(pair.actual, Forecast(getattr(pair, side))) for pair in pairs]
        return np.array(
            [np.mean([abs(one[name] - BEST_VALUE[name]) for one in each]) for name in RANKED]
        )

    difference, low, high = promotion.compare(pairs)
    assert difference == pytest.approx(np.log(errors("new") / errors("old")).mean(), abs=1e-12)
    assert low < difference < high


def test_equal_forecasts_differ_by_nothing(pairs):
    equal = [Pair(one.customers, one.actual, one.new, one.new) for one in pairs]
    assert promotion.compare(equal) == (0, 0, 0)


def test_customers_are_drawn_with_all_their_dates(pairs):
    # the same customers twice say no more than once; drawn apart, they would narrow the interval
    once, twice = (promotion.compare([pairs[0]] * times) for times in (1, 2))
    assert twice == pytest.approx(once, abs=1e-12)


def test_metrics_of_drawn_customers_are_those_of_the_drawn_rows():
    random = np.random.default_rng(3)
    for rows in (11, 200):
        pair = make_pair(random, rows)
        drawn = Measured(pair.actual, [Forecast(pair.new), Forecast(pair.old)], list(RANKED))
        for chosen in drawings(rows, 20, seed=rows):
            times = np.bincount(chosen, minlength=rows).astype(float)
            expected = [
                [evaluate(pair.actual[chosen], Forecast(side[chosen]))[name] for name in RANKED]
                for side in (pair.new, pair.old)
            ]
            np.testing.assert_allclose(drawn.measure(times), expected, rtol=1e-9)


def test_metrics_of_everybody_are_those_of_evaluate_also_with_ties():
    random = np.random.default_rng(4)
    actual = random.integers(0, 4, 500).astype(float)
    forecast = random.integers(-1, 5, 500).astype(float)
    expected = [evaluate(actual, Forecast(forecast))[name] for name in RANKED]
    [found] = Measured(actual, [Forecast(forecast)], list(RANKED)).measure(np.ones(500))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_evidence_is_of_the_same_customers_in_every_fit(monkeypatch):
    monkeypatch.setattr(promotion, "MOST_CUSTOMERS", 100)
    samples = []
    for customers in (CUSTOMERS, CUSTOMERS + 4):
        rows = make_rows(customers=customers)
        here = rows.at([DAYS[0]])
        kept = evidence(rows, {DAYS[0]: Forecast(here.y)})
        assert (kept["forecast"] == kept["actual"]).all()
        samples.append(set(kept["customer_id"]))
    assert len(samples[0]) == len(samples[1]) == 100
    assert len(samples[0] & samples[1]) >= 96


@pytest.fixture
def clone(tmp_path, monkeypatch):
    monkeypatch.setattr(warehouse, "ROOT", tmp_path.resolve())
    (tmp_path / "file").write_text("one")
    for arguments in (["init", "-q"], ["add", "file"], ["commit", "-q", "-m", "one"]):
        who = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
        subprocess.run(["git", *who, *arguments], cwd=tmp_path, check=True)
    return tmp_path


def test_revision_is_the_commit_and_says_when_files_differ(clone):
    clean = revision.git_revision()
    assert len(clean) == 40
    (clone / "file").write_text("two")
    assert revision.git_revision() == f"{clean}-dirty"


def test_project_inside_somebody_elses_clone_has_no_revision(clone, monkeypatch):
    (clone / "inner").mkdir()
    monkeypatch.setattr(warehouse, "ROOT", clone.resolve() / "inner")
    assert revision.git_revision() is None


def test_outside_a_clone_there_is_no_revision(tmp_path, monkeypatch):
    monkeypatch.setattr(warehouse, "ROOT", tmp_path)
    assert revision.git_revision() is None
