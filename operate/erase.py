"""Erase customers: from the warehouse, all that is derived from them, models, reports and logs.

python operate/erase.py CUSTOMER [...] [--file ids.txt]

Works on a private copy, which is published by one rename when a search has found nothing of them in
it; a kill leaves the old state or the new one, and the same call again completes what is left.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

import warehouse
from core import dbt_runner
from core.expected_errors import expected_errors
from core.generations import MODELS, REPORTS, Generations
from core.lock import held
from core.scratch import scratch
from operate.erasing import beside, rows, search
from operate.erasing import people as who
from operate.erasing.people import EraseError, People
from operate.erasing.rewrite import rewrite
from operate.erasing.search import Searched
from operate.night.sign import sign
from operate.to_store import publish_to
from serve import serving_copy
from serve.explain import explain
from serve.score import score
from train.registry import artefact, versions
from train.registry.forgetting import forget

log = logging.getLogger(__name__)


@dataclass
class Erasure:
    """What an erasure did.

    Attributes
    ----------
    customers
        How many were erased; 0 if all of them had been erased before.
    rows
        Rows removed or changed, by table.
    rewritten, removed
        Files.
    searched
        The last search, of all files that the product owns.
    generation
        The number of the generation that is published now.
    """

    customers: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    rewritten: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    searched: Searched = field(default_factory=Searched)
    generation: int | None = None


def erase(
    given: Sequence[str], *, columns: Sequence[str] = (), as_of: str | None = None
) -> Erasure:
    """Erase customers from the warehouse and from everything that the product keeps of them.

    Parameters
    ----------
    given
        Ids, in any spelling that staging reads as theirs.
    columns
        `schema.table.column` of ids of customers that are not called customer_id.
    as_of
        ISO date that the mart is built as of; None: the day after the last one that the data reach.

    Raises
    ------
    EraseError
        If an id is unknown, or something of them would be left; nothing has changed then.
    core.dbt_runner.BuildError
        If a test stops the build without them; nothing has changed then.
    core.lock.HeldError
        If a night is running.
    """
    place = warehouse.published()
    generations = Generations(place)
    result = Erasure()
    with held("the erasure"):
        people = _resolved(given, columns)
        if people.words or people.ids - _before(people.ids):
            people = _publish_without(generations, people, columns, as_of, result)
        result.removed += beside.remove_older_generations(generations)
        result.removed += beside.clean(place, people)
        found = beside.search(place, people)
        result.searched.files, result.searched.hits = found.files, found.hits
        result.generation = generations.current
    return result


def _resolved(given: Sequence[str], columns: Sequence[str]) -> People:
    """Return who is meant, with their words."""
    ids = who.canonical_ids(given)
    with warehouse.connect(read_only=True) as connection:
        keys = who.id_columns(connection, columns)
        unknown = ids - who.known(connection, ids, keys)
        unknown -= who.erased_before(connection, unknown)
        if unknown:
            listed = ", ".join(sorted(unknown)[:5])
            raise EraseError(
                f"{warehouse.path()} knows no customer {listed}; nothing was changed. Ids are "
                "those of raw.customer_details and raw.store_sales_header"
            )
        return who.with_words(connection, ids, keys)


def _before(ids: frozenset[str]) -> frozenset[str]:
    """Return those who are gone already: an erasure before was killed, or asked for twice."""
    with warehouse.connect(read_only=True) as connection:
        return ids - who.known(connection, ids, who.id_columns(connection))


def _publish_without(
    generations: Generations,
    people: People,
    columns: Sequence[str],
    as_of: str | None,
    result: Erasure,
) -> People:
    """Make a generation without the people and publish it."""
    with (
        scratch() as folder,
        # in a folder that goes: messages of tests may show rows
        warehouse.environment(
            DBT_TARGET_PATH=str(folder / "target"), DBT_LOG_PATH=str(folder / "logs")
        ),
        generations.private_copy() as copy,
        warehouse.in_warehouse(copy.file),
    ):
        home = copy.file.parent
        people = _remove(people, columns, result, home)
        _derive_again(as_of)
        result.removed += _relative(beside.remove_naming(home / REPORTS, people), home)
        rewrite(copy.file)
        searched = search.whole(home, people, columns)
        if searched.hits:
            raise EraseError(
                f"something is still said of them in {'; '.join(searched.hits[:5])}: nothing was "
                "changed. If a column holds ids of customers under another name, say so with "
                "--column schema.table.column"
            )
        with warehouse.writer() as connection:
            _enter(connection, people, result, searched)
            sign(connection, generations.next_number)
            connection.execute("checkpoint")
        result.customers, result.searched.columns = len(people.ids), searched.columns
        generations.publish(copy)
    # those of API servers, of generations that hold them; a server may be making the new one
    serving_copy.remove_former(generations.place.resolve())
    return people


def _remove(people: People, columns: Sequence[str], result: Erasure, home: Path) -> People:
    """Take people out of tables and models."""
    with warehouse.writer() as connection:
        keys = who.id_columns(connection, columns)
        mart = f"features.{warehouse.FEATURE_MART}"
        features = connection.execute(
            f"select {warehouse.contract().selected('mart')} from {mart} as mart"
            f" where {people.is_meant_by('customer_id')}"
        ).df()
        people, result.rows = rows.remove(connection, people, keys)
        versions.prepare(connection)
        connection.execute("update main.model_registry set trained_with_erased = true")
        # parts of totals with them in it, made again below of the current date
        connection.execute("delete from main.forecast_changes")
    models = home / MODELS
    for folder in sorted(models.iterdir()) if models.is_dir() else []:
        if (folder / artefact.CARD_FILE).is_file():
            result.rewritten += _relative(map(str, forget(folder, people.ids, features)), home)
    return people


def _derive_again(as_of: str | None) -> None:
    """Build everything anew, and score and explain it with the champion."""
    variables = dbt_runner.variables(as_of)
    dbt_runner.build(variables, full_refresh=True)
    try:
        scored = score()
        explain(scored.as_of)
    except artefact.ArtefactError as error:
        log.warning("not scored again, forecasts of the others are those of before: %s", error)
    dbt_runner.build(variables, select=dbt_runner.WRITTEN_BY_PYTHON)


def _enter(connection, people: People, result: Erasure, searched: Searched) -> None:  # noqa: ANN001
    """Write a line for each of the people into the ledger, which does not say who it was."""
    definition = ", ".join(warehouse.written_columns(who.LEDGER))
    connection.execute(f"create table if not exists main.{who.LEDGER} ({definition})")
    for customer in sorted(people.ids):
        salt = secrets.token_hex(16)
        connection.execute(
            f"""
            insert into main.{who.LEDGER} by name
            select
                ? as id_hash, ? as salt, timezone('UTC', now()) as erased_at,
                map(?::varchar[], ?::bigint[]) as rows_removed,
                ?::varchar[] as files_rewritten, ?::varchar[] as files_removed,
                ? as files_searched, ? as columns_searched, ? as hits
            """,
            [
                who.hashed(salt, customer),
                salt,
                list(result.rows),
                list(result.rows.values()),
                result.rewritten,
                result.removed,
                searched.files,
                searched.columns,
                len(searched.hits),
            ],
        )


def _relative(files: Sequence[str] | Iterator[str], home: Path) -> list[str]:
    return [str(Path(file).relative_to(home)) for file in files]


@expected_errors()
def main(
    customers: Annotated[
        list[str] | None, typer.Argument(help="Ids, in any spelling.", show_default=False)
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="A file with an id on each line."),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SCHEMA.TABLE.COLUMN",
            help="A column with ids of customers that is not called customer_id; may be repeated.",
        ),
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Build as if this day were today."),
    ] = None,
    publish_to_store: Annotated[
        str | None,
        typer.Option(
            "--publish-to",
            metavar="URL",
            envvar="PUBLISH_TO",
            help="The store that nights publish to: it then holds no generation of before, either.",
        ),
    ] = None,
) -> None:
    """Erase customers for good: tables, forecasts, models, reports, logs and older generations."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    listed = [line.strip() for line in file.read_text().splitlines()] if file else []
    given = [*(customers or ()), *(line for line in listed if line)]
    day = as_of.date().isoformat() if as_of else None
    result = erase(given, columns=column or (), as_of=day)
    for table, count in result.rows.items():
        typer.echo(f"  {count:>9,} rows of {table}")
    for name in result.rewritten:
        typer.echo(f"  written anew: {name}")
    for name in result.removed:
        typer.echo(f"  removed or without the words: {name}")
    typer.echo(
        f"{result.customers:,} customers erased; generation {result.generation} is published and "
        f"has no way back. {result.searched}"
    )
    if publish_to_store:
        publish_to(publish_to_store, keep=1)
        typer.echo(f"{publish_to_store} holds generation {result.generation} alone")
    if result.searched.hits:
        for place in result.searched.hits:
            typer.echo(f"error: still named in {place}", err=True)
        raise typer.Exit(1)
    if result.customers:
        typer.echo("The models have learned from them: run `make fit`, then `make score`")


if __name__ == "__main__":
    typer.run(main)
