"""Bodies of requests: read in time, and as JSON that says one thing, in few fields, not deep."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute

# a feature more than the contract will ever have is no customer
MOST_FIELDS = 500
MOST_DEPTH = 8
# the longest list of a what-if takes a tenth of it
MOST_BYTES = 256 * 1024
# the largest body takes a second over a slow line
BODY_SECONDS = 5.0

_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"')
_INNERMOST = re.compile(rb"\[\]|\{\}")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def read(text: bytes | str) -> Any:  # noqa: ANN401
    """Return what a JSON text says.

    Raises
    ------
    fastapi.HTTPException
        422, if a field is there twice, an object has more than `MOST_FIELDS` fields, or lists and
        objects lie deeper in one another than `MOST_DEPTH`.
    ValueError
        If it is no JSON.
    """
    value = json.loads(text, object_pairs_hook=fields)
    if _is_deep(text.encode() if isinstance(text, str) else text):
        raise invalid("", f"lists and objects lie deeper in one another than {MOST_DEPTH} levels")
    return value


def invalid(field: str, message: str) -> HTTPException:
    """Return the error that a body cannot be used for what one of its fields says."""
    return HTTPException(422, [{"field": field or "body", "message": message}])


def fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of the fields that are read of one, for a decoder of JSON."""
    if len(pairs) > MOST_FIELDS:
        raise invalid("", f"an object has {len(pairs):,} fields, at most {MOST_FIELDS} are read")
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise invalid(name, "is given twice")
            seen.add(name)
    return found


def _is_deep(text: bytes) -> bool:
    if text.count(b"[") + text.count(b"{") <= MOST_DEPTH:
        return False
    brackets = _STRING.sub(b"", text).translate(None, _NO_BRACKETS)
    for _ in range(MOST_DEPTH):
        # each pass takes the innermost level away
        brackets = _INNERMOST.sub(b"", brackets)
    return bool(brackets)


async def receive(
    request: Request,
    into: Callable[[bytes], object],
    most_bytes: int,
    seconds: float,
    least_rate: float | None = None,
) -> None:
    """Take the body of a request, part by part.

    A length that is announced is believed where it is too large; what comes is counted in any case.

    Parameters
    ----------
    seconds
        How long it may take.
    least_rate
        Bytes a second without which it does not take so long; the first seconds are for free.

    Raises
    ------
    fastapi.HTTPException
        413, if it has more than `most_bytes`; 408, if it is not there in time.
    """
    # the server has refused a length that is no number
    size = expected = int(request.headers.get("content-length", "0"))
    try:
        if expected <= most_bytes:
            size = 0
            loop = asyncio.get_running_loop()
            began = loop.time()
            first = seconds if least_rate is None else min(seconds, BODY_SECONDS)
            async with asyncio.timeout(first) as limit:
                async for part in request.stream():
                    size += len(part)
                    if least_rate is not None:
                        limit.reschedule(began + min(seconds, first + size / least_rate))
                    if size > most_bytes:
                        break
                    into(part)
    except TimeoutError as error:
        raise HTTPException(408, "the body did not arrive in time: send less at a time") from error
    if size > most_bytes:
        raise HTTPException(
            413, f"the body has more than {most_bytes:,} bytes: send less at a time"
        )


class _StrictRequest(Request):
    async def body(self) -> bytes:
        body = bytearray()
        await receive(self, body.extend, MOST_BYTES, BODY_SECONDS)
        self._text = bytes(body)
        return self._text

    async def json(self) -> Any:  # noqa: ANN401
        # as all else that is read of it
        return read(self._text)


class StrictRoute(APIRoute):
    """A route whose body is read as `read` does."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        handle = super().get_route_handler()

        async def strict(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return strict
