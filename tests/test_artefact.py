"""What a saved model is checked for before it is used."""

import dataclasses
import hashlib
import json
import os
import shutil

import numpy as np
import pandas as pd
import pytest

import warehouse
from train.candidates.baselines import LastThirtyDays
from train.forecaster import COLUMNS, Calibration, Forecaster
from train.registry import artefact, golden
from train.registry import card as cards

CONTRACT = warehouse.Contract(
    (
        warehouse.Column("customer_id", "varchar", "key", False),
        warehouse.Column("spend_30d", "decimal(18,2)", "feature", False),
        warehouse.Column("region", "varchar", "categorical feature", True),
    )
)
FRAME = pd.DataFrame({"spend_30d": [0.0, 12.5], "region": ["north", None]})


class FlatPurchase:
    """Half of all customers buy, whoever they are."""

    def predict_purchase(self, X):
        return np.full(len(X), 0.5)


class Trap:
    """Unpickling it leaves a trace."""

    def __reduce__(self):
        return os.mkdir, (os.environ["TRAP"],)


@pytest.fixture
def models(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "shop.duckdb"))
    monkeypatch.setenv("TRAP", str(tmp_path / "sprung"))
    return tmp_path / "models"


@pytest.fixture
def forecaster():
    return Forecaster(LastThirtyDays(), FlatPurchase(), Calibration(), ["spend_30d"], ["region"])


@pytest.fixture
def saved(models, forecaster):
    return keep(forecaster, "v1")


def keep(forecaster, version):
    evidence = pd.DataFrame({"customer_id": ["a", "b"], "actual": [0.0, 5.0]})
    card = {"version": version, "chosen": "last 30 days", "horizon_days": 30}
    return artefact.save(forecaster, card, CONTRACT, golden_rows=FRAME, evidence=evidence)


def rewrite_card(folder, **changes):
    card = artefact.read_card(folder) | changes
    (folder / "card.json").write_text(cards.seal_card(card))
    cards.accept(folder.name)


def register(version, sha256):
    with warehouse.connect() as connection:
        connection.execute("create table model_registry (version text, sha256 text, status text)")
        connection.execute(
            "insert into model_registry values (?, ?, 'champion')", [version, sha256]
        )


def test_loaded_model_predicts_as_before(saved, forecaster):
    loaded = artefact.load(saved, CONTRACT).predict(FRAME)
    pd.testing.assert_frame_equal(loaded, forecaster.predict(FRAME))


def test_folder_bears_the_version(saved, models):
    assert saved == models / "v1"


def test_saving_leaves_no_other_folder(saved, models, forecaster):
    keep(forecaster, "v1")
    assert [entry.name for entry in models.iterdir()] == ["v1"]


def test_failed_save_keeps_the_former_version(saved, models):
    with pytest.raises(Exception, match="pickle"):
        keep(lambda: None, "v1")
    assert artefact.load(saved, CONTRACT).version == "v1"


def test_same_identity_gives_the_same_version():
    names = {artefact.version_name("2020-01-01", {"data": "a", "seed": 0}) for _ in range(2)}
    assert len(names) == 1


def test_other_data_gives_another_version():
    names = {artefact.version_name("2020-01-01", {"data": data}) for data in "ab"}
    assert len(names) == 2


def test_changed_byte_is_refused(saved):
    content = bytearray((saved / "model.joblib").read_bytes())
    content[len(content) // 2] ^= 1
    (saved / "model.joblib").write_bytes(content)
    with pytest.raises(artefact.ArtefactError, match="sha256"):
        artefact.load(saved, CONTRACT)


def test_foreign_file_is_refused_before_it_is_unpickled(saved, tmp_path):
    import joblib

    joblib.dump(Trap(), saved / "model.joblib")
    with pytest.raises(artefact.ArtefactError):
        artefact.load(saved, CONTRACT)
    assert not (tmp_path / "sprung").exists()


def test_500_flipped_bits_are_refused_before_anything_is_unpickled(saved, monkeypatch):
    def unpickled(*args, **kwargs):
        pytest.fail("a changed file was unpickled")

    monkeypatch.setattr(artefact.joblib, "load", unpickled)
    files = sorted(saved.iterdir())
    assert len(files) == 4
    random = np.random.default_rng(0)
    refused = 0
    for file in files:
        intact = file.read_bytes()
        for position in random.integers(0, len(intact), 500 // len(files)):
            content = bytearray(intact)
            content[position] ^= 1 << int(random.integers(8))
            file.write_bytes(content)
            with pytest.raises(artefact.ArtefactError):
                artefact.load(saved, CONTRACT)
            refused += 1
        file.write_bytes(intact)
    assert refused == 500


@pytest.mark.parametrize("name", ["model.joblib", "card.json", "golden.parquet"])
def test_missing_file_is_refused(saved, name):
    (saved / name).unlink()
    with pytest.raises(artefact.ArtefactError, match=f"{name} is missing"):
        artefact.load(saved, CONTRACT)


def test_file_that_is_a_link_is_refused(saved, tmp_path):
    (saved / "model.joblib").rename(tmp_path / "elsewhere")
    (saved / "model.joblib").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(artefact.ArtefactError, match="missing"):
        artefact.load(saved, CONTRACT)


@pytest.mark.parametrize(
    "lead",
    [
        lambda models, outside: outside,
        lambda models, outside: models / ".." / "outside",
        lambda models, outside: models / "link",
        lambda models, outside: models / "deep" / "v1",
        lambda models, outside: models / "v1" / ".." / "v1",
    ],
    ids=["elsewhere", "way up", "symlink", "deeper", "up and down"],
)
def test_path_outside_the_registry_is_refused(saved, models, tmp_path, lead):
    outside = tmp_path / "outside"
    shutil.copytree(saved, outside)
    shutil.copytree(saved, models / "deep" / "v1")
    (models / "link").symlink_to(outside)
    with pytest.raises(artefact.ArtefactError, match="no folder of its own"):
        artefact.load(lead(models, outside), CONTRACT)


def test_models_folder_may_itself_be_a_link(saved, models, tmp_path):
    models.rename(tmp_path / "disk")
    models.symlink_to(tmp_path / "disk")
    assert artefact.load(saved, CONTRACT).version == "v1"


def test_golden_rows_reach_from_the_lowest_forecast_to_the_highest(models, forecaster):
    spend = np.arange(300.0)[::-1]
    rows = golden.pick(forecaster, pd.DataFrame({"spend_30d": spend, "region": "north"}))
    assert len(rows) == 20
    assert (rows["spend_30d"].min(), rows["spend_30d"].max()) == (0, 299)


def test_few_rows_are_all_golden(saved):
    assert len(pd.read_parquet(saved / "golden.parquet")) == len(FRAME)


@pytest.mark.parametrize(("change", "refused"), [(1e-8, True), (1e-11, False)])
def test_model_that_says_otherwise_of_golden_rows_is_refused(saved, change, refused):
    rows = pd.read_parquet(saved / "golden.parquet")
    rows["forecast: predicted_30d_spend"] *= 1 + change
    rows.to_parquet(saved / "golden.parquet")
    content = (saved / "golden.parquet").read_bytes()
    files = artefact.read_card(saved)["files"]
    rewrite_card(saved, files=files | {"golden.parquet": hashlib.sha256(content).hexdigest()})
    if refused:
        with pytest.raises(artefact.ArtefactError, match=r"golden row 1 was 12\.5"):
            artefact.load(saved, CONTRACT)
    else:
        assert artefact.load(saved, CONTRACT).version == "v1"


def test_version_saved_without_golden_rows_is_refused(saved):
    rewrite_card(saved, files={})
    with pytest.raises(artefact.ArtefactError, match="no golden rows"):
        artefact.load(saved, CONTRACT)


def test_model_that_the_code_of_today_cannot_use_is_refused(saved, monkeypatch):
    monkeypatch.delattr(FlatPurchase, "predict_purchase")
    with pytest.raises(artefact.ArtefactError, match="this version of the code"):
        artefact.load(saved, CONTRACT)


def test_evidence_comes_back_as_it_was_kept(saved):
    kept = artefact.load(saved, CONTRACT).evidence()
    assert kept.to_dict("list") == {"customer_id": ["a", "b"], "actual": [0.0, 5.0]}


def test_missing_column_is_named(saved):
    smaller = warehouse.Contract(CONTRACT.columns[:2])
    with pytest.raises(artefact.ArtefactError, match=r"region is gone.*train/fit\.py"):
        artefact.load(saved, smaller)


def test_new_column_is_named(saved):
    column = warehouse.Column("orders_30d", "bigint", "feature", False)
    with pytest.raises(artefact.ArtefactError, match="orders_30d is new"):
        artefact.load(saved, warehouse.Contract((*CONTRACT.columns, column)))


def test_changed_type_is_named(saved):
    changed = dataclasses.replace(CONTRACT.columns[1], data_type="double")
    contract = warehouse.Contract((CONTRACT.columns[0], changed, CONTRACT.columns[2]))
    with pytest.raises(artefact.ArtefactError, match=r"spend_30d was decimal.*is double"):
        artefact.load(saved, contract)


def test_other_library_version_is_named(saved):
    rewrite_card(saved, libraries=artefact.library_versions() | {"scikit-learn": "0.1"})
    with pytest.raises(artefact.ArtefactError, match=r"scikit-learn 0\.1"):
        artefact.load(saved, CONTRACT)


def test_missing_folder_says_what_to_run(models):
    with pytest.raises(artefact.ArtefactError, match=r"train/fit\.py"):
        artefact.load(models / "none", CONTRACT)


def test_card_is_plain_json(saved):
    assert json.loads((saved / "card.json").read_text())["contract"]["hash"] == CONTRACT.hash


def test_champion_is_the_registered_version(saved):
    register("v1", artefact.read_card(saved)["sha256"])
    assert artefact.champion(CONTRACT).version == "v1"


def test_warehouse_without_registry_has_no_champion(models):
    with warehouse.connect() as connection:
        connection.execute("select 1")
    with pytest.raises(artefact.ArtefactError, match="no model yet"):
        artefact.champion(CONTRACT)


def test_champion_that_is_not_the_registered_one_is_refused(saved):
    register("v1", "0" * 64)
    with pytest.raises(artefact.ArtefactError, match="model_registry"):
        artefact.champion(CONTRACT)


def test_registry_cannot_lead_out_of_the_models_folder(saved):
    register("../models/v1", artefact.read_card(saved)["sha256"])
    with pytest.raises(artefact.ArtefactError, match="no version name"):
        artefact.champion(CONTRACT)


def test_empty_frame_gives_an_empty_forecast(forecaster):
    assert list(forecaster.predict(FRAME.iloc[:0]).columns) == list(COLUMNS)
