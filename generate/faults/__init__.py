"""Faults as real systems have them, in `FAULTS` by name.

Each is one small function: it gets all tables, the positions of the rows it shall spoil, and a
generator, and returns the tables it changed. Money is in whole cents. `planting.plant` chooses
the rows and keeps the ledger.
"""

from generate.faults import missing, respelt, surplus, wrong
from generate.faults.kit import FAULTS

__all__ = ["FAULTS", "missing", "respelt", "surplus", "wrong"]
