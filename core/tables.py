"""The tables that commands print."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from core.metrics import metric_text

# the widest table needs this much, and a pipe has no width of its own
WIDTH = 124
HEADERS = {
    "spearman": "rho",
    "top10_capture": "top 10 %",
    "decile_error": "deciles",
    "sum_ratio": "sum",
}


def wide_console() -> Console:
    """Return a console that no table has to be squeezed into."""
    return Console(highlight=False, width=max(WIDTH, Console().width))


def metric_table(title: str, figures: pd.DataFrame, chosen: Collection[str] = frozenset()) -> Table:
    """Make a table of one row per model and one column per metric, the chosen ones marked."""
    table = new_table(title, "model", *(HEADERS.get(name, name) for name in figures.columns))
    for model, row in figures.iterrows():
        cells = [metric_text(str(name), value) for name, value in row.items()]
        if model in chosen:
            table.add_row(f"{model} (chosen)", *cells, style="bold")
        else:
            table.add_row(str(model), *cells)
    return table


def new_table(title: str, *columns: str) -> Table:
    """Make an empty table with a title; names stand left, numbers right."""
    made = Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    text = {"table", "outcome", "rule", "model", "customer", "fault", "kind", "fit"}
    for name in columns:
        made.add_column(name, justify="left" if name in text else "right", no_wrap=True)
    return made
