"""One night at a time on one warehouse."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import warehouse

_ATTEMPTS, _PAUSE = 10, 0.05


class RunningError(warehouse.ShopError):
    """Somebody else runs on this warehouse; the message says who, and since when."""


@contextmanager
def held(what: str) -> Iterator[None]:
    """Keep all other runs and writers by hand away while the block runs.

    The lock goes with the process, however it ends.

    Parameters
    ----------
    what
        Who it is, as in "the nightly run".

    Raises
    ------
    RunningError
        If another process holds it.
    """
    file = warehouse.lock_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), "r+") as lock:
        for attempt in range(_ATTEMPTS):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                # who only asks who holds it does so for a moment
                if attempt == _ATTEMPTS - 1:
                    holder = lock.read() or "another run"
                    raise RunningError(f"{holder} works on this warehouse already") from error
                time.sleep(_PAUSE)
        lock.truncate(0)
        lock.write(f"{what} of process {os.getpid()}, since {datetime.now():%Y-%m-%d %H:%M:%S},")
        lock.flush()
        yield
