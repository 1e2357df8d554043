"""One command for all that the project does: `shop`, or `shop COMMAND --help`.

All but build, docs and app are scripts of their own, too; docs/reference/commands.md names them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import warehouse
from core.expected_errors import expected_errors, keep_files_private

# what each command does, and the module whose `main` it is: read only when it is called, since dbt
# and scikit-learn take seconds to import
COMMANDS = {
    "run": ("operate.job", "Load or generate, build, fit, score, and print the answer."),
    "nightly": ("operate.nightly", "Load what is new, build, score and publish, unattended."),
    "publish": ("operate.publish", "List the generations that nights published, or go back."),
    "load": ("load.command", "Load a shop's own files, append to them, or take a load back."),
    "generate": ("generate.synthetic", "Generate a shop whose truth is known."),
    "truth": ("generate.truth", "Add the best possible forecast of a generated shop."),
    "profile": ("pages.profile.write", "Write reports/profile.html, a first look at the data."),
    "build": ("operate.shop:build", "Build the feature mart with its tests (dbt build)."),
    "fit": ("train.fit", "Learn from the feature mart; promote or roll back a version."),
    "backtest": ("train.backtest", "Forecast as of past dates, each from its own past."),
    "score": ("serve.score", "Write the table predictions."),
    "explain": ("serve.explain", "Write the reasons of the predictions."),
    "what-if": ("serve.what_if", "Forecast a customer as if they had bought more."),
    "audience": ("serve.audience", "Choose whom to contact with a budget; show what came of it."),
    "features": ("serve.features", "Give the rows of a file the features of their own day."),
    "export": ("serve.export", "Write the feature mart as Parquet."),
    "export-tables": ("serve.export_tables", "Write all of main and marts as Parquet."),
    "erase": ("operate.erase", "Erase customers for good, from everything that is kept."),
    "catalog": ("operate.catalog", "Bring marts.feature_catalog up to date."),
    "docs": ("operate.shop:docs", "Write dbt's documentation site."),
    "api": ("serve.api", "Serve the model over HTTP."),
    "app": ("operate.shop:app", "Open the app in a browser; it calls the API."),
    "mcp": ("serve.mcp_server", "Serve forecasts to assistants (MCP, over stdio)."),
    "shards": ("shards.build", "Build in shards: bounded memory, or many machines."),
}
DBT_ENVIRONMENT = {
    "DBT_PROJECT_DIR": str(warehouse.DBT_PROJECT),
    "DBT_PROFILES_DIR": str(warehouse.DBT_PROJECT),
    "DO_NOT_TRACK": "1",
}

AsOf = Annotated[str | None, typer.Option(metavar="DATE", help="As if this day were today.")]


class _Lazy(TyperCommand):
    """A command that is imported when it is called."""

    def __init__(self, name: str, place: str, summary: str) -> None:
        super().__init__(name, help=summary, short_help=summary)
        self._place = place

    # as in click, whose types typer does not give away
    def make_context(self, info_name, args, parent=None, **extra) -> Any:  # noqa: ANN001, ANN003, ANN401
        module, _, function = self._place.partition(":")
        command = typer.Typer(add_completion=False)
        command.command()(getattr(import_module(module), function or "main"))
        return typer.main.get_command(command).make_context(info_name, args, parent, **extra)


class _Shop(TyperGroup):
    # the context is click's, as above
    def list_commands(self, ctx) -> list[str]:  # noqa: ANN001
        return list(COMMANDS)

    def get_command(self, ctx, cmd_name: str) -> _Lazy | None:  # noqa: ANN001
        if cmd_name not in COMMANDS:
            return None
        return _Lazy(cmd_name, *COMMANDS[cmd_name])


shop = typer.Typer(cls=_Shop, no_args_is_help=True, rich_markup_mode=None)


@shop.callback()
def main() -> None:
    """Forecast each customer's spend of the next 30 days, from a feature store in SQL."""
    keep_files_private()


@expected_errors()
def build(
    as_of: AsOf = None,
    select: Annotated[str | None, typer.Option(help="dbt's node selection.")] = None,
    full_refresh: Annotated[bool, typer.Option("--full-refresh", help="Build all anew.")] = False,
) -> None:
    """Build the models and run their tests, as `dbt build` in dbt_project/ does."""
    chosen = ["--select", *select.split()] if select else []
    _dbt("build", as_of, *chosen, *(["--full-refresh"] if full_refresh else []))


@expected_errors()
def docs(as_of: AsOf = None) -> None:
    """Write the documentation site to dbt_project/target/static_index.html."""
    _dbt("docs", as_of, "generate", "--static")


@expected_errors()
def app(
    with_contacts: Annotated[
        bool, typer.Option("--with-contacts", help="Show and search names, e-mails and phones too.")
    ] = False,
) -> None:
    """Open the app on http://127.0.0.1:8501."""
    if with_contacts and os.environ.get("GENERATION_URL"):
        raise warehouse.ShopError("what nights publish to a store has no contacts to show")
    os.chdir(warehouse.ROOT)
    options = ["--", "--with-contacts"] if with_contacts else []
    # in the place of this process: who ends the one ends the other
    os.execv(_installed("streamlit"), ["streamlit", "run", "serve/app.py", *options])


def _dbt(command: str, as_of: str | None, *arguments: str) -> None:
    variables = ["--vars", f'{{as_of: "{as_of}"}}'] if as_of else []
    raise typer.Exit(_call("dbt", command, *arguments, *variables))


def _installed(program: str) -> str:
    return str(Path(sys.executable).with_name(program))


def _call(program: str, *arguments: str) -> int:
    environment = {**os.environ, **DBT_ENVIRONMENT}
    return subprocess.run(
        [_installed(program), *arguments], cwd=warehouse.DBT_PROJECT, env=environment
    ).returncode


if __name__ == "__main__":
    shop()
