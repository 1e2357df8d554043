"""A whole fit on a small hand-made mart, the leak alarm, the split in time."""

import datetime as dt
import itertools
import json

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

import warehouse
from core.metrics import METRICS
from pages import report
from train import dataset, leak_alarm, learn
from train.candidates.models import QUICK
from train.dataset import Rows, Schedule
from train.fit import fit, main
from train.forecaster import COLUMNS
from train.registry import artefact, versions

START, HORIZON, CUSTOMERS, SNAPSHOTS = dt.date(2019, 1, 21), 30, 260, 9
AS_OF = START + dt.timedelta(HORIZON * SNAPSHOTS)


def make_mart(snapshots=SNAPSHOTS, seed=0):
    """Rows of the contract: behaviour in the main features, zeros and nulls elsewhere."""
    random = np.random.default_rng(seed)
    rate, basket = random.gamma(0.8, 1.0, CUSTOMERS), random.lognormal(3, 0.7, CUSTOMERS)
    orders = random.poisson(rate, (snapshots + 1, CUSTOMERS))
    spend = (orders * basket * random.lognormal(0, 0.3, orders.shape)).round(2)
    frames = []
    for number in range(1, snapshots + 1):
        so_far, bought = spend[:number].sum(axis=0), orders[:number].sum(axis=0)
        last = np.where(orders[:number][::-1].any(axis=0), orders[:number][::-1].argmax(axis=0), 0)
        frames.append(
            pd.DataFrame(
                {
                    "as_of_date": START + dt.timedelta(HORIZON * number),
                    "customer_id": [f"c{index}" for index in range(CUSTOMERS)],
                    "spend_30d": spend[number - 1],
                    "spend_360d": so_far,
                    "spend_lifetime": so_far,
                    "net_spend_lifetime": so_far,
                    "orders_30d": orders[number - 1],
                    "orders_lifetime": bought,
                    "active_days_lifetime": bought,
                    "tenure_days": HORIZON * number,
                    "days_since_first_order": np.where(bought > 0, HORIZON * number, np.nan),
                    "days_since_last_order": np.where(bought > 0, last * 30 + 15.0, np.nan),
                    "ahead_day_number": (START - dt.date(2000, 1, 1)).days + HORIZON * number,
                    "region": random.choice(["north", "south"], CUSTOMERS),
                    "target": spend[number],
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def write_mart(frame, as_of=AS_OF):
    """Write the tables that a fit reads, typed as the contract says."""
    columns = []
    for column in warehouse.contract().columns:
        blank = "null" if column.nullable or column.data_type == "varchar" else "0"
        source = column.name if column.name in frame.columns else blank
        columns.append(f"{source}::{column.data_type} as {column.name}")
    with warehouse.connect() as connection:
        connection.register("frame", frame)
        connection.execute("create schema if not exists features")
        connection.execute("create schema if not exists intermediate")
        connection.execute(
            "create or replace table features.feat_customer_snapshots as"
            f" select {', '.join(columns)} from frame"
        )
        connection.execute(
            "create or replace table features.feat_labels as select as_of_date::date as as_of_date,"
            " customer_id, target::decimal(18, 2) as target_30d_spend"
            f" from frame where as_of_date + {HORIZON} <= date '{as_of}'"
        )
        connection.execute(
            "create or replace table intermediate.int_snapshots_scheduled as"
            f" select distinct as_of_date::date as as_of_date, {HORIZON} as horizon_days,"
            f" as_of_date = date '{as_of}' as is_current from frame"
        )


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE_PATH", str(tmp_path_factory.mktemp("fit") / "shop.duckdb"))
        write_mart(make_mart())
        result = fit(quick=True)
        versions.promote(result.version)
        yield result


@pytest.fixture
def empty(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "shop.duckdb"))


def command(*arguments):
    app = typer.Typer()
    app.command()(main)
    return CliRunner().invoke(app, list(arguments))


def query(sql):
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_champion_scores_every_customer_of_the_day(fitted):
    with warehouse.connect(read_only=True) as connection:
        today = connection.execute(
            f"select * from features.feat_customer_snapshots where as_of_date = date '{AS_OF}'"
        ).df()
    said = artefact.champion().predict(today)[list(COLUMNS)]
    assert said.shape == (CUSTOMERS, len(COLUMNS))
    assert np.isfinite(said.to_numpy()).all()


def test_test_snapshot_is_the_newest_labelled(fitted):
    assert fitted.test == AS_OF - dt.timedelta(HORIZON)


def test_refit_uses_all_labelled_snapshots(fitted):
    assert len(fitted.trained_on) == SNAPSHOTS - 1


def test_evaluation_is_in_the_warehouse(fitted):
    rows = query(f"select model, is_chosen, {', '.join(METRICS)} from main.model_evaluation")
    assert {row[0] for row in rows if row[1]} == {fitted.chosen}
    assert len(rows) == len(fitted.evaluation)


def test_registry_names_the_champion(fitted):
    rows = query("select version, status, as_of_date from main.model_registry")
    assert rows == [(fitted.version, "champion", AS_OF)]


def test_card_tells_how_the_model_came_about(fitted):
    card = json.loads((fitted.folder / "card.json").read_text())
    assert card["chosen"] == fitted.chosen
    assert card["as_of"] == str(AS_OF)
    assert set(card["metrics"]) == set(fitted.evaluation.index)


def test_champion_knows_the_doubt_in_totals(fitted):
    assert 0.5 < artefact.champion().forecaster.calibration.doubt.month < 3


def test_report_holds_its_pictures(fitted):
    page = fitted.report.read_text()
    assert page.count("data:image/png;base64,") == 5
    assert "http" not in page


@pytest.mark.parametrize(
    "name", ["calibration", "lift", "probability", "forecast_against_actual", "importance"]
)
def test_plot_is_a_file(fitted, name):
    assert (fitted.report.parent / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_second_fit_gives_the_same_predictions_to_the_bit(fitted):
    first = artefact.load(fitted.folder)
    again = fit(quick=True)
    frame = make_mart().reindex(columns=warehouse.contract().features)
    assert again.version == fitted.version
    assert artefact.load(again.folder).predict(frame).equals(first.predict(frame))


def test_shop_where_nobody_bought_is_a_clear_error(empty):
    write_mart(make_mart().assign(target=0.0))
    with pytest.raises(dataset.HistoryError, match="no customer bought"):
        fit(quick=True)


def published():
    """The files of the published report, by name."""
    return {file.name: file.read_bytes() for file in warehouse.reports_dir().glob("*.*")}


# of the full effort only the seconds matter here
@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--quick"], "fit without --quick"), (["--no-promote"], "--no-promote was asked for")],
)
def test_a_trial_in_an_empty_registry_is_no_champion_and_no_report(
    empty, monkeypatch, caplog, arguments, said
):
    monkeypatch.setattr(learn, "FULL", QUICK)
    write_mart(make_mart(snapshots=3), START + dt.timedelta(90))
    caplog.set_level("INFO")
    assert command(*arguments).exit_code == 0
    assert query("select status from main.model_registry") == [("challenger",)]
    assert said in caplog.text
    with pytest.raises(artefact.ArtefactError, match="no model yet"):
        artefact.champion()
    assert published() == {}
    assert (warehouse.reports_dir() / "trial" / "report.html").exists()


def test_a_quick_fit_changes_nothing_that_a_full_fit_has_published(empty, monkeypatch):
    monkeypatch.setattr(learn, "FULL", QUICK)
    write_mart(make_mart(snapshots=3), START + dt.timedelta(90))
    champion = fit()
    key = {"model_registry": "version"} | dict.fromkeys(
        ("model_evaluation", "feature_importance", "training_dates"), "model_version"
    )

    def of_champion():
        return [
            query(f"from main.{table} where {name} = '{champion.version}' order by all")
            for table, name in key.items()
        ]

    before = of_champion(), published()
    assert champion.verdict.status == "champion"
    assert set(before[1]) == {"report.html", *(f"{name}.png" for name in report.CAPTIONS)}
    trial = fit(quick=True, seed=1)
    assert trial.version != champion.version
    assert artefact.champion().version == champion.version
    assert (of_champion(), published()) == before


def test_two_snapshots_are_enough(empty):
    write_mart(make_mart(snapshots=3), START + dt.timedelta(90))
    assert fit(quick=True).chosen == "blend"


def test_one_labelled_snapshot_is_too_little(empty):
    write_mart(make_mart(snapshots=2), START + dt.timedelta(60))
    with pytest.raises(dataset.HistoryError, match="at least 90 days"):
        fit(quick=True)


def test_command_without_mart_fails_in_one_message(empty):
    with warehouse.connect() as connection:
        connection.execute("select 1")
    result = command()
    assert result.exit_code == 1
    assert "make build" in result.output


def test_planted_leak_stops_the_fit(empty):
    frame = make_mart()
    write_mart(frame.assign(loyalty_points=(frame["target"] * 3).astype(int)))
    with pytest.raises(leak_alarm.LeakError, match="loyalty_points"):
        fit(quick=True)


def test_fit_as_of_an_earlier_day_uses_no_later_label(fitted):
    with warehouse.connect(read_only=True) as connection:
        schedule = dataset.schedule(connection, AS_OF - dt.timedelta(HORIZON))
    assert max(schedule.labelled) == AS_OF - dt.timedelta(2 * HORIZON)


def test_limit_leaves_out_the_same_rows_each_time(fitted):
    contract = warehouse.contract()
    with warehouse.connect(read_only=True) as connection:
        dates = dataset.schedule(connection).labelled
        first, second = (dataset.read(connection, contract, dates, limit=500) for _ in range(2))
    assert first.X.equals(second.X)
    assert 350 < len(first) < 650


def test_fingerprint_follows_the_data(empty):
    prints = []
    for seed in (0, 0, 1):
        write_mart(make_mart(seed=seed))
        with warehouse.connect(read_only=True) as connection:
            days = dataset.schedule(connection).labelled
            known = dataset.fingerprints(connection, warehouse.contract(), days)
        prints.append(dataset.joint_fingerprint(known, days))
    assert prints[0] == prints[1] != prints[2]


def test_no_label_window_reaches_into_its_cuts_test():
    days = tuple(START + dt.timedelta(5 * number) for number in range(60))
    schedule = Schedule(days[-1] + dt.timedelta(HORIZON), HORIZON, days)
    for cut in schedule.latest_folds(3):
        assert max(schedule.known_before(cut)) + dt.timedelta(HORIZON) <= cut


def test_cuts_do_not_overlap():
    days = tuple(START + dt.timedelta(5 * number) for number in range(60))
    cuts = Schedule(days[-1] + dt.timedelta(HORIZON), HORIZON, days).latest_folds(3)
    gaps = [newer - older for newer, older in itertools.pairwise(cuts)]
    assert len(cuts) == 3
    assert min(gaps) >= dt.timedelta(HORIZON)


NAMES = ("spend_30d", "spend_lifetime", "days_since_last_order", "orders_lifetime", "tenure_days")


@pytest.fixture(scope="module")
def history():
    """Past and test rows with honest features."""
    frame = make_mart(seed=3).assign(dummy=1.0)
    newest = frame["as_of_date"] == frame["as_of_date"].max()
    return frame[~newest], frame[newest]


def named(history, leak):
    """Features that the alarm names once `leak`, a function of the rows, is planted."""
    random = np.random.default_rng(1)
    rows = []
    for part in history:
        X = part[list(NAMES)].astype(float).assign(planted=leak(part, random), region="north")
        days = part["as_of_date"].to_numpy()
        target, customers = part["target"].to_numpy(), part["customer_id"].to_numpy()
        rows.append(Rows(X, target, customers, days, pd.DataFrame()))
    found = leak_alarm.find_leaks(*rows, (*NAMES, "planted"), ("region",))
    return {leak.feature for leak in found}


def days_until_next_order(part, random):
    return np.where(part["target"] > 0, random.uniform(0, 30, len(part)), 45.0)


@pytest.mark.parametrize(
    "leak",
    [
        lambda part, random: part["target"],
        lambda part, random: np.log1p(part["target"]),
        lambda part, random: -part["target"],
        lambda part, random: part["target"] * random.lognormal(0, 0.5, len(part)),
        lambda part, random: (part["target"] > 0).astype(float),
        lambda part, random: np.where(part["target"] > 0, part["target"], part["spend_lifetime"]),
        lambda part, random: part["spend_lifetime"] * 0.01 + part["target"],
        days_until_next_order,
    ],
    ids=[
        "spend itself",
        "its logarithm",
        "its opposite",
        "times noise",
        "purchase flag",
        "amount hidden among non-buyers",
        "mixed with the past",
        "days until the next order",
    ],
)
def test_leak_is_named_alone(history, leak):
    assert named(history, leak) == {"planted"}


@pytest.mark.parametrize(
    "honest",
    [
        lambda part, random: part["spend_30d"] * 2,
        lambda part, random: random.normal(size=len(part)),
        lambda part, random: np.zeros(len(part)),
        lambda part, random: np.full(len(part), np.nan),
    ],
    ids=["copy of the past", "noise", "constant", "nulls"],
)
def test_honest_feature_is_not_named(history, honest):
    assert named(history, honest) == set()


def test_generated_shop_raises_no_alarm(built_shop, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(built_shop.file))
    contract = warehouse.contract()
    with warehouse.connect(read_only=True) as connection:
        schedule = dataset.schedule(connection)
        rows = dataset.read(connection, contract, schedule.labelled, limit=20_000)
    [cut] = schedule.latest_folds(1)
    train, test = rows.at(schedule.known_before(cut)), rows.at([cut])
    assert leak_alarm.find_leaks(train, test, contract.numeric, contract.categorical) == []
