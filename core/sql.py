"""How names, texts and paths are written into SQL."""

from __future__ import annotations

from pathlib import Path


def quoted(name: str) -> str:
    """Return `name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return `text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def path_literal(file: Path) -> str:
    """Return a path as an SQL string in which DuckDB sees no glob."""
    return literal("".join(f"[{sign}]" if sign in "*?[" else sign for sign in str(file)))
