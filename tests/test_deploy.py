"""What starts the night and serves it elsewhere: each file is run, or read by its own tool."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import duckdb
import httpx
import pytest
import yaml

import warehouse
from benchmarks import night_files
from benchmarks.servers import free_port, running
from core.dbt_runner import build
from generate.shop.plan import Plan
from operate.night.ledger import PUBLISHED, WARNED
from operate.shop import COMMANDS
from tests.docker_image import DOCKERFILE, Image, built, instructions

ROOT = warehouse.ROOT
BIN = Path(sys.executable).parent
UNITS = sorted((ROOT / "deploy").glob("shop-*"))
HOME = "/opt/retail-feature-store"


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The image, built in an empty folder."""
    return built(tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def inbox(image: Image, tmp_path_factory: pytest.TempPathFactory, dbt_folders: None) -> Path:
    """The first export of a small shop, where the image finds it."""
    night_files.write(Plan(300, 9, days=500), image.root / "inbox", 1)
    return image.root / "inbox"


@pytest.fixture(scope="module")
def night(image: Image, inbox: Path) -> subprocess.CompletedProcess[str]:
    """The command of the service `nightly`, with a store beside it."""
    command = [image.placed(word) for word in services()["nightly"]["command"]]
    # the first lot of files alone
    command += ["--as-of", sorted(day.name for day in inbox.iterdir())[1]]
    return image.run(*command, PUBLISH_TO=f"file://{image.root}/store", NOTIFY_URLS="")


def services() -> dict[str, dict]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]


def code_of(image: Image) -> set[tuple[str, int]]:
    return {
        (str(file), file.stat().st_mtime_ns)
        for file in (image.root / "app").rglob("*")
        if file.is_file()
    }


@pytest.mark.skipif(not (BIN / "hadolint").exists(), reason="hadolint is not installed")
def test_the_dockerfile_is_clean():
    done = subprocess.run([BIN / "hadolint", DOCKERFILE], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_image_is_not_run_by_root_and_names_no_registry():
    lines = instructions()
    assert [rest for word, rest in lines if word == "USER"] == ["10001:10001"]
    for _, rest in [line for line in lines if line[0] == "FROM"]:
        # a tag, and no address before the name
        assert re.fullmatch(r"python:\S+( AS \w+)?", rest)
    locks = (ROOT / "deploy").glob("*.lock")
    for file in (DOCKERFILE, ROOT / "compose.yaml", *locks):
        assert not re.search(r"https?://(?!127\.0\.0\.1|api:)|index-url", file.read_text()), file


@pytest.mark.parametrize(
    ("name", "extras"),
    [
        ("requirements.lock", ("serve", "build", "app")),
        ("requirements-serve.lock", ("serve",)),
    ],
)
def test_the_image_installs_what_the_tests_ran_with_and_none_of_the_tools(name, extras):
    def pins(file: Path) -> set[str]:
        return set(re.findall(r"^(\S+==\S+)", file.read_text(), re.MULTILINE))

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    def wanted(*extras: str) -> set[str]:
        chosen = [*project["dependencies"]]
        chosen += [each for extra in extras for each in project["optional-dependencies"][extra]]
        return {re.match(r"[a-z0-9-]+", each)[0] for each in chosen}

    lock = pins(ROOT / "deploy" / name)
    names = {pin.partition("==")[0] for pin in lock}
    assert lock <= pins(ROOT / "requirements.lock")
    assert wanted(*extras) <= names
    others = set(project["optional-dependencies"]) - {*extras, "all"}
    assert not names & (wanted(*others) - wanted(*extras) - {"retail-feature-store"})


def test_the_night_of_the_image_publishes_here_and_in_the_store(image, night):
    assert night.returncode in (PUBLISHED, WARNED), night.stdout + night.stderr
    with duckdb.connect(f"{image.root}/data/warehouse.duckdb", read_only=True) as connection:
        assert connection.execute("select number from main.generation").fetchone() == (1,)
    manifest = json.loads((image.root / "store" / "current.json").read_text())
    assert manifest["generation"] == 1
    steps = (image.root / "data" / "logs" / "runs.jsonl").read_text()
    assert '"step": "store"' in steps
    assert "not in the store" not in night.stdout


def test_a_night_whose_store_cannot_be_reached_is_published_here_and_warns(image, night, inbox):
    blocked = image.root / "blocked"
    blocked.write_text("a file, no folder")
    done = image.run("nightly", "--fit", "never", PUBLISH_TO=f"file://{blocked}/store")
    assert done.returncode == WARNED
    assert "published here, not in the store" in done.stdout
    with duckdb.connect(f"{image.root}/data/warehouse.duckdb", read_only=True) as connection:
        assert connection.execute("select number from main.generation").fetchone() == (2,)


@pytest.mark.parametrize("follows_store", [False, True])
def test_the_health_check_answers_once_the_api_serves_and_the_code_stays_as_it_is(
    image, night, tmp_path, follows_store
):
    before = code_of(image)
    port = str(free_port())
    address = f"http://127.0.0.1:{port}"
    variables = {**image.variables}
    if follows_store:
        variables |= {"GENERATION_URL": f"file://{image.root}/store"}
        variables |= {"WAREHOUSE_PATH": f"{tmp_path}/none.duckdb"}
    command = [*image.entrypoint, *image.command, "--port", port]
    variables |= {"API_KEYS": "reader-0123456789:read"}
    with running(command, address, tmp_path / "log", variables):
        health = [word.replace(":8000/", f":{port}/") for word in image.health]
        assert subprocess.run(health, env=variables).returncode == 0
        told = httpx.get(address)
        assert told.json()["status"] == "ok"
        assert told.headers["x-generation"] == ("1" if follows_store else "2")
    assert subprocess.run(health, env=variables, capture_output=True).returncode != 0
    assert code_of(image) == before


def test_the_app_of_the_image_answers_its_own_health_check(image, night, tmp_path):
    app = services()["app"]
    port = str(free_port())
    test = [word.replace(":8501/", f":{port}/") for word in app["healthcheck"]["test"][1:]]
    variables = {**image.variables, "STREAMLIT_SERVER_PORT": port}
    command = [*image.entrypoint, *app["command"]]
    with running(command, f"http://127.0.0.1:{port}/_stcore/health", tmp_path / "log", variables):
        assert subprocess.run(test, env=variables).returncode == 0
    # who ends the command ends the app
    assert subprocess.run(test, env=variables, capture_output=True).returncode != 0


def test_compose_gives_the_api_the_volume_to_read_only():
    for name, service in services().items():
        warehouse_volume = next(each for each in service["volumes"] if "/data" in each)
        # the night builds on it, and the app keeps the lists that are chosen in it
        assert warehouse_volume.endswith(":ro") == (name == "api")
        assert service["read_only"]
        # none of them is reached from another machine unless somebody says so
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
    assert set(services()) == {"nightly", "api", "app"}


def test_on_kubernetes_the_night_alone_has_a_disk_and_readers_follow_its_store():
    documents = list(yaml.safe_load_all((ROOT / "deploy" / "kubernetes.yaml").read_text()))
    pods = {
        each["kind"]: each["spec"].get("jobTemplate", each)["spec"]["template"]["spec"]
        for each in documents
        if each["kind"] in ("CronJob", "Deployment")
    }
    [night] = pods["CronJob"]["containers"]
    assert {"name": "warehouse", "mountPath": "/data"} in night["volumeMounts"]
    assert pods["Deployment"]["volumes"] == [{"name": "tmp", "emptyDir": {}}]
    [store] = [each["value"] for each in night["env"] if each["name"] == "PUBLISH_TO"]
    for reader in pods["Deployment"]["containers"]:
        assert reader["env"][0] == {"name": "GENERATION_URL", "value": store}
        # the same secret: else no model but the first one is run
        assert reader["env"][1] in night["env"]
        assert reader["env"][1]["name"] == "MODEL_KEY"
        assert reader["args"][0] in COMMANDS
        assert reader["securityContext"] == night["securityContext"]


def test_every_variable_of_compose_and_of_the_image_is_explained():
    page = (ROOT / "docs" / "how-to" / "deploy.md").read_text()
    named = set(re.findall(r"\$\{(\w+)", (ROOT / "compose.yaml").read_text()))
    others = ("WAREHOUSE_PATH", "GENERATION_URL", "GENERATION_CACHE", "API_URL", "API_KEYS_FILE")
    for name in named.union(others):
        assert f"`{name}`" in page, name


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze here")
def test_systemd_takes_the_units(tmp_path):
    for unit in UNITS:
        # where this clone has its commands
        text = unit.read_text().replace(f"{HOME}/.venv/bin", str(BIN)).replace(HOME, str(ROOT))
        (tmp_path / unit.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", *(str(tmp_path / unit.name) for unit in UNITS)],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def commands_of_the_schedulers() -> Iterator[str]:
    for unit in UNITS:
        parser = configparser.RawConfigParser(strict=False)
        parser.optionxform = str
        parser.read_string(unit.read_text())
        if parser.has_option("Service", "ExecStart"):
            yield parser["Service"]["ExecStart"]
    for line in (ROOT / "deploy" / "crontab").read_text().splitlines():
        if found := re.search(r"(\.venv/bin/shop [^>]*)", line):
            yield found[1]


@pytest.mark.parametrize("command", list(commands_of_the_schedulers()))
def test_the_schedulers_call_commands_that_are_there(command):
    [program, name, *options] = shlex.split(command)
    assert program.endswith(".venv/bin/shop")
    done = subprocess.run([BIN / "shop", name, "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    for option in options:
        if option.startswith("--"):
            assert option in done.stdout


def of_its_own(name: str) -> Path:
    """Return the Python of an example's environment, installed at the first call."""
    done = subprocess.run(
        ["make", f"benchmarks/work/{name}/ready", f"PYTHON={sys.executable}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return ROOT / "benchmarks" / "work" / name / "bin" / "python"


def test_airflow_takes_the_dag(tmp_path):
    code = """
import runpy
found = runpy.run_path("examples/airflow/shop_nightly.py")["dag"]
found.validate()
[task] = found.tasks
print(found.dag_id, task.task_id, task.bash_command)
"""
    done = subprocess.run(
        [of_its_own("airflow"), "-c", code],
        cwd=ROOT,
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert 'shop_nightly nightly "/opt/retail-feature-store/.venv/bin/shop" nightly' in done.stdout


@pytest.mark.parametrize(("ends", "is_well"), [(0, True), (10, True), (20, False), (30, False)])
def test_the_task_of_airflow_ends_well_where_a_generation_is_published(tmp_path, ends, is_well):
    text = (ROOT / "examples" / "airflow" / "shop_nightly.py").read_text()
    [after] = re.findall(r'f"(\[ \$code .*)"', text)
    after = after.replace("{WARNED}", "10")
    done = subprocess.run(["bash", "-c", f"(exit {ends}); code=$?; {after}"])
    assert (done.returncode == 0) == is_well


def test_dagster_makes_features_model_forecasts_and_marts(shop_copy, tmp_path):
    with warehouse.writer() as connection:
        connection.execute("delete from main.predictions")
        connection.execute("delete from main.scoring_runs")
    build(select="customer_predictions")
    python = of_its_own("dagster")
    code = """
import definitions
done = definitions.defs.resolve_implicit_global_asset_job_def().execute_in_process()
assert done.success
"""
    done = subprocess.run(
        [python, "-c", code],
        cwd=ROOT,
        env={
            **os.environ,
            "PATH": f"{python.parent}:{os.environ['PATH']}",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'examples' / 'dagster'}",
            "DAGSTER_IS_DEV_CLI": "1",
            "DBT_TARGET_PATH": str(tmp_path / "target"),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with warehouse.connect(read_only=True) as connection:
        [(forecasts, told)] = connection.execute(
            "select (select count(*) from main.predictions),"
            " (select count(*) from marts.customer_predictions)"
        ).fetchall()
    assert forecasts == told > 500
