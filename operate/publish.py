"""Which generation is published: list those that are kept, and go back to one of them.

python operate/publish.py --list
python operate/publish.py --rollback
"""

from __future__ import annotations

from typing import Annotated

import duckdb
import typer

import warehouse
from core import lock
from core.expected_errors import expected_errors
from core.generations import Generations
from operate.night.ledger import HELD


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
        int | None, typer.Option(min=2, help="Remove the oldest beyond so many.")
    ] = None,
) -> None:
    """Show, bring back or remove generations: warehouse, models, reports and docs together."""
    generations = Generations(warehouse.published())
    if not (list_all or rollback or to is not None or keep):
        raise typer.BadParameter("say what to do: --list, --rollback, --to NUMBER or --keep N")
    try:
        with lock.held("the change of generation"):
            if rollback or to is not None:
                number = generations.roll_back(to)
                typer.echo(f"generation {number} is published; API and app follow by themselves")
            if keep:
                gone = generations.prune(keep)
                typer.echo(f"removed: {', '.join(map(str, gone)) or 'none'}")
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
