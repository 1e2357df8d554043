"""Which values of features lie outside what the model saw when it learned."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import duckdb

from serve import repository
from serve.predictions import MART


def beyond_training(
    connection: duckdb.DuckDBPyConnection, model_version: str, values: Mapping[str, Any]
) -> list[str]:
    """Say in words which values no row of the mart has at the dates a model learned from.

    Parameters
    ----------
    values
        By feature. Of numbers the range counts, of categories the value itself; null says nothing.

    Returns
    -------
    list of str
        One sentence a feature.
    """
    values = {name: value for name, value in values.items() if value is not None}
    if not values:
        return []
    contract = repository.contract()
    numbers = [name for name in values if name in contract.numeric]
    labels = [name for name in values if name in contract.categorical]
    aggregates = [f"min({name}), max({name})" for name in numbers]
    aggregates += [f"bool_or({name} = ?)" for name in labels]
    learned = "select as_of_date from main.training_dates where model_version = ?"
    [(rows, *results)] = connection.execute(
        f"select count(*), {', '.join(aggregates)} from {MART} where as_of_date in ({learned})",
        [*(values[name] for name in labels), model_version],
    ).fetchall()
    if not rows:
        return [f"the mart has no date that {model_version} learned from: ranges are not compared"]
    sentences = []
    for name in numbers:
        least, most, *results = results
        if least is not None and not least <= values[name] <= most:
            sentences.append(
                f"{name} would be {in_words(values[name])}; the model learned from "
                f"{in_words(least)} to {in_words(most)}"
            )
    for name, is_seen in zip(labels, results, strict=True):
        if not is_seen:
            sentences.append(f"{name} would be {values[name]}, which the model never saw")
    return sentences


def in_words(value: Any) -> str:  # noqa: ANN401
    """Write a value of a feature for a reader."""
    if value is None or isinstance(value, bool):
        return {None: "unknown", True: "yes", False: "no"}[value]
    if isinstance(value, float) and 0 < abs(value) < 1:
        return f"{value:.4g}"
    return f"{value:,.2f}" if isinstance(value, Decimal | float) else f"{value}"
