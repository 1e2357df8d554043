"""Around every answer: an id, a line in the log, a measure of time, headers for browsers."""

from __future__ import annotations

import json
import logging
import re
import time
import traceback
import uuid

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serve.web import metrics

ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
LOGGER = "serve.access"
HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)

log = logging.getLogger(LOGGER)


class Access:
    """ASGI middleware, the outermost: what it writes names routes, never a customer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, and say in the log and the metrics that it was answered."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if ID.fullmatch(given) else uuid.uuid4().hex
        status, size = 0, 0

        async def noted(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                # as they are sent: five looks through all of them took longer than the forecast
                set_before = {name for name, _ in message["headers"]}
                message["headers"] += [
                    (b"x-request-id", request_id.encode()),
                    *(header for header in HEADERS if header[0] not in set_before),
                ]
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception:
            logging.getLogger(__name__).exception("request %s failed", request_id)
            if status:
                # half an answer is out: the connection ends, so that nobody takes it for whole
                raise
            problem = f"something went wrong here; the log says what, under request {request_id}"
            await JSONResponse({"detail": problem}, 500)(scope, receive, noted)
        finally:
            seconds = time.perf_counter() - began
            route = getattr(scope.get("route"), "path_format", "none")
            metrics.observe_request(scope["method"], route, status, seconds)
            if log.isEnabledFor(logging.INFO):
                log.info(
                    "answered",
                    extra={
                        "request": {
                            "request_id": request_id,
                            "method": scope["method"],
                            "route": route,
                            "status": status,
                            "bytes": size,
                            "ms": round(1000 * seconds, 2),
                        }
                    },
                )


class JsonLines(logging.Formatter):
    """A line of JSON for each record of the log."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{record.msecs:03.0f}Z",
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "request", {}),
        }
        if record.exc_info:
            line["exception"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(line)


LOG_CONFIG = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": JsonLines}},
    "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["lines"], "level": "INFO"},
}
