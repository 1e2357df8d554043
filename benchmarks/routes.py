"""A request for each route of the API, all about one customer, and what their answers say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx


@dataclass(frozen=True)
class Route:
    """A request that is answered with 200.

    Attributes
    ----------
    name
        Method and path as the API describes itself.
    body
        What is sent as JSON; None where nothing is.
    spend
        The keys that lead to the customer's expected spend in the answer, in a list of customers
        the id; none where it has none.
    """

    name: str
    path: str
    body: Any = None
    spend: tuple[str | int, ...] = ()

    def ask(self, client: httpx.Client) -> httpx.Response:
        """Send it."""
        return client.request(self.name.split()[0], self.path, json=self.body)


def every_route(client: httpx.Client) -> list[Route]:
    """Return a request for each route, about the customer of whom most is expected."""
    [first] = client.get("/customers?limit=1").raise_for_status().json()["customers"]
    customer = first["customer_id"]
    path = quote(customer, safe="")
    features = client.get(f"/features/{path}").raise_for_status().json()["features"]
    spend = "predicted_30d_spend"
    return [
        *(Route(f"GET {path}", path) for path in ("/", "/livez", "/readyz", "/version", "/model")),
        Route("GET /metrics", "/metrics"),
        # at the top by one model, and near it by others
        Route("GET /customers", "/customers?limit=1000", None, ("customers", customer, spend)),
        Route("GET /customers/{customer_id}", f"/customers/{path}", None, ("prediction", spend)),
        Route("GET /features/{customer_id}", f"/features/{path}"),
        Route("POST /totals", "/totals", {"customer_ids": [customer]}, ("expected_spend",)),
        Route("POST /predict", "/predict", features, (spend,)),
        Route("POST /predict/batch", "/predict/batch", [features], ("predictions", 0, spend)),
        Route(
            "POST /customers/{customer_id}/what-if",
            f"/customers/{path}/what-if",
            [{"amount": 80.0}],
            ("before", spend),
        ),
    ]


def told(route: Route, answer: httpx.Response) -> tuple[str | None, str | None, float | None]:
    """Return generation, model and the customer's expected spend that an answer names.

    Raises
    ------
    ValueError
        If its body names another generation or model than its headers.
    """
    state = (answer.headers.get("x-generation"), answer.headers.get("x-model-version"))
    if "json" not in answer.headers["content-type"]:
        return (*state, None)
    said = answer.json()
    for name, value in _named(said):
        if value != state[name == "model_version"]:
            raise ValueError(f"{route.name}: {name} {value} in the body, the headers say {state}")
    for key in route.spend:
        if isinstance(said, list) and isinstance(key, str):
            said = next(each for each in said if each["customer_id"] == key)
        else:
            said = said[key]
    return (*state, float(said) if route.spend else None)


def _named(said: object) -> list[tuple[str, str | None]]:
    """Return each generation and model that a body names, however deep."""
    if isinstance(said, list):
        return [found for each in said for found in _named(each)]
    if not isinstance(said, dict):
        return []
    own = [
        (name, value if value is None else str(value))
        for name, value in said.items()
        if name in ("generation", "model_version")
    ]
    return own + [found for each in said.values() for found in _named(each)]
