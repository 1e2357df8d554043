"""Whether a fit is due tonight, and why."""

from __future__ import annotations

from enum import StrEnum

import duckdb

import warehouse
from train.registry import artefact
from train.registry.card import UntrustedError


class Fit(StrEnum):
    """When a night fits."""

    AUTO = "auto"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    NEVER = "never"


DAYS = {Fit.WEEKLY: 7, Fit.MONTHLY: 30}
# of so many newest judged scoring runs of the champion, more than a third of the scores were worse
# than it had expected of itself; a tenth is what an honest model has
RUNS, WORSE = 7, 1 / 3
# a fit that was no better is not tried again every night
PAUSE_DAYS = 7


def why_fit(when: Fit) -> str | None:
    """Return why a fit is due in the warehouse as it is built now; None where it is not."""
    if when is Fit.NEVER:
        return None
    try:
        version = artefact.champion().version
    except UntrustedError:
        # no reason to let another take its place without a word
        raise
    except artefact.ArtefactError as error:
        return error.what
    with warehouse.connect(read_only=True) as connection:
        [(days, has_erased)] = connection.execute(
            """
            select
                date_diff('day', max(registry.as_of_date), any_value(snapshots.as_of_date)),
                bool_or(registry.status = 'champion' and registry.trained_with_erased)
            from main.model_registry as registry
            cross join intermediate.int_snapshots_scheduled as snapshots
            where snapshots.is_current
            """
        ).fetchall()
        if has_erased and days > 0:
            return f"{version} has learned from customers who are erased"
        if when in DAYS:
            return f"the last fit is {days} days old" if days >= DAYS[when] else None
        return _behind(connection, version) if days >= PAUSE_DAYS else None


def _behind(connection: duckdb.DuckDBPyConnection, version: str) -> str | None:
    """Say how a model does worse than it had expected of itself, if it does."""
    if not warehouse.has_table(connection, "marts", "forecast_scorecard"):
        return None
    [(scores, worse, first)] = connection.execute(
        """
        with judged as (
            select as_of_date, realised > high as is_worse
            from marts.forecast_scorecard
            where model_version = ? and metric in ('rmse', 'wape', 'brier')
            qualify dense_rank() over (order by as_of_date desc) <= ?
        )
        select count(*), count_if(is_worse), min(as_of_date) from judged
        """,
        [version, RUNS],
    ).fetchall()
    if not scores or worse <= WORSE * scores:
        return None
    return (
        f"{worse} of {scores} scores of its forecasts since {first} are worse than {version} had "
        "expected of itself"
    )
