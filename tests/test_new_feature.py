"""A feature is one SQL edit and one entry in the yml; everything else follows."""

from __future__ import annotations

import re
import shutil
import textwrap
from pathlib import Path

import pytest

import warehouse
from core import dbt_runner
from generate.shop.plan import Plan
from generate.synthetic import generate
from operate import catalog
from proof import building, oracle
from proof.compare import compare, unproven
from serve import repository, schema
from serve.score import score
from tests.serve_fixtures import run_page
from train.fit import fit
from train.registry import artefact, versions

NEW = "promoted_45d"
SQL_FILE = Path("macros") / "windowed_measures.sql"
BEFORE = "      - name: promotion_share_90d\n"
PAGE = (warehouse.ROOT / "docs" / "how-to" / "add-a-feature.md").read_text()
[NEW_SQL] = re.findall(r"```sql\n(.*?)\n *```", PAGE, re.DOTALL)
[NEW_ENTRY] = re.findall(r"```yaml\n(.*?)\n *```", PAGE, re.DOTALL)
SQL_EDIT = (NEW_SQL.strip().replace("'45d', ", ""), NEW_SQL.strip())
ENTRY = textwrap.indent(textwrap.dedent(NEW_ENTRY), " " * 6) + "\n"


@pytest.fixture
def edited(tmp_path, monkeypatch):
    """A copy of the dbt project with the two edits, as the project of this test."""
    project = tmp_path / "dbt_project"
    shutil.copytree(warehouse.DBT_PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    yml = project / warehouse.FEATURES_YML.relative_to(warehouse.DBT_PROJECT)
    for file, (old, new) in ((project / SQL_FILE, SQL_EDIT), (yml, (BEFORE, ENTRY + BEFORE))):
        text = file.read_text()
        assert text.count(old) == 1
        file.write_text(text.replace(old, new))
    monkeypatch.setattr(warehouse, "DBT_PROJECT", project)
    monkeypatch.setattr(warehouse, "FEATURES_YML", yml)
    monkeypatch.setenv("DBT_LOG_PATH", str(tmp_path / "logs"))
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    repository.contract.cache_clear()
    yield project
    repository.contract.cache_clear()


# a further feature, made of the new window by an expression in a part
SHARE = "promotion_share_45d"
SHARE_EDIT = (
    "as promotion_share_90d,",
    f"as promotion_share_90d,\n        {{{{ ratio('{NEW}', 'spend_lifetime') }}}} as {SHARE},",
)


@pytest.fixture
def edited_twice(edited):
    """The edited project with a feature more, that is computed in a part."""
    part = edited / "models" / "features" / "feat_baskets.sql"
    part.write_text(part.read_text().replace(*SHARE_EDIT))
    entry = ENTRY.replace(NEW, SHARE).replace("decimal(18,2)", "double")
    warehouse.FEATURES_YML.write_text(
        warehouse.FEATURES_YML.read_text().replace(BEFORE, entry + BEFORE)
    )


def test_the_projects_own_tests_pass_with_features_of_which_there_is_no_second_computation(
    edited_twice, tmp_path
):
    file = tmp_path / "small.duckdb"
    with building.in_warehouse(file):
        generate(Plan(60, 3, days=400))
        building.build(file, building.GRID)
        tried = dbt_runner.unit_tests("feat_spend feat_frequency feat_baskets feat_loyalty")
        assert [one.status for one in tried.result.results].count("pass") == 4
        with warehouse.connect() as connection:
            facts = oracle.clean(connection)
            assert unproven(connection, facts) == [NEW, SHARE]
            with pytest.warns(UserWarning, match=f"second computation: {NEW}, {SHARE}$"):
                assert compare(connection, facts) == []
            # what the oracle knows is compared as ever
            connection.execute("update features.feat_customers set spend_30d = -1")
            with pytest.warns(UserWarning, match="second computation"):
                assert {one.feature for one in compare(connection, facts)} == {"spend_30d"}


def read(query):
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(query).fetchall()


def form():
    """The inputs of the app, filled with the example of the API."""
    import warehouse
    from serve import schema
    from serve.screens import form

    contract = warehouse.contract()
    form.edited(contract, schema.example(contract), {}, key="new")


def test_one_expression_and_one_entry_make_a_feature(edited, shop_copy, scored_shop, caplog):
    built = dbt_runner.build(run_only=True)
    # of a build that computes no more than is new, too
    catalog.write_lineage(built)
    assert not caplog.messages

    # the mart alone is computed anew: nothing behind it is defined otherwise
    assert read("select why_all from builds.plan") == [(None,)]

    # the values are right, and those of all others are what they were
    [(wrong, total)] = read(
        f"""
        with expected as (
            select mart.as_of_date, mart.customer_id, sum(days.promoted) as promoted
            from features.feat_customer_snapshots as mart
            inner join intermediate.int_customer_days_spaced as days
                on mart.customer_id = days.customer_id
                and days.event_date between mart.as_of_date - 45 and mart.as_of_date - 1
                and days.known_date < mart.as_of_date
                and days.known_until >= mart.as_of_date
            group by all
        )
        select count(*) filter (mart.{NEW} <> coalesce(expected.promoted, 0)), sum(mart.{NEW})
        from features.feat_customer_snapshots as mart
        left join expected using (as_of_date, customer_id)
        """
    )
    assert wrong == 0
    assert total > 0
    with warehouse.connect(read_only=True) as connection:
        connection.execute(f"attach '{scored_shop.file}' as former (read_only)")
        differing = connection.execute(
            f"""select count(*) from (
                select * exclude ({NEW}) from features.feat_customer_snapshots
                except from former.features.feat_customer_snapshots
            )"""
        ).fetchall()
    assert differing == [(0,)]

    # the old model says what is new; a fit later there are predictions of a model that knows it
    assert NEW in warehouse.contract().numeric
    with pytest.raises(artefact.ArtefactError, match=f"{NEW} is new"):
        score()
    result = fit(quick=True)
    versions.promote(result.version)
    assert NEW in result.importance.index
    scored = score()
    assert scored.model_version == result.version
    assert read("select distinct model_version from predictions where scored_at = "
                "(select max(scored_at) from predictions)") == [(result.version,)]  # fmt: skip

    # API, app and catalog have it
    fields = schema.features_model(warehouse.contract()).model_fields
    assert fields[NEW].description.startswith("Purchases on promotion, on the 45 days")
    inputs = run_page(form)
    assert not inputs.exception
    assert "Promoted 45 days" in [box.label for box in inputs.number_input]
    dbt_runner.build(select=dbt_runner.WRITTEN_BY_PYTHON, run_only=True)
    [row] = read(
        f"""select unit, time_window, 'raw.store_sales_line_items.promotion_id' in source_columns,
            minimum, importance is not null, drift is not null, model_version
        from marts.feature_catalog where name = '{NEW}'"""
    )
    assert row == ("money", "45d", True, 0, True, True, result.version)
