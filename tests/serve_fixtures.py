"""Real servers on free ports, started once for all tests of what serves."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from benchmarks.abuses import idle
from benchmarks.servers import free_port, running
from tests.conftest import Shop


def run_page(page: Callable[[], None]) -> AppTest:
    """Run a page of the app in this process.

    Streamlit leaves its script as `__main__`, and processes that are spawned later would run it.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "__main__", sys.modules["__main__"])
        return AppTest.from_function(page, default_timeout=60).run()


@contextmanager
def running_api(shop: Path, log: Path, **variables: str) -> Iterator[str]:
    """Serve a warehouse by the command that a user runs; yield the address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "serve/api.py", "--port", str(port)]
    with running(command, url, log, {"WAREHOUSE_PATH": str(shop), **variables}):
        yield url


@pytest.fixture
def serve_shop() -> Callable[[Path, Path], AbstractContextManager[str]]:
    """For tests that need a server of their own: serve a warehouse, log to a file."""
    return running_api


@pytest.fixture(scope="module")
def idle_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """An API without a warehouse: its address, and the id of its process."""
    with idle(tmp_path_factory.mktemp("idle")) as found:
        yield found


@pytest.fixture(scope="session")
def api_url(scored_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_api(scored_shop.file, tmp_path_factory.mktemp("api") / "log") as url:
        yield url


@contextmanager
def running_app(shop: Path, api: str, log: Path, *options: str) -> Iterator[str]:
    """Open the app on a warehouse; yield its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "streamlit", "run", "serve/app.py"]
    command += ["--server.port", str(port), "--", *options]
    variables = {"WAREHOUSE_PATH": str(shop), "API_URL": api}
    with running(command, f"{url}/_stcore/health", log, variables):
        yield url


@pytest.fixture(scope="session")
def app_url(
    scored_shop: Shop, api_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with running_app(scored_shop.file, api_url, tmp_path_factory.mktemp("app") / "log") as url:
        yield url


@pytest.fixture(scope="session")
def own_shop(scored_shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A copy of the scored shop that an app may write."""
    return scored_shop.copy_to(tmp_path_factory.mktemp("own"))


@pytest.fixture(scope="session")
def contacts_url(
    own_shop: Shop, api_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """An app that may write its warehouse and show names."""
    log = tmp_path_factory.mktemp("contacts") / "log"
    with running_app(own_shop.file, api_url, log, "--with-contacts") as url:
        yield url
