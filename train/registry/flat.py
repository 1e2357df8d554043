"""A compiled forecaster as one file of arrays: reading it runs nothing.

The file is numpy's npz. Its entry `structure` is JSON: which object holds which values and arrays;
an object is of one of `KINDS`, and gets its attributes back as they were.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from train.calibration.intervals import LevelIntervals
from train.calibration.probability import PurchaseCalibrator
from train.calibration.spread import AmountSpread
from train.calibration.totals import TotalDoubt
from train.candidates import baselines, level
from train.candidates.bgnbd import BuyTillDie
from train.candidates.bgnbd_likelihood import BetaGeometric, GammaGamma
from train.candidates.models import Blend
from train.candidates.quantiles import QuantileMean
from train.candidates.two_part import LevelRatio, TwoPart
from train.candidates.zero_inflated import LogNormalMean
from train.compiled.parts import Constant, Prepared
from train.compiled.preparation import Preparation
from train.compiled.trees import Trees
from train.forecaster import Calibration, Forecaster
from train.horizons import Horizons

KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        *(baselines.LastThirtyDays, baselines.MonthlyMean),
        *(baselines.YearlyMean, baselines.SameDaysLastYear),
        *(BuyTillDie, BetaGeometric, GammaGamma),
        *(level.Levelled, level.LevelProcess, level.Months, level._Answer),
        *(Blend, TwoPart, LevelRatio, LogNormalMean, QuantileMean),
        *(Constant, Prepared, Preparation, Trees),
        *(Calibration, PurchaseCalibrator, AmountSpread, LevelIntervals, TotalDoubt),
        *(Forecaster, Horizons),
    )
}
STRUCTURE = "structure"


def written(forecaster: Forecaster) -> bytes:
    """Return a compiled forecaster as a file.

    Raises
    ------
    TypeError
        If it holds something of another kind.
    """
    writer = _Writer()
    structure = json.dumps(writer.described(forecaster)).encode()
    arrays = {STRUCTURE: np.frombuffer(structure, dtype=np.uint8), **writer.arrays}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        # not `numpy.savez`, whose entries bear the time: the same model is the same bytes
        for name, array in arrays.items():
            entry = io.BytesIO()
            np.lib.format.write_array(entry, array, allow_pickle=False)
            info = zipfile.ZipInfo(f"{name}.npy")
            archive.writestr(info, entry.getvalue(), zipfile.ZIP_DEFLATED)
    return file.getvalue()


def read(content: bytes) -> Forecaster:
    """Return the forecaster that a file holds.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it is not such a file.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        arrays = dict(file)
    forecaster = _Reader(arrays).made(json.loads(arrays.pop(STRUCTURE).tobytes()))
    if not isinstance(forecaster, Forecaster):
        raise ValueError("it holds no forecaster")
    return forecaster


class _Writer:
    def __init__(self) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}
        # an object that is held twice is written once
        self._places: dict[int, int] = {}

    def described(self, value: object) -> object:
        match value:
            case None | bool() | int() | float() | str():
                return value
            case np.generic():
                return value.item()
            case np.ndarray() if value.dtype != object:
                name = f"array_{len(self.arrays)}"
                self.arrays[name] = value
                return {"array": name}
            case list():
                return [self.described(part) for part in value]
            case tuple():
                return {"tuple": [self.described(part) for part in value]}
            case dict():
                pairs = [[self.described(key), self.described(of)] for key, of in value.items()]
                return {"dict": pairs}
        kind = type(value)
        if KINDS.get(kind.__name__) is not kind:
            raise TypeError(f"a {kind.__name__} cannot be written as arrays")
        if id(value) in self._places:
            return {"same as": self._places[id(value)]}
        self._places[id(value)] = len(self._places)
        # of a dataclass not what it has worked out meanwhile
        names = [each.name for each in fields(value)] if is_dataclass(value) else list(vars(value))
        attributes = {name: self.described(getattr(value, name)) for name in names}
        return {"kind": kind.__name__, "attributes": attributes}


class _Reader:
    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        self._arrays = arrays
        self._made: list[object] = []

    def made(self, description: Any) -> Any:  # noqa: ANN401
        match description:
            case list():
                return [self.made(part) for part in description]
            case {"array": name}:
                return self._arrays[name]
            case {"tuple": parts}:
                return tuple(self.made(part) for part in parts)
            case {"dict": pairs}:
                return {self.made(key): self.made(value) for key, value in pairs}
            case {"same as": place}:
                return self._made[place]
            case {"kind": kind, "attributes": attributes}:
                instance: object = object.__new__(KINDS[kind])
                self._made.append(instance)
                for name, held in attributes.items():
                    object.__setattr__(instance, name, self.made(held))
                return instance
        return description
