"""The progress bar of the main job."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


def bar() -> Progress:
    """Return a progress bar, to be used as a context; it leaves no trace when it ends."""
    return Progress(
        TextColumn("  {task.description:<60.60}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        transient=True,
        # what a command answers, and a pipe reads, stands alone on stdout
        console=Console(stderr=True),
    )
