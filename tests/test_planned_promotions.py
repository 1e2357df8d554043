"""A plan of promotions is loaded, corrected, and known at the dates after it was announced."""

from __future__ import annotations

import shutil

import pytest
import typer
from typer.testing import CliRunner

import warehouse
from core.dbt_runner import BuildError
from generate.shop.plan import Plan
from generate.synthetic import generate
from load.command import main
from load.loader import load
from load.promotions import load_promotions
from load.staging import LoadError
from proof import building
from proof.checks import nights_equal_full_build
from tests.shop_files import WEB_SHOP, query, web_shop

APP = typer.Typer()
APP.command()(main)
HEAD = "start_date,end_date,name,expected_lift,announced_on"
SPRING = "2022-03-01,2022-03-10,Spring,0.3,2022-01-15"
MAY = "2022-05-20,2022-05-24,May,,"
PLANNED = f"select {HEAD} from raw.planned_promotions order by all"
GRID = {"grid_days": 30}
OURS = "ahead_promotion_days, ahead_promotion_lift, shop_promotion_days_30d"


@pytest.fixture
def shop(tiny, tmp_path, monkeypatch):
    """A built shop of sixty customers, without a plan."""
    file = tmp_path / "shop.duckdb"
    shutil.copy(tiny, file)
    monkeypatch.setenv("WAREHOUSE_PATH", str(file))
    return file


@pytest.fixture
def plan(tmp_path):
    """Write promotions to a file."""

    def plan(*rows, head=HEAD):
        file = tmp_path / "plan.csv"
        file.write_text("\n".join([head, *rows, ""]))
        return file

    return plan


def run(*arguments):
    return CliRunner().invoke(APP, [str(one) for one in arguments])


def names():
    return [name for (name,) in query("select name from raw.planned_promotions order by all")]


def features():
    return query(f"select as_of_date, {OURS} from features.feat_dates order by all")


def test_a_file_is_the_plan_and_another_takes_its_place(shop, plan):
    said = run(plan(SPRING, MAY), "--promotions")
    assert said.stdout == f"loaded planned_promotions 2 rows into {shop}\n"
    assert names() == ["May", "Spring"]
    run(plan(MAY), "--promotions")
    assert names() == ["May"]


def test_a_file_that_is_appended_leaves_the_plan_as_it_is(shop, plan):
    load_promotions(plan(SPRING))
    run(plan(MAY), "--promotions", "--append")
    assert names() == ["May", "Spring"]


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        ("2022-06-09,2022-06-08,June,,", "end_date", "'2022-06-08' is not on or after start_date"),
        ("soon,2022-06-08,June,,", "start_date", "'soon' is not a date written year-month-day"),
        (",2022-06-08,June,,", "start_date", "None is not a day: a promotion needs a first one"),
        ("2022-06-01,,June,,", "end_date", "None is not a day: a promotion needs a last one"),
        ("2022-06-01,2022-06-08, ,,", "name", "' ' is not a name"),
        ("2022-06-01,2022-06-08,June,much,", "expected_lift", "'much' is not a number written as"),
        ("2022-06-01,2022-06-08,June,20,", "expected_lift", "'20.0000' is not a share, as in 0.2"),
        ("2022-06-01,2022-06-08,June,,early", "announced_on", "'early' is not a date"),
    ],
)
def test_what_is_no_promotion_is_refused_by_file_column_and_row(shop, plan, row, column, message):
    load_promotions(plan(SPRING))
    file = plan(MAY, row)
    said = run(file, "--promotions", "--append")
    assert said.exit_code == 1
    assert f"error: {file}: column {column}, row 3: {message}" in said.stderr
    assert "--quarantine" not in said.stderr
    assert names() == ["Spring"]


def test_two_promotions_of_one_name_and_first_day_are_refused(shop, plan):
    with pytest.raises(LoadError, match="column name: 'May' starts twice on 2022-05-20"):
        load_promotions(plan(MAY, "2022-05-20,2022-05-30,May ,0.5,"))


def test_a_column_that_is_missing_is_named(shop, plan):
    with pytest.raises(LoadError, match="required column start_date is missing"):
        load_promotions(plan("2022-05-20,2022-05-24,May", head="begins,end_date,name"))


def test_a_file_may_lack_what_is_optional(shop, plan):
    load_promotions(plan("2022-05-20,2022-05-24,May", head="start_date,end_date,name"))
    assert query("select expected_lift, announced_on from raw.planned_promotions") == [(None, None)]


def test_without_a_shop_there_is_nothing_to_plan(plan, tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "none.duckdb"))
    with pytest.raises(LoadError, match="holds no shop"):
        load_promotions(plan(MAY))


@pytest.mark.parametrize("option", ["--quarantine", "--replace", "--suggest"])
def test_other_options_are_refused(shop, plan, option):
    said = run(plan(MAY), "--promotions", option)
    assert "error: --promotions goes with --append and no other option" in said.stderr


def test_a_generated_shop_takes_the_plan_of_another_with_it(shop, plan):
    load_promotions(plan(MAY))
    generate(Plan(60, 4, days=100))
    assert not _has_plan()


def test_files_of_another_shop_take_the_plan_with_them_and_those_of_the_same_do_not(
    shop, plan, tmp_path
):
    mapping = tmp_path / "web.yml"
    mapping.write_text(WEB_SHOP)
    load_promotions(plan(MAY))
    load(web_shop(tmp_path), mapping=mapping)
    assert not _has_plan()
    load_promotions(plan(MAY))
    load(web_shop(tmp_path, orders=99), mapping=mapping)
    assert names() == ["May"]


def _has_plan():
    with warehouse.connect(read_only=True) as connection:
        return warehouse.has_table(connection, "raw", "planned_promotions")


def test_a_generated_shop_with_promotions_on_any_days_plans_them_beyond_its_end(shop):
    generate(Plan(60, 3, days=400, preset="promotions", faults=False))
    [(last, lowest, highest)] = query(
        "select max(start_date), min(expected_lift), max(expected_lift) from raw.planned_promotions"
    )
    assert str(last) > "2023-12"
    assert 0.3 <= lowest < highest <= 1.2
    # what is sold on promotion is sold on its days
    assert query(
        """
        select count(*) > 20, bool_and(cast(recorded_at as date) between start_date and end_date)
        from raw.store_sales_line_items inner join raw.planned_promotions on promotion_id = name
        """
    ) == [(True, True)]


def test_without_a_plan_no_day_is_promoted(shop):
    assert query(f"select distinct {OURS} from features.feat_dates") == [(0, 0, 0)]


@pytest.mark.long
def test_a_promotion_that_is_planned_changed_or_called_off_is_what_a_build_of_all_makes_of_it(
    shop, plan, tmp_path
):
    before = features()
    anew = tmp_path / "anew.duckdb"
    for append, rows in (
        (False, [SPRING, MAY]),
        (True, ["2022-03-01,2022-03-20,Spring,0.6,2022-01-15"]),
        (False, [MAY]),
    ):
        load_promotions(plan(*rows), append=append)
        building.build(shop, GRID)
        assert query("from builds.plan") == [(None,)]
        # a copy, since both are compared
        shutil.copy(shop, anew)
        building.build(anew, GRID, full_refresh=True)
        assert nights_equal_full_build.differing(anew, shop) == []
        assert features() != before
        before = features()


def test_a_plan_touches_no_customer(shop, plan):
    with warehouse.connect() as connection:
        connection.execute("update features.feat_customers set spend_30d = -1")
    load_promotions(plan(SPRING))
    building.build(shop, GRID)
    assert query("select distinct spend_30d from features.feat_customers") == [(-1,)]


def test_of_rows_of_one_promotion_the_newest_load_counts(shop, plan):
    load_promotions(plan("2022-05-20,2022-05-24,May,0.9,"))
    load_promotions(plan("2022-05-20,2022-05-21,May,0.3,"), append=True)
    building.build(shop, GRID)
    with warehouse.connect() as connection:
        connection.execute("create table main.asked as select date '2022-05-15' as as_of_date")
    found = query(f"select {OURS} from features.shop_as_of('main.asked')")
    assert found == [(2, pytest.approx(0.02), 0)]


def test_a_table_of_ones_own_may_lack_what_is_optional(shop):
    with warehouse.connect() as connection:
        connection.execute(
            "create or replace table raw.planned_promotions as select date '2022-03-01' as"
            " start_date, date '2022-03-02' as end_date, 'March' as name, now()::timestamp as"
            " _loaded_at"
        )
    building.build(shop, GRID)
    assert query("select max(ahead_promotion_days) from features.feat_dates") == [(2,)]


def test_a_promotion_that_ends_before_it_starts_stops_the_build_by_name(shop):
    with warehouse.connect() as connection:
        connection.execute(
            "insert into raw.planned_promotions by name select date '2022-03-01' as start_date,"
            " date '2022-02-01' as end_date, 'March' as name"
        )
    with warehouse.in_warehouse(shop), pytest.raises(BuildError, match="end_after_they_start"):
        building.dbt_runner.build(GRID, select="stg_retail__planned_promotions")


@pytest.mark.parametrize(
    "told", ["'20%' as expected_lift", "'soon' as announced_on", "'20' as expected_lift"]
)
def test_what_another_tool_wrote_and_no_one_can_read_stops_the_build_by_name(shop, told):
    with warehouse.connect() as connection:
        connection.execute(
            "create or replace table raw.planned_promotions as select date '2022-05-01' as"
            " start_date, date '2022-05-02' as end_date, 'Sale' as name, now()::timestamp as"
            f" _loaded_at, {told}"
        )
    words = "promotions_can_be_read|promotions_leave_some_sales"
    with warehouse.in_warehouse(shop), pytest.raises(BuildError, match=words):
        building.dbt_runner.build(GRID, select="+stg_retail__planned_promotions")
