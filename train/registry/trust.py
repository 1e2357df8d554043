"""Which models may be run: a pickle is code, and a plain seal can be made by anybody.

With a key in `MODEL_KEY` a card's seal is an HMAC under it. Without one, this user's list of cards
decides: those of models fitted here, and those that were said to be trusted.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)

KEY = "MODEL_KEY"
UNDER_KEY = "hmac-sha256:"


def has_key() -> bool:
    """Return whether seals are made under a key."""
    return bool(os.environ.get("MODEL_KEY"))


def plain_seal(body: bytes) -> str:
    """Return the seal that tells whether a card is whole, and nothing about who made it."""
    return hashlib.sha256(body).hexdigest()


def seal(body: bytes) -> str:
    """Return the seal of a card: under the key, where there is one."""
    if not has_key():
        return plain_seal(body)
    return UNDER_KEY + hmac.new(os.fsencode(os.environ[KEY]), body, "sha256").hexdigest()


def list_file() -> Path:
    """Return this user's list of trusted cards; it lies apart from the models, on purpose.

    Raises
    ------
    OSError
        If the user has no home, and `XDG_STATE_HOME` names none.
    """
    state = os.environ.get("XDG_STATE_HOME")
    try:
        home = Path(state) if state else Path.home() / ".local" / "state"
    except RuntimeError as error:
        raise OSError(str(error)) from error
    return home / "retail-feature-store" / "trusted-models"


def remember(body: bytes, version: str) -> None:
    """Add a card to the list, one line of hash and version.

    Raises
    ------
    OSError
        If the list cannot be written.
    """
    if plain_seal(body) in _listed():
        return
    file = list_file()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # appended in one write: two fits at a time lose no line
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, f"{plain_seal(body)} {version}\n".encode())
    finally:
        os.close(handle)


def remember_fitted(body: bytes, version: str) -> None:
    """Add the card of a model that was fitted just now; say so where the list cannot be written."""
    if has_key():
        return
    try:
        remember(body, version)
    except OSError as error:
        log.warning(
            "%s cannot be noted as fitted here (%s): set %s, or XDG_STATE_HOME to a folder that "
            "can be written",
            version,
            error,
            KEY,
        )


def is_trusted(body: bytes, version: str, *, first_use: bool = False) -> bool:
    """Return whether a card, whose seal is right, is one of a model that may be run.

    Parameters
    ----------
    first_use
        Trust it where this user has trusted none before, as after a restore; it is said and kept.
    """
    if has_key():
        return True
    listed = _listed()
    if plain_seal(body) in listed:
        return True
    if listed or not first_use:
        return False
    log.warning(
        "%s is the first model that this user loads: it is trusted from now on, others that were "
        "not fitted here are not",
        version,
    )
    remember_fitted(body, version)
    return True


def _listed() -> set[str]:
    try:
        lines = list_file().read_text(errors="replace").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return set()
    return {line.partition(" ")[0] for line in lines if line.strip()}
