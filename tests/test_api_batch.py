"""Many rows at once: each format says what single requests say, and what none may send."""

import io
import json
import struct

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import warehouse
from serve import repository, schema
from serve.predictions import MART
from serve.web.batch import ARROW, JSON, MOST_ROWS, PARQUET
from train.forecaster import COLUMNS

pytest_plugins = ("tests.serve_fixtures",)

EXAMPLE = schema.example(warehouse.contract())
CONTRACT = warehouse.contract()
ROWS = 150


def first(kind):
    """The name of the first feature of a type that may be neither null nor negative."""
    return next(
        c.name
        for c in CONTRACT.columns
        if c.role != "key"
        and schema.python_type(c) is kind
        and not c.nullable
        and c.minimum == 0
        and c.maximum is None
    )


NUMBER, COUNT = first(float), first(int)


def parquet(table, **options):
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def arrow(table, compression=None):
    sink = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=40)
    return sink.getvalue()


def send(url, content, kind):
    return httpx.post(
        f"{url}/predict/batch", content=content, headers={"content-type": kind}, timeout=120
    )


@pytest.fixture(scope="module")
def mart(scored_shop):
    """Some rows of the mart, of several dates."""
    with warehouse.in_warehouse(scored_shop.file), warehouse.connect(read_only=True) as connection:
        return connection.execute(
            f"select {', '.join(CONTRACT.features)} from {MART}"
            f" order by hash(customer_id, as_of_date) limit {ROWS}"
        ).to_arrow_table()


@pytest.fixture(scope="module")
def rows(mart):
    """The same as JSON has them."""
    return [
        {name: repository.json_value(value) for name, value in row.items()}
        for row in mart.to_pylist()
    ]


@pytest.fixture(scope="module")
def single(api_url, rows):
    """What /predict says of each."""
    with httpx.Client(base_url=api_url, timeout=60) as client:
        return [
            {name: answer[name] for name in COLUMNS}
            for answer in (client.post("/predict", json=row).json() for row in rows)
        ]


def test_a_batch_of_json_is_to_the_bit_what_single_requests_say(api_url, rows, single):
    answer = send(api_url, json.dumps(rows), JSON)
    assert answer.status_code == 200
    assert answer.json()["predictions"] == single
    assert answer.json()["model_version"] == answer.headers["x-model-version"]


@pytest.mark.parametrize(("kind", "write"), [(PARQUET, parquet), (ARROW, arrow)])
def test_a_batch_of_columns_is_to_the_bit_what_single_requests_say(
    api_url, mart, single, kind, write
):
    answer = send(api_url, write(mart), kind)
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
    content = io.BytesIO(answer.content)
    made = pq.read_table(content) if kind == PARQUET else pa.ipc.open_stream(content).read_all()
    assert made.to_pylist() == single
    assert made.schema.metadata[b"model_version"].decode() == answer.headers["x-model-version"]


def test_no_rows_have_no_forecasts(api_url, mart):
    assert send(api_url, "[]", JSON).json()["predictions"] == []
    assert (
        pq.read_table(io.BytesIO(send(api_url, parquet(mart[:0]), PARQUET).content)).num_rows == 0
    )


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (json.dumps([EXAMPLE, EXAMPLE | {NUMBER: "1"}]), f"1.{NUMBER}"),
        (json.dumps([EXAMPLE]).replace("]", ",]"), "body"),
        (json.dumps([EXAMPLE])[:-1], "body"),
        (json.dumps([EXAMPLE]) + "x", "body"),
        (json.dumps(EXAMPLE), "body"),
        (f'[{json.dumps(EXAMPLE)[:-1]}, "{NUMBER}": 1}}]', NUMBER),
        ("[[[[", "body"),
        ("[1]", "0"),
        (b'["\xff"]', "body"),
        ("[" + " " * 200_000 + '"' + "x" * 100_000 + '"]', "body"),
    ],
)
def test_an_impossible_row_of_json_is_refused_by_its_number(api_url, content, field):
    answer = send(api_url, content, JSON)
    assert answer.status_code == 422, answer.text
    assert field in [entry["field"] for entry in answer.json()["detail"]]


def with_column(table, name, values, kind=None):
    return table.set_column(table.schema.get_field_index(name), name, pa.array(values, kind))


SPOILT = {
    "not a number": (lambda t: with_column(t, NUMBER, [0.0, float("nan")]), f"1.{NUMBER}"),
    "infinite": (lambda t: with_column(t, NUMBER, [0.0, float("inf")]), f"1.{NUMBER}"),
    "below": (lambda t: with_column(t, NUMBER, [-1.0, 0.0]), f"0.{NUMBER}"),
    "missing": (lambda t: with_column(t, NUMBER, [0.0, None]), f"1.{NUMBER}"),
    "a text": (lambda t: with_column(t, NUMBER, ["0", "1"]), NUMBER),
    "a part of one": (lambda t: with_column(t, COUNT, [1.0, 1.5]), COUNT),
    "a column more": (lambda t: t.append_column("surprise", pa.array([1, 2])), "surprise"),
    "a column less": (lambda t: t.drop_columns([NUMBER]), NUMBER),
    "a column twice": (lambda t: t.append_column(NUMBER, pa.array([1.0, 2.0])), "body"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_an_impossible_column_is_refused_by_name(api_url, what):
    spoil, field = SPOILT[what]
    table = spoil(pa.Table.from_pylist([EXAMPLE, EXAMPLE]))
    answer = send(api_url, arrow(table), ARROW)
    assert answer.status_code == 422, answer.text
    assert field in [entry["field"] for entry in answer.json()["detail"]]


@pytest.mark.parametrize("kind", [ARROW, PARQUET])
def test_what_is_no_table_is_refused(api_url, kind):
    for content in (b"", b"PAR1", b"x" * 10_000, parquet(pa.table({}))[:-9]):
        answer = send(api_url, content, kind)
        assert answer.status_code == 422
        assert "cannot be read" in answer.text


def test_a_body_in_another_format_is_told_which_there_are(api_url):
    answer = send(api_url, "a,b", "text/csv")
    assert answer.status_code == 415
    assert PARQUET in answer.json()["detail"]


TEXT = CONTRACT.categorical[0]


def named(*texts):
    """A row for each of the texts, which the column names by a number."""
    rows = pa.Table.from_pylist([EXAMPLE] * len(texts))
    return rows.set_column(
        rows.schema.get_field_index(TEXT), TEXT, pa.array(texts).dictionary_encode()
    )


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
@pytest.mark.parametrize("table", [pa.Table.from_pylist([EXAMPLE]), named("a")])
def test_an_arrow_stream_that_could_unpack_to_any_size_is_refused(api_url, table, compression):
    answer = send(api_url, arrow(table, compression), ARROW)
    assert (answer.status_code, "compressed" in answer.text) == (422, True)


def test_a_parquet_file_that_could_unpack_to_any_size_is_refused(api_url):
    answer = send(api_url, parquet(named("a"), compression="zstd"), PARQUET)
    assert (answer.status_code, "by ZSTD: send it with snappy" in answer.text) == (422, True)


@pytest.mark.parametrize(("kind", "write"), [(PARQUET, parquet), (ARROW, arrow)])
def test_a_long_text_that_many_rows_name_is_refused(api_url, kind, write):
    assert send(api_url, write(named("a", "b" * 1_000, "a")), kind).status_code == 200
    answer = send(api_url, write(named("a", "b" * 1_001, "a")), kind)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["field"] == TEXT


def test_texts_that_point_outside_their_body_are_refused_and_end_no_process(api_url):
    rows = pa.Table.from_pylist([EXAMPLE] * 3)
    rows = with_column(rows, TEXT, ["ab", "cd", "ef"])
    ends = [struct.pack("<4i", *ends) for ends in ([0, 2, 4, 6], [0, 2, 4, 1_600_000_000])]
    sent = arrow(rows)
    assert ends[0] in sent
    answer = send(api_url, sent.replace(*ends), ARROW)
    assert (answer.status_code, "cannot be read" in answer.text) == (422, True)
    assert httpx.get(f"{api_url}/livez").status_code == 200


def test_more_rows_than_are_taken_are_refused_before_they_are_read(api_url):
    many = pa.table({name: pa.nulls(MOST_ROWS + 1, pa.float64()) for name in CONTRACT.features})
    answer = send(api_url, parquet(many), PARQUET)
    assert answer.status_code == 413
    assert "100,000 rows" in answer.json()["detail"]
