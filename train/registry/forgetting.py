"""What a version keeps of single customers, out-of-time forecasts and golden rows, without some."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from train.registry import artefact, golden
from train.registry.card import resealed

Key = tuple[object, ...]


def forget(folder: Path, customers: Collection[str], features: pd.DataFrame) -> list[Path]:
    """Take customers out of a version's files and seal its card anew; the model stays.

    Files are written anew and renamed into place, as other generations may share the old ones.

    Parameters
    ----------
    folder
        Of the version.
    customers
        Their canonical ids.
    features
        All rows of theirs in the feature mart: golden rows that equal one of them go.

    Returns
    -------
    list of Path
        The files that were written anew; empty if the version keeps nothing of them.

    Raises
    ------
    ArtefactError
        If the card is not as it was sealed, or no golden row would be left.
    """
    card = artefact.read_card(folder)
    changed: dict[str, pd.DataFrame] = {}
    for name, rows_without in (
        (artefact.EVIDENCE_FILE, lambda rows: rows[~rows["customer_id"].isin(customers)]),
        (artefact.GOLDEN_FILE, lambda rows: _without(rows, features)),
    ):
        if name not in card["files"]:
            continue
        rows = pd.read_parquet(folder / name)
        kept = rows_without(rows)
        if len(kept) < len(rows):
            changed[name] = kept.reset_index(drop=True)
    if not changed:
        return []
    if artefact.GOLDEN_FILE in changed and changed[artefact.GOLDEN_FILE].empty:
        raise artefact.ArtefactError(f"no golden row of {folder} would be left")
    contents = {name: _parquet(rows) for name, rows in changed.items()}
    contents[artefact.CARD_FILE] = resealed(card, contents)
    return [_replace(folder / name, content) for name, content in contents.items()]


def _without(rows: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    names = [
        name
        for name in rows.columns
        if not name.startswith(golden.PREFIX) and name in features.columns
    ]
    theirs = set(_keys(features[names]))
    return rows[[key not in theirs for key in _keys(rows[names])]]


def _keys(rows: pd.DataFrame) -> list[Key]:
    # nothing equals itself, and a category is a text
    return [
        tuple(
            None if pd.isna(value) else value if isinstance(value, str) else float(value)
            for value in row
        )
        for row in rows.itertuples(index=False, name=None)
    ]


def _parquet(rows: pd.DataFrame) -> bytes:
    written = io.BytesIO()
    rows.to_parquet(written)
    return written.getvalue()


def _replace(file: Path, content: bytes) -> Path:
    mode = file.stat().st_mode & 0o777
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=".new-")
    with os.fdopen(handle, "wb") as new:
        new.write(content)
    os.chmod(name, mode)
    os.replace(name, file)
    return file
