"""How a command ends when something cannot be done: a message, no traceback, and exit code 1."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import typer

import warehouse

P = ParamSpec("P")
R = TypeVar("R")


def expected_errors(*others: type[Exception]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a command: a `ShopError`, or one of `others`, ends it with its message on stderr."""
    expected: tuple[type[Exception], ...] = (warehouse.ShopError, *others)

    def decorate(command: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(command)
        def run(*arguments: P.args, **options: P.kwargs) -> R:
            try:
                return command(*arguments, **options)
            except expected as error:
                typer.echo(f"error: {error}", err=True)
                raise typer.Exit(1) from error

        return run

    return decorate
