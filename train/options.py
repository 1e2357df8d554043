"""Options that the commands which learn have in common."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer

AsOf = Annotated[
    dt.datetime | None,
    typer.Option(
        formats=["%Y-%m-%d"], help="Learn as if this day were today (default: the mart's)."
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of everything random.")]
Own = Annotated[
    list[str] | None,
    typer.Option(
        "--candidate",
        metavar="MODULE:FUNCTION",
        help="An estimator of your own that competes too: a function that returns it, in a file of "
        "the current folder or the Python path. May be given several times.",
    ),
]
Quick = Annotated[bool, typer.Option("--quick", help="Fewer rows and rounds, to try out.")]
