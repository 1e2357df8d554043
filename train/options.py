"""Options that the commands which learn have in common."""

from __future__ import annotations

from typing import Annotated

import typer

Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Quick = Annotated[bool, typer.Option("--quick", help="Fewer rows and rounds, to try out.")]
