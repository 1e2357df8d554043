"""What a saved model is checked for before it is used."""

import dataclasses
import json
import os

import numpy as np
import pandas as pd
import pytest

import warehouse
from train import artefact
from train.baselines import LastThirtyDays
from train.forecast import COLUMNS, Calibration, Forecaster

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
    return artefact.save(forecaster, {"version": "v1", "chosen": "last 30 days"}, CONTRACT)


def rewrite_card(folder, **changes):
    card = artefact.read_card(folder) | changes
    card.pop("seal")
    (folder / "card.json").write_text(artefact._sealed(card))


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
    artefact.save(forecaster, {"version": "v1"}, CONTRACT)
    assert [entry.name for entry in models.iterdir()] == ["v1"]


def test_failed_save_keeps_the_former_version(saved, models):
    with pytest.raises(Exception, match="pickle"):
        artefact.save(lambda: None, {"version": "v1"}, CONTRACT)
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


def test_any_flipped_bit_of_the_card_is_refused(saved):
    intact = (saved / "card.json").read_bytes()
    random = np.random.default_rng(0)
    accepted = 0
    for position in random.choice(len(intact), 200):
        content = bytearray(intact)
        content[position] ^= 1 << int(random.integers(8))
        (saved / "card.json").write_bytes(content)
        try:
            artefact.read_card(saved)
            accepted += 1
        except artefact.ArtefactError:
            pass
    assert accepted == 0


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
