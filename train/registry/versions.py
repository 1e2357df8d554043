"""The warehouse's register of models: every version, its figures, which one is the champion.

`model_registry` has a row per version, `model_evaluation` one per version and model; importance and
training dates are kept of the champion only, as `feature_catalog` shows them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import duckdb

import warehouse
from core.metrics import METRICS
from train.registry import artefact
from train.registry.promotion import CHALLENGER, CHAMPION, FORMER, Verdict

# what a fit writes; dbt makes the tables too, so that a build before any fit is green
TABLES = ("model_registry", "model_evaluation", "feature_importance", "training_dates")


def enter(connection: duckdb.DuckDBPyConnection, card: Mapping[str, Any], verdict: Verdict) -> None:
    """Enter a fitted version with the status it has earned, in one transaction.

    The same version fitted again replaces itself; the champion stays it, since when and why too.

    Parameters
    ----------
    card
        As `train.registry.artefact.read_card` returns it.
    """
    with warehouse.transaction(connection):
        prepare(connection)
        version = card["version"]
        reigned = connection.execute(
            "select promoted_at, reason from main.model_registry where version = ? and status = ?",
            [version, CHAMPION],
        ).fetchone()
        _replace(connection, card, verdict.reason)
        if verdict.status == CHAMPION or reigned:
            _set_champion(connection, card, verdict.reason)
        if reigned:
            connection.execute(
                "update main.model_registry set promoted_at = ?, reason = ? where version = ?",
                [*reigned, version],
            )


def promote(version: str) -> str:
    """Make a version the champion, whatever it was, once it has proved to load.

    A version that the warehouse does not know, say because the file was made anew, is entered from
    its card.

    Returns
    -------
    str
        What happened, in one sentence.

    Raises
    ------
    train.registry.artefact.ArtefactError
        If it cannot be used; the champion stays.
    """
    return _promote(version, "promoted by hand")


def roll_back() -> str:
    """Make the version the champion that was it before; twice brings back the present one.

    Returns
    -------
    str
        What happened, in one sentence.

    Raises
    ------
    train.registry.artefact.ArtefactError
        If there was none, or it cannot be used; the champion stays.
    """
    with _existing() as connection:
        prepare(connection)
        before = connection.execute(
            "select version from main.model_registry where status = ?"
            " order by promoted_at desc nulls last, fitted_at desc, version limit 1",
            [FORMER],
        ).fetchone()
    if before is None:
        raise artefact.ArtefactError("no version was champion before, so there is no way back")
    return _promote(before[0], "rolled back to by hand")


def _promote(version: str, how: str) -> str:
    with _existing() as connection:
        prepare(connection)
        registered = connection.execute(
            "select sha256 from main.model_registry where version = ?", [version]
        ).fetchone()
        present = connection.execute(
            "select version from main.model_registry where status = ?", [CHAMPION]
        ).fetchall()
        if registered:
            card = artefact.registered(version, *registered).card
        else:
            card = artefact.load(artefact.folder_of(version)).card
        artefact.check_horizon(card, connection)
        if present == [(version,)]:
            return f"{version} is the champion already"
        others = [str(other) for (other,) in present if other != version]
        instead = f" instead of {' and '.join(others)}" if others else ""
        with warehouse.transaction(connection):
            if not registered:
                _replace(connection, card, how)
            _set_champion(connection, card, f"{how}{instead}")
    return f"{version} is the champion now{instead}"


def _existing() -> duckdb.DuckDBPyConnection:
    # opened to write at once, a missing file would be made
    warehouse.connect(read_only=True).close()
    return warehouse.writer()


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables, or give those of an earlier version of the project what they lack."""
    for table in TABLES:
        columns = warehouse.written_columns(table)
        connection.execute(f"create table if not exists main.{table} ({', '.join(columns)})")
        for column in columns:
            typed = column.removesuffix(" not null")
            connection.execute(f"alter table main.{table} add column if not exists {typed}")


def _replace(connection: duckdb.DuckDBPyConnection, card: Mapping[str, Any], reason: str) -> None:
    """Write a version's rows, as a challenger's."""
    version, models = card["version"], card["metrics"]
    connection.execute("delete from main.model_evaluation where model_version = ?", [version])
    for model, metrics in models.items():
        row = {
            "model_version": version,
            "model": model,
            "test_as_of_date": card["test_as_of_date"],
            **{name: metrics.get(name) for name in METRICS},
            "is_chosen": model == card["chosen"],
        }
        _insert(connection, "model_evaluation", row)
    connection.execute("delete from main.model_registry where version = ?", [version])
    row = {
        "version": version,
        "as_of_date": card["as_of"],
        "status": CHALLENGER,
        "reason": reason,
        "git_revision": card["git_revision"],
        "contract_hash": card["contract"]["hash"],
        "data_fingerprint": card["data_fingerprint"],
        "test_as_of_date": card["test_as_of_date"],
        "validation_as_of_dates": card["validation_as_of_dates"],
        "training_as_of_dates": card["training_as_of_dates"],
        "parameters": json.dumps(card["parameters"]),
        "metrics": json.dumps({"chosen": models[card["chosen"]], "models": models}),
        "sha256": card["sha256"],
    }
    _insert(connection, "model_registry", row)


def _insert(connection: duckdb.DuckDBPyConnection, table: str, row: Mapping[str, object]) -> None:
    marks = ", ".join("?" for _ in row)
    connection.execute(
        f"insert into main.{table} ({', '.join(row)}, fitted_at)"
        f" values ({marks}, timezone('UTC', now()))",
        list(row.values()),
    )


def _set_champion(
    connection: duckdb.DuckDBPyConnection, card: Mapping[str, Any], reason: str
) -> None:
    """Make an entered version the champion, and write what is kept of the champion only."""
    version = card["version"]
    connection.execute(
        "update main.model_registry set status = ? where status = ? and version is distinct from ?",
        [FORMER, CHAMPION, version],
    )
    connection.execute(
        "update main.model_registry set status = ?, reason = ?,"
        " promoted_at = timezone('UTC', now()) where version = ?",
        [CHAMPION, reason, version],
    )
    importance = sorted(card["importance"].items(), key=lambda item: -item[1])
    _of_champion(
        connection,
        "feature_importance",
        version,
        {
            "unnest(?::varchar[]) as feature": [name for name, _ in importance],
            "unnest(?::double[]) as importance": [loss for _, loss in importance],
        },
    )
    learned_from = {"unnest(?::date[]) as as_of_date": card["training_as_of_dates"]}
    _of_champion(connection, "training_dates", version, learned_from)


def _of_champion(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    version: str,
    columns: Mapping[str, list[Any]],
) -> None:
    connection.execute(f"delete from main.{table}")
    connection.execute(
        f"""
        insert into main.{table} by name
        select {", ".join(columns)}, version as model_version, fitted_at
        from main.model_registry
        where version = ?
        """,
        [*columns.values(), version],
    )
