"""docs/how-to/new-source.md, done as it is written: a table, a feature of it, a late row."""

from __future__ import annotations

import re
import shutil
import textwrap

import pytest

import warehouse
from generate.shop.plan import Plan
from generate.synthetic import generate
from proof import building
from proof.checks import nights_equal_full_build
from tests.shop_files import query

PAGE = warehouse.ROOT / "docs" / "how-to" / "new-source.md"
GRID = {"grid_days": 30}
TOUCHES = "raw.marketing_touches"


def blocks():
    """The page's blocks of code, in order, each with the file that its step names first."""
    found = []
    for step in re.split(r"(?m)^\d\. ", PAGE.read_text())[1:]:
        code = re.search(r"```\w+\n(.*?)```", step, re.S)
        if code:
            name = re.search(r"`([\w/.]+\.(?:sql|yml))`", step)[1]
            found.append((name, textwrap.dedent(code[1])))
    return found


def follow(project):
    """Do what the page says in a copy of the project."""
    for name, code in blocks():
        file = project / name
        if name == "dbt_project.yml":
            text = file.read_text()
            for line in code.splitlines()[1:]:
                variable = line.split(":")[0]
                text, count = re.subn(rf"(?m)^{variable}: .*$", line, text)
                assert count == 1, variable
            file.write_text(text)
        elif file.exists():
            before = "      - name: promotion_share_90d\n"
            entry = textwrap.indent(code, "      ")
            file.write_text(file.read_text().replace(before, entry + before, 1))
        else:
            file.parent.mkdir(exist_ok=True)
            file.write_text(code)


@pytest.fixture(scope="module")
def followed(tmp_path_factory, dbt_folders):
    """The project after the page, and a shop of sixty customers built with it."""
    folder = tmp_path_factory.mktemp("marketing")
    project, file = folder / "dbt_project", folder / "shop.duckdb"
    shutil.copytree(warehouse.DBT_PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    follow(project)
    before = warehouse.FEATURES_YML
    warehouse.FEATURES_YML = project / before.relative_to(warehouse.DBT_PROJECT)
    with building.in_warehouse(file), building.in_project(project):
        generate(Plan(60, 3, days=400))
        with warehouse.connect() as connection:
            connection.execute(
                f"create table {TOUCHES} as select lower(trim(customer_id)) as customer_id,"
                " transaction_date + interval 9 hour as ts, 'e-mail' as channel,"
                " timestamp '2026-01-01' as _loaded_at"
                " from raw.store_sales_header where transaction_date is not null"
                " and customer_id is not null"
            )
        building.build(file, GRID)
        yield project, file
    warehouse.FEATURES_YML = before


def test_the_page_names_every_file_that_its_code_goes_into():
    assert [name for name, _ in blocks()] == [
        "models/staging/marketing/_marketing__sources.yml",
        "models/staging/marketing/stg_marketing__marketing_touches.sql",
        "models/features/feat_touches.sql",
        "dbt_project.yml",
        "models/features/_features__models.yml",
    ]


def test_the_feature_counts_what_happened_in_its_window_and_before_the_date(followed):
    expected = f"""
        select mart.customer_id, mart.as_of_date, (
            select count(*) from {TOUCHES} as touches
            where upper(touches.customer_id) = mart.customer_id
                and cast(touches.ts as date) between mart.as_of_date - 30 and mart.as_of_date - 1
        ) as touches_30d
        from features.feat_customer_snapshots as mart
    """
    found = "select customer_id, as_of_date, touches_30d from features.feat_customer_snapshots"
    assert query(f"select count(*) from (({found}) except ({expected}))") == [(0,)]
    assert query(f"select max(touches_30d) > 1 from ({found})") == [(True,)]


def test_a_late_row_repairs_its_customer_and_touches_no_other(followed, tmp_path):
    _, file = followed
    mart = "features.feat_customer_snapshots"
    [(customer, day)] = query(
        f"select customer_id, as_of_date from {mart} where touches_30d = 0"
        " and as_of_date < (select max(as_of_date) - 90 from features.feat_dates)"
        " order by all limit 1"
    )
    with warehouse.connect() as connection:
        connection.execute(
            f"insert into {TOUCHES} values (?, ?::date - interval 5 day, 'post', '2026-01-02')",
            [customer, day],
        )
    building.build(file, GRID)
    assert query("select customer_id from intermediate.int_customers_touched") == [(customer,)]
    assert query(
        f"select touches_30d from {mart} where customer_id = '{customer}' and as_of_date = '{day}'"
    ) == [(1,)]
    anew = tmp_path / "anew.duckdb"
    shutil.copy(file, anew)
    building.build(anew, GRID, full_refresh=True)
    assert nights_equal_full_build.differing(anew, file) == []
