"""Every model of the dbt project, the model and its forecasts as assets of Dagster.

DAGSTER_IS_DEV_CLI=1 WAREHOUSE_PATH=... dagster dev -f examples/dagster/definitions.py

These assets work on the warehouse file itself, as commands by hand do. Where readers must never
meet a writer, let Dagster run the night as a whole instead: the job `night`.
"""

# no `from __future__ import annotations` here: Dagster reads the types of contexts

import os
import subprocess
import sys
from collections.abc import Iterator

import dagster as dg
from dagster_dbt import (
    DbtCliResource,
    DbtProject,
    dbt_assets,
    get_asset_key_for_model,
    get_asset_keys_by_output_name_for_source,
)

import warehouse
from serve.explain import explain
from serve.score import score
from train.fit import fit

# what Python writes, and what dbt makes of that
WRITTEN = "source:scoring+"
# unit tests belong to a change of the SQL, not to a refresh
BUILD = ["build", "--exclude-resource-type", "unit_test"]

os.environ.setdefault("DBT_PROJECT_DIR", str(warehouse.DBT_PROJECT))
project = DbtProject(warehouse.DBT_PROJECT, profiles_dir=warehouse.DBT_PROJECT)
# writes the manifest while you develop; an image has it made when it is built
project.prepare_if_dev()


@dbt_assets(manifest=project.manifest_path, exclude=WRITTEN, name="features", project=project)
def features(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator:
    """Cleaned facts and the feature mart; dbt's tests are checks of the assets."""
    yield from dbt.cli(BUILD, context=context).stream()


@dbt_assets(manifest=project.manifest_path, select=WRITTEN, name="marts", project=project)
def marts(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator:
    """What people read of the forecasts."""
    yield from dbt.cli(BUILD, context=context).stream()


FEATURES = get_asset_key_for_model([features], warehouse.FEATURE_MART)
SCORES = get_asset_keys_by_output_name_for_source([marts], "scoring")


@dg.asset(deps=[FEATURES])
def model(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """The model, champion if it is no worse than the one before."""
    fitted = fit()
    return dg.MaterializeResult(
        metadata={
            "version": fitted.version,
            "status": str(fitted.verdict.status),
            "reason": fitted.verdict.reason,
        }
    )


@dg.multi_asset(specs=[dg.AssetSpec(key, deps=[FEATURES, model]) for key in SCORES.values()])
def forecasts() -> Iterator[dg.MaterializeResult]:
    """Forecasts of the current date and the reasons for them, with the champion."""
    scored = score()
    explain(scored.as_of)
    for key in SCORES.values():
        yield dg.MaterializeResult(key, metadata={"customers": scored.customers})


@dg.op
def run_night(context: dg.OpExecutionContext) -> None:
    """Run the night as one step: it publishes all at once, or nothing."""
    command = [sys.executable, "-m", "operate.nightly", "--data", os.environ["INBOX"]]
    done = subprocess.run(command, cwd=warehouse.ROOT, capture_output=True, text=True)
    context.log.info(done.stdout)
    # 10: published, with warnings
    if done.returncode not in (0, 10):
        raise dg.Failure(done.stdout + done.stderr)


@dg.job
def night() -> None:
    """The night as a whole."""
    run_night()


defs = dg.Definitions(
    assets=[features, model, forecasts, marts],
    jobs=[night],
    schedules=[dg.ScheduleDefinition(job=night, cron_schedule="30 2 * * *")],
    resources={"dbt": DbtCliResource(project_dir=project)},
)
