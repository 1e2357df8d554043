"""Which state of the code is running."""

from __future__ import annotations

import ast
import hashlib
import subprocess
from functools import cache
from pathlib import Path

import warehouse


# a fit names each of its dates by it, and parsing takes a fifth of a second
@cache
def code_hash() -> str:
    """Return sha256 over the code that learns: other code, another model of the same data.

    Comments, docstrings and the places of files are no part of it: the syntax trees are.
    """
    trees = [_without_docstrings(ast.parse(file.read_text())) for file in _learning_code()]
    return hashlib.sha256("\n".join(sorted(map(ast.dump, trees))).encode()).hexdigest()


def _learning_code() -> list[Path]:
    return [*(warehouse.ROOT / "train").rglob("*.py"), warehouse.ROOT / "core" / "metrics.py"]


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:]
    return tree


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
