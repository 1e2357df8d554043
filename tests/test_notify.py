"""Who is told of a night: over a real HTTP server and a real mail server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from aiosmtpd.controller import Controller

from benchmarks.servers import free_port
from operate.night.notify import NotifyError, notify

TITLE, BODY = "Night of 2024-11-02: published", "Expected revenue: 18,593\nHalf of a day is missing"


@pytest.fixture
def web() -> Iterator[tuple[int, list[str]]]:
    """An HTTP server: its port, and the bodies that it got."""
    got: list[str] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["content-length"])).decode())
            self.send_response(500 if self.path == "/broken" else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port, got
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def mail() -> Iterator[tuple[int, list[str]]]:
    """A mail server: its port, and the mails that it got."""
    got: list[str] = []

    class Box:
        async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
            got.append(envelope.content.decode())
            return "250 OK"

    controller = Controller(Box(), hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller.port, got
    controller.stop()


def test_a_webhook_gets_title_and_body(web):
    port, got = web
    notify([f"json://127.0.0.1:{port}/hook"], TITLE, BODY, 0)
    assert len(got) == 1
    assert TITLE in got[0]
    assert "Half of a day is missing" in got[0]


def test_a_mail_is_sent(mail):
    port, got = mail
    notify([f"mailto://127.0.0.1:{port}?from=shop@example.com&to=me@example.com"], TITLE, BODY, 10)
    assert len(got) == 1
    assert TITLE in got[0]
    assert "18,593" in got[0]


def test_who_cannot_be_reached_is_named_without_secrets_and_the_others_are_told(web):
    port, got = web
    lost = f"json://user:secret@127.0.0.1:{port}/broken"
    with pytest.raises(NotifyError) as raised:
        notify([lost, f"json://127.0.0.1:{port}/hook", "nonsense"], TITLE, BODY, 20)
    assert len(got) == 2
    message = str(raised.value)
    assert "secret" not in message
    assert "json://..." in message
