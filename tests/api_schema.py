"""Requests that the API's own description allows, and others, made by schemathesis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from serve.api import app
from tests.conftest import Shop
from tests.serve_fixtures import running_api

KEY = "everything-0123456789"
# what the schema cannot say: a day before the shop knew the customer, bytes that are no table
MORE_THAN_THE_SCHEMA = ("/customers/{customer_id}/what-if", "/predict/batch")
OPERATIONS = {
    found.ok().label: found.ok()
    for found in schemathesis.openapi.from_dict(app.openapi()).get_all_operations()
}


@contextmanager
def described(shop: Shop, folder: Path) -> Iterator[str]:
    """Serve a shop that asks for a key, as its description says."""
    with running_api(shop.file, folder / "log", API_KEYS=f"{KEY}:read,predict") as url:
        yield url


def answers_as_described(label: str, url: str, examples: int) -> None:
    """Send cases of an operation; all checks of schemathesis look at each answer."""

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=OPERATIONS[label].as_strategy())
    def send(case: schemathesis.Case) -> None:
        # a cursor is what an answer gave
        case.query.pop("cursor", None)
        # its probes send the key of this call again; test_api_keys asks each route without one
        excluded = [ignored_auth]
        if case.path in MORE_THAN_THE_SCHEMA:
            excluded.append(positive_data_acceptance)
        case.call_and_validate(
            base_url=url,
            headers={"authorization": f"Bearer {KEY}"},
            excluded_checks=excluded,
            timeout=60,
        )

    send()
