"""Odd but legal files load with what is in them; each was once read wrongly."""

from __future__ import annotations

import os
import sqlite3

import duckdb
import pytest
import yaml

from load.loader import load
from load.read_files import LoadError
from load.suggest import suggested
from tests.shop_files import query
from tests.test_load import write_workbook

HEAD = "invoice,sku,qty,day,amount,client"
COLUMNS = {
    "transaction_id": "invoice",
    "product_id": "sku",
    "quantity": "qty",
    "transaction_date": "day",
    "line_item_amount": "amount",
    "customer_id": "client",
}


@pytest.fixture(autouse=True)
def own_warehouse(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "warehouse" / "shop.duckdb"))


@pytest.fixture
def mapping(tmp_path):
    def mapping(**others):
        file = tmp_path / "mapping.yml"
        file.write_text(yaml.safe_dump({"order_lines": {"columns": COLUMNS, **others}}))
        return file

    return mapping


def write(file, *rows):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join([HEAD, *rows, ""]))
    return file


def lines():
    return query(
        "select transaction_id, quantity::integer from raw.store_sales_line_items order by all"
    )


def test_a_sheet_of_one_row_is_read(tmp_path, mapping):
    file = tmp_path / "shop.xlsx"
    names = HEAD.split(",")
    rows = [[number, "A", "2", "2024-01-05", "5", "C1"] for number in "123"]
    write_workbook(file, {"a": [names, *rows[:2]], "b": [names, rows[2]]})
    load(file, mapping=mapping())
    assert lines() == [("1", 2), ("2", 2), ("3", 2)]


def test_a_folder_named_like_a_column_does_not_stand_in_for_it(tmp_path, mapping):
    write(tmp_path / "qty=99" / "client=Z" / "f.csv", "1,A,2,2024-01-05,5,C1")
    load(tmp_path / "qty=99" / "client=Z", mapping=mapping())
    assert lines() == [("1", 2)]
    assert query("select customer_id from raw.customer_details") == [("C1",)]


def test_what_sqlite_keeps_in_its_log_is_content(tmp_path, mapping):
    file = tmp_path / "shop.sqlite"
    connection = sqlite3.connect(file)
    connection.execute("pragma journal_mode = wal")
    connection.execute("create table sales (invoice, sku, qty, day, amount, client)")
    insert = "insert into sales values (?, 'A', 2, '2024-01-05', 5, 'C1')"
    connection.execute(insert, "1")
    connection.commit()
    load(file, mapping=mapping(table="sales"))
    connection.execute(insert, "2")
    connection.commit()
    assert not load(file, mapping=mapping(table="sales")).unchanged
    assert lines() == [("1", 2), ("2", 2)]
    connection.close()


def test_a_glob_may_stand_for_folders(tmp_path, mapping):
    write(tmp_path / "north" / "o.csv", "1,A,2,2024-01-05,5,C1")
    write(tmp_path / "south" / "deep" / "o.csv", "2,A,2,2024-01-06,5,C1")
    load(tmp_path / "*" / "o.csv", mapping=mapping())
    assert lines() == [("1", 2)]
    load(tmp_path / "**" / "o.csv", mapping=mapping())
    assert lines() == [("1", 2), ("2", 2)]


@pytest.mark.parametrize("nobody", ["NULL", "nan", "None", "\\N", "#N/A", ""])
def test_what_exports_write_for_nobody_is_no_customer(nobody, tmp_path, mapping):
    file = write(tmp_path / "f.csv", "1,A,2,2024-01-05,5,C1", f"2,A,2,2024-01-06,5,{nobody}")
    load(file, mapping=mapping())
    assert query("select customer_id from raw.customer_details") == [("C1",)]


def test_a_year_of_two_digits_is_not_read_as_the_year_24(tmp_path, mapping):
    file = write(tmp_path / "f.csv", "1,A,2,1/5/24,5,C1")
    with pytest.raises(
        LoadError, match=r"f\.csv: column .*day.*month/day/yy or day/month/yy.*1/5/24"
    ):
        load(file, mapping=mapping())
    for dates in ("%d/%m/%y", "day/month/yy"):
        load(file, mapping=mapping(format={"dates": dates}))
        assert str(query("select transaction_date from raw.store_sales_header")[0][0]) == (
            "2024-05-01 00:00:00"
        )


def test_dates_that_leave_day_and_month_open_are_refused(tmp_path, mapping):
    file = write(tmp_path / "f.csv", "1,A,2,05/02/2024,5,C1")
    with pytest.raises(LoadError, match=r"f\.csv: .*month/day/year or day/month/year.*05/02/2024"):
        load(file, mapping=mapping())
    load(write(tmp_path / "g.csv", "1,A,2,25/02/2024,5,C1"), mapping=mapping())
    # the same either way
    load(write(tmp_path / "h.csv", "1,A,2,02/02/2024,5,C1"), mapping=mapping())


def test_a_file_name_that_is_no_utf_8_is_one_clear_error(tmp_path, mapping):
    file = os.fsencode(tmp_path) + b"/caf\xe9.csv"
    with open(file, "w") as stream:
        stream.write(f"{HEAD}\n1,A,2,2024-01-05,5,C1\n")
    with pytest.raises(LoadError, match="its name is no UTF-8"):
        load(os.fsdecode(file), mapping=mapping())


def test_a_view_loads_and_an_empty_table_beside_it_hinders_no_suggestion(tmp_path):
    file = tmp_path / "shop_files.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("create table nothing (a varchar)")
        connection.execute(
            "create table kept as select 'I' || n as invoice, 'A' || n % 3 as sku, 2 as qty, "
            "date '2024-01-01' + n::integer as day, 5.5 as amount, 'C' || n % 7 as client "
            "from range(50) as numbers (n)"
        )
        connection.execute("create view sales as from kept")
    assert "invoice" in suggested(file)
    named = tmp_path / "view.yml"
    named.write_text(yaml.safe_dump({"order_lines": {"table": "sales", "columns": COLUMNS}}))
    load(file, mapping=named)
    assert len(lines()) == 50


def test_rows_are_numbered_by_the_line_they_begin_on_where_cells_hold_line_breaks(
    tmp_path, mapping
):
    address = '1,A,2,2024-01-05,5,"C1\nof\nthe North"'
    bad = write(tmp_path / "bad.csv", address, "", "2,A,two,2024-01-05,5,C1")
    with pytest.raises(LoadError, match=r"column qty, row 6: 'two' is not a number"):
        load(bad, mapping=mapping())
    ragged = write(tmp_path / "ragged.csv", address, "2,A,2,2024-01-05")
    with pytest.raises(LoadError, match=r"Line: 5: Expected Number of Columns"):
        load(ragged, mapping=mapping())
    whole = write(tmp_path / "whole.csv", address, "2,A", "3,A,3,2024-01-05,5,C1", "4,A,x,,,C1")
    load(whole, mapping=mapping(), quarantine=True)
    assert query("select distinct row_number from raw.rejected order by all") == [(5,), (7,)]
    assert lines() == [("1", 2), ("3", 3)]
