"""The dbt project keeps the rules of dbt_project_evaluator, and a few of its own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from dbt.cli.main import dbtRunner

import warehouse
from shards.facts import PHASES


@pytest.fixture(scope="module")
def manifest(dbt_folders):
    """What dbt read of the project."""
    project = str(warehouse.DBT_PROJECT)
    result = dbtRunner().invoke(
        ["--quiet", "parse", "--project-dir", project, "--profiles-dir", project]
    )
    assert result.success
    return json.loads(json.dumps(result.result.to_dict(), default=str))


@pytest.fixture(scope="module")
def models(manifest):
    """Models by name."""
    nodes = manifest["nodes"].values()
    return {node["name"]: node for node in nodes if node["resource_type"] == "model"}


def _parents(node, kind):
    return [name for name in node["depends_on"]["nodes"] if name.startswith(f"{kind}.")]


def _tests_of(manifest, model):
    return [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and node.get("attached_node") == model["unique_id"]
    ]


def test_only_staging_reads_sources_and_reads_nothing_else(models):
    for name, model in models.items():
        staging = model["original_file_path"].startswith("models/staging/")
        assert staging == name.startswith("stg_")
        assert bool(_parents(model, "source")) == staging, name
        assert not (staging and _parents(model, "model")), name


def test_each_source_table_has_one_staging_model_in_the_folder_of_its_source(manifest, models):
    readers = {source: [] for source in manifest["sources"]}
    for name, model in models.items():
        for source in _parents(model, "source"):
            readers[source].append(name)
            folder = Path(model["original_file_path"]).parent.name
            entry = manifest["sources"][source]
            assert folder == entry["source_name"]
            assert name == f"stg_{entry['source_name']}__{entry['name']}"
    assert all(len(names) == 1 for names in readers.values())


def test_every_model_is_described_with_its_grain(models):
    for name, model in models.items():
        assert re.search(r"One row per .+\.$", model["description"].strip()), name


def test_every_model_has_a_tested_key(manifest, models):
    for name, model in models.items():
        # what holds no rows has no key, and raw rows may be there twice
        if model["config"]["materialized"] in ("ephemeral", "table_function"):
            continue
        if model["description"].strip().endswith("One row per raw row."):
            continue
        kinds = {test["test_metadata"]["name"] for test in _tests_of(manifest, model)}
        assert "primary_key" in kinds, name


def test_every_public_model_with_rows_has_a_contract(models):
    without = {
        name
        for name, model in models.items()
        if model["access"] == "public" and not model["contract"]["enforced"]
    }
    # a function of a list has none
    assert without == {"total_of_customers"}


def test_every_column_of_a_model_with_a_contract_is_described_and_typed(models):
    for name, model in models.items():
        if model["contract"]["enforced"]:
            for column in model["columns"].values():
                assert column["description"], (name, column["name"])
                assert column["data_type"], (name, column["name"])


def test_no_model_has_more_than_six_parents(models):
    assert {
        n: len(m["depends_on"]["nodes"])
        for n, m in models.items()
        if len(m["depends_on"]["nodes"]) > 6
    } == {}


def test_no_chain_has_more_than_four_views(models):
    by_id = {model["unique_id"]: model for model in models.values()}

    def views_behind(model):
        if model["config"]["materialized"] != "view":
            return 0
        parents = (by_id[name] for name in _parents(model, "model"))
        return 1 + max((views_behind(parent) for parent in parents), default=0)

    assert max(views_behind(model) for model in models.values()) <= 4


def test_exposures_stand_on_public_contracts_and_at_most_one_join_of_stored_tables(
    manifest, models
):
    assert {e["name"] for e in manifest["exposures"].values()} == {
        "spend_model",
        "prediction_api",
        "prediction_app",
    }
    by_id = {model["unique_id"]: model for model in models.values()}
    for exposure in manifest["exposures"].values():
        for parent in _parents(exposure, "model"):
            assert by_id[parent]["access"] == "public"
            assert by_id[parent]["contract"]["enforced"]
            assert _is_stored(by_id[parent]) or all(
                _is_stored(by_id[name]) for name in _parents(by_id[parent], "model")
            )


def _is_stored(model):
    return model["config"]["materialized"] in ("table", "incremental", "dates_in_batches")


def test_no_feature_model_reads_the_labels(models):
    for name, model in models.items():
        assert not any("feat_labels" in parent for parent in _parents(model, "model")), name


def test_every_source_has_a_freshness_rule(manifest):
    for source in manifest["sources"].values():
        assert source["freshness"]["warn_after"]["count"], source["name"]
        assert source["loaded_at_field"], source["name"]


def test_every_macro_of_ours_is_described(manifest):
    ours = [m for m in manifest["macros"].values() if m["package_name"] == "retail_feature_store"]
    assert [m["name"] for m in ours if not m["description"]] == []


def test_every_model_sql_file_is_short_and_ends_on_its_last_cte(models):
    for name, model in models.items():
        text = (warehouse.DBT_PROJECT / model["original_file_path"]).read_text()
        assert len(text.splitlines()) <= 100, name
        assert re.search(r"(\)|}})\n\nselect \* from \w+\n$", text), name


def test_nothing_in_the_project_reads_a_schema_named_truth():
    for file in warehouse.DBT_PROJECT.rglob("*"):
        if file.suffix in (".sql", ".yml") and "target" not in file.parts:
            assert not re.search(r"\btruth\b", file.read_text()), file


def test_no_family_of_features_reads_facts_of_the_shop(manifest, models):
    variables = yaml.safe_load((warehouse.DBT_PROJECT / "dbt_project.yml").read_text())["vars"]
    assert variables["feature_families"]
    for family in variables["feature_families"]:
        read = {name.split(".")[-1] for name in _parents(models[family], "model")}
        assert read
        assert not read & {fact.model for facts in PHASES for fact in facts}, family
