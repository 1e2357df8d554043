"""Folders for what a command writes before the warehouse changes."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import warehouse

_PREFIX = ".scratch-"


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a folder that goes with the block; those that killed processes left go too.

    It lies beside the warehouse, as the folder for temporary files may lie in memory.

    Raises
    ------
    OSError
        If the folder beside the warehouse cannot be written.
    """
    beside = warehouse.path().parent
    beside = beside if beside.is_dir() else Path(tempfile.gettempdir())
    remove_abandoned(beside, _PREFIX)
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", dir=beside) as folder:
        yield Path(folder)


def remove_abandoned(beside: Path, prefix: str) -> None:
    """Remove the folders of processes that are gone; `prefix`, then the process, is their name."""
    for left in beside.glob(f"{prefix}*"):
        owner = left.name.removeprefix(prefix).partition("-")[0]
        if owner.isdigit() and not _runs(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # somebody else's, but there
        return True
    return True
