"""A build computes what the news touch, and all where what it built upon is gone."""

from __future__ import annotations

import shutil
from datetime import date

import pytest

import warehouse
from core import dbt_runner
from load.raw_tables import TABLES
from proof import building
from proof.checks import nights_equal_full_build
from tests.shop_files import query

LINES = "raw.store_sales_line_items"
GRID = {"grid_days": 30}


@pytest.fixture
def shop(tiny, tmp_path, monkeypatch):
    file = tmp_path / "shop.duckdb"
    shutil.copy(tiny, file)
    monkeypatch.setenv("WAREHOUSE_PATH", str(file))
    return file


def change(*statements):
    with warehouse.connect() as connection:
        for statement in statements:
            connection.execute(statement)


def why_all():
    [(why,)] = query("select why_all from builds.plan")
    return why


def made_anew(file):
    """The mart of the same raw rows, built as if for the first time."""
    anew = file.with_name("anew.duckdb")
    shutil.copy(file, anew)
    building.build(anew, GRID, full_refresh=True)
    return anew


def test_a_build_without_news_computes_nothing(shop, tiny):
    building.build(shop, GRID)
    assert why_all() is None
    for touched in ("int_customers_touched", "int_orders_touched", "int_lines_touched"):
        assert query(f"select count(*) from intermediate.{touched}") == [(0,)]
    assert query("select count(*) from builds.dates_to_compute") == [(0,)]
    assert nights_equal_full_build.differing(tiny, shop) == []


def test_dates_and_tables_that_are_lost_come_back(shop, tiny):
    change(
        "delete from features.feat_dates where hash(as_of_date) % 2 = 0",
        "delete from features.feat_customers where hash(as_of_date) % 3 = 0",
        "drop table intermediate.int_orders_totalled",
    )
    building.build(shop, GRID)
    assert why_all() is None
    assert nights_equal_full_build.differing(tiny, shop) == []


@pytest.mark.parametrize(
    "statement",
    [
        f"delete from {LINES} where hash(line_item_id) % 7 = 0",
        f"update {LINES} set promotion_id = 'PR7' where hash(line_item_id) % 7 = 0",
        "update raw.customer_details set region = 'Elsewhere' where hash(customer_id) % 7 = 0",
    ],
)
def test_rows_of_an_earlier_load_that_are_gone_or_others_build_all(shop, statement):
    change(statement)
    building.build(shop, GRID)
    assert why_all().startswith("rows of earlier loads are gone or others")
    assert nights_equal_full_build.differing(made_anew(shop), shop) == []


def test_a_load_that_an_unfinished_build_read_and_that_was_taken_back_is_forgotten(shop, tiny):
    later = "(select max(_loaded_at) + interval 1 hour from raw.store_sales_header)"
    change(
        f"insert into {LINES} select * replace ('LATE' || row_number() over () as line_item_id,"
        f" {later} as _loaded_at) from {LINES} limit 40"
    )
    dbt_runner.build(GRID, select="staging.retail", run_only=True)
    change(f"delete from {LINES} where line_item_id like 'LATE%'")
    building.build(shop, GRID)
    assert nights_equal_full_build.differing(tiny, shop) == []


def test_a_load_that_was_gone_during_an_unfinished_build_and_came_back_is_read_again(shop):
    change(
        f"create table main.late as select * replace ("
        " 'LATE' || row_number() over () as line_item_id,"
        " (select max(_loaded_at) + interval 1 hour from raw.store_sales_header) as _loaded_at)"
        f" from {LINES} limit 40",
        f"insert into {LINES} from main.late",
    )
    building.build(shop, GRID)
    change(f"delete from {LINES} where line_item_id like 'LATE%'")
    dbt_runner.build(GRID, select="+int_customer_days_spaced", run_only=True)
    change(f"insert into {LINES} from main.late", "drop table main.late")
    building.build(shop, GRID)
    assert nights_equal_full_build.differing(made_anew(shop), shop) == []


def test_another_rule_of_cleaning_builds_all(shop):
    building.build(shop, {**GRID, "earliest_date": "2022-06-01"})
    assert why_all().startswith("rows of earlier loads are gone or others, or SQL")
    assert query("select min(event_date) from intermediate.int_orders_totalled") >= [
        (date(2022, 6, 1),)
    ]


def test_a_mart_built_before_the_first_sale_fills_when_sales_come(shop, tiny):
    tables = ("store_sales_header", "store_sales_line_items")
    change(
        *(f"create table main.aside_{table} as from raw.{table}" for table in tables),
        *(f"delete from raw.{table}" for table in tables),
        "drop schema features cascade",
    )
    building.build(shop, GRID)
    assert query("select count(*) from features.feat_customer_snapshots") == [(0,)]
    change(*(f"insert into raw.{table} from main.aside_{table}" for table in tables))
    building.build(shop, GRID)
    assert nights_equal_full_build.differing(tiny, shop) == []


def test_a_view_among_the_raw_tables_is_read_for_what_it_shows_today(shop):
    spend = "select sum(spend_lifetime) from features.feat_customers"
    [(before,)] = query(spend)
    change(
        f"create table main.lines as from {LINES}",
        f"drop table {LINES}",
        f"create view {LINES} as from main.lines",
    )
    building.build(shop, GRID)
    assert query(spend) == [(before,)]
    change("delete from main.lines where hash(line_item_id) % 2 = 0")
    building.build(shop, GRID)
    assert query(spend)[0][0] < before
    assert nights_equal_full_build.differing(made_anew(shop), shop) == []


def test_columns_that_swap_names_are_seen(shop):
    regions = "select distinct region from features.feat_customers order by all"
    cities = query("select distinct city from raw.customer_details where city is not null")
    change(
        "alter table raw.customer_details rename column region to kept",
        "alter table raw.customer_details rename column city to region",
        "alter table raw.customer_details rename column kept to city",
        "drop schema history cascade",
    )
    building.build(shop, GRID)
    assert {name for (name,) in query(regions)} & {name for (name,) in cities}


def test_orders_of_a_customer_that_swap_their_ends_are_seen(shop):
    first, last, loaded = date(2024, 5, 1), date(2024, 7, 1), "timestamp '2024-12-31'"
    headers = [("T1", "C1", "2024-02-10"), ("T2", "C1", "2024-03-10"), ("T3", "C2", "2024-08-01")]

    def sold(transaction, customer, day, known):
        return (
            "insert into raw.store_sales_header by name select"
            f" '{transaction}' as transaction_id, '{customer}' as customer_id, 'S1' as store_id,"
            f" date '{day}' as transaction_date, 50 as total_amount,"
            f" timestamp '{known} 10:00' as recorded_at, {loaded} as _loaded_at"
        )

    change(
        *(f"delete from raw.{table.name}" for table in TABLES),
        "drop schema history cascade",
        "insert into raw.products by name select 'P1' as product_id, 'Toys' as product_category,"
        f" 10 as unit_price, {loaded} as _loaded_at",
        "insert into raw.customer_details by name select unnest(['C1', 'C2']) as customer_id,"
        f" date '2024-01-01' as customer_since, {loaded} as _loaded_at",
        f"insert into {LINES} by name select 'L' || n as line_item_id, 'T' || n as transaction_id,"
        f" 'P1' as product_id, 5 as quantity, 50 as line_item_amount, {loaded} as _loaded_at"
        " from range(1, 4) as numbers(n)",
        *(sold(transaction, customer, day, day) for transaction, customer, day in headers),
        # both were another customer's, as it turned out
        sold("T1", "C2", "2024-02-10", first),
        sold("T2", "C2", "2024-03-10", last),
    )
    building.build(shop, GRID)
    # what is known of it is restated, so that each ends when the other did
    change(
        "update raw.store_sales_header set recorded_at = case transaction_id"
        f" when 'T1' then timestamp '{last} 10:00' else timestamp '{first} 10:00' end"
        " where customer_id = 'C2' and transaction_id <> 'T3'"
    )
    building.build(shop, GRID)
    assert nights_equal_full_build.differing(made_anew(shop), shop) == []


def test_what_a_feature_reads_besides_is_seen_and_another_kind_of_relation_is_made(
    shop, tmp_path, monkeypatch
):
    project = tmp_path / "dbt_project"
    shutil.copytree(warehouse.DBT_PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    loyalty = project / "models" / "features" / "feat_loyalty.sql"
    loyalty.write_text(
        loyalty.read_text()
        .replace(
            "-- points and tier",
            """promoted as (

    select spend.customer_id, spend.as_of_date, count(distinct lines.promotion_id) as promotions
    from histories as spend
    inner join {{ ref('int_lines_capped') }} as lines
        on spend.customer_id = lines.customer_id
        and spend.as_of_date > lines.event_date
        and spend.as_of_date > lines.known_date
        and spend.as_of_date <= lines.known_until
    group by all

),

-- points and tier""",
        )
        .replace(
            "points_lifetime as loyalty_points,",
            "points_lifetime as loyalty_points,\n"
            "        coalesce(promoted.promotions, 0) as promotions_lifetime,",
        )
        .replace(
            "    from histories\n\n)\n\nselect",
            "    from histories\n    left join promoted using (customer_id, as_of_date)\n\n)"
            "\n\nselect",
        )
    )
    yml = project / warehouse.FEATURES_YML.relative_to(warehouse.DBT_PROJECT)
    entry = (
        "      - name: promotions_lifetime\n        description: Promotions.\n"
        "        data_type: bigint\n        config: {meta: {role: feature, unit: promotions,"
        " window: lifetime, minimum: 0}}\n"
    )
    before = "      - name: promotion_share_90d\n"
    yml.write_text(yml.read_text().replace(before, entry + before))
    view = project / "models" / "features" / "feat_customer_snapshots.sql"
    view.write_text("{{ config(materialized='table') }}\n\n" + view.read_text())
    monkeypatch.setattr(warehouse, "FEATURES_YML", yml)
    with building.in_project(project):
        building.build(shop, GRID)
        kind = "select table_type from information_schema.tables where table_name = '{}'"
        assert query(kind.format("feat_customer_snapshots")) == [("BASE TABLE",)]
        change(f"update {LINES} set promotion_id = 'PR' || (hash(line_item_id) % 50)::varchar")
        building.build(shop, GRID)
        assert nights_equal_full_build.differing(made_anew(shop), shop) == []
    assert query("select max(promotions_lifetime) from features.feat_customers")[0][0] > 5


STAGED = "select * from {{ source('retail', 'visits') }}"


@pytest.mark.parametrize("kind", ["table", "view", "incremental"])
def test_a_raw_table_without_loads_builds_all_when_it_changes(shop, tmp_path, monkeypatch, kind):
    project = tmp_path / "dbt_project"
    shutil.copytree(warehouse.DBT_PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    folder = project / "models" / "staging" / "retail"
    sources = folder / "_retail__sources.yml"
    sources.write_text(f"{sources.read_text()}\n      - name: visits\n")
    (folder / "stg_retail__visits.sql").write_text(
        f"{{{{ config(materialized='{kind}') }}}} {STAGED}"
    )
    part = project / "models" / "features" / "feat_loyalty.sql"
    part.write_text(
        part.read_text()
        .replace("        customer_id,\n", "        histories.customer_id,\n")
        .replace("points_lifetime as loyalty_points", "visited.visits::bigint as loyalty_points")
        .replace(
            "    from histories\n\n)",
            "    from histories\n    inner join {{ ref('stg_retail__visits') }} as visited"
            " on histories.customer_id = visited.customer_id\n\n)",
        )
    )

    def visit(visits):
        # the ids of the sixty customers are as the mart spells them
        change(
            "create or replace table raw.visits as select distinct customer_id,"
            f" {visits} as visits from intermediate.int_customers_known"
        )

    points = "select distinct loyalty_points from features.feat_customers"
    with building.in_project(project):
        visit(5)
        building.build(shop, GRID)
        assert query(points) == [(5,)]
        visit(9)
        building.build(shop, GRID)
        assert query(points) == [(9,)]


LATER = f"(select max(_loaded_at) + interval 1 hour from {LINES})"
# lines of a day's purchases, each with the day on which it is known
SALES = f"""(
    select
        lines.*,
        headers.customer_id,
        headers.transaction_date as sold,
        headers.recorded_at as known
    from {LINES} as lines
    inner join raw.store_sales_header as headers using (transaction_id)
    where lines.line_item_amount > 0 and headers.transaction_date is not null
    qualify count(*) over (partition by transaction_id, line_item_id) = 1
)"""


def late_lines(day, factor, count):
    """SQL that loads lines of one customer again, those of sales before a day, as known then."""
    return f"""insert into {LINES} by name
        select * exclude (sold, known, customer_id, copy) replace (
            'LATE' || row_number() over () as line_item_id,
            line_item_amount * {factor} as line_item_amount,
            {LATER} as _loaded_at,
            known as recorded_at
        )
        from {SALES}, (select unnest(range({count})) as copy)
        where transaction_id = (
            select max_by(transaction_id, sold) from {SALES}
            where sold < '{day}' and known < '{day}'
        )"""


def touched_alike(shop, settings):
    """Whether a build upon the one before has the mart of one that makes all anew."""
    building.build(shop, settings)
    assert why_all() is None
    anew = shop.with_name("anew.duckdb")
    shutil.copy(shop, anew)
    building.build(anew, settings, full_refresh=True)
    return nights_equal_full_build.differing(anew, shop) == []


def test_a_month_that_gains_its_first_cap_touches_the_lines_that_it_cuts(shop):
    day = "2022-10-01"
    [(before,)] = query(
        "select sum(lines)::int from intermediate.int_line_sizes_binned"
        f" where measure = 'amount' and known_month < '{day}'"
    )
    assert before > 100
    settings = {**GRID, "cap_minimum_lines": before + 50}
    [(cut,)] = query(f"select min_by(line_item_id, sold) from {SALES} where sold >= '{day}'")
    change(f"update {LINES} set line_item_amount = 60000 where line_item_id = '{cut}'")
    building.build(shop, settings)
    month = f"from intermediate.int_line_caps_set where event_month = '{day}'"
    assert query(month) == []
    change(late_lines(day, 1, 100))
    assert touched_alike(shop, settings)
    assert len(query(month)) == 1


def test_a_cap_that_moves_touches_lines_of_orders_that_were_dated_into_its_month_later(shop):
    settings = {**GRID, "cap_minimum_lines": 20, "cap_quantile": 0.5, "cap_share_of_business": 1}
    # of somebody whom nothing else touches
    [(order,)] = query(
        f"select min(transaction_id) from {SALES} where sold between '2022-06-01' and '2022-06-29'"
        f" and customer_id in (select customer_id from {SALES} group by 1"
        " having max(sold) < '2022-10-01')"
    )
    change(
        f"update {LINES} set line_item_amount = 60000 where transaction_id = '{order}'",
        "insert into raw.store_sales_header by name"
        " select * replace (timestamp '2022-11-05' as transaction_date,"
        " null as transaction_date_text, timestamp '2022-11-06' as recorded_at)"
        f" from raw.store_sales_header where transaction_id = '{order}'",
    )
    building.build(shop, settings)
    caps = "select event_month, amount_cap from intermediate.int_line_caps_set order by 1"
    before = dict(query(caps))
    change(late_lines("2022-10-20", 9, 400))
    assert touched_alike(shop, settings)
    after = dict(query(caps))
    assert before[date(2022, 6, 1)] == after[date(2022, 6, 1)]
    assert before[date(2022, 11, 1)] < after[date(2022, 11, 1)]


def test_a_total_that_differed_is_none_once_its_order_is_rejected(shop):
    [(order,)] = query(
        "select min(transaction_id) from raw.store_sales_header where recorded_at is not null"
        " and transaction_id in"
        " (select transaction_id from intermediate.int_headers_checked where rejected_by is null)"
    )
    change(
        f"update raw.store_sales_header set total_amount = 7777 where transaction_id = '{order}'"
    )
    building.build(shop, GRID)
    differing = (
        "select transaction_id from intermediate.int_header_totals_recomputed where is_different"
    )
    assert (order,) in query(differing)
    change(
        "insert into raw.store_sales_header by name select * replace (null as customer_id,"
        f" recorded_at + interval 1 minute as recorded_at, {LATER} as _loaded_at)"
        f" from raw.store_sales_header where transaction_id = '{order}'"
    )
    building.build(shop, GRID)
    assert why_all() is None
    assert (order,) not in query(differing)


def test_dates_of_a_build_that_did_not_end_are_computed_and_tested_again(shop, tiny):
    [(day,)] = query("select max(as_of_date) from features.feat_customers")
    change(f"delete from features.feat_customers where as_of_date = '{day}'")
    dbt_runner.build(GRID, select="+feat_customers", run_only=True)
    change(f"update features.feat_customers set spend_30d = -1 where as_of_date = '{day}'")
    assert query("from builds.dates_to_compute") == [(day,)]
    building.build(shop, GRID)
    assert nights_equal_full_build.differing(tiny, shop) == []
    assert query("from builds.dates_to_compute") == []
