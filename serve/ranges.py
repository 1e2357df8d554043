"""Which values of features lie outside what the model saw when it learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import duckdb

from serve import repository
from serve.predictions import MART

# the window of what is known in advance
AHEAD = "horizon"


@dataclass(frozen=True)
class Ranges:
    """What the mart's rows have at the dates that a model learned from.

    Attributes
    ----------
    rows
        How many there are; of none, nothing is known.
    numbers
        Least and most of each numeric feature, without those of the days ahead, which no model
        has seen; none that is always null.
    labels
        The values of each categorical feature.
    """

    model_version: str
    rows: int
    numbers: Mapping[str, tuple[Any, Any]]
    labels: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection, model_version: str) -> Ranges:
        """Read them from an open warehouse; the whole mart is read for it."""
        contract = repository.contract()
        compared = [
            column.name
            for column in contract.columns
            if column.role == "feature" and column.window != AHEAD
        ]
        aggregates = [
            *(f"min({name}), max({name})" for name in compared),
            *(f"list(distinct {name})" for name in contract.categorical),
        ]
        learned = "select as_of_date from main.training_dates where model_version = ?"
        [(rows, *found)] = connection.execute(
            f"select count(*), {', '.join(aggregates)} from {MART} where as_of_date in ({learned})",
            [model_version],
        ).fetchall()
        pairs = zip(found[::2], found[1::2], strict=False)
        numbers = {
            name: (least, most)
            for name, (least, most) in zip(compared, pairs, strict=False)
            if least is not None
        }
        lists = found[2 * len(compared) :]
        labels = {
            name: frozenset(values or ())
            for name, values in zip(contract.categorical, lists, strict=True)
        }
        return cls(model_version, rows, numbers, labels)

    @cached_property
    def _limits(self) -> list[tuple[str, float, float]]:
        # a DECIMAL as what JSON makes of it; to convert all of them anew took .1 ms a row
        return [(name, float(least), float(most)) for name, (least, most) in self.numbers.items()]

    def beyond(self, values: Mapping[str, Any]) -> list[str]:
        """Say in words which values no row has.

        Parameters
        ----------
        values
            By feature. Of numbers the range counts, of categories the value itself; null says
            nothing.

        Returns
        -------
        list of str
            One sentence a feature.
        """
        if not self.rows:
            if all(value is None for value in values.values()):
                return []
            return [
                f"the mart has no date that {self.model_version} learned from: ranges are not "
                "compared"
            ]
        sentences = [
            f"{name} would be {value}, which the model never saw"
            for name, labels in self.labels.items()
            if (value := values.get(name)) is not None and value not in labels
        ]
        for name, least, most in self._limits:
            value = values.get(name)
            if value is not None and not least <= float(value) <= most:
                learned = " to ".join(in_words(limit) for limit in self.numbers[name])
                sentences.append(
                    f"{name} would be {in_words(value)}; the model learned from {learned}"
                )
        return sentences


def in_words(value: Any) -> str:  # noqa: ANN401
    """Write a value of a feature for a reader."""
    if value is None or isinstance(value, bool):
        return {None: "unknown", True: "yes", False: "no"}[value]
    if isinstance(value, float) and 0 < abs(value) < 1:
        return f"{value:.4g}"
    return f"{value:,.2f}" if isinstance(value, Decimal | float) else f"{value}"
