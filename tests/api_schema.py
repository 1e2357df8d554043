"""Requests that the API's own description allows, and others, made by schemathesis."""

from __future__ import annotations

from collections.abc import Callable

import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

# what the schema cannot say: a day before the shop knew the customer, bytes that are no table
MORE_THAN_THE_SCHEMA = ("/customers/{customer_id}/what-if", "/predict/batch")


def fixed(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return settings of a run: the same cases each time, so many for each route and method."""
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def check(case: schemathesis.Case) -> None:
    """Send a case and let all checks of schemathesis look at the answer."""
    # a cursor is what an answer gave
    case.query.pop("cursor", None)
    excluded = [positive_data_acceptance] if case.path in MORE_THAN_THE_SCHEMA else []
    case.call_and_validate(excluded_checks=excluded, timeout=60)
