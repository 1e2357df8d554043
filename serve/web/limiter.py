"""No more of what takes long at once than the others can bear."""

from __future__ import annotations

import threading
from types import TracebackType

from fastapi import HTTPException

RETRY_SECONDS = 1


class Limiter:
    """A context manager that lets so many in at once, and tells the others to come again.

    Parameters
    ----------
    at_once
        How many, of one process.
    """

    def __init__(self, at_once: int) -> None:
        self._places = threading.Semaphore(at_once)

    def __enter__(self) -> None:
        if not self._places.acquire(blocking=False):
            raise HTTPException(
                429,
                "too many of these are being answered: try again",
                {"Retry-After": str(RETRY_SECONDS)},
            )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._places.release()
