"""What must not happen: code of strangers run, customers readable by others, tracebacks."""

from __future__ import annotations

import json
import os
import resource
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import warehouse
from train.candidates.baselines import LastThirtyDays
from train.forecaster import Calibration, Forecaster
from train.registry import artefact, tracking, trust, versions
from train.registry import card as cards

CONTRACT = warehouse.contract()
FRAME = pd.DataFrame(
    {name: [0.0, 12.5] for name in CONTRACT.numeric}
    | {name: ["a", None] for name in CONTRACT.categorical}
)


class HalfBuy:
    """Half of all customers buy, whoever they are."""

    def predict_purchase(self, X):
        return np.full(len(X), 0.5)


class Trap(Forecaster):
    """Unpickling it leaves a trace."""

    def __reduce__(self):
        return os.mkdir, (os.environ["TRAP"],)


@pytest.fixture
def models(tmp_path, monkeypatch):
    """A warehouse of one champion, v1, fitted by this user."""
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "shop.duckdb"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("TRAP", str(tmp_path / "sprung"))
    enter(keep("v1"), "champion")
    return tmp_path / "models"


def keep(version, kind=Forecaster):
    columns = (CONTRACT.numeric, CONTRACT.categorical)
    forecaster = Forecaster(LastThirtyDays(), HalfBuy(), Calibration(), *columns)
    card = {"version": version, "chosen": "last 30 days", "horizon_days": 30}
    card |= {"importance": {}, "training_as_of_dates": []}
    return artefact.save(forecaster, card, CONTRACT, golden_rows=FRAME)


def enter(folder, status):
    with warehouse.connect() as connection:
        versions.prepare(connection)
        connection.execute(
            "insert into main.model_registry by name select ? as version, date '2024-01-01' as"
            " as_of_date, ? as status, now() as fitted_at, '' as reason, '' as contract_hash,"
            " '' as data_fingerprint, '{}' as parameters, '{}' as metrics, ? as sha256,"
            " date '2024-01-01' as test_as_of_date, []::date[] as validation_as_of_dates,"
            " []::date[] as training_as_of_dates",
            [folder.name, status, cards.read_card(folder)["sha256"]],
        )


def plant(models, version="evil"):
    """Lay a model of somebody else's beside ours, its card sealed as any fit here would."""
    import joblib

    folder = models / version
    shutil.copytree(models / "v1", folder)
    (folder / "model.joblib").unlink()
    joblib.dump(Trap.__new__(Trap), folder / "model.joblib")
    rewrite(folder, sha256=cards.sha256_of((folder / "model.joblib").read_bytes()))
    return folder


def rewrite(folder, **changes):
    card = json.loads((folder / "card.json").read_text()) | {"version": folder.name} | changes
    (folder / "card.json").write_text(cards.seal_card(card))


def test_a_model_of_a_stranger_is_not_promoted_and_not_run(models, tmp_path):
    plant(models)
    with pytest.raises(artefact.ArtefactError, match=r"not fitted here.*fit\.py --trust evil"):
        versions.promote("evil")
    assert not (tmp_path / "sprung").exists()


def test_a_forged_row_of_the_registry_runs_nothing(models, tmp_path):
    folder = plant(models)
    with warehouse.connect() as connection:
        connection.execute("delete from main.model_registry")
    enter(folder, "champion")
    with pytest.raises(artefact.ArtefactError, match="not fitted here"):
        artefact.champion(CONTRACT)
    with pytest.raises(artefact.ArtefactError, match="not fitted here"):
        versions.promote("evil")
    assert not (tmp_path / "sprung").exists()


def test_a_changed_card_is_refused_though_it_is_sealed_anew(models):
    rewrite(models / "v1", importance={"spend_30d": 9.0})
    with pytest.raises(artefact.ArtefactError, match="not fitted here"):
        artefact.champion(CONTRACT)


def test_what_is_said_to_be_trusted_is_used(models):
    shutil.copytree(models / "v1", models / "v2")
    rewrite(models / "v2")
    assert cards.accept("v2") == "v2 is trusted from now on"
    assert artefact.load(models / "v2", CONTRACT).version == "v2"


def test_where_no_model_was_loaded_before_the_champion_is_trusted_and_it_is_said(
    models, tmp_path, monkeypatch, caplog
):
    shutil.copytree(models / "v1", models / "v2")
    rewrite(models / "v2")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another machine"))
    with pytest.raises(artefact.ArtefactError, match="not fitted here"):
        artefact.load(models / "v1", CONTRACT)
    assert artefact.champion(CONTRACT).version == "v1"
    assert "v1 is the first model that this user loads" in caplog.text
    assert artefact.load(models / "v1", CONTRACT).version == "v1"
    with pytest.raises(artefact.ArtefactError, match="not fitted here"):
        artefact.load(models / "v2", CONTRACT)


def test_the_list_of_trusted_models_is_the_users_own(models):
    assert stat.S_IMODE(trust.list_file().stat().st_mode) == 0o600
    assert trust.list_file().read_text().split()[1:] == ["v1"]


def test_where_the_list_cannot_be_written_the_champion_is_used_and_it_is_said(
    models, tmp_path, monkeypatch, caplog
):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert artefact.champion(CONTRACT).version == "v1"
    assert "set MODEL_KEY" in caplog.text
    with pytest.raises(artefact.ArtefactError, match="set MODEL_KEY"):
        cards.accept("v1")


def test_under_a_key_only_what_is_sealed_with_it_is_loaded(models, tmp_path, monkeypatch):
    plant(models)
    monkeypatch.setenv("MODEL_KEY", "first")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another machine"))
    for version in ("v1", "evil"):
        with pytest.raises(artefact.ArtefactError, match=f"no seal of MODEL_KEY.*trust {version}"):
            artefact.load(models / version, CONTRACT)
    keep("v3")
    assert artefact.load(models / "v3", CONTRACT).version == "v3"
    assert cards.accept("v1") == "v1 is sealed under MODEL_KEY now"
    assert artefact.champion(CONTRACT).version == "v1"
    monkeypatch.setenv("MODEL_KEY", "second")
    with pytest.raises(artefact.ArtefactError, match="sealed under another MODEL_KEY"):
        artefact.champion(CONTRACT)
    monkeypatch.delenv("MODEL_KEY")
    with pytest.raises(artefact.ArtefactError, match="MODEL_KEY is not set"):
        artefact.champion(CONTRACT)
    assert not (tmp_path / "sprung").exists()


def test_a_seal_under_a_key_is_written_to_a_new_file(models, tmp_path, monkeypatch):
    os.link(models / "v1" / "card.json", tmp_path / "older generation")
    before = (tmp_path / "older generation").read_text()
    monkeypatch.setenv("MODEL_KEY", "first")
    cards.accept("v1")
    assert (tmp_path / "older generation").read_text() == before
    assert sorted(file.name for file in (models / "v1").iterdir()) == [
        "card.json",
        "golden.parquet",
        "model.joblib",
    ]


@pytest.mark.parametrize("name", ["../../secret.txt", "/etc/passwd", "a\0b", "..", ""])
def test_a_card_names_no_file_outside_its_folder(models, name):
    card = cards.read_card(models / "v1")
    rewrite(models / "v1", files=card["files"] | {name: "0" * 64})
    with pytest.raises(artefact.ArtefactError, match=r"no card of a model \(see its files\)"):
        artefact.load(models / "v1", CONTRACT)


@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, "[]", "null", "{}", "", "\0", '"a"', '{"version": null, "seal": null}'],
    ids=["brackets", "list", "null", "empty", "nothing", "NUL", "text", "nulls"],
)
def test_what_is_no_card_is_refused_in_one_sentence(models, text):
    (models / "v1" / "card.json").write_text(text)
    with pytest.raises(artefact.ArtefactError) as raised:
        artefact.champion(CONTRACT)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("field", ["version", "sha256", "files", "contract", "libraries"])
def test_a_card_without_a_field_is_refused_by_its_name(models, field):
    rewrite(models / "v1", **{field: None})
    with pytest.raises(artefact.ArtefactError, match=rf"see its {field}"):
        artefact.champion(CONTRACT)


@pytest.mark.parametrize("version", [None, "", "a\0b", "../v1", "." * 3, "x" * 5000, "é/..", "v 1"])
def test_an_odd_version_is_no_version_name(models, version):
    with warehouse.connect() as connection:
        connection.execute("alter table main.model_registry alter version drop not null")
        connection.execute("update main.model_registry set version = ?", [version])
    with pytest.raises(artefact.ArtefactError, match="no version name"):
        artefact.champion(CONTRACT)
    with pytest.raises(artefact.ArtefactError, match="no version name"):
        versions.promote(version)


def test_two_champions_are_refused_and_a_promotion_mends_it(models):
    enter(keep("v2"), "champion")
    with pytest.raises(artefact.ArtefactError, match=r"more than one champion \(v1, v2\).*promote"):
        artefact.champion(CONTRACT)
    assert versions.promote("v2") == "v2 is the champion now instead of v1"
    assert artefact.champion(CONTRACT).version == "v2"


def test_a_model_that_may_not_be_read_is_refused_in_one_sentence(models, monkeypatch):
    def refuse(file):
        raise PermissionError(13, "Permission denied")

    # the tests may run as root, who may read everything
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(artefact.ArtefactError, match="cannot be read"):
        artefact.champion(CONTRACT)


def test_a_fit_that_is_made_again_leaves_the_folder_where_it_is(models):
    before = (models / "v1").stat().st_ino, (models / "v1" / "card.json").stat().st_ino
    keep("v1")
    after = (models / "v1").stat().st_ino, (models / "v1" / "card.json").stat().st_ino
    assert after == before


def test_a_broken_version_is_replaced_by_the_same_fit(models):
    (models / "v1" / "model.joblib").write_bytes(b"")
    keep("v1")
    assert artefact.champion(CONTRACT).version == "v1"
    assert [entry.name for entry in models.iterdir()] == ["v1"]


def test_a_save_removes_what_killed_saves_have_left(models):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    for name in (f".staged-{gone.pid}-x", f".former-{gone.pid}-x", f".staged-{os.getpid()}-x"):
        (models / name / "version").mkdir(parents=True)
    keep("v2")
    assert sorted(entry.name for entry in models.iterdir()) == [
        f".staged-{os.getpid()}-x",
        "v1",
        "v2",
    ]


def test_a_saved_model_is_nobody_elses(models):
    assert stat.S_IMODE((models / "v1").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:100]), "the file is broken"),
        (lambda file: file.write_bytes(b"\1" * 20_000), "the file is broken"),
        (lambda file: _flip(file, 4100), "the file is broken"),
        (lambda file: (file.unlink(), file.mkdir()), "choose another WAREHOUSE_PATH"),
    ],
    ids=["cut", "another kind", "a bit", "a folder"],
)
def test_a_warehouse_that_cannot_be_opened_is_one_sentence(models, broken, said):
    broken(warehouse.path())
    for read_only in (True, False):
        with pytest.raises(warehouse.WarehouseError, match=said) as raised:
            warehouse.connect(read_only=read_only)
        assert "\n" not in str(raised.value)


def _flip(file, place):
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)


@pytest.mark.skipif(os.getuid() == 0, reason="root may open everything")
def test_a_file_that_may_not_be_opened_is_not_called_broken(models):
    warehouse.path().chmod(0)
    with pytest.raises(warehouse.WarehouseError, match="give yourself the right") as raised:
        warehouse.writer()
    assert "broken" not in str(raised.value)


def test_who_may_not_open_the_file_is_not_told_that_it_is_broken(models):
    why = 'IO Error: Cannot open file "x": Permission denied'
    assert "give yourself the right to" in str(warehouse._not_opened(Path("x"), why))


def test_a_full_disk_is_not_called_a_broken_file(monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", "/dev/full")
    with pytest.raises(warehouse.WarehouseError, match="make room on the disk"):
        warehouse.connect()


READER = """
import sys, time, duckdb
print("open", flush=True)
while True:
    try:
        with duckdb.connect(sys.argv[1], read_only=True):
            time.sleep(float(sys.argv[2]))
    except duckdb.Error:
        pass
    time.sleep(0.3)
"""


def test_a_writer_finds_its_way_between_readers_that_open_every_third_of_a_second(models):
    file = warehouse.path()
    command = [sys.executable, "-c", READER, file, "0.1"]
    readers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        assert [process.stdout.readline() for process in readers] == ["open\n"] * 2
        for _ in range(10):
            warehouse.writer().close()
    finally:
        for process in readers:
            process.kill()
            process.communicate()


def test_who_holds_the_file_is_named_without_what_it_was_called_with(models, monkeypatch):
    monkeypatch.setattr(warehouse, "ATTEMPTS", 2)
    code = "import sys, duckdb; held = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    command = [sys.executable, "-c", code, warehouse.path(), "--password=hidden"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        process.stdout.readline()
        for opened in (warehouse.writer, lambda: warehouse.connect(read_only=True)):
            with pytest.raises(
                warehouse.HeldError, match=rf"process {process.pid} \(python.*since"
            ) as raised:
                opened()
            assert "hidden" not in str(raised.value)
        process.communicate(b"\n")


def _modes(folder: Path) -> dict[str, str]:
    return {
        str(entry.relative_to(folder)): oct(stat.S_IMODE(entry.stat().st_mode) & 0o077)
        for entry in folder.rglob("*")
    }


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "generate/synthetic.py", "--customers", "20", "--days", "400"],
        [sys.executable, "-m", "operate.shop", "generate", "--customers", "20", "--days", "400"],
        [Path(sys.executable).with_name("dbt"), "run-operation", "create_loads_if_missing"],
    ],
    ids=["script", "shop", "dbt by hand"],
)
def test_what_a_command_writes_is_the_users_alone(tmp_path, command):
    shop = tmp_path / "new" / "shop.duckdb"
    if "run-operation" in command:
        shop.parent.mkdir(mode=0o700)
    project = str(warehouse.DBT_PROJECT)
    env = {**os.environ, "WAREHOUSE_PATH": str(shop), "PYTHONPATH": str(warehouse.ROOT)}
    env |= {"DBT_PROJECT_DIR": project, "DBT_PROFILES_DIR": project}
    done = subprocess.run(
        command, cwd=warehouse.ROOT, env=env, umask=0o022, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert shop.exists()
    assert set(_modes(tmp_path).values()) == {"0o0"}


@pytest.mark.parametrize("command", ["serve/score.py", "serve/explain.py"])
def test_a_full_disk_is_one_sentence_and_what_was_there_is_whole(shop_copy, command):
    before = _forecasts()
    limit = 64 * 1024
    done = subprocess.run(
        [sys.executable, command],
        cwd=warehouse.ROOT,
        env={**os.environ, "PYTHONPATH": str(warehouse.ROOT)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "File too large: make room on the disk" in done.stderr
    assert _forecasts() == before


def _forecasts():
    with warehouse.connect(read_only=True) as connection:
        return [
            connection.execute(f"from main.{table} order by all").fetchall()
            for table in ("predictions", "prediction_reasons", "scoring_runs")
        ]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("http://bob:secret@localhost:1/x", "http://***@localhost:1/x"),
        ("postgresql://bob:sec@ret/@localhost/runs", "postgresql://***@localhost/runs"),
        ("sqlite:///runs.db", "sqlite:///runs.db"),
    ],
)
def test_an_address_is_shown_without_its_password(address, shown):
    assert tracking.without_password(f"cannot use '{address}'") == f"cannot use '{shown}'"


def test_a_store_that_cannot_be_used_is_named_without_its_password():
    with pytest.raises(tracking.TrackingError) as raised:
        tracking.Tracker("nonsense://bob:secret@localhost/runs")
    assert "nonsense://***@localhost/runs" in str(raised.value)
    assert "secret" not in str(raised.value)


def _dbt_by_hand(file: Path) -> subprocess.CompletedProcess:
    project = str(warehouse.DBT_PROJECT)
    env = {**os.environ, "WAREHOUSE_PATH": str(file)}
    env |= {"DBT_PROJECT_DIR": project, "DBT_PROFILES_DIR": project}
    return subprocess.run(
        [Path(sys.executable).with_name("dbt"), "run", "--select", "stg_retail__products"],
        cwd=project,
        env=env,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("name", ['a"b.duckdb', "a;b.duckdb", "a?b.duckdb", "#/b.duckdb"])
def test_a_name_that_dbt_does_not_take_is_refused_in_one_sentence(tmp_path, monkeypatch, name):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / name))
    with pytest.raises(warehouse.WarehouseError, match="choose another WAREHOUSE_PATH"):
        warehouse.writer()


@pytest.mark.parametrize("name", ['a"b.duckdb', "o'neill.duckdb"])
def test_dbt_by_hand_says_that_it_does_not_take_a_name(tmp_path, name):
    done = _dbt_by_hand(tmp_path / name)
    assert "has a character in its name that dbt does not take" in done.stdout
    assert "Traceback" not in done.stdout
    assert not (tmp_path / name).exists()


def test_a_warehouse_of_an_odd_name_is_built(generated_shop, tmp_path):
    (tmp_path / 'it"s').mkdir()
    odd = tmp_path / 'it"s' / "drop schema raw -- é.duckdb"
    shutil.copy(generated_shop.file, odd)
    done = _dbt_by_hand(odd)
    assert done.returncode == 0, done.stdout


def test_what_a_killed_process_has_spilled_goes_with_the_next_writer(models):
    folder = Path(f"{warehouse.path()}.tmp")
    folder.mkdir()
    (folder / "duckdb_temp_storage-0.tmp").write_bytes(b"customers")
    for place in (folder / "duckdb_temp_storage-0.tmp", folder):
        os.utime(place, (1, 1))
    warehouse.connect(read_only=True).close()
    assert folder.exists()
    warehouse.writer().close()
    assert not folder.exists()


def test_a_writer_leaves_what_its_own_process_spills(models):
    folder = Path(f"{warehouse.path()}.tmp")
    folder.mkdir()
    (folder / "duckdb_temp_storage-0.tmp").write_bytes(b"in use")
    warehouse.writer().close()
    assert (folder / "duckdb_temp_storage-0.tmp").exists()


def test_who_has_a_file_open_is_found_where_the_database_does_not_say(models):
    command = [
        sys.executable,
        "-c",
        "import sys; held = open(sys.argv[1]); print(1, flush=True); input()",
    ]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([*command, warehouse.path()], **pipes) as process:
        process.stdout.readline()
        assert f"process {process.pid} (" in warehouse.holder(warehouse.path())
        process.communicate(b"\n")
    assert warehouse.holder(warehouse.path()) == "another process"
