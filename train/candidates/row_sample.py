"""A fixed sample of rows, for whatever learns little more from all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def sample_of(rows: int, most: int, seed: int) -> NDArray[np.int64]:
    """Return positions of a random sample of at most so many of the rows, in their order."""
    return np.sort(np.random.default_rng(seed).permutation(rows)[:most])
