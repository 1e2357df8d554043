"""No body beyond a size is parsed, or even held: it is answered while it still comes in."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# the longest list of a what-if takes a tenth of it
MOST_BYTES = 256 * 1024


class BodyLimit:
    """ASGI middleware that answers 413 to a body of more than `MOST_BYTES`.

    A length that is announced is believed where it is too large; what comes is counted in any case.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its whole body, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        body = bytearray()
        # the server has refused a length that is no number
        expected = int(Headers(scope=scope).get("content-length", "0"))
        more = expected <= MOST_BYTES
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False) and len(body) <= MOST_BYTES
        if max(expected, len(body)) > MOST_BYTES:
            problem = f"the body has more than {MOST_BYTES:,} bytes: send less at a time"
            await JSONResponse({"detail": problem}, 413)(scope, receive, send)
            return
        unread: list[Message] = [{"type": "http.request", "body": bytes(body)}]

        async def again() -> Message:
            return unread.pop() if unread else await receive()

        await self.app(scope, again, send)
