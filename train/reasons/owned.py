"""Which parts of an opened model belong to which driver."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.candidates.decomposition import Opened
from train.candidates.tree_patterns import Patterns


@dataclass(frozen=True)
class Owned:
    """Questions and numbers of a model by driver.

    Attributes
    ----------
    drivers
        Those that the model asks about.
    bits
        By driver and ensemble, per tree the questions about the driver's features.
    numbers
        Which numbers are the driver's, shape (drivers, numbers).
    """

    drivers: tuple[str, ...]
    bits: list[list[Patterns]]
    numbers: NDArray[np.bool_]

    @classmethod
    def of(cls, model: Opened, driver_of: Mapping[str, str]) -> Owned:
        """Sort the parts of a model by the driver of their feature."""
        trees = [[driver_of[name] for name in names] for names in model.tree_features]
        numbers = [driver_of[name] for name in model.number_features]
        drivers = tuple(dict.fromkeys([*itertools.chain(*trees), *numbers]))
        bits = [
            [
                ensemble.bits(np.array(names) == driver)
                for ensemble, names in zip(model.trees, trees, strict=True)
            ]
            for driver in drivers
        ]
        return cls(drivers, bits, np.array([np.array(numbers) == driver for driver in drivers]))

    def walk(self, order: Iterable[int]) -> Iterator[tuple[int, list[Patterns], NDArray[np.bool_]]]:
        """Yield each driver of an order with all that it and those before it own."""
        bits = [np.zeros_like(patterns) for patterns in self.bits[0]]
        numbers = np.zeros(self.numbers.shape[1], dtype=bool)
        for driver in order:
            bits = [patterns | more for patterns, more in zip(bits, self.bits[driver], strict=True)]
            numbers = numbers | self.numbers[driver]
            yield driver, bits, numbers
