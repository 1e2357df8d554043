"""The look of all pages and plots: colours, one kind of figure, one skeleton of a page."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import jinja2
import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# drawn into files only: no window system is needed
matplotlib.use("Agg")


def figure(
    title: str, x: str = "", y: str = "", *, width: float = 6.4, height: float = 3.8
) -> tuple[Figure, Axes]:
    """Return an empty figure of `width` x `height` inches and its axes, labelled."""
    drawing = Figure(figsize=(width, height), layout="constrained")
    axes = drawing.subplots()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.spines[["top", "right"]].set_visible(False)
    return drawing, axes


def svg_uri(drawing: Figure) -> str:
    """Return a figure as a `data:` address; equal figures give equal bytes."""
    buffer = io.BytesIO()
    # ids of clip paths and the date would differ from run to run
    with matplotlib.rc_context({"svg.hashsalt": "pages"}):
        drawing.savefig(buffer, format="svg", metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


def template(file: Path) -> jinja2.Template:
    """Return a page's template; it may extend `page.html.jinja`, the skeleton of all pages."""
    loader = jinja2.FileSystemLoader([file.parent, Path(__file__).parent])
    return jinja2.Environment(loader=loader, autoescape=True).get_template(file.name)
