"""Features at a date know nothing of what happened, or became known, on or after it."""

from __future__ import annotations

import shutil
from datetime import date

import pytest

import warehouse
from run import transform

MART = "+feat_customer_snapshots"
# both lie on the calendar lattice; the generated shop covers 2022-01-01 to 2024-06-18
CUT = date(2023, 8, 28)
AS_OF = "2024-06-19"

# what no model may know at the cut, each in its own way
FUTURES = {
    "deleted": """
        delete from raw.store_sales_header where transaction_date >= $cut or recorded_at >= $cut;
        delete from raw.store_sales_line_items where upper(trim(transaction_id)) not in (
            select upper(trim(transaction_id)) from raw.store_sales_header
            where transaction_id is not null
        );
        delete from raw.store_sales_line_items where recorded_at >= $cut;
        delete from raw.customer_details where customer_since >= $cut;
    """,
    "rewritten": """
        update raw.store_sales_line_items
        set line_item_amount = line_item_amount * 7, quantity = quantity + 3, promotion_id = 'X'
        where transaction_id in (
            select transaction_id from raw.store_sales_header where transaction_date >= $cut
        ) or recorded_at >= $cut;
        update raw.store_sales_header
        set store_id = 'ELSEWHERE', total_amount = 0
        where transaction_date >= $cut or recorded_at >= $cut;
        update raw.customer_details
        set total_loyalty_points = 0, loyalty_status = 'Platinum', last_purchase_date = null,
            region = case when customer_since >= $cut then 'Moved' else region end,
            segment_id = case when customer_since >= $cut then 'Moved' else segment_id end;
    """,
    "added": """
        insert into raw.store_sales_header
        select 'NEW' || transaction_id, customer_id, store_id,
            $cut + hour(transaction_date)::integer, total_amount, customer_phone,
            $cut + hour(transaction_date)::integer, null, _loaded_at
        from raw.store_sales_header where transaction_date < $cut;
        insert into raw.store_sales_line_items
        select 'NEW' || line_item_id, 'NEW' || transaction_id, product_id, quantity, promotion_id,
            line_item_amount * 3, null, line_item_amount_text, _loaded_at
        from raw.store_sales_line_items;
    """,
    "known late": """
        insert into raw.store_sales_header
        select 'LATE' || transaction_id, customer_id, store_id, transaction_date, total_amount,
            customer_phone, $cut + 1, transaction_date_text, _loaded_at
        from raw.store_sales_header where transaction_date < $cut;
        insert into raw.store_sales_line_items
        select 'LATE' || line_item_id, 'LATE' || transaction_id, product_id, quantity, promotion_id,
            line_item_amount * 50, null, line_item_amount_text, _loaded_at
        from raw.store_sales_line_items;
    """,
    "restated": """
        insert into raw.store_sales_line_items
        select line_item_id, transaction_id, product_id, quantity * 9, promotion_id,
            line_item_amount * 9, $cut, line_item_amount_text, _loaded_at
        from raw.store_sales_line_items
        where recorded_at is null or recorded_at < $cut;
        insert into raw.store_sales_header
        select transaction_id, 'C0000001', 'ELSEWHERE', transaction_date, 1, customer_phone,
            $cut, null, _loaded_at
        from raw.store_sales_header
        where recorded_at < $cut;
    """,
}


def _change(sql: str) -> None:
    with warehouse.connect() as connection:
        for statement in sql.replace("$cut", f"date '{CUT}'").split(";"):
            if statement.strip():
                connection.execute(statement)


def _differing_rows(built_file: str, until: date) -> list[tuple]:
    """Rows of either mart that the other lacks, up to a date; bit for bit."""
    with warehouse.connect(read_only=True) as connection:
        connection.execute(f"attach '{built_file}' as original (read_only)")
        pairs = ("features.", "original.features."), ("original.features.", "features.")
        return [
            row
            for left, right in pairs
            for row in connection.execute(
                f"""
                select as_of_date, customer_id, '{left}' from (
                    from {left}{warehouse.FEATURE_MART} where as_of_date <= ?
                    except from {right}{warehouse.FEATURE_MART} where as_of_date <= ?
                ) limit 5
                """,
                [until, until],
            ).fetchall()
        ]


@pytest.mark.parametrize("future", FUTURES)
def test_another_future_leaves_every_feature_of_earlier_dates_bit_identical(
    future, world, built_shop
):
    world(future.replace(" ", "_"))
    _change(FUTURES[future])
    transform.build(transform.variables(AS_OF), select=MART, run_only=True)
    assert _differing_rows(str(built_shop.file), CUT) == []


def test_a_feature_that_knows_the_future_is_found(world, built_shop, tmp_path, monkeypatch):
    leaking = tmp_path / "dbt_project"
    shutil.copytree(warehouse.DBT_PROJECT, leaking, ignore=shutil.ignore_patterns("target", "logs"))
    matched = leaking / "models" / "intermediate" / "int_facts_matched.sql"
    honest = matched.read_text()
    leak = honest.replace(
        "spine.as_of_date > days.event_date", "spine.as_of_date + 3 > days.event_date"
    )
    leak = leak.replace(
        "spine.as_of_date > days.known_date", "spine.as_of_date + 3 > days.known_date"
    )
    assert leak != honest
    matched.write_text(leak)
    monkeypatch.setattr(warehouse, "DBT_PROJECT", leaking)

    world("original")
    transform.build(transform.variables(AS_OF), select=MART, run_only=True)
    with warehouse.connect(read_only=True) as connection:
        original = str(warehouse.path())
        assert connection.execute("select count(*) from features.feat_customers").fetchone()[0] > 0
    world("rewritten")
    _change(FUTURES["deleted"])
    transform.build(transform.variables(AS_OF), select=MART, run_only=True)
    assert _differing_rows(original, CUT)


def test_as_if_a_day_were_today_gives_the_features_of_that_day(world, built_shop):
    world("as_of")
    transform.build(transform.variables(CUT.isoformat()), select=MART, run_only=True)
    assert _differing_rows(str(built_shop.file), CUT) == []


def test_a_date_off_the_lattice_has_the_features_that_a_finer_lattice_gives_it(world, built_shop):
    off_grid = date(2023, 8, 23)  # on the lattice of 5 days, off that of 30
    world("coarse")
    transform.build(
        transform.variables(off_grid.isoformat(), grid_days=30), select=MART, run_only=True
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
