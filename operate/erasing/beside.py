"""Files that are no part of a generation: logs, exports, what dbt and shards leave."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

from core import dbt_runner
from core.generations import CURRENT, WORK, Generations
from core.scratch import remove_abandoned
from operate.erasing.people import People
from operate.erasing.search import Searched, files_under, in_files, names

# exports where they are written unless told otherwise, and shards, which hold raw rows
EXPORTS = ("mart", "tables", "export")
SHARDS = "shards-of-the-mart"
LOGS = "logs"
ERASED = "erased"


def remove_older_generations(generations: Generations) -> list[str]:
    """Remove all generations but the published one, and what killed runs left of theirs."""
    if generations.current is None:
        return []
    remove_abandoned(generations.folder, WORK)
    older = [number for number in generations.kept if number != generations.current]
    for number in older:
        generations.remove(number)
    return [f"{generations.folder.name}/{number:06d}" for number in older]


def clean(place: Path, people: People) -> list[str]:
    """Take people out of what lies beside a warehouse.

    Lines of logs are kept without the words; an export with one of the people goes as a whole; of
    dbt's files those that name one; shards and spilled rows in any case.

    Parameters
    ----------
    place
        Where the warehouse is found.

    Returns
    -------
    list of str
        What is gone or changed.
    """
    gone = []
    for folder in (place.parent / SHARDS, place.with_name(f"{place.name}.tmp")):
        if folder.is_dir():
            shutil.rmtree(folder)
            gone.append(folder.name)
    for name in EXPORTS:
        folder = place.parent / name
        if any(names(file, people) for file in files_under(folder)):
            shutil.rmtree(folder)
            gone.append(name)
    gone += [str(file) for folder in _logs(place) for file in _redacted(folder, people)]
    return gone + remove_naming(dbt_runner.target_folder(), people)


def remove_naming(folder: Path, people: People) -> list[str]:
    """Remove the files of a folder that name one of the people, in any way; return them."""
    naming = [file for file in files_under(folder) if names(file, people, all_ids=True)]
    for file in naming:
        file.unlink()
    return [str(file) for file in naming]


def search(place: Path, people: People) -> Searched:
    """Look for people in all files beside the published generation, and in it."""
    generations = Generations(place)
    files = [
        *(file for name in EXPORTS for file in files_under(place.parent / name)),
        *files_under(place.parent / SHARDS),
        *(file for folder in _logs(place) for file in files_under(folder)),
        *files_under(dbt_runner.target_folder()),
        *(
            file
            for folder in sorted(generations.folder.glob("[!.]*"))
            if folder.name != CURRENT
            for file in files_under(folder)
        ),
    ]
    return in_files(files, people)


def _logs(place: Path) -> list[Path]:
    return sorted({place.parent / LOGS, dbt_runner.log_folder()})


def _redacted(folder: Path, people: People) -> list[Path]:
    changed = []
    for file in files_under(folder):
        # metrics are numbers alone
        if file.suffix == ".prom" or not names(file, people, all_ids=True):
            continue
        text = file.read_text(errors="replace")
        if file.suffix == ".jsonl":
            said = "".join(f"{_line_without(line, people)}\n" for line in text.splitlines())
        else:
            said = _replaced(text, people)
        new = file.with_name(f".{file.name}.new")
        new.write_text(said)
        new.chmod(file.stat().st_mode & 0o777)
        os.replace(new, file)
        changed.append(file)
    return changed


def _line_without(line: str, people: People) -> str:
    """Return a line of a log of JSON whose message names nobody; moments and numbers stay."""
    try:
        said = json.loads(line)
    except ValueError:
        # a kill while it was written: no reader of the log uses it
        return _replaced(line, people)
    if isinstance(said, dict) and isinstance(said.get("message"), str):
        said["message"] = _replaced(said["message"], people)
    return json.dumps(said)


def _replaced(text: str, people: People) -> str:
    pattern = re.compile(people.pattern(all_ids=True))
    before = None
    # two that stand side by side share the blank between them
    while before != text:
        before, text = text, pattern.sub(rf"\1{ERASED}\3", text)
    return text
