"""The processes that a shop can be generated from, by name."""

from __future__ import annotations

from generate.shop.classic import Classic
from generate.shop.process import Process, Promoted

Preset = Process | Classic

PRESETS: dict[str, Preset] = {preset.name: preset for preset in (Process(), Promoted(), Classic())}
