"""Which state of the code is running."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import warehouse


def code_hash() -> str:
    """Return sha256 over the code that learns: other code, another model of the same data."""
    code = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        code.update(file.read_bytes())
    return code.hexdigest()


def git_revision() -> str | None:
    """Return the commit, with `-dirty` where tracked files differ from it.

    None where this cannot be told: no git, no clone, no commit yet, another owner's clone. What a
    model is checked by is its contract and its hashes; the revision is for people.
    """
    try:
        # a project unpacked inside somebody else's clone is not at that clone's commit
        if Path(_git("rev-parse", "--show-toplevel")).resolve() != warehouse.ROOT:
            return None
        # all tags left out, --always gives the whole hash; --dirty is git's own word for it
        return _git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(warehouse.ROOT), *arguments],
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    )
    return done.stdout.strip()
