"""A warehouse that the last release built: migrated by a build, its model refused in a sentence."""

import duckdb
import pytest

import warehouse
from core import dbt_runner
from serve.score import score
from tests.release_0_1 import age
from train.fit import fit
from train.registry import versions
from train.registry.artefact import ArtefactError

MART = "features.feat_customer_snapshots"


@pytest.fixture
def old(shop_copy):
    age(shop_copy)
    return shop_copy


def query(sql):
    with duckdb.connect(str(warehouse.path()), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def test_a_build_makes_a_warehouse_of_the_last_release_one_of_today(old, scored_shop):
    kept = query("select count(*) from predictions")
    with pytest.raises(ArtefactError, match=r"another feature contract .*: run `python train/fit"):
        score()
    dbt_runner.build()
    assert query("select why_all is not null from builds.plan") == [(True,)]
    assert query("select count(*) from predictions") == kept
    with duckdb.connect(str(old), read_only=True) as connection:
        connection.execute(f"attach '{scored_shop.file}' as today (read_only)")
        for one, other in ((MART, f"today.{MART}"), (f"today.{MART}", MART)):
            sql = f"select count(*) from (from {one} except all from {other})"
            assert connection.execute(sql).fetchall() == [(0,)]
    # the model is of other features than the mart has now
    with pytest.raises(ArtefactError, match="ahead_day_number is new"):
        score()
    versions.promote(fit(quick=True).version)
    assert score().customers > 600
    dbt_runner.build(select="source:scoring+")
