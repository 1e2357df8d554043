"""docs/how-to/restore.md, performed: a copy of a generation's folder, and the way back."""

import os
import re
import subprocess

import duckdb
import pytest

import warehouse
from core.generations import Generations
from warehouse import in_warehouse

PAGE = warehouse.ROOT / "docs" / "how-to" / "restore.md"


def commands(number):
    """The blocks of the section on all of it, for the generation that is published."""
    section = PAGE.read_text().split("## All of it")[1].split("\n## ")[0]
    return [
        block.replace("warehouse.duckdb", "shop.duckdb").replace("000012", f"{number:06d}")
        for block in re.findall(r"```\n(.*?)```", section, re.DOTALL)
    ]


def perform(block, folder):
    path = f"{warehouse.ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"
    result = subprocess.run(
        ["bash", "-euc", block],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr


def publish(change="select 1"):
    generations = Generations(warehouse.published())
    with generations.private_copy() as copy:
        with duckdb.connect(str(copy.file)) as connection:
            connection.execute(change)
            connection.execute("checkpoint")
        return generations.publish(copy)


def forecasts(file):
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute("select count(*) from main.predictions").fetchall()


@pytest.fixture
def backed_up(scored_shop, tmp_path, monkeypatch):
    """A shop with a published generation, of which the page's first block has made a copy."""
    shop = scored_shop.copy_to(tmp_path / "shop")
    (tmp_path / "shop" / "reports").mkdir(exist_ok=True)
    monkeypatch.setenv("WAREHOUSE_PATH", str(shop.file))
    number = publish()
    perform(commands(number)[0], shop.file.parent)
    return shop.file, number


def test_a_copy_of_a_generation_is_put_back_where_another_was_published_since(backed_up):
    file, number = backed_up
    before = forecasts(file)
    publish("delete from main.predictions")
    assert forecasts(file) == [(0,)]
    perform(commands(number)[1], file.parent)
    assert forecasts(file) == before
    assert Generations(warehouse.published()).current == number


def test_a_copy_is_put_back_on_a_machine_where_nothing_is(backed_up, tmp_path):
    file, number = backed_up
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (file.parent / "backup").rename(elsewhere / "backup")
    perform(commands(number)[1], elsewhere)
    assert forecasts(elsewhere / file.name) == forecasts(file)
    with in_warehouse(elsewhere / file.name):
        assert warehouse.models_dir().is_dir()
        assert Generations(warehouse.published()).current == number


def test_a_copy_is_a_whole_warehouse_that_scores(backed_up):
    file, number = backed_up
    block = commands(number)[2].replace("WAREHOUSE_PATH=", f"WAREHOUSE_PATH={file.parent}/")
    perform(block, file.parent)
    assert forecasts(file.parent / "backup" / f"{number:06d}" / file.name) == forecasts(file)
