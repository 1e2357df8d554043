"""Options of the commands that load files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from load.layout import NAMES

Layout = Annotated[
    str | None,
    typer.Option(
        help=f"A format known by name: {', '.join(NAMES)}. Found from the columns if left out."
    ),
]
Mapping = Annotated[
    Path | None, typer.Option(help="YAML that says which column is what, for other shapes.")
]
Timezone = Annotated[str | None, typer.Option(help="The shop's time zone, as in Europe/Berlin.")]
Replace = Annotated[
    bool, typer.Option("--replace", help="Replace what is loaded even by far less.")
]
