"""Files as shops really have them never load another sum than their own without a word."""

import zipfile
from decimal import Decimal

import duckdb
import pytest

from load.loader import load
from load.staging import LoadError
from tests.shop_files import query
from tests.test_load import write_workbook

BASE = """
order_lines:
  columns: {transaction_id: Order, customer_id: Customer, transaction_date: Date, product_id: SKU,
            quantity: Qty, line_item_amount: Amount}
"""
HEADER = "Order,Customer,Date,SKU,Qty,Amount"


@pytest.fixture(autouse=True)
def own_warehouse(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "warehouse" / "shop.duckdb"))


@pytest.fixture
def loaded(tmp_path):
    """Load a file of some rows by a mapping, and return the money that came in."""

    def loaded(*rows, mapping=BASE, header=HEADER, name="f.csv", **options):
        (tmp_path / "m.yml").write_text(mapping)
        (tmp_path / name).write_text("\n".join([header, *rows, ""]))
        load(tmp_path / name, mapping=tmp_path / "m.yml", **options)
        return money()

    return loaded


def money():
    [(found,)] = query(
        "select sum(line_item_amount) from (from raw.store_sales_line_items qualify row_number() "
        "over (partition by line_item_id order by recorded_at desc nulls last) = 1)"
    )
    return found


REFUSED = {
    "thousands with a point": (
        ["1,C1,2024-01-13,A,1,15.000", "2,C2,2024-01-14,B,2,125.000", "3,C1,2024-01-15,A,1,950"],
        "1,234 or 1.234 may be a thousand",
    ),
    "a row of totals": (
        ["1,C1,2024-01-13,A,1,10.5", "2,C2,2024-01-14,B,2,20", "Total,,,,3,30.5"],
        r"f.csv, row 4: money without a date or an order \(1 such rows, 30.50\)",
    ),
    "a row of totals without an id": (
        ["1,C1,2024-01-13,A,1,10.5", "2,C2,2024-01-14,B,2,20", ",,,,3,30.5"],
        "f.csv, row 4: money without a date",
    ),
    "a bracket that does not close": (["1,C1,2024-01-13,A,1,12.50)"], "row 2.*not a number"),
    "half a day after one o'clock": (["1,C1,01/13/2024 13:45 PM,A,1,5.10"], "row 2"),
    "days that may be years": (
        ["1,C1,24-01-13,A,1,5.10", "2,C2,24-02-14,A,1,5.10"],
        "every date could be",
    ),
    "a receipt number of two days": (
        ["1,,2024-01-13,A,1,10.10", "1,,2024-01-14,B,1,20.10"],
        "1 order ids have several days",
    ),
    "one line number for two products": (
        ["1,C1,2024-01-13,A,1,10.10", "1,C1,2024-01-13,B,1,20.10"],
        "line ids are there with several contents",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_known_is_refused(loaded, kind):
    rows, message = REFUSED[kind]
    mapping = (
        BASE.replace("quantity:", "line_item_id: Qty, quantity:") if "line n" in kind else BASE
    )
    with pytest.raises(LoadError, match=message):
        loaded(*rows, mapping=mapping)


def test_one_number_has_one_sign_between_thousands(loaded):
    rows = ["1;C1;2024-01-13;A;1;1 234,500", "2;C2;2024-01-14;B;2;2 000,250"]
    assert loaded(*rows, header=HEADER.replace(",", ";")) == Decimal("3234.75")


def test_blank_rows_are_no_lines(loaded):
    assert loaded("1,C1,2024-01-13,A,1,10.50", ",,,,,", ",,,,,") == Decimal("10.50")
    assert query("select count(*) from raw.store_sales_line_items") == [(1,)]


def test_an_order_whose_lines_are_blank_keeps_its_amount(loaded):
    mapping = BASE + "  order_amount: Total\n"
    rows = ["1,C1,2024-01-13,A,1,,25", "1,C1,2024-01-13,B,1,,25", "2,C2,2024-01-14,B,1,20,18"]
    assert loaded(*rows, mapping=mapping, header=HEADER + ",Total") == 43


def test_an_order_amount_that_differs_within_the_order_is_refused(loaded):
    mapping = BASE + "  order_amount: Net\n"
    rows = ["1,C1,2024-01-13,A,1,10.1,10.1", "1,C1,2024-01-13,B,1,20.1,20.1"]
    with pytest.raises(LoadError, match="order_amount differs within 1 orders, as '1'"):
        loaded(*rows, mapping=mapping, header=HEADER + ",Net")


@pytest.mark.parametrize(
    "column", ["p", "text", "number", "value", "row", "sign", "select", "core"]
)
def test_a_column_may_have_any_name(loaded, column):
    rows = ["1,C1,2024-01-13 10:00 PM,A,1,$10.50,x", "2,C2,2024-01-14 11:00 AM,A,1,$20.00,y"]
    mapping = BASE.replace("product_id: SKU", f"product_id: '\"{column}\"'")
    assert loaded(*rows, mapping=mapping, header=f"{HEADER},{column}") == Decimal("30.50")


@pytest.mark.parametrize("column", ["rowid", "our quantity"])
def test_a_name_that_means_something_else_is_refused(loaded, column):
    mapping = BASE.replace("product_id: SKU", f"product_id: {column}")
    with pytest.raises(LoadError, match=f"the column {column} has a name"):
        loaded("1,C1,2024-01-13,A,1,10.5,x", mapping=mapping, header=f"{HEADER},{column}")


def test_another_currency_in_a_later_load_is_refused(loaded):
    header = HEADER + ",Currency"
    loaded("1,C1,2024-01-13,A,1,10.1,EUR", header=header)
    with pytest.raises(LoadError, match="money is EUR, that of the files is JPY"):
        loaded("2,C1,2024-01-14,A,1,1000.1,JPY", header=header, append=True, name="g.csv")
    assert money() == Decimal("10.1")


def test_a_column_of_currencies_is_looked_at_even_if_a_mapping_forgets_it(loaded):
    with pytest.raises(LoadError, match="several currencies"):
        loaded(
            "1,C1,2024-01-13,A,1,10.1,EUR", "2,C2,2024-01-13,A,1,9.1,USD", header=HEADER + ",Ccy"
        )


RATES = (
    BASE.replace("line_item_amount", "currency: Currency, line_item_amount")
    + """
refunds: {file: refunds.csv, columns: {transaction_id: o, transaction_date: d, line_item_amount: a}}
rates: {file: rates.csv, columns: {currency: c, day: d, rate: r}}
"""
)


@pytest.fixture
def with_rates(tmp_path):
    """Load orders of two currencies with refunds and rates."""

    def with_rates(refunds, rates):
        folder = tmp_path / "shop"
        folder.mkdir()
        rows = ["1,C1,2024-01-13,A,1,10,EUR", "2,C2,2024-01-14,A,1,1000,JPY"]
        (folder / "orders.csv").write_text("\n".join([HEADER + ",Currency", *rows, ""]))
        (folder / "refunds.csv").write_text("\n".join(["o,d,a", *refunds, ""]))
        (folder / "rates.csv").write_text("\n".join(["c,d,r", *rates, ""]))
        mapping = RATES.replace("order_lines:", "order_lines:\n  file: orders.csv")
        (tmp_path / "m.yml").write_text(mapping)
        load(folder, mapping=tmp_path / "m.yml")
        return money()

    return with_rates


def test_a_refund_is_of_its_order_s_currency(with_rates):
    # 10 EUR and 1000 JPY at .006, of which 500 JPY go back
    assert with_rates(["2,2024-01-20,500"], ["JPY,2024-01-01,0.006"]) == 13


@pytest.mark.parametrize(
    ("refunds", "rates", "message"),
    [
        (
            ["1,2024-02-01,4", "1,2024-02-02,-4"],
            ["JPY,2024-01-01,0.006"],
            "1 amounts are above and 1",
        ),
        (["1,,4"], ["JPY,2024-01-01,0.006"], "no amount, day or rate"),
        ([], ["JPY,2024-01-01,0.006", "JPY,2024-01-01,0.016"], "not the only rate of its day"),
        ([], ["JPY,2024-01-01,0"], "is no rate"),
    ],
)
def test_refunds_and_rates_that_say_two_things_are_refused(with_rates, refunds, rates, message):
    with pytest.raises(LoadError, match=message):
        with_rates(refunds or ["1,2024-02-01,4"], rates)


def test_two_refunds_of_one_day_in_two_nights_are_two(tmp_path):
    mapping = (
        BASE.replace("order_lines:", "order_lines:\n  file: orders.csv") + RATES.split("\n")[-3]
    )
    (tmp_path / "m.yml").write_text(mapping)
    for night, amount in (("a", 4), ("b", 3)):
        folder = tmp_path / night
        folder.mkdir()
        rows = ["1,C1,2024-01-13,A,1,10"] if night == "a" else []
        (folder / "orders.csv").write_text("\n".join([HEADER, *rows, ""]))
        (folder / "refunds.csv").write_text(f"o,d,a\n1,2024-02-01,{amount}\n")
        load(folder, mapping=tmp_path / "m.yml", append=night == "b")
    assert money() == 3


def test_the_same_file_twice_and_files_that_overlap_are_refused(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    (tmp_path / "m.yml").write_text(BASE)
    rows = "1,C1,2024-01-13,A,1,10.1\n2,C2,2024-01-31,A,1,20.1\n"
    (folder / "jan.csv").write_text(f"{HEADER}\n{rows}")
    (folder / "jan (1).csv").write_text(f"{HEADER}\n{rows}")
    with pytest.raises(LoadError, match=r"stand in two files|same file twice"):
        load(folder, mapping=tmp_path / "m.yml")
    (folder / "jan (1).csv").unlink()
    (folder / "feb.csv").write_text(
        f"{HEADER}\n2,C2,2024-01-31,A,1,20.1\n3,C1,2024-02-02,A,1,5.1\n"
    )
    with pytest.raises(LoadError, match="1 orders stand in two files or sheets, as '2'"):
        load(folder, mapping=tmp_path / "m.yml")


def test_all_files_of_an_archive_are_read_whatever_their_folders(tmp_path):
    (tmp_path / "m.yml").write_text(BASE)
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as archive:
        for number, folder in enumerate(("", "a/", "b/"), 1):
            archive.writestr(
                f"{folder}o.csv", f"{HEADER}\n{number},C1,2024-01-13,A,1,{number}.10\n"
            )
    load(tmp_path / "f.zip", mapping=tmp_path / "m.yml")
    assert money() == Decimal("6.30")


def test_receipt_numbers_that_start_anew_each_night_are_refused(loaded):
    loaded("1,C1,2024-01-13,A,1,10.1", "2,C2,2024-01-13,A,1,5.1")
    with pytest.raises(LoadError, match="2 order ids are known as those of other customers"):
        loaded("1,C9,2024-01-14,A,1,7.1", "2,C8,2024-01-14,A,1,8.1", append=True, name="g.csv")
    assert money() == Decimal("15.2")


@pytest.mark.parametrize("ids", [("00123", "123"), ("ABC", "abc")])
def test_ids_that_are_one_to_dbt_and_of_two_customers_are_refused(loaded, ids):
    one, other = ids
    with pytest.raises(
        LoadError, match=f"1 order ids have several customers .*spelt {one}, {other}"
    ):
        loaded(f"{one},C1,2024-01-13,A,1,10.1", f"{other},C2,2024-01-13,A,1,5.1")
    by_spelling = BASE.replace("transaction_id: Order", 'transaction_id: md5("Order")')
    rows = f"{one},C1,2024-01-13,A,1,10.1", f"{other},C2,2024-01-13,A,1,5.1"
    assert loaded(*rows, mapping=by_spelling) == Decimal("15.2")


def test_an_order_that_comes_again_in_another_spelling_is_refused(loaded):
    loaded("00123,C1,2024-01-13,A,1,10.1", "124,C2,2024-01-13,A,1,5.1")
    with pytest.raises(LoadError, match="1 order ids are known in another spelling"):
        loaded("123,C1,2024-01-13,A,1,12.1", append=True, name="g.csv")
    assert loaded("00123,C1,2024-01-13,A,1,12.1", append=True, name="g.csv") == Decimal("17.2")


def test_rows_that_meet_none_of_a_joined_file_are_refused(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "lines.csv").write_text("o,sku,amount\n1,A,10.1\n03,B,25.1\n")
    (folder / "orders.csv").write_text("o,c,d\n1,C1,2024-01-13\n3,C2,2024-01-14\n")
    (tmp_path / "m.yml").write_text(
        "order_lines: {file: lines.csv, join: [{file: orders.csv, by: o}], columns: "
        "{transaction_id: o, customer_id: c, transaction_date: d, product_id: sku, "
        "line_item_amount: amount}}"
    )
    with pytest.raises(LoadError, match=r"1 rows meet no row of .*orders.csv by o, first row 3"):
        load(folder, mapping=tmp_path / "m.yml")


def test_numbers_of_a_workbook_are_no_text_with_another_decimal_sign(tmp_path):
    rows = [[1, "C1", "2024-01-13", "A", 1, "1.250,50"], [2, "C2", "2024-01-14", "A", 1, 20.375]]
    rows.append([3, "C3", "2024-01-14", "A", 1, "9,50"])
    write_workbook(tmp_path / "f.xlsx", {"Sheet": [HEADER.split(","), *rows]})
    (tmp_path / "m.yml").write_text(BASE)
    load(tmp_path / "f.xlsx", mapping=tmp_path / "m.yml")
    assert money() == Decimal("1280.375")


def test_doubles_are_numbers_whatever_they_look_like_as_text(tmp_path):
    duckdb.sql(
        "select 1 as \"Order\", 'C1' as Customer, date '2024-01-13' as Date, 'A' as SKU, 1 as Qty, "
        "1.125::double as Amount"
    ).write_parquet(str(tmp_path / "f.parquet"))
    (tmp_path / "m.yml").write_text(BASE)
    load(tmp_path / "f.parquet", mapping=tmp_path / "m.yml")
    assert money() == Decimal("1.125")


def test_a_file_with_common_columns_is_no_known_format(tmp_path):
    (tmp_path / "f.csv").write_text(
        "OrderID,CustomerID,OrderDate,SKU,Quantity,Price,Sales,Status\n"
        "1,C1,2024-01-13,A,1,15.1,15.1,paid\n2,C2,2024-01-14,B,1,20.1,20.1,cancelled\n"
    )
    with pytest.raises(LoadError, match="no known layout"):
        load(tmp_path / "f.csv")
