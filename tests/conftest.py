"""One small shop, built once and shared; tests that write take a copy of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import warehouse
from core import dbt_runner
from generate.shop.plan import Plan
from generate.synthetic import generate
from operate import catalog
from proof import building
from serve.explain import explain
from serve.score import score
from train.fit import fit
from train.registry import versions
from warehouse import in_warehouse

REAL_FILE = warehouse.ROOT.parent / "shared" / "data" / "online_retail_ii_2009_2010.parquet"
CUSTOMERS, DAYS, SEED = 700, 900, 5
# whole builds, proofs, kills: minutes each, and `make test-long` runs them
LONG = (
    *("test_audit", "test_bounds", "test_canaries", "test_catalog", "test_decimals"),
    *("test_doc_commands", "test_erase", "test_faults", "test_forecast_drift", "test_gate"),
    *("test_history", "test_how_to_pages", "test_job", "test_kernel", "test_load_alarms"),
    *("test_load_kill", "test_load_malformed", "test_new_feature", "test_nightly", "test_oracle"),
    *("test_own_champion", "test_peers", "test_profile_shops", "test_prove", "test_reach"),
    *("test_same_bytes", "test_scorecard_nights", "test_serving", "test_shards", "test_unchanged"),
    *("test_api_image", "test_api_schema_long", "test_api_workers", "test_deploy"),
    *("test_operate_page", "test_soak", "test_store"),
    *("test_undo", "test_upgrade", "test_waiting", "test_what_if"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the files that take long."""
    for item in items:
        if item.path.stem in LONG:
            item.add_marker(pytest.mark.long)


@dataclass(frozen=True)
class Shop:
    """Where a built shop lies; `use` makes it the warehouse of the running test."""

    file: Path

    def copy_to(self, folder: Path) -> Shop:
        """Copy the warehouse and its models; nobody may hold the file."""
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.file, folder / self.file.name)
        if (self.file.parent / "models").exists():
            shutil.copytree(self.file.parent / "models", folder / "models")
        return Shop(folder / self.file.name)


@pytest.fixture(scope="session", autouse=True)
def dbt_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what dbt writes, and the list of trusted models, apart from the user's own."""
    folder = tmp_path_factory.mktemp("dbt")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_TARGET_PATH", str(folder / "target"))
        patch.setenv("DBT_LOG_PATH", str(folder / "logs"))
        patch.setenv("XDG_STATE_HOME", str(folder / "state"))
        patch.delenv("MODEL_KEY", raising=False)
        yield


@pytest.fixture(scope="session")
def generated_shop(tmp_path_factory: pytest.TempPathFactory, dbt_folders: None) -> Shop:
    """A generated shop with faults, raw tables only."""
    shop = Shop(tmp_path_factory.mktemp("generated") / "shop.duckdb")
    with in_warehouse(shop.file):
        generate(Plan(CUSTOMERS, SEED, days=DAYS))
    return shop


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, dbt_folders: None) -> Path:
    """A shop of sixty customers with its mart, snapshots a month apart."""
    file = tmp_path_factory.mktemp("tiny") / "shop.duckdb"
    with in_warehouse(file):
        generate(Plan(60, 3, days=400))
    building.build(file, building.GRID)
    return file


@pytest.fixture(scope="session")
def built_shop(generated_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The generated shop after `dbt build`, before any fit."""
    shop = generated_shop.copy_to(tmp_path_factory.mktemp("built"))
    with in_warehouse(shop.file):
        built = dbt_runner.build()
        catalog.write_lineage(built)
    return shop


@pytest.fixture(scope="session")
def scored_shop(built_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The built shop after fit, score and the marts on the scores."""
    shop = built_shop.copy_to(tmp_path_factory.mktemp("scored"))
    with in_warehouse(shop.file):
        versions.promote(fit(quick=True).version)
        score()
        explain()
        dbt_runner.build(select=dbt_runner.WRITTEN_BY_PYTHON)
    return shop


@pytest.fixture
def small_shop(scored_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The scored shop as the warehouse of this test; read only."""
    monkeypatch.setenv("WAREHOUSE_PATH", str(scored_shop.file))
    return scored_shop.file


@pytest.fixture
def shop_copy(scored_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the scored shop, with its models, that the test may write."""
    copy = scored_shop.copy_to(tmp_path / "copy")
    monkeypatch.setenv("WAREHOUSE_PATH", str(copy.file))
    return copy.file


@pytest.fixture
def world(
    generated_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Shop]:
    """Copies of the raw shop to change and build: `world("name")` is the warehouse from then on."""

    def make(name: str) -> Shop:
        shop = generated_shop.copy_to(tmp_path / name)
        monkeypatch.setenv("WAREHOUSE_PATH", str(shop.file))
        return shop

    return make


@pytest.fixture(scope="session")
def real_file() -> Path:
    """The real input, where it is at hand."""
    if not REAL_FILE.exists():
        pytest.skip("the real file (Online Retail II, 2009-2010) is not beside the project")
    return REAL_FILE
