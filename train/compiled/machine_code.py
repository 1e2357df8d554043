"""Functions that numba turns into machine code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def machine_code(function: Callable[..., None]) -> Callable[..., Any]:
    """Compile a function on its first call, and keep the code for later processes.

    It holds no lock of Python's while it runs. In a second, where nothing can be kept, as in a
    container that nobody may write in, it is compiled by each process.
    """
    try:
        return numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        # what numba says where it finds no folder that it may write
        return numba.njit(nogil=True)(function)
