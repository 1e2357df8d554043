"""Find names that are nearly the same."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def plain(name: str) -> str:
    """Return a name without case, blanks and signs between words."""
    return "".join(sign for sign in name.casefold() if sign.isalnum())


def same_name(wanted: str, names: Iterable[str]) -> str | None:
    """Return the name that is `wanted`, exactly or but for case, blanks and signs."""
    names = list(names)
    if wanted in names:
        return wanted
    return next((name for name in names if plain(name) and plain(name) == plain(wanted)), None)


def did_you_mean(wanted: str, names: Iterable[str]) -> str:
    """Return `; did you mean X or Y?` for the names nearest to one, or nothing."""
    by_plain = {plain(name): name for name in names}
    text = plain(wanted)
    inside = [candidate for candidate in by_plain if len(text) >= 4 and text in candidate]
    near = inside[:2] or difflib.get_close_matches(text, by_plain, n=2, cutoff=0.6)
    return (
        f"; did you mean {' or '.join(by_plain[candidate] for candidate in near)}?" if near else ""
    )
