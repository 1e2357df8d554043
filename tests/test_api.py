import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import warehouse
from benchmarks.abuses import most_megabytes
from serve import repository, schema
from serve.changes import Change
from serve.serving import Serving
from serve.what_if import what_if

pytest_plugins = ("tests.serve_fixtures",)

CONTRACT = warehouse.contract()
EXAMPLE = schema.example(CONTRACT)
COLUMNS = {column.name: column for column in CONTRACT.columns}


def first(test):
    """The name of the first feature that fits: tests hold for any contract."""
    return next(
        (name for name, column in COLUMNS.items() if column.role != "key" and test(column)), None
    )


MONEY = first(lambda c: schema.python_type(c) is float and not c.nullable and c.minimum == 0)
COUNT = first(lambda c: schema.python_type(c) is int and not c.nullable)
FLAG = first(lambda c: schema.python_type(c) is bool)
TEXT = first(lambda c: schema.python_type(c) is str)
SHARE = first(lambda c: schema.python_type(c) is float and c.maximum == 1)
NULLABLE = first(lambda c: c.nullable)


def body(**changes):
    return EXAMPLE | changes


def raw(field, text):
    """A body in which one field's value is spelt out: no serializer writes NaN or 1e999."""
    return json.dumps(body(**{field: "@"})).replace('"@"', text)


def post(url, content):
    return httpx.post(
        f"{url}/predict", content=content, headers={"content-type": "application/json"}
    )


@pytest.fixture
def customer_id(small_shop):
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(
            "select customer_id from main.predictions order by predicted_30d_spend desc limit 1"
        ).fetchone()[0]


def test_health_names_the_model(api_url):
    answer = httpx.get(api_url)
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["model_loaded"] is True
    assert answer.json()["model_version"]
    assert answer.json()["model_as_of"]


def test_a_stored_customer_is_predicted_as_stored(api_url, customer_id):
    found = httpx.get(f"{api_url}/customers/{customer_id}").json()
    answer = httpx.post(f"{api_url}/predict", json=found["features"])
    assert answer.status_code == 200
    for name, expected in found["prediction"].items():
        if name == "as_of_date":
            continue
        value = answer.json()[name]
        assert value == (expected if name == "model_version" else pytest.approx(expected))
    assert found["as_of_date"] == found["prediction"]["as_of_date"]
    assert list(found["features"]) == list(CONTRACT.features)


def test_the_documented_example_works(api_url):
    document = httpx.get(f"{api_url}/openapi.json").json()
    example = document["components"]["schemas"]["Features"]["examples"][0]
    answer = httpx.post(f"{api_url}/predict", json=example)
    assert answer.status_code == 200
    spends = [answer.json()[f"spend_{name}"] for name in ("p10", "p50", "p90")]
    assert spends == sorted(spends)
    assert 0 <= answer.json()["purchase_probability"] <= 1


def test_the_documentation_declares_the_errors(api_url):
    paths = httpx.get(f"{api_url}/openapi.json").json()["paths"]
    common = {"200", "401", "403", "422", "503"}
    with_body = common | {"408", "413"}
    assert set(paths["/predict"]["post"]["responses"]) == with_body
    assert set(paths["/customers/{customer_id}"]["get"]["responses"]) == common | {"404"}
    changed = paths["/customers/{customer_id}/what-if"]["post"]["responses"]
    assert set(changed) == with_body | {"404", "429"}


def test_a_whole_number_may_be_written_as_a_fraction(api_url):
    plain, written = (post(api_url, raw(COUNT, text)) for text in ("3", "3.0"))
    assert plain.status_code == written.status_code == 200
    assert plain.json() == written.json()


def test_whole_numbers_pass_for_fractions_and_unseen_categories_are_tolerated(api_url):
    unseen = {name: "never seen \u00e9\u4e2d" for name in CONTRACT.categorical}
    assert httpx.post(f"{api_url}/predict", json=body(**{MONEY: 7}, **unseen)).is_success


@pytest.mark.skipif(NULLABLE is None, reason="the contract has no nullable feature")
def test_what_may_be_null_may_be_null_or_left_out(api_url):
    left_out = post(api_url, json.dumps(EXAMPLE))
    null = post(api_url, json.dumps(body(**{NULLABLE: None})))
    assert NULLABLE not in EXAMPLE
    assert left_out.status_code == null.status_code == 200
    assert left_out.json() == null.json()


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (json.dumps({k: v for k, v in EXAMPLE.items() if k != MONEY}), MONEY),
        (raw(MONEY, "null"), MONEY),
        (raw(MONEY, '"12.5"'), MONEY),
        (raw(MONEY, "true"), MONEY),
        (raw(MONEY, "NaN"), MONEY),
        (raw(MONEY, "Infinity"), MONEY),
        (raw(MONEY, "-Infinity"), MONEY),
        (raw(MONEY, "1e999"), MONEY),
        (raw(MONEY, "1e308"), MONEY),
        (raw(MONEY, "1" + "0" * 400), MONEY),
        (raw(MONEY, "-0.01"), MONEY),
        (raw(MONEY, "[1]"), MONEY),
        (raw(SHARE, "1.5"), SHARE),
        (raw(COUNT, "1.5"), COUNT),
        (raw(COUNT, '"3"'), COUNT),
        (raw(COUNT, "NaN"), COUNT),
        (raw(COUNT, "1e999"), COUNT),
        (raw(COUNT, "1" + "0" * 30), COUNT),
        (raw(FLAG, "1"), FLAG),
        (raw(FLAG, '"yes"'), FLAG),
        (raw(TEXT, "5"), TEXT),
        (raw(TEXT, r'"\ud800"'), TEXT),
        (json.dumps(body(surprise=1)), "surprise"),
        (json.dumps(body(customer_id="1")), "customer_id"),
        ("{}", MONEY),
        ("[]", "body"),
        ("null", "body"),
        ("", "body"),
        ("no json", "0"),
        ('{"a": ', "6"),
        (b'{"a": "\xff"}', "body"),
        (raw(MONEY, "1" + "0" * 5000), "body"),
        ("[" * 100_000, "body"),
    ],
)
def test_an_impossible_body_is_refused_by_name(api_url, content, field):
    answer = post(api_url, content)
    assert answer.status_code == 422
    assert field in [entry["field"] for entry in answer.json()["detail"]]
    assert all(entry["message"] for entry in answer.json()["detail"])


@pytest.mark.parametrize("path", ["/predict", "/customers/nobody/what-if"])
@pytest.mark.parametrize("whole", [True, False], ids=["of known length", "in chunks"])
@pytest.mark.parametrize(("size", "refused"), [(256 * 1024, False), (256 * 1024 + 1, True)])
def test_a_body_beyond_256_kb_is_refused_before_it_is_parsed(api_url, path, whole, size, refused):
    # no JSON: whoever parses it says so
    text = b"x" * size
    content = text if whole else iter([text[:1000], text[1000:]])
    answer = httpx.post(f"{api_url}{path}", content=content)
    assert answer.status_code == (413 if refused else 422)
    if refused:
        assert "262,144 bytes" in answer.json()["detail"]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("whole", [True, False], ids=["of known length", "in chunks"])
def test_50_mb_are_refused_quickly_in_little_memory(idle_api, whole):
    url, process = idle_api
    text = b"[" + b"0," * 25_000_000 + b"0]"
    parts = (text[at : at + 65_536] for at in range(0, len(text), 65_536))
    assert post(url, "x").status_code == 422
    before, start = most_megabytes(process), time.monotonic()
    answer = post(url, text if whole else parts)
    seconds = time.monotonic() - start
    assert answer.status_code == 413
    assert most_megabytes(process) - before < 16
    assert seconds < 10
    assert httpx.get(url).is_success


def test_at_most_20_errors_are_named_and_the_others_counted(api_url):
    answer = post(api_url, json.dumps(body(**{f"unknown {number}": 1 for number in range(400)})))
    assert answer.status_code == 422
    detail = answer.json()["detail"]
    assert [entry["field"] for entry in detail[:20]] == [f"unknown {n}" for n in range(20)]
    assert detail[20:] == [{"field": "body", "message": "and 380 more"}]
    exactly = post(api_url, json.dumps(body(**{f"unknown {number}": 1 for number in range(20)})))
    assert len(exactly.json()["detail"]) == 20


def test_what_is_sent_does_not_come_back_at_length(api_url, customer_id):
    long = "x" * 200_000
    answers = [
        post(api_url, json.dumps(body(**{long: 1}))),
        ask(api_url, customer_id, [{"amount": 1, "category": long}]),
    ]
    for answer in answers:
        assert answer.status_code == 422
        assert len(answer.content) < 1000


def test_a_body_without_a_content_type_is_refused(api_url):
    answer = httpx.post(f"{api_url}/predict", content=json.dumps(EXAMPLE))
    assert answer.status_code in (200, 422)


@pytest.mark.parametrize("unknown", ["nobody", "%00", "%27%20or%20true", "..%2f..", "\u00e9"])
def test_an_unknown_customer_is_not_found(api_url, unknown):
    answer = httpx.get(f"{api_url}/customers/{unknown}")
    assert answer.status_code == 404
    assert answer.json()["detail"]


def ask(url, customer_id, content):
    content = content if isinstance(content, str) else json.dumps(content)
    return httpx.post(
        f"{url}/customers/{customer_id}/what-if",
        content=content,
        headers={"content-type": "application/json"},
        timeout=60,
    )


def test_a_what_if_is_what_the_function_says(api_url, customer_id):
    changes = [{"amount": 80, "days_ago": 3, "items": 2}, {"amount": 9.5, "is_return": True}]
    answer = ask(api_url, customer_id, changes)
    expected = what_if(customer_id, [Change(80, days_ago=3, items=2), Change(9.5, is_return=True)])
    assert answer.status_code == 200
    found = answer.json()
    for name in ("before", "after"):
        version = found[name].pop("model_version")
        assert version == expected.model_version
        assert found[name] == pytest.approx(getattr(expected, name))
    assert found["changed"] == [
        {
            "feature": name,
            "before": repository.json_value(before),
            "after": repository.json_value(after),
        }
        for name, (before, after) in expected.changed.items()
    ]
    assert found["warnings"] == expected.warnings
    assert found["as_of_date"] == str(expected.as_of)


def test_a_day_may_be_given_as_a_date(api_url, customer_id, small_shop):
    with warehouse.connect(read_only=True) as connection:
        [(day,)] = connection.execute(
            "select as_of_date - 5 from intermediate.int_snapshots_scheduled where is_current"
        ).fetchall()
    by_date = ask(api_url, customer_id, [{"amount": 80, "date": str(day)}])
    assert by_date.status_code == 200
    assert by_date.json() == ask(api_url, customer_id, [{"amount": 80, "days_ago": 5}]).json()


def test_what_ifs_and_readers_side_by_side_do_not_meet(api_url, customer_id):
    def work(number):
        if number % 2:
            return httpx.get(f"{api_url}/customers/{customer_id}", timeout=60).status_code
        spend = ask(api_url, customer_id, [{"amount": number + 1}]).json()["changed"]
        [of_7_days] = [entry for entry in spend if entry["feature"] == "spend_7d"]
        return round(of_7_days["after"] - of_7_days["before"], 2)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(work, range(12)))
    assert answers == [200 if number % 2 else number + 1 for number in range(12)]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ([], "body"),
        ({"amount": 80}, "body"),
        ([{"amount": 1}] * 101, "body"),
        ([{}], "0.amount"),
        ([{"amount": 1}, {"amount": 0}], "1.amount"),
        ([{"amount": "80"}], "0.amount"),
        ('[{"amount": NaN}]', "0.amount"),
        ('[{"amount": 1e999}]', "0.amount"),
        ([{"amount": 1, "days_ago": 0}], "0.days_ago"),
        ([{"amount": 1, "days_ago": 1.5}], "0.days_ago"),
        ([{"amount": 1, "date": 20_000}], "0.date"),
        ([{"amount": 1, "date": "soon"}], "0.date"),
        ([{"amount": 1, "date": "2020-01-01", "days_ago": 1}], "0"),
        ([{"amount": 1, "is_return": 1}], "0.is_return"),
        ([{"amount": 1, "items": 0}], "0.items"),
        ('[{"amount": 1, "category": "\\ud800"}]', "0.category"),
        ([{"amount": 1, "surprise": 1}], "0.surprise"),
        ([{"amount": 1, "date": "2999-01-01"}], "body"),
        ([{"amount": 1, "date": "0001-01-01"}], "body"),
        ([{"amount": 1, "category": "Airships"}], "body"),
    ],
)
def test_an_impossible_change_is_refused_by_name(api_url, customer_id, content, field):
    answer = ask(api_url, customer_id, content)
    assert answer.status_code == 422
    assert field in [entry["field"] for entry in answer.json()["detail"]]


def test_a_what_if_of_a_stranger_is_not_found(api_url):
    answer = ask(api_url, "nobody", [{"amount": 80}])
    assert answer.status_code == 404
    assert "nobody" in answer.json()["detail"]


def test_without_a_warehouse_it_says_what_to_run(serve_shop, customer_id, tmp_path):
    with serve_shop(tmp_path / "shop.duckdb", tmp_path / "log") as url:
        health = httpx.get(url)
        predicted = post(url, json.dumps(EXAMPLE))
        changed = ask(url, customer_id, [{"amount": 80}])
        missing = httpx.get(f"{url}/customers/{customer_id}")
    assert (health.status_code, health.json()["status"]) == (200, "no model")
    assert health.json()["model_loaded"] is False
    for answer in (predicted, changed):
        assert answer.status_code == 503
        assert "python train/fit.py" in answer.json()["detail"]
    assert missing.status_code == 503
    assert "make run" in missing.json()["detail"]
    for answer in (health, predicted, changed, missing):
        assert str(tmp_path) not in answer.text


@contextmanager
def writer(file):
    """Another process that holds a warehouse as a build does."""
    code = "import sys, duckdb\nwith duckdb.connect(sys.argv[1]):\n"
    code += "    print('open', flush=True)\n    sys.stdin.read()\n"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "open\n"
        yield
        process.stdin.close()


def test_while_a_build_writes_all_routes_go_on_and_then_answer_from_what_it_wrote(
    serve_shop, shop_copy, tmp_path
):
    [[customer_id]] = rows("select any_value(customer_id) from main.predictions")

    def answers(url):
        stored = httpx.get(f"{url}/customers/{customer_id}")
        made = httpx.post(f"{url}/predict", json=stored.json()["features"])
        return [httpx.get(url), stored, made, ask(url, customer_id, [{"amount": 80}])]

    def expected(url):
        return httpx.get(f"{url}/customers/{customer_id}").json()["prediction"]["spend_p90"]

    with serve_shop(shop_copy, tmp_path / "log") as url:
        before = answers(url)
        assert {each.status_code for each in before} == {200}
        with writer(shop_copy):
            assert [each.json() for each in answers(url)] == [each.json() for each in before]
        rows("update main.predictions set spend_p90 = 1e6", read_only=False)
        deadline = time.monotonic() + 20
        while expected(url) != 1e6:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        # half built: what was served goes on
        rows("drop table main.predictions", read_only=False)
        time.sleep(3)
        assert expected(url) == 1e6
    now = Serving().now
    assert (now.copy, now.model) == (None, None)
    assert "not built yet: run `make build`" in now.unreadable
    assert str(tmp_path) not in now.unreadable + now.problem


def rows(query, *, read_only=True):
    with warehouse.connect(read_only=read_only) as connection:
        return connection.execute(query).fetchall()


def test_reading_leaves_the_warehouse_free_for_a_writer(api_url, small_shop, customer_id):
    assert httpx.get(f"{api_url}/customers/{customer_id}").is_success
    with warehouse.connect() as connection:
        assert connection.execute("select 1").fetchone() == (1,)
