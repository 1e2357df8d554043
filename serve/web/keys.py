"""Who may ask: keys with scopes, of which the server knows hashes alone."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import HTTPException, Request, Security
from fastapi.security import HTTPBearer, SecurityScopes

import warehouse
from serve import schema

READ, PREDICT = "read", "predict"
SCOPES = (READ, PREDICT)
SHORTEST_KEY = 16
_HASH = re.compile(r"[0-9a-f]{64}")


class KeysError(warehouse.ShopError):
    """The keys cannot be used as they are stated; the message says which."""


@dataclass(frozen=True)
class Keys:
    """What each key may be used for, by the sha256 of the key."""

    scopes: dict[bytes, frozenset[str]]

    def scopes_of(self, key: str) -> frozenset[str] | None:
        """Return what a key may be used for, None if it is none; takes as long for any key."""
        asked, found = _hash(key), None
        for known, scopes in self.scopes.items():
            if hmac.compare_digest(known, asked):
                found = scopes
        return found


@cache
def keys() -> Keys:
    """Return the keys of this process: those of `API_KEYS` and of the file `API_KEYS_FILE`.

    `API_KEYS` has entries `KEY:SCOPE,SCOPE` with blanks between, the file a line
    `SHA256 SCOPE,SCOPE` a key; what follows a # is a comment.

    Raises
    ------
    KeysError
        If an entry is none, or the file cannot be read.
    """
    found: dict[bytes, frozenset[str]] = {}
    for place, entry in enumerate(os.environ.get("API_KEYS", "").split(), 1):
        key, _, scopes = entry.rpartition(":")
        # an entry may be a secret: it is named by its place
        if len(key) < SHORTEST_KEY:
            raise KeysError(
                f"entry {place} of API_KEYS is no KEY:SCOPE,SCOPE with a key of at least "
                f"{SHORTEST_KEY} characters"
            )
        found[_hash(key)] = _scopes(scopes, f"entry {place} of API_KEYS")
    if file := os.environ.get("API_KEYS_FILE"):
        found |= _in_file(Path(file))
    return Keys(found)


def _in_file(file: Path) -> dict[bytes, frozenset[str]]:
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise KeysError(f"API_KEYS_FILE {file} cannot be read ({error})") from error
    found = {}
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) != 2 or not _HASH.fullmatch(words[0]):
            raise KeysError(f"{file}, line {number}: is no SHA256 SCOPE,SCOPE")
        found[bytes.fromhex(words[0])] = _scopes(words[1], f"{file}, line {number}")
    return found


def _scopes(text: str, where: str) -> frozenset[str]:
    scopes = frozenset(text.split(","))
    if not scopes <= set(SCOPES):
        raise KeysError(f"{where}: scopes are {' and '.join(SCOPES)}")
    return scopes


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def refuse_open_door(host: str, *, insecure: bool) -> None:
    """Refuse to listen without keys where others can reach it.

    Raises
    ------
    KeysError
        If the address is not this machine's own, and no key is stated.
    """
    if keys().scopes or insecure or _is_loopback(host):
        return
    raise KeysError(
        f"{host} can be reached by others, and no key is asked for: set API_KEYS or "
        "API_KEYS_FILE, or say --insecure where something in front asks for a password"
    )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Admission(HTTPBearer):
    """Lets a request pass whose key has the scopes that are needed; without keys any does."""

    async def __call__(  # type: ignore[override]
        self, request: Request, needed: SecurityScopes
    ) -> None:
        known = keys()
        if not known.scopes:
            return
        given = await super().__call__(request)
        scopes = known.scopes_of(given.credentials) if given else None
        if scopes is None:
            raise HTTPException(
                401,
                "send a key, as `Authorization: Bearer KEY`",
                {"WWW-Authenticate": "Bearer"},
            )
        if missing := set(needed.scopes) - scopes:
            raise HTTPException(403, f"this key may not be used to {' and '.join(sorted(missing))}")


_admission = _Admission(scheme_name="key", auto_error=False)
reader = Security(_admission, scopes=[READ])
predictor = Security(_admission, scopes=[PREDICT])
ERRORS: dict[int | str, dict[str, Any]] = {
    401: {"model": schema.Problem, "description": "No key, or one that is not known."},
    403: {"model": schema.Problem, "description": "The key is for something else."},
}
