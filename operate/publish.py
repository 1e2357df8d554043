"""Which generation is published: list those that are kept, and go back to one of them.

python operate/publish.py --list
python operate/publish.py --rollback
python operate/publish.py --to-store s3://bucket/prefix
"""

from __future__ import annotations

import os
from typing import Annotated

import duckdb
import typer

import warehouse
from core import lock
from core.expected_errors import expected_errors
from core.generations import KEEP, Generations
from core.store import shown
from operate.night.ledger import HELD
from operate.to_store import publish_to


@expected_errors()
def main(
    list_all: Annotated[
        bool, typer.Option("--list", help="Show the generations that are kept.")
    ] = False,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Publish the one before the present one again.")
    ] = False,
    to: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Publish this one again.")
    ] = None,
    keep: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Remove the oldest beyond so many; with 1 a store keeps no way back.",
        ),
    ] = None,
    to_store: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Publish in this object store, too, what is published here then. A roll-back does "
            "so where PUBLISH_TO is set.",
        ),
    ] = None,
) -> None:
    """Show, bring back or remove generations: warehouse, models, reports and docs together."""
    generations = Generations(warehouse.published())
    goes_back = rollback or to is not None
    if not (list_all or goes_back or keep or to_store):
        raise typer.BadParameter(
            "say what to do: --list, --rollback, --to NUMBER, --keep N or --to-store URL"
        )
    if goes_back:
        to_store = to_store or os.environ.get("PUBLISH_TO")
    try:
        with lock.held("the change of generation"):
            if goes_back:
                number = generations.roll_back(to)
                typer.echo(f"generation {number} is published; API and app follow by themselves")
            if keep:
                gone = generations.prune(keep)
                typer.echo(f"removed: {', '.join(map(str, gone)) or 'none'}")
            if to_store:
                manifest = publish_to(to_store, keep or KEEP)
                typer.echo(f"generation {manifest.generation} is published in {shown(to_store)}")
    except lock.RunningError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(HELD) from error
    if list_all:
        for number in generations.kept:
            mark = "published" if number == generations.current else ""
            typer.echo(f"{number:>6}  {_described(generations, number):<60} {mark}".rstrip())


def _described(generations: Generations, number: int) -> str:
    file = generations.folder_of(number) / generations.place.name
    try:
        with duckdb.connect(str(file), read_only=True) as connection:
            if not warehouse.has_table(connection, "main", "generation"):
                return "before the first night"
            rows = connection.execute(
                "select created_at::timestamp(0), as_of_date, model_version from main.generation"
            ).fetchall()
    except duckdb.Error as error:
        return f"cannot be read: {str(error).splitlines()[0]}"
    # generation 0 is what lay there before, without a row
    return " ".join(map(str, rows[0])) if rows else "before the first night"


if __name__ == "__main__":
    typer.run(main)
