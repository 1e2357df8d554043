"""A fitted model on disk: one folder per version, checked before anything in it is trusted."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import joblib
import numpy
import pandas as pd
import sklearn

import warehouse
from train.forecast import Forecaster

MODEL_FILE = "model.joblib"
CARD_FILE = "card.json"
REMEDY = "run `python train/fit.py`"


class ArtefactError(RuntimeError):
    """A model cannot be used; the message says what differs and what to do."""


@dataclass(frozen=True)
class Artefact:
    """A checked model with its card."""

    card: dict[str, Any]
    forecaster: Forecaster

    @property
    def version(self) -> str:
        """Name of the version."""
        return self.card["version"]

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Forecast each row of the contract's features; see `Forecaster.predict`."""
        return self.forecaster.predict(frame)


def library_versions() -> dict[str, str]:
    """Return the versions that a pickled model depends on."""
    return {
        "python": ".".join(platform.python_version_tuple()[:2]),
        "scikit-learn": sklearn.__version__,
        "numpy": numpy.__version__,
        "joblib": joblib.__version__,
    }


def version_name(as_of: object, identity: Mapping[str, object]) -> str:
    """Name a version after its day and what it was made from: the same inputs, the same name."""
    text = json.dumps({**identity, "libraries": library_versions()}, sort_keys=True, default=str)
    return f"{as_of}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def save(forecaster: Forecaster, card: Mapping[str, object], contract: warehouse.Contract) -> Path:
    """Write a model and its card as one version, whole or not at all.

    Parameters
    ----------
    card
        At least `version`; sha256, contract, libraries and the card's seal are added.

    Returns
    -------
    Path
        The version's folder; an earlier one of the same name is replaced.
    """
    models = warehouse.models_dir()
    models.mkdir(parents=True, exist_ok=True)
    folder = models / str(card["version"])
    staged = Path(tempfile.mkdtemp(prefix=".staged-", dir=models))
    try:
        joblib.dump(forecaster, staged / MODEL_FILE, compress=3)
        full = {
            **card,
            "sha256": _sha256(staged / MODEL_FILE),
            "contract": {"hash": contract.hash, "columns": _columns(contract)},
            "libraries": library_versions(),
        }
        (staged / CARD_FILE).write_text(_sealed(full))
        staged.chmod(0o755)
        if folder.exists():
            former = Path(tempfile.mkdtemp(prefix=".former-", dir=models))
            os.rename(folder, former / "version")
            os.rename(staged, folder)
            shutil.rmtree(former)
        else:
            os.rename(staged, folder)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return folder


def load(folder: Path, contract: warehouse.Contract | None = None) -> Artefact:
    """Check a version's folder, then load it.

    The card's seal and the model's sha256 are checked before anything is unpickled, then the
    contract, then the library versions.

    Raises
    ------
    ArtefactError
        If a file is missing or changed, or contract or libraries differ.
    """
    card = read_card(folder)
    model = folder / MODEL_FILE
    if not model.is_file():
        raise ArtefactError(f"{model} is missing: {REMEDY}")
    if _sha256(model) != card["sha256"]:
        raise ArtefactError(f"{model} is not the file its card describes (sha256): {REMEDY}")
    _check_contract(card["contract"], contract or warehouse.contract(), folder)
    present = library_versions()
    differing = [
        f"{name} {card['libraries'].get(name)} (here {version})"
        for name, version in present.items()
        if card["libraries"].get(name) != version
    ]
    if differing:
        raise ArtefactError(f"{folder} was fitted with {', '.join(differing)}: {REMEDY}")
    forecaster = joblib.load(model)
    if not isinstance(forecaster, Forecaster):
        raise ArtefactError(f"{model} holds no forecaster: {REMEDY}")
    return Artefact(card, forecaster)


def champion(contract: warehouse.Contract | None = None) -> Artefact:
    """Load the model that the warehouse's registry names.

    Raises
    ------
    ArtefactError
        If there is none, or it cannot be used.
    """
    with warehouse.connect(read_only=True) as connection:
        try:
            row = connection.execute(
                "select version, sha256 from main.model_registry where status = 'champion'"
            ).fetchone()
        except duckdb.CatalogException:
            row = None
    if row is None:
        raise ArtefactError(f"the warehouse has no model yet: {REMEDY}")
    version, sha256 = row
    # the registry names a version, never a way out of the models' folder
    if Path(version).name != version or version.startswith("."):
        raise ArtefactError(f"{version!r} in model_registry is no version name: {REMEDY}")
    folder = warehouse.models_dir() / version
    if read_card(folder)["sha256"] != sha256:
        raise ArtefactError(f"{folder} is not the model that model_registry describes: {REMEDY}")
    return load(folder, contract)


def read_card(folder: Path) -> dict[str, Any]:
    """Read a version's card and check its seal.

    Raises
    ------
    ArtefactError
        If it is missing or was changed.
    """
    file = folder / CARD_FILE
    if not file.is_file():
        raise ArtefactError(f"{file} is missing: {REMEDY}")
    try:
        text = file.read_text()
        card = json.loads(text)
        intact = _sealed({name: card[name] for name in card if name != "seal"}) == text
    except (ValueError, TypeError) as error:
        raise ArtefactError(f"{file} cannot be read ({error}): {REMEDY}") from error
    if not intact:
        raise ArtefactError(f"{file} was changed after the fit: {REMEDY}")
    return card


def _sealed(card: Mapping[str, object]) -> str:
    body = json.dumps(card, sort_keys=True, default=str)
    sealed = {**json.loads(body), "seal": hashlib.sha256(body.encode()).hexdigest()}
    return json.dumps(sealed, sort_keys=True, indent=2) + "\n"


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _columns(contract: warehouse.Contract) -> list[dict[str, str]]:
    return [
        {"name": column.name, "data_type": column.data_type, "role": column.role}
        for column in contract.columns
    ]


def _check_contract(stored: dict[str, Any], present: warehouse.Contract, folder: Path) -> None:
    if stored["hash"] == present.hash:
        return
    old = {column["name"]: column for column in stored["columns"]}
    new = {column["name"]: column for column in _columns(present)}
    differences = [
        *(f"{name} is gone" for name in old if name not in new),
        *(f"{name} is new" for name in new if name not in old),
        *(
            f"{name} was {old[name]['data_type']} ({old[name]['role']}), "
            f"is {new[name]['data_type']} ({new[name]['role']})"
            for name in new
            if name in old and old[name] != new[name]
        ),
    ] or ["order, null rule, unit, window or range of columns"]
    raise ArtefactError(
        f"{folder} was fitted for another feature contract: {'; '.join(differences)}. {REMEDY}"
    )
