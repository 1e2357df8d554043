"""The colours of all pages, plots and charts; each shows on a light and on a dark page."""

from __future__ import annotations

BLUE, ORANGE, GREY = "#2563a8", "#d97706", "#9ca3af"
