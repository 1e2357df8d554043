"""Generations in an object store: a real S3 server and a folder, and who follows them."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import duckdb
import httpx
import obstore
import pytest

import warehouse
from benchmarks.servers import free_port, running
from core.generations import Generations
from core.scratch import folder_for_copies
from core.store import Manifest, Store, StoreError, read_manifest, shown
from operate.night.sign import sign
from operate.to_store import publish_to
from serve import repository
from serve.fetching import Fetcher
from serve.serving import Serving
from tests.object_store import BUCKET
from tests.serve_fixtures import run_page, running_api

pytest_plugins = ("tests.object_store",)

MANIFEST = Manifest(3, "run", "v1", "2024-05-03", "2024-05-03 02:00:00", ())


def publish_here(keep: int = 9) -> int:
    """Publish one more generation of the warehouse, as a night does."""
    generations = Generations(warehouse.published())
    with generations.private_copy() as copy:
        number = generations.next_number
        with warehouse.in_warehouse(copy.file), warehouse.writer() as connection:
            sign(connection, number, f"run {number}")
            connection.execute("checkpoint")
        number = generations.publish(copy)
    generations.prune(keep)
    return number


@pytest.fixture(params=["s3", "file"])
def url(request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty store."""
    if request.param == "file":
        return f"file://{tmp_path}/store"
    for name, value in request.getfixturevalue("s3").items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:12]}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the store of `file` lies."""
    return tmp_path / "store"


@pytest.fixture
def stored(shop_copy: Path, folder: Path) -> str:
    """The address of a folder with the first generation in it."""
    publish_here()
    address = f"file://{folder}"
    publish_to(address, 9)
    return address


def fetcher(url: str, tmp_path: Path) -> Fetcher:
    cache = tmp_path / "cache"
    cache.mkdir(exist_ok=True)
    return Fetcher(url, cache)


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_a_generation_goes_to_the_store_with_all_that_people_and_servers_read(shop_copy, url):
    number = publish_here()
    manifest = publish_to(url, 9)
    assert Store(url).manifest() == manifest == Store(url).manifest(number)
    paths = {file.path for file in manifest.files}
    assert {
        "warehouse.duckdb",
        f"models/{manifest.model_version}/model.joblib",
        "export/main/predictions.parquet",
        "export/marts/customers.parquet",
    } <= paths
    store = Store(url)._store
    for file in manifest.files:
        content = bytes(obstore.get(store, file.key).bytes())
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file.size, file.sha256)


def test_a_reader_gets_the_published_generation_and_then_the_next_one(shop_copy, url, tmp_path):
    reader = fetcher(url, tmp_path)
    assert not reader.fetch()
    assert reader.generations.current is None
    for _ in range(2):
        number = publish_here()
        publish_to(url, 9)
        assert reader.fetch()
        assert reader.generations.current == number
        with duckdb.connect(str(reader.generations.place), read_only=True) as connection:
            assert connection.execute("select number from main.generation").fetchone() == (number,)
        assert not reader.fetch()


def test_a_server_changes_over_to_what_is_fetched(stored, tmp_path, monkeypatch):
    reader = fetcher(stored, tmp_path)
    reader.fetch()
    here = warehouse.published()
    monkeypatch.setenv("WAREHOUSE_PATH", str(reader.generations.place))
    serving = Serving()
    assert (serving.now.generation, serving.now.problem) == (1, None)
    with warehouse.in_warehouse(here):
        publish_here()
        publish_to(stored, 9)
    reader.fetch()
    serving.look()
    assert serving.now.generation == 2
    assert serving.now.model


def answers(address: str, customer: str) -> list[object]:
    changes = [{"amount": 80.0}]
    return [
        httpx.get(f"{address}/").json(),
        httpx.get(f"{address}/customers/{customer}").json(),
        httpx.post(f"{address}/customers/{customer}/what-if", json=changes, timeout=60).json(),
    ]


def test_an_api_without_a_warehouse_answers_from_the_store_as_one_with_it(shop_copy, url, tmp_path):
    publish_here()
    publish_to(url, 9)
    with warehouse.connect(read_only=True) as connection:
        [(customer,)] = connection.execute(
            "select any_value(customer_id) from predictions where predicted_30d_spend > 5"
        ).fetchall()
    with running_api(shop_copy, tmp_path / "here.log") as address:
        expected = answers(address, customer)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "serve/api.py", "--port", str(port)]
    variables = {"GENERATION_URL": url, "GENERATION_CACHE": str(tmp_path / "cache")}
    variables["WAREHOUSE_PATH"] = str(tmp_path / "nothing.duckdb")
    with running(command, address, tmp_path / "log", variables):
        assert httpx.get(address).headers["x-generation"] == "1"
        assert answers(address, customer) == expected
    assert expected[2]["changed"]


def first_page() -> None:
    from serve.screens import month_page

    month_page.page()


def test_the_app_reads_all_that_it_shows_from_the_serving_copy(stored, tmp_path, monkeypatch):
    reader = fetcher(stored, tmp_path)
    reader.fetch()
    monkeypatch.setenv("WAREHOUSE_PATH", str(reader.generations.place))
    app = run_page(first_page)
    assert [each.value for each in (*app.exception, *app.error)] == []
    assert app.metric
    assert repository.categories()


def test_the_serving_copy_says_nothing_that_a_customer_is_reached_by(stored, folder):
    file = folder / "generations/000001/warehouse.duckdb"
    with duckdb.connect(str(file), read_only=True) as connection:
        columns = connection.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns()"
            " where not internal"
        ).fetchall()
        assert not {schema for schema, *_ in columns} & {"raw", "history", "truth"}
        # views of forecasts, which the total of a list is taken over
        staged = {table for schema, table, *_ in columns if schema == "staging"}
        assert staged == {"stg_scoring__predictions", "stg_scoring__scoring_runs"}
        for schema, table, column, kind in columns:
            if kind == "VARCHAR":
                found = connection.execute(
                    f"select count(*) from {schema}.{table} where contains({column}, '@')"
                ).fetchall()
                assert found == [(0,)], (schema, table, column)


@pytest.mark.parametrize("spoil", [flip, Path.unlink, lambda file: file.write_bytes(b"")])
@pytest.mark.parametrize(
    "name", ["warehouse.duckdb", "models/*/model.joblib", "models/*/card.json"]
)
def test_what_does_not_arrive_as_the_manifest_says_replaces_nothing(
    stored, folder, tmp_path, name, spoil, caplog
):
    reader = fetcher(stored, tmp_path)
    reader.fetch()
    publish_here()
    publish_to(stored, 9)
    [file] = (folder / "generations/000002").glob(name)
    kept = file.read_bytes()
    spoil(file)
    said, failed = reader.try_to_fetch()
    assert failed
    assert file.name in said
    assert "what is served stays what it was" in caplog.text
    assert reader.generations.kept == [1]
    assert reader.generations.current == 1
    file.write_bytes(kept)
    assert reader.try_to_fetch() == ("", False)
    assert reader.generations.current == 2


def test_a_generation_that_this_code_cannot_serve_replaces_nothing(stored, folder, tmp_path):
    reader = fetcher(stored, tmp_path)
    reader.fetch()
    publish_here()
    publish_to(stored, 9)
    # hashes are right, and the model is no model
    current = folder / "current.json"
    manifest = json.loads(current.read_text())
    for file in manifest["files"]:
        if file["path"].endswith("model.joblib"):
            (folder / file["key"]).write_bytes(b"no model")
            file |= {"size": 8, "sha256": hashlib.sha256(b"no model").hexdigest()}
    current.write_text(json.dumps(manifest))
    said, failed = reader.try_to_fetch()
    assert failed
    assert "is not the file its card describes" in said
    assert reader.generations.current == 1


def test_a_reader_with_a_key_runs_no_model_without_its_seal(stored, tmp_path, monkeypatch):
    monkeypatch.setenv("MODEL_KEY", "a secret of the night and its readers")
    reader = fetcher(stored, tmp_path)
    said, failed = reader.try_to_fetch()
    assert failed
    assert "bears no seal of MODEL_KEY" in said
    assert reader.generations.current is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        MANIFEST.text().replace('"files": []', '"files": [{"path": 1}]'),
        MANIFEST.text().replace("3,", '"x",'),
    ],
)
def test_a_manifest_that_is_none_is_refused(text):
    with pytest.raises(StoreError, match="the manifest cannot be read"):
        read_manifest(text)


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("../../warehouse.duckdb", "generations/000003/../../warehouse.duckdb"),
        ("/etc/passwd", "generations/000003//etc/passwd"),
        ("models/v1/card.json", "generations/000002/models/v1/card.json"),
    ],
)
def test_a_manifest_leads_nowhere_but_into_its_own_generation(path, key):
    file = {"path": path, "key": key, "size": 1, "sha256": "0"}
    text = MANIFEST.text().replace('"files": []', f'"files": [{json.dumps(file)}]')
    with pytest.raises(StoreError, match="the manifest names"):
        read_manifest(text)


def test_an_upload_that_broke_is_seen_by_nobody_and_the_next_one_completes_it(stored, folder):
    publish_here()
    begun = folder / "generations/000002/warehouse.duckdb"
    begun.parent.mkdir()
    begun.write_bytes(b"half")
    # a file where a folder must come: the upload breaks
    (begun.parent / "models").write_text("in the way")
    with pytest.raises(StoreError, match="does not take generations/000002/models"):
        publish_to(stored, 9)
    assert Store(stored).manifest().generation == 1
    (begun.parent / "models").unlink()
    publish_to(stored, 9)
    assert Store(stored).manifest().generation == 2


def test_a_whole_generation_is_never_written_again(stored, folder):
    before = {file: file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}
    publish_to(stored, 9)
    after = {file: file.stat().st_mtime_ns for file in folder.rglob("*") if file.is_file()}
    changed = {file.name for file in before if before[file] != after[file]}
    # of the same content
    assert changed <= {"current.json", "manifest.json"}
    with warehouse.writer() as connection:
        connection.execute("update main.generation set created_at = created_at + interval 1 second")
    with pytest.raises(StoreError, match="holds another generation 1, made at"):
        publish_to(stored, 9)


def test_what_a_broken_upload_left_goes_too(stored, folder):
    left = folder / "generations/000000/warehouse.duckdb"
    left.parent.mkdir()
    left.write_bytes(b"half")
    assert Store(stored).prune(2) == []
    publish_here()
    publish_to(stored, 2)
    assert Store(stored).numbers() == [1, 2]


def test_of_an_erased_past_nothing_stays(stored, folder):
    publish_here()
    assert command("--to-store", stored, "--keep", "1").returncode == 0
    assert Store(stored).numbers() == [2]
    assert not list((folder / "generations").glob("000001/**/*"))


def test_the_oldest_generations_go_and_the_way_back_stays(shop_copy, url):
    for _ in range(4):
        publish_here()
        publish_to(url, 2)
    assert Store(url).numbers() == [3, 4]
    store = Store(url)._store
    keys = [entry["path"] for entries in obstore.list(store) for entry in entries]
    assert not [key for key in keys if "000001" in key or "000002" in key]


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "operate/publish.py", *arguments],
        cwd=warehouse.ROOT,
        capture_output=True,
        text=True,
    )


def test_a_roll_back_takes_the_readers_of_the_store_back_without_a_second_download(
    stored, tmp_path
):
    reader = fetcher(stored, tmp_path)
    reader.fetch()
    first = reader.generations.place.resolve().stat().st_ino
    publish_here()
    assert command("--to-store", stored).returncode == 0
    assert reader.fetch()
    assert reader.generations.current == 2
    done = command("--rollback", "--to-store", stored)
    assert f"generation 1 is published in {stored}" in done.stdout
    assert reader.fetch()
    assert reader.generations.place.resolve().stat().st_ino == first


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("ftp://host/shop", "begin it with one of s3://, gs://, az://, file://"),
        ("file://shop", "give the whole path"),
        ("s3://", "cannot be used"),
    ],
)
def test_an_address_that_is_none_is_said_in_a_sentence(stored, address, says):
    done = command("--to-store", address)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_not_published_here_goes_to_no_store(shop_copy, folder):
    with pytest.raises(StoreError, match="no night has published yet"):
        publish_to(f"file://{folder}", 9)


def test_addresses_are_shown_without_secrets():
    assert shown("s3://me:secret@shop/prefix?token=1") == "s3://shop/prefix"


def test_a_cache_that_others_can_write_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("GENERATION_CACHE", str(tmp_path))
    folder_for_copies("file:///shop").chmod(0o777)
    with pytest.raises(warehouse.ShopError, match="can be written by others"):
        folder_for_copies("file:///shop")
