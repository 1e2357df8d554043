"""A tenth of `make prove`: the oracle, other futures, loads in any order, mutants."""

from __future__ import annotations

import re
import shutil
from random import Random

import pytest
from typer.testing import CliRunner

from proof import building, oracle, prove
from proof.checks import futures_unseen, mart_equals_oracle, mutants_found, nights_equal_full_build
from proof.compare import compare
from proof.mutants import MUTANTS, Mutant
from proof.outcome import Outcome, Task


def test_features_of_a_generated_shop_with_faults_equal_the_oracle(built_shop):
    with building.reading(built_shop.file) as connection:
        facts = oracle.clean(connection)
        customers = sorted(facts.customers)[::14]
        dates = [
            day
            for (day,) in connection.execute(
                "select as_of_date from intermediate.int_snapshots_scheduled"
                " where is_current or hash(as_of_date) % 25 = 0"
            ).fetchall()
        ]
        assert len(dates) > 3
        assert compare(connection, facts, customers, dates) == []


def test_every_feature_of_every_customer_at_every_date_equals_the_oracle(tmp_path):
    outcome = mart_equals_oracle.check_history(tmp_path, seed=1)
    assert outcome.differences == []
    assert outcome.values > 100_000


def test_other_futures_leave_every_feature_of_earlier_dates_bit_identical(tmp_path):
    outcome = futures_unseen.check_worlds(tmp_path, seed=7, worlds=10, rounds=2)
    assert outcome.differences == []
    assert outcome.cases == 20


def test_loads_in_any_order_and_accidents_give_the_mart_of_one_build(tmp_path):
    outcome = nights_equal_full_build.check_histories(
        tmp_path, (12, 13, 14, 15, 16), orders=("in_order",)
    )
    assert outcome.differences == []
    assert outcome.cases == 5


def test_mistakes_are_found_and_a_comment_is_none(tmp_path):
    mistakes = Random(1).sample(MUTANTS, 3)
    comment = Mutant("feat_season.sql", "-- when: a", "-- when: the")
    outcome = mutants_found.check_mutants(tmp_path, 1, [*mistakes, comment])
    assert outcome.differences == [f"not found: {comment.name}"]


def test_every_mutant_has_its_place_in_the_project(tmp_path):
    for mutant in MUTANTS:
        honest = mutant.place(building.warehouse.DBT_PROJECT)
        file = tmp_path / "models" / mutant.file
        file.parent.mkdir(exist_ok=True)
        shutil.copy(honest, file)
        mutant.apply(tmp_path)
        assert file.read_text() != honest.read_text()
        file.unlink()
    assert len({(m.file, m.old, m.new) for m in MUTANTS}) == len(MUTANTS) >= 40


def test_the_full_counts_are_those_promised():
    parts = prove.PARTS
    histories = parts["incremental"].tasks(1, 1)
    assert sum(len(task.arguments[0]) for task in histories) == 50
    worlds = parts["futures"].tasks(1, 1)
    assert sum(task.arguments[1] * task.arguments[2] for task in worlds) == 200


def found_one(folder, part, differences):
    return Outcome(part, "one", values=7, differences=differences)


@pytest.mark.parametrize(("differences", "code"), [([], 0), (["spend_7d is wrong"], 1)])
def test_the_command_prints_what_was_compared_and_fails_on_a_difference(
    differences, code, monkeypatch
):
    module = type(
        "part", (), {"tasks": lambda share, seed: [Task(found_one, ("oracle", differences))]}
    )
    monkeypatch.setattr(prove, "PARTS", {"oracle": module})
    app = prove.typer.Typer()
    app.command()(prove.main)
    result = CliRunner().invoke(app, ["--part", "oracle", "--processes", "1"])
    assert result.exit_code == code
    assert re.search(r"7 values\s+(no|1) differences", result.output)
    assert all(line in result.output for line in differences)
