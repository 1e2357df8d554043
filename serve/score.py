"""Score every customer of an as-of date and keep the scores in the table `predictions`.

The mart is read through a reader that closes before the writing begins; the date's old rows
go and the new ones come in one transaction, so that nobody ever sees half of a run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, NamedTuple

import duckdb
import numpy as np
import pandas as pd
import typer

import warehouse
from core.bar import bar
from core.expected_errors import expected_errors
from serve import predictions
from serve.predictions import MART, ScoreError
from serve.repository import built_or_error
from train.forecaster import COLUMNS
from train.registry import artefact as artefacts

log = logging.getLogger(__name__)

BATCH_ROWS = 50_000


@dataclass(frozen=True)
class ScoreResult:
    """What a scoring run wrote."""

    as_of: date
    horizon_days: int
    model_version: str
    customers: int
    replaced: int  # rows of the same as-of date that an earlier run had left
    expected_revenue: float
    expected_buyers: float


class Scores(NamedTuple):
    """What a run forecasts of each customer; customer_id is in all of them.

    Attributes
    ----------
    days
        COLUMNS.
    longer
        What `Horizons.table` says, with the customer in the place of the row; in parts, as all of
        it is the most that a run holds.
    lifetimes
        What `Horizons.lifetime` says; in parts, too.
    """

    days: pd.DataFrame
    longer: list[pd.DataFrame]
    lifetimes: list[pd.DataFrame]

    @classmethod
    def joined(cls, scores: Sequence[Scores]) -> Scores:
        """Put the scores of some customers beside those of others."""
        return cls(
            pd.concat([each.days for each in scores], ignore_index=True),
            [part for each in scores for part in each.longer],
            [part for each in scores for part in each.lifetimes],
        )


# a connection with the mart, the champion and the as-of date
Predict = Callable[[duckdb.DuckDBPyConnection, artefacts.Artefact, date], Scores]


def score(as_of: date | None = None, predict: Predict | None = None) -> ScoreResult:
    """Score all customers of one as-of date with the champion.

    Parameters
    ----------
    as_of
        A date that the feature mart holds; the current as-of date by default.
    predict
        Who forecasts; `predict_date`, in this process, by default.

    Raises
    ------
    ScoreError
        If the mart has no such date, its last build ended red, or a score is not usable.
    train.registry.artefact.ArtefactError
        If there is no model, or it does not fit the mart.
    warehouse.WarehouseError
        If the warehouse is missing, not built, or held by another process.
    """
    with built_or_error():
        with warehouse.connect(read_only=True) as connection:
            _refuse_red(connection)
            day = _resolve(connection, as_of)
        champion = artefacts.champion()
        if champion.card["as_of"] > day.isoformat():
            log.warning(
                "%s was fitted as of %s and has seen what followed %s: these are no forecasts",
                champion.version,
                champion.card["as_of"],
                day,
            )
        with warehouse.connect(read_only=True) as connection:
            scored = (predict or predict_date)(connection, champion, day)
            # what all customers of a date share is in any row
            row = connection.execute(
                f"select {warehouse.contract().selected('mart')} from {MART} as mart"
                " where as_of_date = ? order by customer_id limit 1",
                [day],
            ).df()
        doubt = champion.forecaster.doubt_of_totals(row)
        scores = scored.days
        expected = champion.forecaster.expected_scores(scores, doubt["month_doubt"])
        scores.insert(0, "as_of_date", day)
        scores["model_version"] = champion.version
        scores["scored_at"] = datetime.now(UTC).replace(tzinfo=None)
        horizon = int(champion.card["horizon_days"])
        carried_on = {
            "predictions_by_horizon": scored.longer,
            "customer_lifetimes": scored.lifetimes,
        }
        replaced = predictions.replace(scores, day, doubt, expected, horizon, carried_on)
    return ScoreResult(
        as_of=day,
        horizon_days=horizon,
        model_version=champion.version,
        customers=len(scores),
        replaced=replaced,
        expected_revenue=float(scores["predicted_30d_spend"].sum()),
        expected_buyers=float(scores["purchase_probability"].sum()),
    )


def _refuse_red(connection: duckdb.DuckDBPyConnection) -> None:
    if not warehouse.has_table(connection, "builds", "red_gates"):
        return
    rows = connection.execute("select distinct name from builds.red_gates order by name").fetchall()
    if rows:
        gates = ", ".join(name for (name,) in rows)
        raise ScoreError(
            f"the features have not passed their gates ({gates}), and nothing was scored: mend it, "
            "or undo the load, and run `make build`"
        )


def _resolve(connection: duckdb.DuckDBPyConnection, as_of: date | None) -> date:
    """Return the as-of date to score; it is in the mart."""
    if as_of is None:
        current = connection.execute(
            "select as_of_date from intermediate.int_snapshots_scheduled where is_current"
        ).fetchone()
        if current is None:
            raise ScoreError("the warehouse has no current as-of date: run `make build`")
        as_of = current[0]
    dates = [
        row[0] for row in connection.execute(f"select distinct as_of_date from {MART}").fetchall()
    ]
    if as_of in dates:
        return as_of
    if not dates:
        raise ScoreError("the feature mart is empty: load customers, then run `make build`")
    nearest = sorted(sorted(dates, key=lambda day: abs(day - as_of))[:3])
    raise ScoreError(
        f"the feature mart has no as-of date {as_of}. The nearest are "
        f"{', '.join(map(str, nearest))}; score one of them, or build the mart as if {as_of} "
        f"were today: dbt build --vars '{{as_of: {as_of}}}'"
    )


def predict_date(
    connection: duckdb.DuckDBPyConnection, champion: artefacts.Artefact, day: date
) -> Scores:
    """Forecast each customer of a date that the connection's mart has.

    Raises
    ------
    ScoreError
        If a score is not usable.
    """
    contract = warehouse.contract()
    # with several, rows come in another order each time: what is drawn of them would differ
    connection.execute("set threads = 1")
    # fetched to its end: a relation needs a connection without an open result
    [(population,)] = connection.execute(
        f"select count(*) from {MART} where as_of_date = ?", [day]
    ).fetchall()
    rows = connection.sql(
        f"""
        select mart.customer_id, {contract.selected("mart")} from {MART} as mart
        where as_of_date = $day
        """,
        params={"day": day},
    )
    batches = []
    with bar() as progress:
        task = progress.add_task(f"Scoring {day}", total=population)
        for record_batch in rows.to_arrow_reader(BATCH_ROWS):
            batch = record_batch.to_pandas()
            rows_of_model = champion.forecaster.rows(batch)
            scored = pd.DataFrame(champion.forecaster.predict_rows(rows_of_model))[list(COLUMNS)]
            longer, lifetimes = champion.forecaster.by_horizon(rows_of_model, scored)
            customers = batch["customer_id"].to_numpy()
            scored.insert(0, "customer_id", customers)
            _check(scored)
            longer.insert(0, "customer_id", customers[longer.pop("row")])
            lifetimes.insert(0, "customer_id", customers)
            batches.append(Scores(scored, [longer], [lifetimes]))
            progress.advance(task, len(scored))
    return Scores.joined(batches)


def _check(scored: pd.DataFrame) -> None:
    """Refuse scores that are not finite, negative, no probability, or out of order."""
    values = scored[list(COLUMNS)].to_numpy(dtype=float)
    rules = {
        "are not finite": ~np.isfinite(values).all(axis=1),
        "are negative": (values < 0).any(axis=1),
        "have a purchase probability above 1": scored["purchase_probability"].to_numpy() > 1,
        "break p10 <= p50 <= p90": (np.diff(values[:, 2:5], axis=1) < 0).any(axis=1),
        "break low <= high": values[:, 5] > values[:, 6],
    }
    for what, broken in rules.items():
        if broken.any():
            example = scored.loc[broken].iloc[0].to_dict()
            raise ScoreError(
                f"{broken.sum()} scores {what}, for example {example}. Nothing was written; "
                "fit again with `python train/fit.py`"
            )


@expected_errors()
def main(
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="An as-of date that the feature mart holds. Default: the current one.",
        ),
    ] = None,
) -> None:
    """Score every customer with the fitted model and write the table `predictions`.

    The rows of the same as-of date are replaced; those of other dates stay.
    """
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    result = score(as_of.date() if as_of else None)
    typer.echo(
        f"{result.customers:,} customers scored as of {result.as_of} with {result.model_version}: "
        f"{result.expected_revenue:,.2f} expected in the next {result.horizon_days} days, "
        f"{result.expected_buyers:,.0f} buyers"
    )


if __name__ == "__main__":
    typer.run(main)
