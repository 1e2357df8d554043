"""How a command begins and ends: its files are the user's own, its errors a message and code 1."""

from __future__ import annotations

import errno
import functools
import os
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

import typer

import warehouse

P = ParamSpec("P")
R = TypeVar("R")

# of a disk, a quota, a limit of the process
_FULL = tuple(os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


def keep_files_private() -> None:
    """Let nobody but the user read what this process and its children write: it holds customers."""
    os.umask(0o077)


def expected_errors(*others: type[Exception]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorate a command: a `ShopError`, or one of `others`, ends it with its message on stderr.

    A full disk does, too; and what the command writes is private to the user.
    """
    expected: tuple[type[Exception], ...] = (warehouse.ShopError, *others)

    def decorate(command: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(command)
        def run(*arguments: P.args, **options: P.kwargs) -> R:
            keep_files_private()
            try:
                return command(*arguments, **options)
            except expected as error:
                typer.echo(f"error: {error}", err=True)
                raise typer.Exit(1) from error
            except Exception as error:
                if not (full := _full_disk(error)):
                    raise
                typer.echo(
                    f"error: {full}: make room on the disk of {warehouse.path().parent} (or in the "
                    "limits of this process) and run this again; what was there before is whole",
                    err=True,
                )
                raise typer.Exit(1) from error

        return run

    return decorate


def _full_disk(error: BaseException) -> str | None:
    """Return how the system says that nothing more can be written, if that is behind an error."""
    for each in _chain(error):
        for words in _FULL:
            if words in str(each):
                return words
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
