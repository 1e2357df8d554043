"""The image with the packages of the API alone: it answers, and nothing else is in it."""

from __future__ import annotations

import re
import subprocess

import httpx
import pytest

from benchmarks.routes import every_route, told
from benchmarks.servers import free_port, running
from tests.conftest import Shop
from tests.docker_image import Image, built


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    return built(tmp_path_factory.mktemp("image"), REQUIREMENTS="requirements-serve.lock")


def test_every_route_answers_with_the_packages_of_the_api_alone(
    image: Image, scored_shop: Shop, tmp_path
):
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    command = [*image.entrypoint, "api", "--port", port]
    variables = {**image.variables, "WAREHOUSE_PATH": str(scored_shop.file)}
    with (
        running(command, f"{url}/readyz", tmp_path / "log", variables),
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        routes = every_route(client)
        described = client.get("/openapi.json").json()["paths"]
        assert {route.name for route in routes} == {
            f"{method.upper()} {path}" for path, methods in described.items() for method in methods
        }
        spend = set()
        for route in routes:
            answer = route.ask(client)
            assert answer.status_code == 200, route.name
            spend.add(told(route, answer)[2])
        assert len(spend - {None}) == 1
        page = client.get("/docs")
        for asset in re.findall(r'(?:href|src)="(docs/[^"]+)"', page.text):
            assert client.get(f"/{asset}").status_code == 200, asset


@pytest.mark.parametrize("package", ["dbt", "streamlit", "matplotlib", "faker", "apprise", "mcp"])
def test_what_builds_draws_or_generates_is_not_in_it(image: Image, package):
    done = subprocess.run(
        ["python", "-c", f"import {package}"], env=image.variables, capture_output=True, text=True
    )
    assert f"No module named '{package}'" in done.stderr
