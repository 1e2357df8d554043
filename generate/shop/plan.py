"""What a generated shop is drawn from: equal plans give equal shops, to the last byte."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from datetime import date, timedelta

from generate.faults import FAULTS
from generate.shop.presets import PRESETS, Preset

START, DAYS = date(2022, 1, 1), 1461
BLOCK = 10_000
# cleaning takes what is dated earlier for a default date
EARLIEST, LATEST = date(1990, 1, 1), date(2199, 12, 31)


@dataclass(frozen=True)
class Plan:
    """The size of a shop, its period, its process, its faults and its seed.

    Attributes
    ----------
    rates
        Pairs of a fault's name and its rate, where it is not the fault's own.
    block
        Customers are drawn in blocks of this size with a seed each; how many blocks are drawn at
        once, and by how many processes, changes nothing.

    Raises
    ------
    ValueError
        If a size is impossible, a preset or fault unknown, or a rate no share.
    """

    customers: int = 20_000
    seed: int = 42
    start: date = START
    days: int = DAYS
    preset: str = "shop"
    faults: bool = True
    rates: tuple[tuple[str, float], ...] = ()
    block: int = BLOCK

    def __post_init__(self) -> None:
        if self.customers < 1 or self.days < 1 or self.block < 1:
            raise ValueError("a shop needs at least one customer and one day, a block a customer")
        if not EARLIEST <= self.start <= LATEST - timedelta(self.days):
            raise ValueError(
                f"{self.days:,} days from {self.start} are outside {EARLIEST} to {LATEST}"
            )
        if self.seed < 0:
            raise ValueError(f"seed {self.seed} is negative; expected 0 or more")
        if self.preset not in PRESETS:
            raise ValueError(
                f"unknown preset {self.preset!r}; expected one of {', '.join(PRESETS)}"
            )
        if self.rates and not self.faults:
            raise ValueError("rates of faults were given, but no faults wanted")
        for name, rate in self.rates:
            if name not in FAULTS:
                raise ValueError(f"unknown fault {name!r}; expected one of {', '.join(FAULTS)}")
            if not 0 <= rate <= 1:
                raise ValueError(f"rate {rate} of fault {name} is not between 0 and 1")

    @property
    def process(self) -> Preset:
        """The process that customers follow."""
        return PRESETS[self.preset]

    @property
    def blocks(self) -> list[tuple[int, int]]:
        """First customer (from 0) and number of customers of each block."""
        return [
            (first, min(self.block, self.customers - first))
            for first in range(0, self.customers, self.block)
        ]

    def rate(self, fault: str) -> float:
        """Return the share of rows (of days, for faults of whole days) that get a fault."""
        return dict(self.rates).get(fault, FAULTS[fault].rate) if self.faults else 0.0

    def clean(self) -> Plan:
        """Return the plan of the same shop without faults."""
        return dataclasses.replace(self, faults=False, rates=())

    def to_json(self) -> str:
        """Return the plan as text, to be kept beside the shop."""
        return json.dumps({**dataclasses.asdict(self), "start": self.start.isoformat()})

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Read a plan that `to_json` wrote."""
        values = json.loads(text)
        rates = tuple((name, rate) for name, rate in values.pop("rates"))
        return cls(**{**values, "start": date.fromisoformat(values["start"]), "rates": rates})
