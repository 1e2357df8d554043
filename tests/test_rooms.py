"""The rooms and the one command: what may import what, and that each command is there."""

from __future__ import annotations

import ast
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dbt.artifacts.schemas.catalog import CatalogArtifact
from dbt.cli.main import dbtRunnerResult
from typer.testing import CliRunner

import warehouse
from core import dbt_runner
from operate.shop import COMMANDS, shop

ROOMS = {"core", "load", "generate", "pages", "train", "serve", "shards", "operate", "proof"}


def test_no_room_imports_one_above_it():
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [lint, "--no-logo", "--no-cache"], cwd=warehouse.ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_the_door_to_the_warehouse_imports_no_room():
    tree = ast.parse(Path(warehouse.__file__).read_text())
    names = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or "", *(each.name for each in node.names)]
    }
    assert names & ROOMS == set()


def test_all_errors_of_ours_have_one_base():
    bases = {"warehouse.ShopError", "LoadError", "BuildError", "ArtefactError"}
    for room in ROOMS:
        for file in (warehouse.ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                public = isinstance(node, ast.ClassDef) and not node.name.startswith("_")
                if public and node.name.endswith("Error"):
                    assert {ast.unparse(base) for base in node.bases} <= bases


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_of_shop_has_a_help_that_names_itself(command):
    shown = CliRunner().invoke(shop, [command, "--help"])
    assert shown.exit_code == 0, shown.output
    assert f"{command} [OPTIONS]" in shown.output


def test_the_list_of_commands_is_there_without_importing_them():
    script = (
        "import sys; from typer.testing import CliRunner; from operate.shop import shop;"
        "shown = CliRunner().invoke(shop, ['--help']); assert 'backtest' in shown.output;"
        "assert not {'sklearn', 'dbt'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], cwd=warehouse.ROOT, check=True)


def test_a_documentation_that_dbt_cannot_write_says_why():
    catalog = CatalogArtifact.from_results(
        generated_at=datetime.now(UTC),
        nodes={},
        sources={},
        compile_results=None,
        errors=["no such table"],
    )
    with pytest.raises(dbt_runner.BuildError, match="documentation: no such table"):
        dbt_runner.raise_if_failed(dbtRunnerResult(success=False, result=catalog))
