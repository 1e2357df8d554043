"""Generations: whole states of the warehouse, each in a folder of its own; one is published.

Beside the warehouse:

    warehouse.duckdb -> generations/current/warehouse.duckdb
    models, reports  -> generations/current/models, generations/current/reports
    generations/current -> 000012
    generations/000012/   warehouse.duckdb, models/, reports/, docs/, export/
    generations/000011/   the one before

A generation is made in `.work-<process>` and published by one rename of `current`: who has opened
the file of a former generation reads it to its end, who opens now has the new one whole.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import warehouse
from core.scratch import remove_abandoned

FOLDER, CURRENT = "generations", "current"
MODELS, REPORTS, DOCS, EXPORT = "models", "reports", "docs", "export"
# how many stay unless somebody says otherwise
KEEP = 7
# of folders that nobody looks at yet, with the process behind it
WORK = ".work-"
# files in a generation's folder: that it was published once, and the number that it was made of
_PUBLISHED, _PARENT = ".published", ".parent"
# a copy in one system call; the kernel shares the blocks where the file system can
_AT_A_TIME = 1 << 30
# not known, between file systems, or refused for this kind of file
_NO_SHARED_COPY = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)

State = tuple[tuple[int, int, int], ...]


class PublishError(warehouse.ShopError):
    """A generation cannot be made, published or brought back; the message says why."""


def number_of(file: Path) -> int | None:
    """Return the number of the generation that a warehouse file belongs to, None if to none."""
    of = file.parent
    return int(of.name) if of.name.isdigit() and of.parent.name == FOLDER else None


@dataclass(frozen=True)
class Copy:
    """A private copy of the published generation, to make the next one of.

    Attributes
    ----------
    file
        The warehouse file in it; models and reports lie beside it.
    read
        What the published file was when it was copied; empty if there was none.
    """

    file: Path
    read: State


@dataclass(frozen=True)
class Generations:
    """The generations of one warehouse.

    Attributes
    ----------
    place
        Where the warehouse is found: `warehouse.published()`.
    """

    place: Path

    @property
    def folder(self) -> Path:
        """Their folder, beside the warehouse; it may not be there."""
        return self.place.parent / FOLDER

    @property
    def current(self) -> int | None:
        """The number of the published one; None where nothing was published yet."""
        return number_of(self.place.resolve())

    @property
    def kept(self) -> list[int]:
        """The numbers of those that are there, in order."""
        if not self.folder.is_dir():
            return []
        return sorted(int(entry.name) for entry in self.folder.iterdir() if entry.name.isdigit())

    @property
    def next_number(self) -> int:
        """The number that the next one gets."""
        return max(self.kept, default=0) + 1

    def folder_of(self, number: int) -> Path:
        """Return the folder of one."""
        return self.folder / f"{number:06d}"

    def size(self) -> int:
        """Return the bytes that all take; what they share counts once."""
        blocks = {}
        for parent, _, names in os.walk(self.folder):
            for name in names:
                found = os.lstat(os.path.join(parent, name))
                blocks[found.st_ino] = found.st_blocks
        return 512 * sum(blocks.values())

    @contextmanager
    def private_copy(self) -> Iterator[Copy]:
        """Copy the published one into a folder that nobody else looks at.

        `publish` takes it, else it goes with the block. What killed runs left goes first.

        Raises
        ------
        PublishError
            If somebody writes the published file meanwhile, or a link to it leads nowhere.
        """
        self._refuse_what_is_not_whole()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        remove_abandoned(self.folder, WORK)
        for number in self.kept:
            published = self.folder_of(number) / _PUBLISHED
            if number == self.current:
                # a kill may have come between the two
                published.touch()
            elif not published.exists():
                # a kill before it was published: nobody has seen it
                self.remove(number)
        work = self.folder / f"{WORK}{os.getpid()}"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(mode=0o700)
        source = self.place.resolve()
        try:
            with unwritten(source):
                read = state(source)
                # the file last: closing it ends the lock
                for each in (wal_of(source), source):
                    if each.exists():
                        _copy(each, work / each.name)
            _copy_beside(source.parent, work)
            if self.current is not None:
                (work / _PARENT).write_text(str(self.current))
            yield Copy(work / source.name, read)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def publish(self, copy: Copy) -> int:
        """Put a private copy in the place of the published generation, by one rename.

        Parameters
        ----------
        copy
            Nobody has its file open, and it has no write-ahead log.

        Returns
        -------
        int
            The number of the new generation.

        Raises
        ------
        PublishError
            If the published file has been written since it was copied.
        """
        before, number = self.place.resolve(), self.next_number
        with unwritten(before):
            if state(before) != copy.read:
                raise PublishError(
                    f"{before} was written by another process while this run worked on its copy: "
                    "nothing is published, so that nothing is lost; run again"
                )
            if wal_of(copy.file).exists():
                raise PublishError(f"{wal_of(copy.file)} is left: the copy is not complete")
            _sync(copy.file)
            _sync(copy.file.parent)
            os.rename(copy.file.parent, self.folder_of(number))
            if self.current is None and before.exists():
                self._adopt(before)
            self._switch(number)
        return number

    def roll_back(self, to: int | None = None) -> int:
        """Publish a kept generation again: file, models, reports, all of it.

        Parameters
        ----------
        to
            Its number; by default the one that the published one was made of.

        Returns
        -------
        int
            Its number.

        Raises
        ------
        PublishError
            If it is not kept, or nothing is published.
        """
        present = self.current
        if present is None:
            raise PublishError(f"{self.place} is no generation: no night has published yet")
        wanted = self._before(present) if to is None else to
        if wanted not in self.kept:
            missing = f"before {present}" if wanted is None else str(wanted)
            listed = ", ".join(map(str, self.kept))
            raise PublishError(f"there is no generation {missing}; kept are {listed}")
        with unwritten(self.place.resolve()):
            self._switch(wanted)
        return wanted

    def take(self, folder: Path, number: int) -> None:
        """Publish a generation that was made elsewhere; its folder is moved here.

        Another one of its number goes.
        """
        place = self.folder_of(number)
        doomed = self.folder / f"{WORK}{os.getpid()}-{number}"
        if place.exists():
            os.rename(place, doomed)
        os.rename(folder, place)
        self._switch(number)
        shutil.rmtree(doomed, ignore_errors=True)

    def show(self, number: int) -> None:
        """Publish a generation that is kept, though it was another machine that decided so."""
        self._switch(number)

    def prune(self, keep: int, most_bytes: int | None = None) -> list[int]:
        """Remove the oldest ones beyond a number, or while all together are larger than a size.

        The published one and the one that it was made of stay in any case.

        Returns
        -------
        list of int
            Those that are gone.
        """
        kept, present = self.kept, self.current
        way_back = None if present is None else self._before(present)
        removable = [number for number in kept if number not in (present, way_back)]
        gone: list[int] = []
        for number in removable:
            too_large = most_bytes is not None and self.size() > most_bytes
            if len(kept) - len(gone) <= keep and not too_large:
                break
            self.remove(number)
            gone.append(number)
        return gone

    def _before(self, number: int) -> int | None:
        """Return the generation that one was made of; where that is gone, the newest before it."""
        note = self.folder_of(number) / _PARENT
        parent = int(note.read_text()) if note.exists() else None
        if parent in self.kept:
            return parent
        return max((each for each in self.kept if each < number), default=None)

    def remove(self, number: int) -> None:
        """Remove one that is not published, the way back too."""
        # renamed first: what is removed by half has no number any more
        doomed = self.folder / f"{WORK}{os.getpid()}-{number}"
        os.rename(self.folder_of(number), doomed)
        shutil.rmtree(doomed)

    def _refuse_what_is_not_whole(self) -> None:
        if self.place.is_symlink() and not self.place.exists():
            raise PublishError(
                f"{self.place} leads to {os.readlink(self.place)}, which is not there: put the "
                "generation back, or remove the link to begin with an empty warehouse"
            )
        current = self.folder / CURRENT
        if current.is_dir() and not (current / self.place.name).exists():
            raise PublishError(
                f"{self.folder} has the generations of another warehouse: give each warehouse a "
                "folder of its own"
            )

    def _adopt(self, before: Path) -> None:
        """Make what lay at the published path generation 0, so that there is a way back to it."""
        adopted = self.folder_of(0)
        shutil.rmtree(adopted, ignore_errors=True)
        adopted.mkdir(mode=0o700)
        for each in (before, wal_of(before)):
            if each.exists():
                os.link(each, adopted / each.name)
        _copy_beside(before.parent, adopted)
        (adopted / _PUBLISHED).touch()

    def _switch(self, number: int) -> None:
        """Make one the published one; who reads sees only one of these renames."""
        _point(self.folder / CURRENT, Path(f"{number:06d}"))
        if not self.place.is_symlink():
            _point(self.place, Path(FOLDER) / CURRENT / self.place.name)
            # in generation 0 by now; DuckDB looks for it beside the file that a link leads to
            wal_of(self.place).unlink(missing_ok=True)
        for name in (MODELS, REPORTS):
            beside = self.place.parent / name
            if not beside.is_symlink():
                # as above: they are in the generations
                shutil.rmtree(beside, ignore_errors=True)
                _point(beside, Path(FOLDER) / CURRENT / name)
        (self.folder_of(number) / _PUBLISHED).touch()


def state(file: Path) -> State:
    """Return what changes whenever a warehouse file or its write-ahead log is written."""
    found = [each.stat() for each in (file, wal_of(file)) if each.exists()]
    return tuple((each.st_ino, each.st_size, each.st_mtime_ns) for each in found)


def wal_of(file: Path) -> Path:
    """Return where DuckDB keeps what is not in the file yet."""
    return file.with_name(f"{file.name}.wal")


@contextmanager
def unwritten(file: Path) -> Iterator[None]:
    """Keep writers away from a file while the block runs; readers do not mind.

    The lock is the one that DuckDB takes itself. This process must have no connection to the file:
    a lock ends when any handle of its process closes.

    Raises
    ------
    PublishError
        If somebody has been writing for longer than a writer waits for readers.
    """
    if not file.exists():
        yield
        return
    with file.open("rb") as handle:
        for attempt in range(warehouse.ATTEMPTS):
            try:
                fcntl.lockf(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if attempt == warehouse.ATTEMPTS - 1:
                    raise PublishError(
                        f"{file} is being written by another process: try again when it has ended"
                    ) from error
                time.sleep(warehouse.PAUSE)
        yield


def _copy_beside(source: Path, target: Path) -> None:
    if (source / MODELS).is_dir():
        # a version's files are never written again: generations may share them
        shutil.copytree(source / MODELS, target / MODELS, copy_function=_link)
    if (source / REPORTS).is_dir():
        shutil.copytree(source / REPORTS, target / REPORTS)


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError as error:
        # models may lie on another disk
        if error.errno != errno.EXDEV:
            raise
        shutil.copy2(source, target)


def _copy(source: Path, target: Path) -> None:
    target.touch(mode=0o600)
    with source.open("rb") as read, target.open("wb") as written:
        try:
            while os.copy_file_range(read.fileno(), written.fileno(), _AT_A_TIME):
                pass
        except AttributeError:
            # not on this system; the copy below is the whole of it
            pass
        except OSError as error:
            if error.errno not in _NO_SHARED_COPY:
                raise
        # some file systems say too early that there is no more
        if written.tell() < os.fstat(read.fileno()).st_size:
            read.seek(0)
            written.seek(0)
            shutil.copyfileobj(read, written, 1 << 24)


def _point(link: Path, target: Path) -> None:
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    os.replace(new, link)
    _sync(link.parent)


def _sync(place: Path) -> None:
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
