"""Who may ask what: keys, scopes, and that nobody listens to others without them."""

import hashlib
import json
import re
import sys
import time

import httpx
import pytest
import typer
from typer.testing import CliRunner

import warehouse
from benchmarks.servers import free_port, running
from serve import api, schema
from serve.web import keys

READER, FORECASTER, BOTH = "reader-0123456789", "forecaster-0123456789", "both-0123456789"
KEYS = f"{READER}:read {FORECASTER}:predict"
EXAMPLE = schema.example(warehouse.contract())


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """An API with keys, and no warehouse: its address and its log."""
    folder = tmp_path_factory.mktemp("guarded")
    file = folder / "keys"
    hashed = hashlib.sha256(BOTH.encode()).hexdigest()
    file.write_text(f"# who may do both\n\n{hashed} read,predict  # the app\n")
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "serve/api.py", "--port", str(port)]
    variables = {"API_KEYS": KEYS, "API_KEYS_FILE": str(file)}
    variables["WAREHOUSE_PATH"] = str(folder / "none.duckdb")
    with running(command, url, folder / "log", variables):
        yield url, folder / "log"


def ask(url, method, path, key=None):
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.request(method, url + path, headers=headers, json=EXAMPLE, timeout=60)


@pytest.mark.parametrize("path", ["/", "/livez", "/version", "/docs", "/openapi.json"])
def test_what_says_nothing_of_customers_needs_no_key(guarded, path):
    assert ask(guarded[0], "GET", path).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "may"),
    [
        ("GET", "/customers", {READER, BOTH}),
        ("GET", "/customers/C1", {READER, BOTH}),
        ("GET", "/features/C1", {READER, BOTH}),
        ("GET", "/model", {READER, BOTH}),
        ("GET", "/metrics", {READER, BOTH}),
        ("POST", "/totals", {READER, BOTH}),
        ("POST", "/predict", {FORECASTER, BOTH}),
        ("POST", "/predict/batch", {FORECASTER, BOTH}),
        ("POST", "/customers/C1/what-if", {FORECASTER, BOTH}),
    ],
)
def test_a_route_answers_the_keys_of_its_scope_and_no_others(guarded, method, path, may):
    url, _ = guarded
    for key in (READER, FORECASTER, BOTH):
        answer = ask(url, method, path, key)
        # without a warehouse some routes have nothing to say
        assert (answer.status_code == 403) == (key not in may), answer.text
        assert answer.status_code != 401
    for key in (None, "nobody-0123456789", READER[:-1]):
        answer = ask(url, method, path, key)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"


def test_no_key_is_in_the_log(guarded):
    url, log = guarded
    ask(url, "GET", f"/customers?segment={BOTH}", READER)
    assert all(key not in log.read_text() for key in (READER, FORECASTER, BOTH))


@pytest.fixture
def start(monkeypatch):
    """Run the command in this process; it ends with an error before it listens."""
    program = typer.Typer()
    program.command()(api.main)

    def run(*options, **variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        keys.keys.cache_clear()
        return CliRunner().invoke(program, options)

    yield run
    keys.keys.cache_clear()


def test_it_listens_to_others_only_with_keys(start):
    done = start("--host", "0.0.0.0")
    assert done.exit_code == 1
    assert "0.0.0.0 can be reached by others" in done.output
    assert "API_KEYS" in done.output


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_on_this_machine_alone_no_key_is_needed(host):
    keys.keys.cache_clear()
    keys.refuse_open_door(host, insecure=False)


def test_others_may_be_served_without_keys_if_somebody_says_so_or_with_keys(monkeypatch):
    keys.keys.cache_clear()
    keys.refuse_open_door("0.0.0.0", insecure=True)
    monkeypatch.setenv("API_KEYS", KEYS)
    keys.keys.cache_clear()
    keys.refuse_open_door("0.0.0.0", insecure=False)
    keys.keys.cache_clear()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("short:read", "entry 1 of API_KEYS"),
        (f"{READER}:write", "scopes are read and predict"),
        (f"{READER}:read no-scope-0123456789", "entry 2 of API_KEYS"),
    ],
)
def test_keys_that_cannot_be_read_are_refused_without_being_said(start, text, words):
    done = start(API_KEYS=text)
    assert done.exit_code == 1
    assert words in done.output
    assert "0123456789" not in done.output


@pytest.mark.parametrize("line", ["abc read", f"{'a' * 64}", f"{'a' * 64} write"])
def test_a_file_of_keys_that_cannot_be_read_is_refused_by_its_line(start, tmp_path, line):
    file = tmp_path / "keys"
    file.write_text(f"# keys\n{line}\n")
    done = start(API_KEYS_FILE=str(file))
    assert done.exit_code == 1
    assert "line 2" in done.output


def test_each_request_is_a_line_of_json_that_names_no_customer(guarded):
    url, log = guarded
    headers = {"x-request-id": "mine-1", "authorization": f"Bearer {BOTH}"}
    answer = httpx.get(f"{url}/customers/C0000001?segment=VIP", headers=headers)
    assert answer.headers["x-request-id"] == "mine-1"
    lines, deadline = [], time.monotonic() + 10
    # it is written once the answer is out
    while not lines and time.monotonic() < deadline:
        read = [json.loads(line) for line in log.read_text().splitlines() if line.endswith("}")]
        lines = [each for each in read if each.get("request_id") == "mine-1"]
    [line] = lines
    assert (line["method"], line["route"]) == ("GET", "/customers/{customer_id}")
    assert (line["status"], line["bytes"]) == (503, len(answer.content))
    assert line["ms"] > 0
    assert not re.search("C0000001|VIP", log.read_text())


def test_answers_forbid_browsers_what_they_need_not(guarded):
    answer = httpx.get(guarded[0], headers={"origin": "https://elsewhere.example"})
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "access-control-allow-origin" not in answer.headers
    assert "server" not in answer.headers
