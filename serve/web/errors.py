"""Every refusal in one form, without values that were sent, paths or words of a library."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

import warehouse
from serve import schema
from serve.changes import ChangeError

log = logging.getLogger(__name__)

# who sends more of them has sent something else
MOST_ERRORS = 20
# a field that nobody knows bears any name; and a message may quote one
MOST_CHARACTERS = 300

NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": schema.Problem, "description": "Nobody has this id."}
}
NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": schema.Problem, "description": "There is no model, or no warehouse, yet."}
}
INVALID: dict[int | str, dict[str, Any]] = {
    422: {"model": schema.Invalid, "description": "A field is missing or impossible."}
}
TOO_MANY: dict[int | str, dict[str, Any]] = {
    429: {"model": schema.Problem, "description": "Too many at once; Retry-After says when again."}
}
WITH_BODY: dict[int | str, dict[str, Any]] = {
    408: {"model": schema.Problem, "description": "The body did not arrive in time."},
    413: {"model": schema.Problem, "description": "The body is too large."},
}


def answer_errors(app: FastAPI) -> None:
    """Let an app answer errors as this project does."""

    @app.exception_handler(RequestValidationError)
    async def refuse(_: Request, error: RequestValidationError) -> JSONResponse:
        # without echoing values: NaN has no JSON
        return _invalid((".".join(map(str, e["loc"][1:])), e["msg"]) for e in error.errors())

    @app.exception_handler(HTTPException)
    async def fail(_: Request, error: HTTPException) -> JSONResponse:
        detail: Any = error.detail
        if error.status_code == 422:
            return _invalid((each["field"], each["message"]) for each in detail)
        if error.status_code == 400:
            # a body that cannot even be read as JSON is one more invalid body
            return _invalid([("", "the body is no JSON that can be read")])
        return JSONResponse({"detail": _short(detail)}, error.status_code, error.headers)

    @app.exception_handler(warehouse.WarehouseError)
    async def unavailable(_: Request, error: warehouse.WarehouseError) -> JSONResponse:
        # where it lies and who holds it is for the log
        log.warning("%s", error)
        return JSONResponse({"detail": error.shown}, 503)

    @app.exception_handler(ChangeError)
    async def refuse_change(_: Request, error: ChangeError) -> JSONResponse:
        return _invalid([("", str(error))])


def _invalid(problems: Iterable[tuple[str, str]]) -> JSONResponse:
    named = list(problems)
    more = len(named) - MOST_ERRORS
    if more > 0:
        named = [*named[:MOST_ERRORS], ("", f"and {more:,} more")]
    detail = [
        schema.InvalidField(field=_short(field) or "body", message=_short(message))
        for field, message in named
    ]
    return JSONResponse(schema.Invalid(detail=detail).model_dump(), 422)


def _short(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}..."
