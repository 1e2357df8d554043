"""Many rows at once: read as JSON, Arrow or Parquet, answered in the same format."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from fastapi import HTTPException
from pydantic import BaseModel, ValidationError

import warehouse
from serve import repository, schema
from serve.web import strict_json
from serve.web.strict_json import invalid
from train.candidates.preprocessing import Features
from train.forecaster import COLUMNS
from train.registry.artefact import Artefact

JSON = "application/json"
ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
FORMATS = (JSON, ARROW, PARQUET)
MOST_ROWS = 100_000
# so many rows of JSON, each with the names of all features, take three quarters of it
MOST_BYTES = 400 * 1024 * 1024
MOST_ROW_CHARACTERS = 64 * 1024
AT_ONCE = 5_000
# a text of a column that names each once is held for as many rows as name it
MOST_CHARACTERS = 1_000
# what grows to a multiple of itself at most; a few bytes of the others may become gigabytes
MODEST = ("UNCOMPRESSED", "SNAPPY")
_KINDS = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
# kinds of messages of an Arrow stream
_SCHEMA, _DICTIONARY = 1, 2
_ANSWER = pa.schema([(name, pa.float64()) for name in COLUMNS])


def forecasts(
    body: IO[bytes], kind: str, features: type[BaseModel], champion: Artefact
) -> list[pd.DataFrame]:
    """Read, check and forecast all rows of a body.

    Parameters
    ----------
    kind
        One of `FORMATS`.
    features
        What each row must be.

    Returns
    -------
    list of DataFrame
        `COLUMNS` of the rows in their order, up to `AT_ONCE` in each.

    Raises
    ------
    fastapi.HTTPException
        422, if the body is not what it says, or a row cannot be used: the first of them is named.
        413, if it has more than `MOST_ROWS` rows.
    """
    return [champion.predict(rows)[list(COLUMNS)] for rows in _frames(body, kind, features)]


def answer(
    made: Iterable[pd.DataFrame], kind: str, model_version: str, generation: int | None
) -> Iterator[bytes]:
    """Give forecasts out in a format, a part after the other."""
    said = {"generation": generation, "model_version": model_version}
    yield from _as_json(made, said) if kind == JSON else _as_arrow(made, said, kind)


def _frames(body: IO[bytes], kind: str, features: type[BaseModel]) -> Iterator[pd.DataFrame]:
    """Yield the rows as a model takes them, no more than `AT_ONCE` at a time."""
    try:
        if kind == JSON:
            yield from _of_json(body, features)
        else:
            yield from _of_arrow(_record_batches(body, kind))
    except (pa.ArrowException, OSError, ValueError, RecursionError) as error:
        raise invalid("", f"the body cannot be read as {kind}") from error


def _of_json(body: IO[bytes], features: type[BaseModel]) -> Iterator[pd.DataFrame]:
    rows = []
    for number, row in enumerate(_rows(body)):
        _refuse_more_than_most(number + 1)
        try:
            rows.append(features.model_validate(row).model_dump())
        except ValidationError as error:
            raise HTTPException(
                422,
                [
                    {"field": ".".join(map(str, (number, *each["loc"]))), "message": each["msg"]}
                    for each in error.errors(include_url=False, include_input=False)
                ],
            ) from error
        if len(rows) == AT_ONCE:
            yield _as_frame(rows)
            rows = []
    if rows:
        yield _as_frame(rows)


def _as_frame(rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    contract = repository.contract()
    return Features.of_records(rows, contract.numeric, contract.categorical).frame()


def _rows(body: IO[bytes]) -> Iterator[Any]:
    """Yield the elements of a JSON list; no more than two of the largest rows are held."""
    decoder = json.JSONDecoder(object_pairs_hook=strict_json.fields)
    text = io.TextIOWrapper(body, encoding="utf-8")
    held = text.read(MOST_ROW_CHARACTERS).lstrip()
    if not held.startswith("["):
        raise invalid("", "the body is no JSON list of rows")
    held, is_first = held[1:], True
    while True:
        if len(held) < MOST_ROW_CHARACTERS:
            held += text.read(MOST_ROW_CHARACTERS)
        held = held.lstrip()
        if held.startswith("]"):
            if (held[1:] + text.read(1)).strip():
                raise invalid("", "something follows the list of rows")
            return
        if not is_first:
            if not held.startswith(","):
                raise invalid("", "the body is no JSON that can be read")
            held = held[1:].lstrip()
        row, end = decoder.raw_decode(held)
        yield row
        held, is_first = held[end:], False


def _record_batches(body: IO[bytes], kind: str) -> Iterator[pa.RecordBatch]:
    if kind == ARROW:
        _refuse_compressed(body)
        with pa.ipc.open_stream(body) as stream:
            yield from stream
        return
    contract = repository.contract()
    file = pq.ParquetFile(body, read_dictionary=list(contract.categorical))
    # a small file may say that it has very many
    _refuse_more_than_most(file.metadata.num_rows)
    _check_names(file.schema_arrow.names)
    groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    if sum(group.total_byte_size for group in groups) > MOST_BYTES:
        raise HTTPException(413, f"the columns have more than {MOST_BYTES:,} bytes: send less")
    for group in groups:
        for column in (group.column(place) for place in range(group.num_columns)):
            if column.compression not in MODEST:
                raise invalid(
                    column.path_in_schema,
                    f"is compressed by {column.compression}: send it with snappy or as it is",
                )
    yield from file.iter_batches(AT_ONCE)


def _refuse_compressed(body: IO[bytes]) -> None:
    """Refuse an Arrow stream that unpacks to more than was sent; the body is at its start again."""
    for message in pa.ipc.MessageReader.open_stream(body):
        if _is_compressed(message.metadata.to_pybytes()):
            raise invalid("", "the columns are compressed: send them as they are")
    body.seek(0)


def _is_compressed(metadata: bytes) -> bool:
    """Return whether a message of Arrow says that its buffers are compressed.

    Its metadata are a flatbuffer (`Message.fbs` of Arrow's format): `header_type` and `header` are
    the second and third field, the record batch of a dictionary its second, `compression` of a
    record batch its fourth. pyarrow reads it, but does not show it.
    """

    def number(kind: str, place: int) -> int:
        return struct.unpack_from(f"<{kind}", metadata, place)[0]

    def field(table: int, place: int) -> int | None:
        offsets = table - number("i", table)
        entry = 4 + 2 * place
        offset = number("H", offsets + entry) if entry < number("H", offsets) else 0
        return table + offset if offset else None

    def follow(place: int | None) -> int:
        if place is None:
            raise ValueError("a message of Arrow has no header")
        return place + number("I", place)

    try:
        message = number("I", 0)
        kind = field(message, 1)
        header_type = number("B", kind) if kind else 0
        if header_type == _SCHEMA:
            return False
        header = follow(field(message, 2))
        if header_type == _DICTIONARY:
            header = follow(field(header, 1))
        # the latter: as Arrow 0.17 said it, which is still read
        return field(header, 3) is not None or b"experimental_compression" in metadata
    except struct.error as error:
        raise ValueError("a message of Arrow ends too early") from error


def _of_arrow(batches: Iterable[pa.RecordBatch]) -> Iterator[pd.DataFrame]:
    rows = 0
    for batch in batches:
        _check_names(batch.schema.names)
        _refuse_more_than_most(rows + batch.num_rows)
        # nothing of it is looked at before: it may point anywhere into memory
        batch.validate(full=True)
        for start in range(0, batch.num_rows, AT_ONCE):
            part = batch.slice(start, AT_ONCE)
            yield _checked(part, rows + start)
        rows += batch.num_rows


def _check_names(names: Sequence[str]) -> None:
    known = repository.contract().features
    if len(set(names)) < len(names):
        raise invalid("", "a column is there twice")
    for name in names:
        if name not in known:
            raise invalid(name, "Extra inputs are not permitted")


def _checked(batch: pa.RecordBatch, before: int) -> pd.DataFrame:
    columns = {}
    for column in repository.contract().columns:
        if column.role == "key":
            continue
        if column.name not in batch.schema.names:
            if not column.nullable:
                raise invalid(column.name, "Field required")
            values = pa.nulls(batch.num_rows)
        else:
            values = _of_kind(batch.column(column.name), column, before)
        columns[column.name] = values
    contract = repository.contract()
    numbers = {
        name: columns[name].cast(pa.float64()).to_numpy(zero_copy_only=False)
        for name in contract.numeric
    }
    return pd.DataFrame(
        numbers | {name: columns[name].to_pylist() for name in contract.categorical}
    )


def _of_kind(values: pa.Array, column: warehouse.Column, before: int) -> pa.Array:
    """Return a column in the one type that JSON has for it, refuse what JSON would be refused."""
    kind = schema.python_type(column)
    if pa.types.is_dictionary(values.type):
        _refuse_long(values.dictionary, column)
        values = values.dictionary_decode()
    if pa.types.is_decimal(values.type):
        # digit by digit, as JSON is read: a division may end a bit beside it
        values = values.cast(pa.string()).cast(pa.float64())
    is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
    is_flag = pa.types.is_boolean(values.type)
    if values.type != pa.null() and (is_text, is_flag) != (kind is str, kind is bool):
        raise invalid(column.name, f"has the type {values.type}")
    try:
        values = values.cast(_KINDS[kind])
    except pa.ArrowInvalid as error:
        raise invalid(column.name, f"has values that are no {_KINDS[kind]}") from error
    wrong = pc.is_null(values) if not column.nullable else pa.array([False]).take([0] * len(values))
    if limits := schema.limits(column):
        fine = pc.and_(pc.greater_equal(values, limits["ge"]), pc.less_equal(values, limits["le"]))
        # not a number is in no range, and null in any
        wrong = pc.or_(wrong, pc.invert(pc.fill_null(fine, True)))
    if pc.any(wrong).as_py():
        number = before + pc.index(wrong, True).as_py()
        raise invalid(f"{number}.{column.name}", "is missing, or lies outside what is possible")
    return values


def _refuse_long(texts: pa.Array, column: warehouse.Column) -> None:
    if pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type):
        longest = pc.max(pc.utf8_length(texts)).as_py() or 0
        if longest > MOST_CHARACTERS:
            raise invalid(column.name, f"has a text of more than {MOST_CHARACTERS:,} characters")


def _refuse_more_than_most(rows: int) -> None:
    if rows > MOST_ROWS:
        raise HTTPException(413, f"the body has more than {MOST_ROWS:,} rows: send less at a time")


def _as_json(made: Iterable[pd.DataFrame], said: dict[str, Any]) -> Iterator[bytes]:
    yield (json.dumps(said)[:-1] + ', "predictions": [').encode()
    between = ""
    for part in made:
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in part.to_numpy().tolist()]
        yield (between + json.dumps(rows)[1:-1]).encode()
        between = ", "
    yield b"]}"


def _as_arrow(made: Iterable[pd.DataFrame], said: dict[str, Any], kind: str) -> Iterator[bytes]:
    sink = _Parts()
    described = _ANSWER.with_metadata({name: str(value) for name, value in said.items()})
    writer = (
        pa.ipc.new_stream(sink, described) if kind == ARROW else pq.ParquetWriter(sink, described)
    )
    with writer:
        for part in made:
            writer.write_batch(pa.RecordBatch.from_pandas(part, described, preserve_index=False))
            yield sink.taken()
    yield sink.taken()


class _Parts(io.RawIOBase):
    """A file that is given away while it is written."""

    def __init__(self) -> None:
        self._held, self._given = bytearray(), 0

    def writable(self) -> bool:
        return True

    def write(self, text: Any) -> int:  # noqa: ANN401
        self._held += text
        return len(text)

    def tell(self) -> int:
        return self._given + len(self._held)

    def taken(self) -> bytes:
        part = bytes(self._held)
        self._given += len(part)
        self._held.clear()
        return part
