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
from core.doubt import DOUBT_EXPLAINED
from core.metrics import EXPLAINED
from operate import formulas, reference

ROOT = warehouse.ROOT
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TEXTS = {page: page.read_text() for page in PAGES}


def _name(page):
    return str(page.relative_to(ROOT))


def _anchors(text):
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def commands_of(text):
    """Lines of code, in fences and by indentation, and code inside sentences."""
    found = re.findall(r"`([^`\n]+)`", text)
    for line in text.splitlines():
        found.append(line.split(" # ")[0].strip())
    return {
        line
        for line in found
        if re.match(r"([A-Z_]+=\S+ )*(make|python|shop|\.venv/bin/python) ", line)
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
    for command in commands_of(TEXTS[page]):
        words = [word for word in shlex.split(command) if "=" not in word]
        if words[0] == "make":
            assert set(words[1:]) <= targets, command


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_each_script_exists_and_knows_its_options(page):
    for command in commands_of(TEXTS[page]):
        words = [word for word in shlex.split(command) if not re.match(r"[A-Z_]+=", word)]
        if words[0] in ("make", "shop") or words[1] == "-m":
            continue
        assert (ROOT / words[1]).is_file(), command
        options = {word.partition("=")[0] for word in words[2:] if word.startswith("--")}
        assert options <= _options(Path(words[1])), command


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_each_command_of_shop_exists_and_knows_its_options(page):
    for line in commands_of(TEXTS[page]):
        for command in line.split(" && "):
            words = [word for word in shlex.split(command) if not re.match(r"[A-Z_]+=", word)]
            if words[0] == "shop" and words[1] != "COMMAND":
                found = re.search(rf"(?ms)^## shop {words[1]}$(.*?)(?=^## |\Z)", _page("commands"))
                assert found, command
                options = {word for word in words[2:] if word.startswith("--")}
                assert options <= set(re.findall(r"--[a-z][a-z-]*", found[1])), command


@cache
def _page(name):
    return (reference.FOLDER / f"{name}.md").read_text()


@cache
def _written():
    return reference.pages()


@pytest.mark.parametrize("name", ["tables.md", "variables.md", "commands.md", "metrics.md"])
def test_each_page_made_from_code_is_as_it_would_be_made_now(name):
    assert set(_written()) == {"tables.md", "variables.md", "commands.md", "metrics.md"}
    assert (reference.FOLDER / name).read_text() == _written()[name], "run `make docs-reference`"


def test_each_variable_of_the_environment_that_the_code_reads_is_described():
    assert set(reference.environment_defaults()) == set(reference.ENVIRONMENT)


def test_each_metric_has_a_formula_and_judges_a_column():
    known = [*EXPLAINED, *DOUBT_EXPLAINED]
    assert list(formulas.FORMULAS) == known
    assert sorted(name for names in formulas.JUDGED.values() for name in names) == sorted(known)


def test_the_overview_of_dbts_site_leads_to_models_that_exist():
    text = (reference.MODELS / "overview.md").read_text()
    linked = re.findall(r"#!/model/model\.retail_feature_store\.(\w+)", text)
    assert linked
    assert {name for name in linked if not list(reference.MODELS.rglob(f"{name}.sql"))} == set()


def test_the_site_of_all_pages_builds_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    pages = [ROOT / page for page in (ROOT / "docs").rglob("*.md")]
    assert all(
        (tmp_path / page.relative_to(ROOT / "docs")).with_suffix(".html").is_file()
        for page in pages
    )
    # nothing that a reader's browser fetches comes from elsewhere
    for page in tmp_path.rglob("*.html"):
        fetched = re.findall(
            r"<(?:script|link|img)[^>]*?(?:src|href)=\"(https?:[^\"]+)", page.read_text()
        )
        assert fetched == [], page


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
