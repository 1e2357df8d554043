"""The plots of the page, drawn small so that their text stays legible on a phone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import matplotlib.dates as mdates
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter

from pages.look import figure, svg_uri
from pages.palette import BLUE, GREY, ORANGE

# inches; shown as wide as a phone, the text is then about as large as the page's own
WIDTH, HEIGHT = 4.6, 2.9


def _figure(title: str, x: str = "", y: str = "") -> tuple[Figure, Axes]:
    drawing, axes = figure(title, x, y, width=WIDTH, height=HEIGHT)
    axes.yaxis.set_major_formatter(EngFormatter(sep=""))
    axes.locator_params(axis="y", nbins=5)
    return drawing, axes


def _dates(axes: Axes) -> None:
    locator = mdates.AutoDateLocator(minticks=3, maxticks=7)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))


def days(dates: Sequence[dt.date], sales: Sequence[int], odd: Sequence[str | None]) -> str:
    """Draw sales per day as dots, their mean of seven days as a line, odd days in orange."""
    drawing, axes = _figure("Sales per day", y="sales")
    values = np.asarray(sales, dtype=float)
    marked = np.asarray([kind is not None for kind in odd])
    places = mdates.date2num(dates)
    axes.plot(places, values, ".", markersize=2, color=GREY, rasterized=len(values) > 2000)
    axes.plot(places[3:-3], np.convolve(values, np.ones(7) / 7, "valid"), color=BLUE, linewidth=1.2)
    axes.plot(places[marked], values[marked], "o", markersize=4, color=ORANGE)
    axes.set_ylim(bottom=0)
    _dates(axes)
    return svg_uri(drawing)


def months(
    starts: Sequence[dt.date],
    spend: Sequence[float],
    returned: Sequence[float],
    is_whole: Sequence[bool],
) -> str:
    """Draw purchases upwards and returns downwards, months that are not whole in grey."""
    drawing, axes = _figure("Money per month", y="money")
    places = mdates.date2num(starts) + 15
    colours = [BLUE if full else GREY for full in is_whole]
    axes.bar(places, spend, width=24, color=colours)
    axes.bar(places, [-amount for amount in returned], width=24, color=ORANGE)
    axes.axhline(0, color="black", linewidth=0.6)
    _dates(axes)
    return svg_uri(drawing)


def bars(
    title: str, labels: Sequence[str], heights: Sequence[float], y: str, *, x: str = ""
) -> str:
    """Draw one bar per label."""
    drawing, axes = _figure(title, x, y)
    axes.bar(range(len(labels)), heights, color=BLUE)
    # of 24 hours every third is named
    step = 3 if len(labels) > 12 else 1
    axes.set_xticks(range(0, len(labels), step), labels[::step])
    if max(len(label) for label in labels) > 5:
        axes.tick_params(axis="x", rotation=35)
    return svg_uri(drawing)


def log_histogram(title: str, edges: Sequence[float], heights: Sequence[int], y: str) -> str:
    """Draw counts between edges on a logarithmic axis of money."""
    drawing, axes = _figure(title, "purchases (each step multiplies)", y)
    axes.bar(edges[:-1], heights, width=np.diff(edges), align="edge", color=BLUE, linewidth=0)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
    if edges[-1] / edges[0] > 1e6:
        axes.tick_params(axis="x", rotation=35)
    return svg_uri(drawing)


def lorenz(customers: Sequence[float], money: Sequence[float]) -> str:
    """Draw the share of money that the best share of the customers makes."""
    drawing, axes = _figure("Concentration", "share of customers, best first", "share of money")
    percent = FuncFormatter(lambda value, _: f"{100 * value:.0f} %")
    axes.plot(customers, money, color=BLUE)
    axes.plot([0, 1], [0, 1], "--", color=GREY, linewidth=1)
    axes.xaxis.set_major_formatter(percent)
    axes.yaxis.set_major_formatter(percent)
    return svg_uri(drawing)
