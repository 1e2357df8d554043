"""Bring text files of any encoding into UTF-8 with one delimiter; plain UTF-8 stays as it is."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from load.file_format import WHITESPACE, Format
from load.staging import LoadError

_CHUNK = 1 << 22
_BATCH = 50_000
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}
# every byte is something in latin-1, so that the last guess always reads
_GUESSES = ("utf-8", "cp1252", "latin-1")
_DELIMITERS = ",;\t|"


def as_utf8(file: Path, stated: Format, scratch: Path) -> Path:
    """Return a file that holds the text of `file` in UTF-8.

    It is `file` itself where nothing must change; otherwise a copy at `scratch`: decoded,
    unpacked, and with tabs where the columns are parted by blanks or have fixed widths.

    Raises
    ------
    LoadError
        If the file cannot be read, is no text, or is not in the stated encoding.
    """
    try:
        guesses = (stated.encoding,) if stated.encoding else _guesses(file)
        for encoding in guesses:
            try:
                return _rewritten(file, encoding, stated, scratch)
            except UnicodeError as error:
                failed = error
    except (OSError, EOFError, zlib.error) as error:
        raise LoadError(f"{file}: cannot be read: {error}") from error
    raise LoadError(
        f"{file}: cannot be read as {encoding}: {failed}; state format.encoding in a mapping"
    ) from failed


def first_records(file: Path, delimiter: str, count: int) -> list[list[str]]:
    """Return the first records of a text file in UTF-8, as lists of cells.

    Raises
    ------
    LoadError
        If they cannot be told apart.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            return list(itertools.islice(csv.reader(stream, delimiter=delimiter), count))
    except csv.Error as error:
        raise LoadError(f"{file}: cannot be read: row 1: {error}") from error


def delimiter_of(file: Path) -> str:
    """Return the delimiter that the first line of a file in UTF-8 has most of; else a comma."""
    with file.open(encoding="utf-8-sig") as stream:
        first = stream.readline(_CHUNK)
    return max(_DELIMITERS, key=first.count)


def _guesses(file: Path) -> tuple[str, ...]:
    with _opened(file) as stream:
        head = stream.read(3)
    return next(((name,) for mark, name in _MARKS.items() if head.startswith(mark)), _GUESSES)


def _opened(file: Path) -> gzip.GzipFile | io.BufferedReader:
    # DuckDB unpacks gzip too, but does not check the sum at its end
    return gzip.open(file) if _packed(file) else file.open("rb")


def _packed(file: Path) -> bool:
    return file.name.lower().endswith(".gz")


def _rewritten(file: Path, encoding: str, stated: Format, scratch: Path) -> Path:
    split = _splitter(stated)
    with _opened(file) as stream, io.TextIOWrapper(stream, encoding, newline="") as text:
        pieces = _lines(text, split) if split else iter(lambda: text.read(_CHUNK), "")
        if not split and not _packed(file) and encoding in ("utf-8", "utf-8-sig"):
            # read once all the same: an odd byte far down must be met before the load, not in it
            for piece in pieces:
                _refuse_binary(file, piece)
            return file
        with scratch.open("w", encoding="utf-8", newline="") as copy:
            for piece in pieces:
                _refuse_binary(file, piece)
                copy.write(piece)
    return scratch


def _splitter(stated: Format) -> Callable[[str], str] | None:
    """Return the function that puts tabs into a line, where columns have no delimiter."""
    if stated.widths:
        ends = list(itertools.accumulate(stated.widths))
        bounds = list(zip([0, *ends], ends, strict=False))
        return lambda line: "\t".join(line[start:end].strip() for start, end in bounds) + "\n"
    if stated.delimiter == WHITESPACE:
        return lambda line: "\t".join(line.split()) + "\n"
    return None


def _lines(text: io.TextIOWrapper, split: Callable[[str], str]) -> Iterator[str]:
    while lines := list(itertools.islice(text, _BATCH)):
        yield "".join(split(line) for line in lines)


def _refuse_binary(file: Path, text: str) -> None:
    if "\0" in text:
        raise LoadError(f"{file}: is no text file; expected comma-separated values in UTF-8")
