"""What is sent to do harm: answered at once, in little memory, while others are served."""

import json
import socket
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

import warehouse
from benchmarks.abuses import ABUSES, bare, most_megabytes, timed
from serve import schema
from serve.api import MOST_CONNECTIONS
from serve.web.connections import HEAD_SECONDS
from serve.web.limiter import RETRY_SECONDS
from serve.web.strict_json import BODY_SECONDS, MOST_DEPTH, MOST_FIELDS

pytest_plugins = ("tests.serve_fixtures",)

EXAMPLE = schema.example(warehouse.contract())
KB = 1024
SECONDS, MEGABYTES = 0.2, 50


@pytest.mark.parametrize("what", ABUSES)
def test_an_abuse_is_refused_at_once(idle_api, what):
    url, _ = idle_api
    path, content = ABUSES[what]
    seconds, answer = min(
        (timed(url, "POST", path, content) for _ in range(2)), key=lambda found: found[0]
    )
    # without a warehouse a good list has no answer
    assert answer.status_code in (413, 422, 503), answer.text[:300]
    assert len(answer.content) < 16 * KB
    # a busy machine is slow with anything
    assert seconds < SECONDS + 20 * bare(url)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_all_abuses_at_once_leave_the_others_served_and_memory_as_it_was(idle_api):
    url, process = idle_api
    before, stop, slowest = most_megabytes(process), threading.Event(), []
    usual = bare(url)

    def watch():
        while not stop.is_set():
            slowest.append(timed(url)[0])

    with ThreadPoolExecutor(5) as pool:
        watching = pool.submit(watch)
        list(pool.map(lambda abuse: timed(url, "POST", *abuse), [*ABUSES.values()] * 2))
        stop.set()
        watching.result()
    assert statistics.median(slowest) < SECONDS + 20 * usual
    assert most_megabytes(process) - before < MEGABYTES


def test_a_field_given_twice_is_named(idle_api):
    body = json.dumps(EXAMPLE)[:-1] + f', "{next(iter(EXAMPLE))}": 0}}'
    _, answer = timed(idle_api[0], "POST", "/predict", body)
    assert answer.status_code == 422
    assert answer.json()["detail"] == [{"field": next(iter(EXAMPLE)), "message": "is given twice"}]


@pytest.mark.parametrize("depth", [MOST_DEPTH, MOST_DEPTH + 1])
def test_what_lies_deeper_than_the_limit_is_refused_for_that(idle_api, depth):
    _, answer = timed(idle_api[0], "POST", "/predict", "[" * depth + '"]]"' + "]" * depth)
    assert answer.status_code == 422
    assert ("deeper" in answer.text) == (depth > MOST_DEPTH)


@pytest.mark.parametrize("fields", [MOST_FIELDS, MOST_FIELDS + 1])
def test_more_fields_than_the_limit_are_not_looked_at(idle_api, fields):
    _, answer = timed(
        idle_api[0], "POST", "/predict", json.dumps({f"k{n}": 1 for n in range(fields)})
    )
    detail = answer.json()["detail"]
    assert answer.status_code == 422
    assert (len(detail) == 1 and "501 fields" in detail[0]["message"]) == (fields > MOST_FIELDS)


def test_a_body_that_does_not_come_is_not_waited_for(idle_api):
    host, port = idle_api[0].removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"content-length: 100\r\n\r\n{"
        )
        began = time.monotonic()
        answer = connection.recv(1000)
    assert b"408" in answer.split(b"\r\n")[0]
    assert time.monotonic() - began < BODY_SECONDS + 5


def test_too_many_what_ifs_at_once_are_told_when_to_come_again(api_url, small_shop):
    with warehouse.connect(read_only=True) as connection:
        [(customer,)] = connection.execute(
            "select customer_id from predictions order by predicted_30d_spend desc limit 1"
        ).fetchall()
    body = json.dumps([{"amount": 80}])
    with ThreadPoolExecutor(30) as pool:
        found = [
            answer
            for _, answer in pool.map(
                lambda _: timed(api_url, "POST", f"/customers/{customer}/what-if", body), range(30)
            )
        ]
    statuses = [answer.status_code for answer in found]
    assert set(statuses) == {200, 429}
    assert statuses.count(200) >= 10
    for answer in found:
        if answer.status_code == 429:
            assert answer.headers["retry-after"] == str(RETRY_SECONDS)
    assert timed(api_url, "POST", f"/customers/{customer}/what-if", body)[1].status_code == 200


def test_values_outside_what_the_model_saw_are_warned_of(api_url, small_shop):
    with warehouse.connect(read_only=True) as connection:
        [(customer,)] = connection.execute(
            "select any_value(customer_id) from predictions"
        ).fetchall()
    features = httpx.get(f"{api_url}/features/{customer}").json()["features"]
    usual = timed(api_url, "POST", "/predict", json.dumps(features))[1].json()
    odd = features | {"spend_30d": 1e9, "region": "Atlantis"}
    warned = timed(api_url, "POST", "/predict", json.dumps(odd))[1].json()["warnings"]
    more = set(warned) - set(usual["warnings"])
    assert {sentence.split()[0] for sentence in more} == {"spend_30d", "region"}
    # the days ahead are new to every model
    assert not any(sentence.startswith("ahead_") for sentence in warned)


def ends_after(url, *sent):
    """Seconds until the server ends a connection on which this was said, and what it said."""
    place = httpx.URL(url)
    with socket.create_connection((place.host, place.port), timeout=30) as connection:
        for text in sent:
            connection.sendall(text)
            time.sleep(0.2)
        said, began = b"", time.monotonic()
        while part := connection.recv(65536):
            said += part
        return time.monotonic() - began, said


HEAD = b"POST /predict/batch HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


@pytest.mark.parametrize(
    "sent",
    [(), (b"GET /liv",), (b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n", b"GET /liv")],
    ids=["nothing", "half of a request", "half of the second request"],
)
def test_a_connection_that_does_not_say_what_it_wants_ends(idle_api, sent):
    seconds, said = ends_after(idle_api[0], *sent)
    assert seconds < HEAD_SECONDS + 5
    assert (b"200 OK" in said) == (len(sent) == 2)


def test_as_many_silent_connections_as_there_may_be_keep_nobody_out_for_long(idle_api):
    url, _ = idle_api
    place = httpx.URL(url)
    with ExitStack() as silent:
        for _ in range(MOST_CONNECTIONS):
            silent.enter_context(socket.create_connection((place.host, place.port), timeout=30))
        time.sleep(HEAD_SECONDS + 1)
        assert timed(url)[1].status_code == 200


def test_a_batch_that_hardly_arrives_is_given_up_and_keeps_no_other_from_its_answer(api_url):
    slow = HEAD + b"content-length: 1000\r\n\r\n["
    with ThreadPoolExecutor(2) as pool:
        slow_ones = [pool.submit(ends_after, api_url, slow) for _ in range(2)]
        time.sleep(1)
        _, answer = timed(api_url, "POST", "/predict/batch", b"[]")
        assert answer.status_code == 200
        for each in slow_ones:
            seconds, said = each.result()
            assert (seconds < 4 * BODY_SECONDS, b" 408 " in said) == (True, True)
