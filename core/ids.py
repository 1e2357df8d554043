"""The ids that rows are kept together by, spelt as the project's models spell them."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment

import warehouse

SPELLING = warehouse.DBT_PROJECT / "macros" / "canonical_id.sql"


@cache
def canonical(column: str) -> str:
    """Return SQL for the one form of an id, from the macro that the models use."""
    macros = vars(Environment().from_string(SPELLING.read_text()).module)
    return str(macros["canonical_id"](column))
