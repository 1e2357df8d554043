"""Small random histories of a shop, made to be nasty."""

from proof.histories.drawn import SETTINGS, history
from proof.histories.loading import arrivals, write

__all__ = ["SETTINGS", "arrivals", "history", "write"]
