"""Find the files that a table of a mapping is read from."""

from __future__ import annotations

from pathlib import Path

from load.file_format import Names
from load.staging import LoadError

TEXTS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz")
WORKBOOKS = (".xlsx", ".xls", ".xlsb", ".ods")
DATABASES = (".duckdb", ".db", ".sqlite", ".sqlite3")
SUFFIXES = (*TEXTS, ".parquet", *WORKBOOKS, *DATABASES)
_MAGIC = "*?["


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
            if file and not any(path.match(one) for one in file):
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
        found = sorted(
            one
            for one in Path(*path.parts[:start]).glob(str(Path(*path.parts[start:])))
            if one.is_file()
        )
    except (OSError, ValueError) as error:
        raise LoadError(f"{path}: no file can be found: {error}") from error
    if not found:
        raise LoadError(f"{path}: no file fits")
    return found


def _in_folder(folder: Path, file: Names | None) -> list[Path]:
    if file is None:
        found = [one for one in sorted(folder.iterdir()) if one.name.lower().endswith(SUFFIXES)]
        if not found:
            raise LoadError(f"{folder}: holds no file of a known kind ({' '.join(SUFFIXES)})")
        return found
    found_by_name = {one: fits for one in file if (fits := _fitting(folder, one))}
    if len(found_by_name) != 1:
        found = " and ".join(fits[0].name for fits in found_by_name.values()) or "none"
        raise LoadError(f"{folder}: expected one file {' or '.join(file)}, found {found}")
    return next(iter(found_by_name.values()))


def _fitting(folder: Path, name: str) -> list[Path]:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise LoadError(f"{folder}: {name!r} leads out of the folder; name a file inside it")
    if any(sign in name for sign in _MAGIC) or "/" in name:
        return sorted(one for one in folder.glob(name) if one.is_file())
    return sorted(one for one in folder.iterdir() if one.name.lower() == name.lower())


def shown(file: Path, path: Path) -> str:
    """Return a file's name as the ledger has it: without where the user keeps it."""
    return str(file.relative_to(path)) if file.is_relative_to(path) and file != path else file.name
