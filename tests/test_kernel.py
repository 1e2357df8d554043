"""The bare kernel that the benchmark holds dbt against computes the same features."""

import duckdb

import warehouse
from benchmarks.features import ratios
from benchmarks.kernel import compiled, run
from tests.conftest import in_warehouse


def test_the_kernel_gives_every_value_of_the_mart(built_shop, tmp_path):
    with in_warehouse(built_shop.file):
        with warehouse.connect(read_only=True) as connection:
            dates = connection.execute(
                "select as_of_date from intermediate.int_snapshots_scheduled order by 1"
            ).fetchall()
        compiled.write(tmp_path / "kernel.json", [day for (day,) in dates], 20_000)
    run.main(tmp_path / "kernel.json", built_shop.file, tmp_path / "kernel.duckdb")
    with duckdb.connect(str(built_shop.file), read_only=True) as connection:
        connection.execute(f"attach '{tmp_path / 'kernel.duckdb'}' as kernel (read_only)")
        mart, features = "features.feat_customers", "kernel.main.features"
        count = f"select count(*) from {mart}"
        assert connection.execute(count).fetchall()[0][0] > 10_000
        for one, other in ((mart, features), (features, mart)):
            differing = f"from {one} except all select * from {other}"
            assert connection.execute(f"select count(*) from ({differing})").fetchall() == [(0,)]


def test_ratios_name_the_bar_and_leave_out_what_was_not_measured():
    measured = {"wall_s": 30.0, "cpu_s": 50.0}
    rows = [
        {"size": "m", "method": "dbt", **measured},
        {"size": "m", "method": "kernel", "wall_s": 20.0, "cpu_s": 25.0},
        {"size": "l", "method": "dbt", "wall_s": 300.0, "cpu_s": 500.0},
    ]
    assert ratios(rows) == [
        ("m: dbt with tests / kernel, wall", "1.50", "at most 1.4"),
        ("growth of dbt from m to l, wall", "10.00", "at most 11"),
    ]
