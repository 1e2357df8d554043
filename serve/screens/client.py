"""The app's side of the API: calls it, and turns every failure into plain words."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import quote

import httpx

import warehouse
from serve.screens.form import label_of

TIMEOUT_SECONDS = 10.0


class ApiError(warehouse.ShopError):
    """The API did not answer as asked; the message is fit for a reader of the app."""


def url() -> str:
    """Return the address of the API: `API_URL`, else the one that `make api` listens on."""
    return os.environ.get("API_URL", "http://127.0.0.1:8000").rstrip("/")


def predict(features: dict[str, Any]) -> dict[str, Any]:
    """Return the API's prediction for the features of one customer."""
    return _answer("POST", "/predict", json=features)


def customer(customer_id: str) -> dict[str, Any]:
    """Return what the API knows of a customer: newest prediction and features."""
    return _answer("GET", f"/customers/{quote(customer_id, safe='')}")


def what_if(customer_id: str, changes: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the API's forecast of a customer with changes, each as its schema has it."""
    return _answer("POST", f"/customers/{quote(customer_id, safe='')}/what-if", json=changes)


def _answer(method: str, path: str, **body: Any) -> dict[str, Any]:  # noqa: ANN401
    try:
        response = httpx.request(
            method, url() + path, headers=_key(), timeout=TIMEOUT_SECONDS, **body
        )
    except httpx.TimeoutException as error:
        raise ApiError(f"The API at {url()} took too long to answer. Try again.") from error
    except httpx.TransportError as error:
        raise ApiError(
            f"The API at {url()} cannot be reached. Start it with `make api`, then try again."
        ) from error
    if response.is_success:
        return response.json()
    raise ApiError(_words(response))


def _key() -> dict[str, str]:
    key = os.environ.get("API_KEY")
    return {"authorization": f"Bearer {key}"} if key else {}


def _words(response: httpx.Response) -> str:
    try:
        detail = response.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return f"{url()} answered with status {response.status_code}: is it the right address?"
    if response.status_code == 422:
        fields = "\n".join(
            f"- **{label_of(entry['field'])}**: {entry['message']}" for entry in detail
        )
        return f"These values cannot be used:\n\n{fields}"
    return f"{detail[:1].upper()}{detail[1:]}."
