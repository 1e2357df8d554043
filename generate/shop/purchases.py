"""What every preset of the generated shop draws: customers, purchases, and when goods return."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

REGIONS = ("North", "South", "East", "West", "Coast", "Capital")
SEGMENTS = ("EVERYDAY", "FAMILY", "OCCASIONAL", "BUSINESS")


@dataclass(frozen=True)
class Customers:
    """Observed and latent values of customers, one array entry each."""

    segment: np.ndarray
    region: np.ndarray
    member: np.ndarray
    kind: np.ndarray  # latent
    registered: np.ndarray  # day since start; negative before it
    latent: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return len(self.kind)


@dataclass(frozen=True)
class Purchases:
    """Purchases, ordered by customer and time."""

    customer: np.ndarray  # position of the customer
    time: np.ndarray  # days since start, with fraction
    cents: np.ndarray
    lines: np.ndarray  # number of lines


@dataclass(frozen=True)
class ReturnRule:
    """How purchases come back: a share of them, whole or one line, after a uniform lag."""

    share: float
    whole: float  # of those that come back; else one line, each as likely
    lag: tuple[int, int]  # days, both ends included

    def due(self, first: np.ndarray | int, last: np.ndarray | int) -> np.ndarray:
        """Return the probability that a lag lies between two ends, both included."""
        shortest, longest = self.lag
        count = np.minimum(last, longest) - np.maximum(first, shortest) + 1
        return np.maximum(count, 0) / (longest - shortest + 1)

    def part(self, one_over_lines: np.ndarray | float) -> np.ndarray | float:
        """Return the part of a basket's value that is expected to come back, if any does."""
        return self.whole + (1 - self.whole) * one_over_lines


@dataclass(frozen=True)
class Expected:
    """The best forecast of each customer: expected net spend in currency units, P(purchase)."""

    spend: np.ndarray
    purchase_probability: np.ndarray


def rank(counts: np.ndarray) -> np.ndarray:
    """Return 0, 1, 2, ... within each group of the given sizes."""
    ends = np.cumsum(counts)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - counts, counts)
