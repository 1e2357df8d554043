"""README and docs do not lie: links lead somewhere, commands and their options exist."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import warehouse

ROOT = warehouse.ROOT
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TEXTS = {page: page.read_text() for page in PAGES}


def _name(page):
    return str(page.relative_to(ROOT))


def _anchors(text):
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _commands(text):
    """Lines of code, in fences and by indentation, and code inside sentences."""
    found = re.findall(r"`([^`\n]+)`", text)
    for line in text.splitlines():
        found.append(line.split(" # ")[0].strip())
    return {
        line for line in found if re.match(r"([A-Z_]+=\S+ )*(make|python|\.venv/bin/python) ", line)
    }


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_each_link_leads_to_a_file_and_a_heading_that_exist(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", TEXTS[page]):
        if target.startswith("http"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in _anchors(file.read_text()), target


def test_each_page_of_the_docs_can_be_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for path in re.findall(r"\]\(([^)#\s]+\.md)", page.read_text()):
            waiting.append((page.parent / path).resolve())
    assert set(PAGES) <= reached


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_each_target_of_make_exists(page):
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    for command in _commands(TEXTS[page]):
        words = [word for word in shlex.split(command) if "=" not in word]
        if words[0] == "make":
            assert set(words[1:]) <= targets, command


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_each_script_exists_and_knows_its_options(page):
    for command in _commands(TEXTS[page]):
        words = [word for word in shlex.split(command) if not re.match(r"[A-Z_]+=", word)]
        if words[0] == "make" or words[1] == "-m":
            continue
        assert (ROOT / words[1]).is_file(), command
        options = {word.partition("=")[0] for word in words[2:] if word.startswith("--")}
        assert options <= _options(Path(words[1])), command


@cache
def _options(script):
    shown = subprocess.run(
        [sys.executable, script, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={"COLUMNS": "400", "PATH": "/usr/bin:/bin", "NO_COLOR": "1"},
    ).stdout
    return set(re.findall(r"--[a-z][a-z0-9-]*", shown))
