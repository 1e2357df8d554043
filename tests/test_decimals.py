"""Amounts keep four decimals; features of money are rounded once, at the end."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import warehouse
from core import dbt_runner
from load.loader import load
from tests.shop_files import LINES_HEADER, LINES_MAPPING, query

MAPPING = f"{LINES_MAPPING}    total_amount: total\n"
DAYS = 100


def test_a_hundred_amounts_below_a_cent_and_a_half_come_to_what_they_add_up_to(
    tmp_path, monkeypatch, dbt_folders
):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "warehouse" / "shop.duckdb"))
    (tmp_path / "mapping.yml").write_text(MAPPING)
    days = [date(2024, 1, 1) + timedelta(n) for n in range(DAYS)]
    rows = [f"T{n},{day},C1,S1,1,0.0169,0.02" for n, day in enumerate(days)]
    (tmp_path / "lines.csv").write_text("\n".join([f"{LINES_HEADER},total", *rows, ""]))
    load(tmp_path / "lines.csv", mapping=tmp_path / "mapping.yml")
    assert query("select sum(line_item_amount) from raw.store_sales_line_items") == [
        (Decimal("1.69"),)
    ]
    with warehouse.connect() as connection:
        # what a till wrote as a text counts alike
        connection.execute(
            "update raw.store_sales_line_items set line_item_amount_text = '£0.0169',"
            " line_item_amount = null where hash(line_item_id) % 3 = 0"
        )
    dbt_runner.build(
        {"as_of": "2024-04-05"},
        select="+feat_customer_snapshots +feat_labels +data_quality",
        run_only=True,
    )
    [row] = query(
        "select spend_7d, spend_lifetime, net_spend_lifetime, max_order_value_lifetime,"
        " shop_spend_30d, avg_order_value_lifetime, category_concentration"
        " from features.feat_customer_snapshots where as_of_date = '2024-04-05'"
    )
    # 7, 95 and 30 days of 0.0169; rounded line by line they were 0.14, 1.90 and 0.60
    assert row[:5] == (
        Decimal("0.12"),
        Decimal("1.61"),
        Decimal("1.61"),
        Decimal("0.02"),
        Decimal("0.51"),
    )
    assert row[5:] == (0.0169, 1.0)
    # the largest label, of 30 days, is rounded once too
    assert query("select max(target_30d_spend) from features.feat_labels") == [(Decimal("0.51"),)]
    # a header that states whole cents is right
    assert not query("from marts.data_quality where rule = 'total_recomputed'")
