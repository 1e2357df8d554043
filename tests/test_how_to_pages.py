"""The how-to pages on candidates and cleaning rules, performed as they stand, in a copy."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest

import warehouse
from core import dbt_runner
from proof import oracle
from proof.compare import compare
from proof.oracle.computed import DEFAULTS

HOW_TO = warehouse.ROOT / "docs" / "how-to"
ROOMS = ("core", "load", "generate", "pages", "train", "serve", "shards", "operate", "proof")
NOT_COPIED = shutil.ignore_patterns("__pycache__", "target", "logs")


def blocks(page, language):
    """The code of a page in one language, without its indentation."""
    found = re.findall(rf"```{language}\n(.*?)\n *```", (HOW_TO / page).read_text(), re.DOTALL)
    return [textwrap.dedent(block) for block in found]


def put_before(file, line, addition):
    text = file.read_text()
    assert text.count(line) == 1, line
    file.write_text(text.replace(line, f"{addition}\n{line}"))


@pytest.fixture
def clone(tmp_path):
    """The project's code in a folder of its own."""
    for folder in (*ROOMS, "dbt_project"):
        shutil.copytree(warehouse.ROOT / folder, tmp_path / "clone" / folder, ignore=NOT_COPIED)
    shutil.copy(warehouse.ROOT / "warehouse.py", tmp_path / "clone")
    return tmp_path / "clone"


def test_a_candidate_is_one_entry_in_one_file(clone, shop_copy):
    _, importing, entry = blocks("add-a-candidate.md", "python")
    models = clone / "train" / "candidates" / "models.py"
    put_before(models, "from sklearn.linear_model import LinearRegression, Ridge", importing)
    line = '    estimators["zero-inflated log-normal"] = seasonal(log_normal)'
    put_before(models, line, textwrap.indent(entry, "    "))
    run_fit(clone, "--quick", PYTHONPATH=str(clone))
    assert -1 < r2_of("extra trees") < 1


def test_a_candidate_of_ones_own_is_a_file_anywhere(tmp_path, shop_copy):
    own, _, _ = blocks("add-a-candidate.md", "python")
    (tmp_path / "my_module.py").write_text(own)
    run_fit(warehouse.ROOT, "--quick", "--candidate", "my_module:make", folder=tmp_path)
    assert -1 < r2_of("my_module:make") < 1


def run_fit(project, *arguments, folder=None, **variables):
    done = subprocess.run(
        [sys.executable, str(project / "train" / "fit.py"), *arguments],
        cwd=folder or project,
        env={"WAREHOUSE_PATH": str(warehouse.path()), "PATH": "", **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def r2_of(model):
    with warehouse.connect(read_only=True) as connection:
        [(r2,)] = connection.execute(
            "select r2 from model_evaluation where model = ?", [model]
        ).fetchall()
    return r2


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A copy of the dbt project, as the project of this test."""
    copy = tmp_path / "dbt_project"
    shutil.copytree(warehouse.DBT_PROJECT, copy, ignore=NOT_COPIED)
    monkeypatch.setattr(warehouse, "DBT_PROJECT", copy)
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    return copy


def test_the_rule_of_caps_is_a_number_in_two_files(project, shop_copy):
    page = (HOW_TO / "change-a-cleaning-rule.md").read_text()
    assert "cap_multiple: 5" in page
    settings = project / "dbt_project.yml"
    text = settings.read_text()
    assert text.count("  cap_multiple: 3\n") == 1
    settings.write_text(text.replace("  cap_multiple: 3\n", "  cap_multiple: 5\n"))
    oracle_settings = warehouse.ROOT / "proof" / "oracle" / "settings.py"
    assert "cap_multiple: float = 3" in oracle_settings.read_text()
    with warehouse.connect(read_only=True) as connection:
        before = capped(connection)
    dbt_runner.build(select="+feat_customer_snapshots +data_quality", run_only=True)
    with warehouse.connect(read_only=True) as connection:
        assert 0 < capped(connection) < before
        facts = oracle.clean(connection, replace(DEFAULTS, cap_multiple=5))
        ids = connection.execute(
            "select customer_id from (select distinct customer_id from features.feat_customers)"
            " order by hash(customer_id) limit 60"
        ).fetchall()
        assert compare(connection, facts, customers=[name for (name,) in ids]) == []


def capped(connection):
    [(money,)] = connection.execute(
        "select sum(money) from marts.data_quality where rule = 'amount_capped'"
    ).fetchall()
    return money


def test_a_rule_of_headers_is_a_line_of_sql_and_its_test(project, shop_copy):
    [condition] = [block for block in blocks("change-a-cleaning-rule.md", "sql") if "when" in block]
    header, line, outcome = blocks("change-a-cleaning-rule.md", "yaml")[0].splitlines()
    folder = project / "models" / "intermediate"
    sql = folder / "sales" / "int_headers_checked.sql"
    put_before(sql, "            when kept.event_date is null then 'unreadable_date'", condition)
    [tests] = folder.rglob("_intermediate__unit_tests.yml")
    text = tests.read_text()
    at = text.index("each_header_rule_rejects_its_row_and_no_other")
    # the first row of each table of the test: headers, lines, and what is expected
    for start, row in (
        ("stg_retail__store_sales_header", header),
        ("stg_retail__store_sales_line_items", line),
        ("expect:", outcome),
    ):
        first = re.compile(r"^( +)- \{", re.MULTILINE).search(text, text.index(start, at))
        text = f"{text[: first.start()]}{first[1]}{row.strip()}\n{text[first.start() :]}"
    tests.write_text(text)
    tried = dbt_runner.unit_tests("int_headers_checked")
    assert "pass" in {entry.status for entry in dbt_runner.results_of(tried)}
    sql.write_text(sql.read_text().replace(condition.strip(), ""))
    with pytest.raises(dbt_runner.BuildError, match="each_header_rule_rejects"):
        dbt_runner.unit_tests("int_headers_checked")
