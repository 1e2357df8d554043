"""A date's features are the same on any lattice of dates."""

from __future__ import annotations

from datetime import date

import warehouse
from core import dbt_runner

MART = "+feat_customer_snapshots"


def test_a_date_off_the_lattice_has_the_features_that_a_finer_lattice_gives_it(world, built_shop):
    off_grid = date(2023, 8, 23)  # on the lattice of 5 days, off that of 30
    world("coarse")
    dbt_runner.build(
        dbt_runner.variables(off_grid.isoformat(), grid_days=30), select=MART, run_only=True
    )
    with warehouse.connect(read_only=True) as connection:
        connection.execute(f"attach '{built_shop.file}' as fine (read_only)")
        query = "from {}features.feat_customer_snapshots where as_of_date = ?"
        parameters = [off_grid, off_grid]
        count = connection.execute("select count(*) " + query.format(""), [off_grid]).fetchone()[0]
        differing = connection.execute(
            f"{query.format('')} except {query.format('fine.')}", parameters
        ).fetchall()
    assert count > 0
    assert differing == []
