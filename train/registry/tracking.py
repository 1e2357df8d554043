"""A fit as a run in MLflow, where it is installed; the registry says the same without it."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import warehouse
from train.candidates.models import BASELINES
from train.registry import artefact
from train.registry.promotion import Verdict

EXPERIMENT = "retail-feature-store"
# all up to the last @ of an address: a password may hold one
CREDENTIALS = re.compile(r"(\w://)[^\s'\"]*@")
SQLITE = re.compile(r"sqlite:///(?P<file>.+)")


class TrackingError(warehouse.ShopError):
    """MLflow cannot be used as asked; the message says what to do."""


class Tracker:
    """An open MLflow store.

    Parameters
    ----------
    uri
        As MLflow takes it: `sqlite:///runs.db`, whose plots then lie beside it in
        `runs.db.artifacts/`, or the address of a server.

    Raises
    ------
    TrackingError
        If MLflow is not installed, or the store cannot be opened.
    """

    def __init__(self, uri: str) -> None:
        # a fit tells nobody that it took place
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        try:
            from mlflow import MlflowClient

            # it reports each of its tables
            logging.getLogger("mlflow").setLevel(logging.WARNING)
            logging.getLogger("alembic").setLevel(logging.WARNING)
            self._client = MlflowClient(tracking_uri=uri)
            experiment = self._client.get_experiment_by_name(EXPERIMENT)
            self._experiment = (
                experiment.experiment_id
                if experiment
                else self._client.create_experiment(EXPERIMENT, artifact_location=_beside(uri))
            )
        except ImportError as error:
            raise TrackingError(
                f"MLflow is not installed ({error}): run `pip install -e '.[mlflow]'`, or leave "
                "--mlflow and MLFLOW_TRACKING_URI out; the warehouse keeps the same figures"
            ) from error
        except Exception as error:
            # its stores fail each in their own way
            raise TrackingError(
                f"MLflow cannot use {without_password(uri)!r} ({without_password(str(error))}): "
                "name a store like sqlite:///runs.db"
            ) from None

    def log(self, folder: Path, verdict: Verdict, report: Path) -> str:
        """Log a saved version: parameters, metrics, tags; card, report page and plots as artifacts.

        Returns
        -------
        str
            Id of the run.

        Raises
        ------
        TrackingError
            If the store fails; the version is in the registry all the same.
        """
        card = artefact.read_card(folder)
        try:
            run = self._client.create_run(
                self._experiment, run_name=card["version"], tags=_tags(card, verdict)
            ).info.run_id
            for name, value in _parameters(card).items():
                self._client.log_param(run, name, value)
            for name, value in _metrics(card).items():
                self._client.log_metric(run, name, value)
            for file in (folder / artefact.CARD_FILE, report, *sorted(report.parent.glob("*.png"))):
                self._client.log_artifact(run, str(file))
            self._client.set_terminated(run)
        except Exception as error:
            raise TrackingError(
                f"{card['version']} is saved and in the registry, but MLflow has no run of it "
                f"({without_password(str(error))})"
            ) from None
        return run


def without_password(text: str) -> str:
    """Return a text in which addresses do not say who signs in, nor by which password."""
    return CREDENTIALS.sub(r"\1***@", text)


def _beside(uri: str) -> str | None:
    # else they would lie wherever the command was called
    match = SQLITE.fullmatch(uri)
    return Path(f"{match['file']}.artifacts").resolve().as_uri() if match else None


def _tags(card: Mapping[str, Any], verdict: Verdict) -> dict[str, str]:
    return {
        "version": card["version"],
        "status": verdict.status,
        "reason": verdict.reason,
        "contract_hash": card["contract"]["hash"],
        "data_fingerprint": card["data_fingerprint"],
        "git_revision": card["git_revision"] or "unknown",
        "warehouse": warehouse.path().name,
    }


def _parameters(card: Mapping[str, Any]) -> dict[str, Any]:
    days = ("as_of", "test_as_of_date", "validation_as_of_dates", "training_as_of_dates")
    return {**card["parameters"], **{name: card[name] for name in days}}


def _metrics(card: Mapping[str, Any]) -> dict[str, float]:
    """Return the chosen candidate's metrics by name, a baseline's as `baseline/metric`."""
    models = card["metrics"]
    named = {"": models[card["chosen"]]}
    named |= {f"{name}/": models[name] for name in BASELINES if name in models}
    # MLflow knows no undefined value
    return {
        prefix + metric: value
        for prefix, metrics in named.items()
        for metric, value in metrics.items()
        if value is not None
    }
