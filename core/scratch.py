"""Folders for what a command writes before the warehouse changes."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import stat
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


def folder_for_copies(of: str) -> Path:
    """Return the folder, among those for temporary files, of what is copied from somewhere.

    It is made if it is not there, and nobody else may write it. `GENERATION_CACHE` says where it
    lies. It outlives the process, and processes of one machine share it.

    Raises
    ------
    warehouse.ShopError
        If others can write it.
    """
    above = Path(os.environ.get("GENERATION_CACHE") or tempfile.gettempdir()).resolve()
    folder = above / f"shop-{os.getuid()}-{hashlib.sha256(of.encode()).hexdigest()[:12]}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        # whoever can write there could have a model of theirs run
        raise warehouse.ShopError(
            f"{folder} can be written by others: set GENERATION_CACHE to a folder of your own"
        )
    return folder


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let one process of the machine work in a folder, and the others find what it did."""
    with os.fdopen(os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600), "r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
