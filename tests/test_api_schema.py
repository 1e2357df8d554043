"""The API keeps what its description says, whatever is sent; test_api_schema_long sends more."""

import pytest

from tests.api_schema import OPERATIONS, answers_as_described, described


@pytest.fixture(scope="module")
def url(scored_shop, tmp_path_factory):
    with described(scored_shop, tmp_path_factory.mktemp("described")) as address:
        yield address


@pytest.mark.parametrize("operation", OPERATIONS)
def test_answers_are_as_described(operation, url):
    answers_as_described(operation, url, 20)
