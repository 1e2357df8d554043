"""A fitted model on disk: one folder per version, checked before anything in it is trusted."""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import platform
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import joblib
import numpy
import pandas as pd
import sklearn

import warehouse
from core.scratch import remove_abandoned
from train.candidates.own import Source
from train.compiled.compiling import NotCompiledError
from train.forecaster import Forecaster
from train.registry import flat, golden, trust
from train.registry.card import (
    CARD_FILE,
    ArtefactError,
    UntrustedError,
    body_of,
    checked_content,
    folder_of,
    read_card,
    seal_card,
    sha256_of,
)
from train.registry.revision import code_hash, git_revision

__all__ = [
    "CARD_FILE",
    "Artefact",
    "ArtefactError",
    "champion",
    "check_horizon",
    "folder_of",
    "library_versions",
    "load",
    "read_card",
    "registered",
    "save",
    "version_name",
]

# the fitted objects, for who wants to look inside; where the model has arrays, nobody reads them
MODEL_FILE = "model.joblib"
# the same model as arrays: what forecasts
FLAT_FILE = "model.npz"
GOLDEN_FILE = "golden.parquet"
EVIDENCE_FILE = "evidence.parquet"

log = logging.getLogger(__name__)

# folders of a save that is under way; the process is in the name
STAGED, FORMER = ".staged-", ".former-"


@dataclass(frozen=True)
class Artefact:
    """A checked model with its card."""

    card: dict[str, Any]
    forecaster: Forecaster
    folder: Path

    @property
    def version(self) -> str:
        """Name of the version."""
        return self.card["version"]

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Forecast each row of the contract's features; see `Forecaster.predict`."""
        return self.forecaster.predict(frame)

    def predict_records(self, records: Sequence[Mapping[str, object]]) -> list[dict[str, float]]:
        """Forecast a few rows; see `Forecaster.predict_records`."""
        return self.forecaster.predict_records(records)

    def evidence(self) -> pd.DataFrame | None:
        """Return its out-of-time forecasts (`train.registry.promotion`), None if saved without."""
        if EVIDENCE_FILE not in self.card["files"]:
            return None
        content = checked_content(self.folder / EVIDENCE_FILE, self.card["files"][EVIDENCE_FILE])
        return pd.read_parquet(io.BytesIO(content))


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
    full_identity = {**identity, "libraries": library_versions(), "code": code_hash()}
    text = json.dumps(full_identity, sort_keys=True, default=str)
    return f"{as_of}-{hashlib.sha256(text.encode()).hexdigest()[:10]}"


def save(
    forecaster: Forecaster,
    card: Mapping[str, object],
    contract: warehouse.Contract,
    *,
    golden_rows: pd.DataFrame,
    evidence: pd.DataFrame | None = None,
    source: Source | None = None,
) -> Path:
    """Write a model, its card and what it is checked by as one version, whole or not at all.

    Parameters
    ----------
    card
        At least `version`; hashes of the files, contract, libraries, git revision and the card's
        seal are added.
    golden_rows
        Rows of the contract's features; a few are kept with their forecasts.
    evidence
        Out-of-time forecasts to compare later versions with.
    source
        The file that the model's own code is in, if it is no part of the project.

    Returns
    -------
    Path
        The version's folder. An earlier one of the same name stays where it holds the same files
        and loads; else it is replaced.
    """
    models = warehouse.models_dir()
    models.mkdir(parents=True, exist_ok=True)
    for prefix in (STAGED, FORMER):
        remove_abandoned(models, prefix)
    folder = models / str(card["version"])
    staged = Path(tempfile.mkdtemp(prefix=f"{STAGED}{os.getpid()}-", dir=models))
    try:
        joblib.dump(forecaster, staged / MODEL_FILE, compress=3)
        kept = golden.pick(forecaster, golden_rows)
        kept.to_parquet(staged / GOLDEN_FILE)
        if flat_file := _flat(forecaster, kept):
            (staged / FLAT_FILE).write_bytes(flat_file)
        if evidence is not None:
            evidence.to_parquet(staged / EVIDENCE_FILE)
        if source is not None:
            (staged / f"{source.module_name}.py").write_bytes(source.text)
        hashes = {file.name: sha256_of(file.read_bytes()) for file in sorted(staged.iterdir())}
        full = {
            **card,
            "sha256": hashes.pop(MODEL_FILE),
            "files": hashes,
            "contract": {"hash": contract.hash, "columns": _columns(contract)},
            "libraries": library_versions(),
            "git_revision": git_revision(),
        }
        if _holds(folder, full, contract):
            return folder
        (staged / CARD_FILE).write_text(seal_card(full))
        if folder.exists():
            # nothing that could be used is missing between the two
            former = Path(tempfile.mkdtemp(prefix=f"{FORMER}{os.getpid()}-", dir=models))
            os.rename(folder, former / "version")
            os.rename(staged, folder)
            shutil.rmtree(former)
        else:
            os.rename(staged, folder)
        trust.remember_fitted(body_of(full), folder.name)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return folder


def load(
    folder: Path, contract: warehouse.Contract | None = None, *, first_use: bool = False
) -> Artefact:
    """Check a version's folder, then load it.

    Checked before anything is unpickled or run: the folder's place, the card's seal, whether it is
    trusted, the sha256 of every file, the contract, the library versions. Afterwards: the forecasts
    of the golden rows.

    Parameters
    ----------
    first_use
        Trust the model where this user has trusted none before.

    Raises
    ------
    ArtefactError
        If the folder lies elsewhere than under models/, a file is missing or changed, the model
        was fitted elsewhere and is not trusted, contract or libraries differ, or it no longer
        forecasts what it did.
    """
    card = read_card(folder)
    if not trust.is_trusted(body_of(card), folder.name, first_use=first_use):
        raise UntrustedError(
            f"{folder} was not fitted here, and a model is code that is run",
            f"if you know who fitted it, run `python train/fit.py --trust {folder.name}`",
        )
    if GOLDEN_FILE not in card.get("files", {}):
        raise ArtefactError(f"{folder} has no golden rows to check the model by")
    # what is hashed is what is loaded: a file swapped in between goes unread
    model = checked_content(folder / MODEL_FILE, card["sha256"])
    others = {
        name: checked_content(folder / name, sha256) for name, sha256 in card["files"].items()
    }
    _check_contract(card["contract"], contract or warehouse.contract(), folder)
    _check_libraries(card["libraries"], folder)
    try:
        for name, text in others.items():
            if name.endswith(".py"):
                Source(text, folder / name).module()
        if FLAT_FILE in others:
            forecaster = flat.read(others[FLAT_FILE])
        else:
            log.warning("%s is not compiled: a forecast takes forty times as long", folder.name)
            forecaster = joblib.load(io.BytesIO(model))
        if not isinstance(forecaster, Forecaster):
            raise ArtefactError(f"{folder / MODEL_FILE} holds no forecaster")
        kept = pd.read_parquet(io.BytesIO(others[GOLDEN_FILE]))
        differs = golden.difference(forecaster, kept)
    except ArtefactError:
        raise
    except Exception as error:
        # a class that moved, an attribute that is new: whatever the code of today trips over
        raise ArtefactError(
            f"{folder} does not work with this version of the code ({error})"
        ) from error
    if differs:
        raise ArtefactError(f"{folder} no longer forecasts what it did ({differs})")
    return Artefact(card, forecaster, folder)


def champion(contract: warehouse.Contract | None = None) -> Artefact:
    """Load the model that the warehouse's registry names.

    Raises
    ------
    ArtefactError
        If there is none, or it cannot be used.
    warehouse.WarehouseError
        If the mart is of another horizon than forecasts are.
    """
    with warehouse.connect(read_only=True) as connection:
        try:
            rows = connection.execute(
                "select version, sha256 from main.model_registry where status = 'champion'"
            ).fetchall()
        except duckdb.CatalogException:
            rows = []
        if not rows:
            raise ArtefactError("the warehouse has no model yet")
        if len(rows) > 1:
            raise ArtefactError(
                f"model_registry has more than one champion ({', '.join(str(v) for v, _ in rows)})",
                "run `python train/fit.py --promote VERSION` with the right one",
            )
        [(version, sha256)] = rows
        check_horizon(read_card(folder_of(version)), connection)
    return registered(version, sha256, contract, first_use=True)


def check_horizon(card: Mapping[str, Any], connection: duckdb.DuckDBPyConnection) -> None:
    """Refuse a model of another horizon than the mart's, whoever wants to use it.

    Raises
    ------
    ArtefactError
        If the model forecasts other days than those that the mart's targets span.
    warehouse.WarehouseError
        If these are others than forecasts are of.
    """
    days = warehouse.horizon(connection)
    if card.get("horizon_days") != days:
        raise ArtefactError(
            f"{card['version']} forecasts {card.get('horizon_days')} days, and the mart is built "
            f"for {days}"
        )


def registered(
    version: str,
    sha256: str,
    contract: warehouse.Contract | None = None,
    *,
    first_use: bool = False,
) -> Artefact:
    """Load a version that the registry knows by the sha256 of its model; see `load`.

    Raises
    ------
    ArtefactError
        If it cannot be used, or is another model of the same name.
    """
    folder = folder_of(version)
    if read_card(folder)["sha256"] != sha256:
        raise ArtefactError(f"{folder} is not the model that model_registry describes")
    return load(folder, contract, first_use=first_use)


def _flat(forecaster: Forecaster, kept: pd.DataFrame) -> bytes | None:
    """Return the model as arrays, if it is of a kind that can be and says the same of golden rows.

    To the last bit: what was published before it was compiled stays true.
    """
    try:
        content = flat.written(forecaster.compiled())
    except NotCompiledError as error:
        log.warning(
            "a model with a %s is not compiled: it forecasts by scikit-learn, forty times as slow",
            error,
        )
        return None
    if differs := golden.difference(flat.read(content), kept, tolerance=0.0):
        raise ArtefactError(f"the compiled model is not the one that was fitted ({differs})")
    return content


def _holds(folder: Path, card: Mapping[str, Any], contract: warehouse.Contract) -> bool:
    """Return whether a version's folder has the files of a card, and loads."""
    try:
        present = load(folder, contract).card
    except ArtefactError:
        return False
    return all(present[name] == card[name] for name in ("sha256", "files"))


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
        f"{folder} was fitted for another feature contract ({'; '.join(differences)})"
    )


def _check_libraries(stored: Mapping[str, str], folder: Path) -> None:
    differing = [
        f"{name} {stored.get(name)} (here {version})"
        for name, version in library_versions().items()
        if stored.get(name) != version
    ]
    if differing:
        raise ArtefactError(f"{folder} was fitted with {', '.join(differing)}")
