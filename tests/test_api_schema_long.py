"""As test_api_schema, with two thousand cases."""

import pytest
import schemathesis

from tests.api_schema import check, fixed

pytest_plugins = ("tests.serve_fixtures",)


@pytest.fixture(scope="module")
def described(api_url):
    return schemathesis.openapi.from_url(f"{api_url}/openapi.json", timeout=60)


schema = schemathesis.pytest.from_fixture("described")


@schema.parametrize()
@fixed(160)
def test_answers_are_as_described(case):
    check(case)
