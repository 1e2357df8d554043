"""Find the files that a table of a mapping is read from."""

from __future__ import annotations

import itertools
import logging
import zipfile
import zlib
from pathlib import Path

from load.file_format import Names
from load.staging import LoadError, NoFileError

log = logging.getLogger(__name__)

JSONS = (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".ndjson", ".ndjson.gz")
TEXTS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz")
WORKBOOKS = (".xlsx", ".xls", ".xlsb", ".ods")
DATABASES = (".duckdb", ".db", ".sqlite", ".sqlite3")
SUFFIXES = (*TEXTS, *JSONS, ".parquet", *WORKBOOKS, *DATABASES)
ZIP = ".zip"
# what the standard library raises for a damaged zip, tried with each byte of one set wrong
ZIP_ERRORS = (
    zipfile.BadZipFile,
    RuntimeError,
    NotImplementedError,
    zlib.error,
    EOFError,
    OSError,
)
_MAGIC = "*?["


def unzipped(path: Path, scratch: Path) -> Path:
    """Return a path in which zip archives are folders: of a zip, or of a folder or glob with some.

    Raises
    ------
    LoadError
        If an archive cannot be unpacked or holds nothing of a known kind.
    """
    if path.is_file() and path.name.lower().endswith(ZIP):
        beside = [path]
    elif path.is_dir():
        beside = sorted(path.iterdir())
    elif not path.exists() and any(sign in str(path) for sign in _MAGIC):
        beside = _globbed(path)
    else:
        return path
    if not any(candidate.name.lower().endswith(ZIP) for candidate in beside):
        return path
    view = scratch / f"{path.name} unpacked"
    view.mkdir()
    for entry in beside:
        is_zip = entry.name.lower().endswith(ZIP)
        for file in sorted(_unpacked(entry, scratch).rglob("*")) if is_zip else [entry]:
            if file.is_file():
                # two archives, or two folders of one, may each hold an orders.csv
                link = view / file.name
                for number in itertools.count(2):
                    if not link.exists():
                        break
                    link = view / f"{file.name.partition('.')[0]} {number}{''.join(file.suffixes)}"
                link.symlink_to(file.resolve())
    files = list(view.iterdir())
    return files[0] if len(files) == 1 else view


def _unpacked(archive: Path, scratch: Path) -> Path:
    folder = scratch / archive.name
    try:
        with zipfile.ZipFile(archive) as zipped:
            # what a Mac adds of its own is no file of the shop
            names = [
                member
                for member in zipped.namelist()
                if member.lower().endswith(SUFFIXES) and not member.startswith("__MACOSX/")
            ]
            if not names:
                raise LoadError(f"{archive}: holds no file of a known kind ({' '.join(SUFFIXES)})")
            zipped.extractall(folder, names)
    except ZIP_ERRORS as error:
        raise LoadError(f"{archive}: cannot be unpacked: {error}") from error
    return folder


def find(path: Path, file: Names | None) -> list[Path]:
    """Return the files that a table of a mapping is read from.

    Parameters
    ----------
    path
        What the user gave: a file, a folder, or a glob.
    file
        Names or globs relative to it. Of several names one must be there; a glob may find many.

    Raises
    ------
    LoadError
        If nothing is found, or several names are.
    """
    if not path.exists() and any(sign in str(path) for sign in _MAGIC):
        return _globbed(path)
    if not path.exists():
        raise LoadError(f"{path}: no such file or folder")
    try:
        if path.is_file():
            if file and not any(path.match(name) for name in file):
                raise LoadError(
                    f"{path}: the mapping asks for {' or '.join(file)}; give its folder"
                )
            return [path]
        if path.is_dir():
            return _in_folder(path, file)
    except (OSError, ValueError) as error:
        raise LoadError(f"{path}: no file can be found: {error}") from error
    raise LoadError(f"{path}: is neither a file nor a folder")


def _globbed(path: Path) -> list[Path]:
    # the folders before the first sign that stands for others, then the pattern
    start = next(n for n, part in enumerate(path.parts) if any(sign in part for sign in _MAGIC))
    try:
        files = sorted(
            file
            for file in Path(*path.parts[:start]).glob(str(Path(*path.parts[start:])))
            if file.is_file()
        )
    except (OSError, ValueError) as error:
        raise LoadError(f"{path}: no file can be found: {error}") from error
    if not files:
        raise LoadError(f"{path}: no file fits")
    return files


def _in_folder(folder: Path, file: Names | None) -> list[Path]:
    if file is None:
        files = [
            entry for entry in sorted(folder.iterdir()) if entry.name.lower().endswith(SUFFIXES)
        ]
        if others := [entry.name for entry in sorted(folder.iterdir()) if entry not in files]:
            log.info("%s: not read: %s", folder.name, ", ".join(others))
        if not files:
            raise LoadError(f"{folder}: holds no file of a known kind ({' '.join(SUFFIXES)})")
        return files
    files_by_name = {name: fits for name in file if (fits := _fitting(folder, name))}
    if len(files_by_name) != 1:
        names = " and ".join(fits[0].name for fits in files_by_name.values()) or "none"
        kind = LoadError if files_by_name else NoFileError
        raise kind(f"{folder}: expected one file {' or '.join(file)}, found {names}")
    return next(iter(files_by_name.values()))


def _fitting(folder: Path, name: str) -> list[Path]:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise LoadError(f"{folder}: {name!r} leads out of the folder; name a file inside it")
    if any(sign in name for sign in _MAGIC) or "/" in name:
        return sorted(entry for entry in folder.glob(name) if entry.is_file())
    return sorted(entry for entry in folder.iterdir() if entry.name.lower() == name.lower())


def shown(file: Path, path: Path) -> str:
    """Return a file's name as the ledger has it: without where the user keeps it."""
    return str(file.relative_to(path)) if file.is_relative_to(path) and file != path else file.name
