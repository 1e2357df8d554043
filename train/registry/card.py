"""The card of a saved model: what it says of itself, sealed, and the files that belong to it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import warehouse
from train.registry import trust

CARD_FILE = "card.json"
REMEDY = "run `python train/fit.py`"
VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
FILE_NAME = re.compile(r"\w[\w.-]{0,99}")


class ArtefactError(warehouse.ShopError):
    """A model cannot be used; the message says what differs and what to do.

    Parameters
    ----------
    what
        What differs, without the remedy, which the message adds.
    remedy
        What to do.
    """

    def __init__(self, what: str, remedy: str = REMEDY) -> None:
        super().__init__(f"{what}: {remedy}")
        self.what = what

    @property
    def shown(self) -> str:
        """The message for those who ask over the network: without where the models lie."""
        return str(self).replace(f"{warehouse.models_dir()}/", "")


class UntrustedError(ArtefactError):
    """A model is not what was fitted here, or its card was changed; somebody has to look."""


def accept(version: str) -> str:
    """Let a version be used that was not fitted here, on the word of whoever calls this.

    Returns
    -------
    str
        What happened, in one sentence.

    Raises
    ------
    ArtefactError
        If its card is none or was changed, or the list of trusted models cannot be written.
    """
    folder = folder_of(version)
    card = _parsed_card(folder)
    body = body_of(card)
    if card["seal"] not in (trust.plain_seal(body), trust.seal(body)):
        raise ArtefactError(_wrong_seal(card["seal"], folder))
    if trust.has_key():
        # a new file, never the old one written over: other generations may share that
        anew = folder / f".{CARD_FILE}"
        anew.write_text(seal_card(_unsealed(card)))
        os.replace(anew, folder / CARD_FILE)
        return f"{version} is sealed under {trust.KEY} now"
    try:
        trust.remember(body, version)
    except OSError as error:
        raise ArtefactError(
            f"{version} cannot be noted as trusted ({error})",
            f"set {trust.KEY}, or XDG_STATE_HOME to a folder that can be written",
        ) from error
    return f"{version} is trusted from now on"


def folder_of(version: str | None) -> Path:
    """Return the folder of a version.

    Raises
    ------
    ArtefactError
        If the name is none: it would lead out of the models' folder.
    """
    if not isinstance(version, str) or not VERSION.fullmatch(version):
        raise ArtefactError(f"{version!r} is no version name")
    return warehouse.models_dir() / version


def read_card(folder: Path) -> dict[str, Any]:
    """Read a version's card and check its seal.

    Raises
    ------
    ArtefactError
        If it is missing or was changed, or lies elsewhere than in a folder under models/.
    """
    card = _parsed_card(folder)
    if card["seal"] != trust.seal(body_of(card)):
        if trust.has_key() and card["seal"] == trust.plain_seal(body_of(card)):
            raise UntrustedError(
                f"{folder / CARD_FILE} bears no seal of {trust.KEY}",
                f"if you know who fitted it, run `python train/fit.py --trust {folder.name}`",
            )
        raise UntrustedError(_wrong_seal(card["seal"], folder))
    return card


def _wrong_seal(seal: str, folder: Path) -> str:
    file = folder / CARD_FILE
    if not seal.startswith(trust.UNDER_KEY):
        return f"{file} was changed after the fit"
    if not trust.has_key():
        return f"{file} is sealed under a key and {trust.KEY} is not set; set it, or fit anew"
    return f"{file} was changed after the fit, or sealed under another {trust.KEY}"


def _parsed_card(folder: Path) -> dict[str, Any]:
    """Read a card that is one: what its fields must be, all but the seal checked."""
    _check_place(folder)
    file = folder / CARD_FILE
    try:
        text = _content(file).decode()
        card = json.loads(text)
        written = isinstance(card, dict) and _written(card) == text
    except (ValueError, TypeError, RecursionError) as error:
        raise ArtefactError(f"{file} cannot be read ({error})") from error
    if not written:
        raise ArtefactError(f"{file} was changed after the fit")
    files = card.get("files", {})
    kinds = {"seal": str, "sha256": str, "contract": dict, "libraries": dict}
    wrong = [name for name, kind in kinds.items() if not isinstance(card.get(name), kind)]
    if card.get("version") != folder.name:
        wrong.append("version")
    # a name with a way in it would lead out of the folder
    if not isinstance(files, dict) or not all(FILE_NAME.fullmatch(name) for name in files):
        wrong.append("files")
    if wrong:
        raise ArtefactError(f"{file} is no card of a model (see its {', '.join(wrong)})")
    return card


def _check_place(folder: Path) -> None:
    models = warehouse.models_dir().resolve()
    # resolved, a symlink or a way up shows; no system call takes a NUL
    odd = ".." in folder.parts or "\0" in str(folder)
    if odd or folder.is_symlink() or folder.resolve().parent != models:
        raise ArtefactError(f"{folder} is no folder of its own under models/")


def _unsealed(card: Mapping[str, Any]) -> dict[str, Any]:
    return {name: card[name] for name in card if name != "seal"}


def body_of(card: Mapping[str, Any]) -> bytes:
    """Return what of a card is sealed."""
    return json.dumps(_unsealed(card), sort_keys=True, default=str).encode()


def seal_card(card: Mapping[str, Any]) -> str:
    """Return the text of a card with its seal."""
    body = body_of(card)
    return _written({**json.loads(body), "seal": trust.seal(body)})


def _written(card: Mapping[str, Any]) -> str:
    return json.dumps(card, sort_keys=True, indent=2) + "\n"


def resealed(card: Mapping[str, Any], changed: Mapping[str, bytes]) -> bytes:
    """Return the text of a card some of whose files, beside the model, are others now.

    It is trusted if it was before.
    """
    hashes = {name: sha256_of(content) for name, content in changed.items()}
    anew = {**_unsealed(card), "files": {**card["files"], **hashes}}
    if trust.is_trusted(body_of(card), card["version"]):
        trust.remember_fitted(body_of(anew), card["version"])
    return seal_card(anew).encode()


def checked_content(file: Path, sha256: str) -> bytes:
    """Return what is in a file that belongs to a card.

    Raises
    ------
    ArtefactError
        If it is missing, or not the one that the card describes.
    """
    content = _content(file)
    if sha256_of(content) != sha256:
        raise ArtefactError(f"{file} is not the file its card describes (sha256)")
    return content


def _content(file: Path) -> bytes:
    # a link may lead anywhere, and may lead elsewhere tomorrow
    if file.is_symlink() or not file.is_file():
        raise ArtefactError(f"{file} is missing")
    try:
        return file.read_bytes()
    except OSError as error:
        raise ArtefactError(f"{file} cannot be read ({error.strerror})") from error


def sha256_of(content: bytes) -> str:
    """Return a hash as cards have it."""
    return hashlib.sha256(content).hexdigest()
