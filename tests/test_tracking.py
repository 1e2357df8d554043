"""A fit as a run in MLflow, where it is installed, and a plain word where it is not."""

import sys

import pytest
import typer
from typer.testing import CliRunner

import warehouse
from core.metrics import METRICS
from tests.test_promotion import publish
from train.fit import main
from train.registry import artefact, tracking


@pytest.fixture
def shop(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "shop.duckdb"))
    with warehouse.connect() as connection:
        connection.execute("select 1")
    return tmp_path


@pytest.fixture
def logged(shop):
    """Log one version and read the run back."""
    mlflow = pytest.importorskip("mlflow")
    verdict = publish("a")
    reports = shop / "reports"
    reports.mkdir()
    for name in ("report.html", "lift.png"):
        (reports / name).write_text(name)
    uri = f"sqlite:///{shop / 'runs.db'}"
    run = tracking.Tracker(uri).log(shop / "models" / "a", verdict, reports / "report.html")
    client = mlflow.MlflowClient(tracking_uri=uri)
    return client.get_run(run), {file.path for file in client.list_artifacts(run)}


def test_run_has_parameters_metrics_and_tags_of_the_version(logged, shop):
    run, _ = logged
    card = artefact.read_card(shop / "models" / "a")
    assert run.info.status == "FINISHED"
    assert run.data.params["seed"] == "0"
    assert run.data.params["as_of"] == card["as_of"]
    # of the chosen candidate by name, of baselines after theirs, of others none
    assert run.data.metrics == {
        **dict.fromkeys(METRICS, 1.0),
        **{f"last 30 days/{name}": 2.0 for name in METRICS},
    }
    assert run.data.tags["version"] == "a"
    assert run.data.tags["contract_hash"] == card["contract"]["hash"]
    assert run.data.tags["git_revision"] == (card["git_revision"] or "unknown")
    assert run.data.tags["status"] == "champion"


def test_card_report_and_plots_lie_beside_the_store(logged, shop):
    run, artifacts = logged
    assert artifacts == {"card.json", "report.html", "lift.png"}
    assert run.info.artifact_uri.startswith((shop / "runs.db.artifacts").as_uri())


def test_second_fit_is_a_second_run_of_the_same_experiment(logged, shop):
    first, _ = logged
    uri = f"sqlite:///{shop / 'runs.db'}"
    report = shop / "reports" / "report.html"
    tracking.Tracker(uri).log(shop / "models" / "a", publish("a"), report)
    import mlflow

    runs = mlflow.MlflowClient(tracking_uri=uri).search_runs([first.info.experiment_id])
    assert len(runs) == 2


def test_store_that_cannot_be_opened_is_a_clear_error(tmp_path):
    pytest.importorskip("mlflow")
    with pytest.raises(tracking.TrackingError, match="name a store like"):
        tracking.Tracker("nonsense://x")


@pytest.mark.parametrize("how", ["option", "variable"])
def test_without_mlflow_the_command_says_what_to_install_before_it_fits(how, shop, monkeypatch):
    # as if it were not installed
    monkeypatch.setitem(sys.modules, "mlflow", None)
    uri = f"sqlite:///{shop / 'runs.db'}"
    if how == "variable":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    app = typer.Typer()
    app.command()(main)
    outcome = CliRunner().invoke(app, ["--mlflow", uri] if how == "option" else [])
    assert outcome.exit_code == 1
    assert "pip install -e '.[mlflow]'" in outcome.stderr


def test_without_the_option_mlflow_is_not_even_imported(shop, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    app = typer.Typer()
    app.command()(main)
    # it goes on until it misses the mart
    assert "make build" in CliRunner().invoke(app, []).stderr
