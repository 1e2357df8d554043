"""The mart beside a slow, plain computation of every feature from the raw rows."""

from __future__ import annotations

import pytest

import warehouse
from proof import histories, oracle
from proof.compare import compare
from run import transform
from tests.conftest import in_warehouse


@pytest.fixture(scope="module", params=[1, 2, 3, 4])
def history(request, tmp_path_factory):
    """A small, nasty history, built."""
    file = tmp_path_factory.mktemp(f"history-{request.param}") / "shop.duckdb"
    with in_warehouse(file):
        with warehouse.connect() as connection:
            histories.write(connection, histories.history(request.param))
        transform.build({"grid_days": 30, **histories.SETTINGS.variables()}, run_only=True)
    return file


def test_every_feature_of_every_customer_at_every_date_equals_the_oracle(history):
    with in_warehouse(history), warehouse.connect(read_only=True) as connection:
        rows = connection.execute("select count(*) from features.feat_customers").fetchall()[0][0]
        differences = compare(connection, oracle.clean(connection, histories.SETTINGS))
    assert rows > 300
    assert differences == []


def test_features_of_a_generated_shop_with_faults_equal_the_oracle(built_shop):
    with in_warehouse(built_shop.file), warehouse.connect(read_only=True) as connection:
        facts = oracle.clean(connection)
        customers = sorted(facts.customers)[::14]
        dates = [
            day
            for (day,) in connection.execute(
                "select as_of_date from intermediate.int_snapshots_scheduled"
                " where is_current or hash(as_of_date) % 25 = 0"
            ).fetchall()
        ]
        assert len(dates) > 3
        assert compare(connection, facts, customers, dates) == []
