import zipfile
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from typer.testing import CliRunner

import warehouse
from generate.shop.plan import Plan
from generate.synthetic import generate
from load.command import main
from load.loader import load
from load.raw_tables import TABLES
from load.read_files import LoadError
from load.suggest import suggested

NAMES = [table.name for table in TABLES]
REAL = Path(warehouse.ROOT).parent / "shared" / "data" / "online_retail_ii_2009_2010.parquet"

ORDER_LINES = [
    # invoice, stock code, description, quantity, date, price, customer, country
    ("489434", "85048", "GLASS BALL", 12, "2009-12-01 07:45:00", 6.95, 13085, "United Kingdom"),
    ("489434", "79323p", "PINK LIGHTS", 3, "2009-12-01 07:45:00", 1.125, 13085, "United Kingdom"),
    ("489434", "79323p", "PINK LIGHTS", 3, "2009-12-01 07:45:00", 1.125, 13085, "United Kingdom"),
    ("489435", "POST", "POSTAGE", 1, "2009-12-02 09:00:00", 18.0, 12346, "France"),
    ("489436", "85048", "BALL OF GLASS", 6, "2009-12-03 10:00:00", 7.5, None, "United Kingdom"),
    ("C489437", "85048", "GLASS BALL", -2, "2009-12-04 11:30:00", 6.95, 13085, "Norway"),
    ("A489438", "B", "Adjust bad debt", 1, "2009-12-05 12:00:00", -53.12, None, "United Kingdom"),
]
NEW = ["InvoiceNo", "StockCode", "Description", "Quantity"]
NEW += ["InvoiceDate", "UnitPrice", "CustomerID", "Country"]
OLD = ["Invoice", *NEW[1:5], "Price", "Customer ID", "Country"]


@pytest.fixture(autouse=True)
def own_warehouse(tmp_path, monkeypatch):
    file = tmp_path / "warehouse" / "warehouse.duckdb"
    monkeypatch.setenv("WAREHOUSE_PATH", str(file))
    return file


def rows_of(table, names="* exclude (_loaded_at)", order="all"):
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(f"select {names} from raw.{table} order by {order}").fetchall()


def everything():
    return {name: rows_of(name) for name in NAMES}


def order_lines(columns=NEW, rows=ORDER_LINES):
    frame = pd.DataFrame(rows, columns=columns)
    frame["InvoiceDate"] = pd.to_datetime(frame["InvoiceDate"])
    return frame


# online_retail


@pytest.fixture
def write(tmp_path):
    def write(kind, columns=NEW, rows=ORDER_LINES):
        file = tmp_path / f"lines.{kind}"
        frame = order_lines(columns, rows)
        if kind == "parquet":
            frame.to_parquet(file)
        elif kind == "csv":
            frame.to_csv(file, index=False)
        else:
            write_workbook(file, {"Year 2009-2010": [columns, *rows]})
        return file

    return write


def write_workbook(file, sheets):
    """Write the smallest workbook that readers accept; dates go in as text."""

    def cell(value):
        if value is None:
            return "<c/>"
        if isinstance(value, int | float):
            return f"<c><v>{value}</v></c>"
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'

    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    numbered = list(enumerate(sheets, 1))
    with zipfile.ZipFile(file, "w") as archive:
        overrides = "".join(
            f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="application/vnd.'
            'openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
            for n, _ in numbered
        )
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType='
            '"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName='
            '"/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.'
            f'spreadsheetml.sheet.main+xml"/>{overrides}</Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
            f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        listed = "".join(
            f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>' for n, name in numbered
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook {main} xmlns:r="{office}"><sheets>{listed}</sheets></workbook>',
        )
        related = "".join(
            f'<Relationship Id="rId{n}" Type="{office}/worksheet" '
            f'Target="worksheets/sheet{n}.xml"/>'
            for n, _ in numbered
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}/relationships">{related}</Relationships>',
        )
        for n, name in numbered:
            rows = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in sheets[name])
            archive.writestr(
                f"xl/worksheets/sheet{n}.xml",
                f"<worksheet {main}><sheetData>{rows}</sheetData></worksheet>",
            )


def test_order_lines_become_four_tables(write):
    summary = load(write("parquet"))
    assert summary.rows == dict(zip(NAMES, (2, 4, 5, 7), strict=True))
    headers = rows_of("store_sales_header")
    assert headers[0] == (
        "489434",
        "13085",
        "United Kingdom",
        datetime(2009, 12, 1, 7, 45),
        None,
        None,
        None,
        None,
    )
    assert {row[0]: row[1] for row in headers}["489436"] is None
    lines = rows_of("store_sales_line_items", "line_item_id, product_id, line_item_amount")
    # what the layout calls one line is there twice, and dbt counts it once
    assert lines.count(("489434-79323P-3-1.1250", "79323P", Decimal("3.375"))) == 2
    assert ("C489437-85048--2-6.9500", "85048", Decimal("-13.90")) in lines
    products = rows_of("products", "product_id, product_name, product_category, unit_price")
    assert products == [
        ("79323P", "PINK LIGHTS", "79", Decimal("1.13")),
        ("85048", "GLASS BALL", "85", Decimal("6.95")),
        ("B", "Adjust bad debt", "Service", Decimal("-53.12")),
        ("POST", "POSTAGE", "Service", Decimal("18.00")),
    ]
    customers = rows_of("customer_details", "customer_id, region, customer_since")
    assert customers == [
        # the file states no registration; the first order is no better than the order itself
        ("12346", "France", None),
        ("13085", "United Kingdom", None),
    ]


@pytest.mark.parametrize("columns", [NEW, OLD])
@pytest.mark.parametrize("kind", ["parquet", "csv", "xlsx"])
def test_every_format_and_spelling_gives_equal_tables(write, kind, columns):
    load(write("parquet"))
    expected = everything()
    load(write(kind, columns))
    assert everything() == expected


@pytest.mark.parametrize("as_type", ["int", "float", "text", "text with .0"])
def test_customer_ids_may_be_numbers_or_text(tmp_path, as_type):
    frame = order_lines()
    ids = frame["CustomerID"].astype("Int64")
    frame["CustomerID"] = {
        "int": ids,
        "float": ids.astype("float64"),
        "text": ids.astype("string"),
        "text with .0": ids.astype("string") + ".0",
    }[as_type]
    table = pa.Table.from_pandas(frame, preserve_index=False)
    if as_type == "float":
        # NaN for nobody, as some writers leave it
        column = pa.array(frame["CustomerID"].to_numpy(), from_pandas=False)
        table = table.set_column(6, "CustomerID", column)
    pq.write_table(table, tmp_path / "lines.parquet")
    load(tmp_path / "lines.parquet")
    assert [row[0] for row in rows_of("customer_details")] == ["12346", "13085"]
    assert sum(row[1] is None for row in rows_of("store_sales_header")) == 2


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("12/13/2010 8:26", datetime(2010, 12, 13, 8, 26)),
        ("12/12/2010 8:26 PM", datetime(2010, 12, 12, 20, 26)),
        ("12/31/2010", datetime(2010, 12, 31)),
        ("2010-12-01 08:26:00", datetime(2010, 12, 1, 8, 26)),
        ("2010-12-01T08:26", datetime(2010, 12, 1, 8, 26)),
        ("31/12/2010 08:26", datetime(2010, 12, 31, 8, 26)),
    ],
)
def test_dates_of_both_files_are_read(tmp_path, written, expected):
    file = tmp_path / "lines.csv"
    file.write_text(",".join(NEW) + f"\n1,85048,BALL,1,{written},2.5,13085,Norway\n")
    load(file)
    assert rows_of("store_sales_header", "transaction_date") == [(expected,)]


def test_other_delimiters_and_encodings_are_read(tmp_path):
    file = tmp_path / "lines.csv"
    text = ";".join(NEW) + '\n1;85048;"BALL; £5 ""best""";1;2010-12-01;2.5;13085;Norway\n'
    for encoding in ("utf-8", "utf-8-sig", "latin-1"):
        file.write_bytes(text.encode(encoding))
        load(file)
        assert rows_of("products", "product_name") == [('BALL; £5 "best"',)]


def test_sheets_are_stacked(tmp_path):
    file = tmp_path / "lines.xlsx"
    sheets = {"2009": [NEW, *ORDER_LINES[:3]], "empty": [NEW], "2010": [NEW, *ORDER_LINES[3:]]}
    write_workbook(file, sheets)
    assert load(file).rows["store_sales_line_items"] == len(ORDER_LINES)


def test_cutting_the_file_leaves_what_was_derived_before_unchanged(tmp_path, monkeypatch):
    days = pd.date_range("2010-01-01", periods=40, freq="D")
    rows = [
        (
            str(1000 + n // 3),
            f"{85000 + n % 7}",
            f"NAME {n % 5}" if n % 4 else None,
            n % 6 - 1,
            days[n // 3 % 40],
            1 + n % 9 / 4,
            12000 + n // 3 % 13,
            ("Norway", "France", "Spain")[n // 3 % 3],
        )
        for n in range(600)
    ]
    file = tmp_path / "lines.parquet"
    order_lines(rows=rows).to_parquet(file)
    assert_prefix_stable(file, tmp_path, "2010-01-20", monkeypatch)


@pytest.mark.skipif(not REAL.exists(), reason="the real file is not here")
def test_the_real_file_loads_whole_and_prefix_stable(tmp_path, monkeypatch):
    summary = assert_prefix_stable(REAL, tmp_path, "2010-10-01", monkeypatch)
    assert list(summary.rows.values())[2:] == [28_816, 525_461]
    assert summary.rows["customer_details"] == 4_383


def assert_prefix_stable(file, folder, cut, monkeypatch):
    summary = load(file)
    whole = warehouse.path()
    frame = pd.read_parquet(file)
    frame[frame["InvoiceDate"] < cut].to_parquet(folder / "cut.parquet")
    monkeypatch.setenv("WAREHOUSE_PATH", str(folder / "cut.duckdb"))
    load(folder / "cut.parquet")
    with warehouse.connect(read_only=True) as connection:
        connection.execute(f"attach '{whole}' as whole (read_only)")
        for name in NAMES:
            changed = connection.execute(
                f"select * exclude (_loaded_at) from raw.{name} except all "
                f"select * exclude (_loaded_at) from whole.raw.{name}"
            ).fetchall()
            assert changed == []
            assert connection.execute(f"select count(*) from raw.{name}").fetchone()[0]
    return summary


# tables


COMPLETE = {
    "customer_details": [
        {"customer_id": 7, "first_name": "Ada", "customer_since": "2024-01-02", "region": "North"},
        {"customer_id": 8, "first_name": "Null", "customer_since": None, "region": None},
    ],
    "products": [{"product_id": "P1", "product_category": "Home ", "unit_price": 2.5}],
    "store_sales_header": [
        {
            "transaction_id": "T1",
            "customer_id": 7,
            "transaction_date": "2024-02-03 10:11:12",
            "total_amount": 5.0,
        }
    ],
    "store_sales_line_items": [
        {
            "line_item_id": "L1",
            "transaction_id": "T1",
            "product_id": "P1",
            "quantity": 2,
            "line_item_amount": 5,
        }
    ],
}


def write_tables(folder, kind="csv", **changes):
    folder.mkdir(exist_ok=True)
    for name, rows in (COMPLETE | changes).items():
        frame = pd.DataFrame(rows)
        if kind == "csv":
            frame.to_csv(folder / f"{name}.csv", index=False)
        else:
            frame.to_parquet(folder / f"{name}.parquet")
    return folder


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_four_files_are_the_four_tables(tmp_path, kind):
    summary = load(write_tables(tmp_path / "shop", kind), "tables")
    assert summary.rows == dict(zip(NAMES, (2, 1, 1, 1), strict=True))
    assert rows_of("store_sales_header") == [
        ("T1", "7", None, datetime(2024, 2, 3, 10, 11, 12), Decimal("5.00"), None, None, None)
    ]
    assert rows_of(
        "customer_details", "customer_id, first_name, customer_since, loyalty_status"
    ) == [
        ("7", "Ada", date(2024, 1, 2), None),
        ("8", "Null", None, None),
    ]
    assert rows_of("products", "product_category") == [("Home ",)]


def test_a_generated_shop_goes_out_and_comes_in_again(tmp_path):
    generate(Plan(100, seed=3))
    before = everything()
    folder = tmp_path / "shop"
    folder.mkdir()
    with warehouse.connect(read_only=True) as connection:
        for name in NAMES:
            kind = "csv" if name == "products" else "parquet"
            connection.execute(
                f"copy (select * exclude (_loaded_at) from raw.{name}) "
                f"to '{folder / name}.{kind}' (format {kind})"
            )
    load(folder)
    after = everything()
    # blanks around a category survive, an empty text is nothing
    lines = [tuple(None if v == "" else v for v in row) for row in before.pop(NAMES[3])]
    assert sorted(map(str, after.pop(NAMES[3]))) == sorted(map(str, lines))
    assert after == before
    # and once more by the mapping that is suggested for the folder
    whole = everything()
    (tmp_path / "mapping.yml").write_text(suggested(folder))
    load(folder, mapping=tmp_path / "mapping.yml")
    assert everything() == whole


@pytest.mark.parametrize(
    ("table", "column"),
    [(table.name, column.name) for table in TABLES for column in table.columns if column.required],
)
def test_a_missing_required_column_is_named_with_its_file(tmp_path, table, column):
    rows = [{name: v for name, v in row.items() if name != column} for row in COMPLETE[table]]
    folder = write_tables(tmp_path / "shop", **{table: rows or [{"other": 1}]})
    if not rows[0]:
        return
    with pytest.raises(LoadError, match=rf"{table}\.csv.*{column} is missing"):
        load(folder, "tables")


def test_a_missing_or_ambiguous_table_is_named(tmp_path):
    folder = write_tables(tmp_path / "shop")
    pd.DataFrame(COMPLETE["products"]).to_parquet(folder / "products.parquet")
    with pytest.raises(LoadError, match=r"products\.csv and products\.parquet"):
        load(folder)
    (folder / "products.csv").unlink()
    (folder / "products.parquet").unlink()
    with pytest.raises(LoadError, match=r"products\.csv.*found none"):
        load(folder)


# what does not fit

HEADER_ROW = ",".join(NEW).encode()
GOOD_ROW = b"1,85048,BALL,1,2010-12-01 08:00:00,2.5,13085,Norway"


def csv_rows(*rows):
    return b"\n".join([HEADER_ROW, *rows]) + b"\n"


BROKEN = {
    "empty.csv": (b"", "the file is empty"),
    "empty.parquet": (b"", "the file is empty"),
    "empty.xlsx": (b"", "the file is empty"),
    "header_only.csv": (csv_rows(), "no rows"),
    "garbage.csv": (bytes(range(256)) * 40, "no text file"),
    "noise.csv": (bytes(range(128, 256)) * 40, "cannot be read|fit no known layout|blank"),
    "garbage.parquet": (b"PAR1" + bytes(range(256)) * 40, "cannot be read"),
    "text.parquet": (csv_rows(GOOD_ROW), "cannot be read"),
    "garbage.xlsx": (bytes(range(256)) * 40, "cannot be read as a workbook"),
    "garbage.csv.gz": (bytes(range(256)) * 40, "cannot be read"),
    "other.csv": (b"a,b\n1,2\n", "fit no known layout"),
    "lines.json": (b"{}", "fit no known layout"),
    "broken.json": (b'[{"InvoiceNo": 1}, {"Invoi', "cannot be read"),
    "lines.pdf": (b"%PDF", "unknown kind of file"),
    "blank.csv": (b"\n\n\n", "row 1 is blank"),
    "twice.csv": (HEADER_ROW + b",Country\n" + GOOD_ROW + b",Norway\n", "country appears twice"),
    "few_cells.csv": (csv_rows(GOOD_ROW, b"1,2"), "cannot be read.*[Ll]ine: 3"),
    "open_quote.csv": (csv_rows(GOOD_ROW, b'"' + GOOD_ROW), "cannot be read"),
    "date.csv": (
        csv_rows(GOOD_ROW, GOOD_ROW.replace(b"2010-12-01", b"2010-13-01")),
        "column InvoiceDate, row 3: '2010-13-01 08:00:00' is not a date",
    ),
    "dates_mixed.csv": (
        csv_rows(GOOD_ROW, GOOD_ROW, GOOD_ROW.replace(b"2010-12-01", b"12/1/2010")),
        "column InvoiceDate, row 4: '12/1/2010 08:00:00' is not a date written year-month-day",
    ),
    "number.csv": (
        csv_rows(GOOD_ROW, GOOD_ROW, GOOD_ROW.replace(b",1,", b",many,")),
        "column Quantity, row 4: 'many' is not a number",
    ),
    "price.csv": (
        csv_rows(GOOD_ROW.replace(b"2.5", b"2.50 each")),
        r"column UnitPrice, row 2: '2.50 each' is not a number",
    ),
    "huge.csv": (
        csv_rows(GOOD_ROW.replace(b",1,", b",9e13,").replace(b"2.5", b"9e13")),
        "cannot be loaded|is not a number",
    ),
    "no_price.csv": (
        HEADER_ROW.replace(b"UnitPrice,", b"") + b"\n1,8,B,1,2010-12-01,3,Norway\n",
        "Quantity, InvoiceDate, CustomerID, Country. fit no known layout",
    ),
}


@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_message_and_changes_nothing(tmp_path, own_warehouse, name, existing):
    content, message = BROKEN[name]
    if existing:
        load(write_tables(tmp_path / "before"))
        before = everything()
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(LoadError, match=message) as error:
        load(file)
    assert str(file) in str(error.value)
    if existing:
        assert everything() == before
    else:
        assert not own_warehouse.exists()


def test_a_truncated_parquet_file_is_refused(tmp_path, own_warehouse):
    file = tmp_path / "lines.parquet"
    order_lines().to_parquet(file)
    content = file.read_bytes()
    for kept in (4, len(content) // 2, len(content) - 1):
        file.write_bytes(content[:kept])
        with pytest.raises(LoadError, match="cannot be read"):
            load(file)
    assert not own_warehouse.exists()


@pytest.mark.parametrize(
    ("table", "column", "value", "message"),
    [
        ("store_sales_header", "transaction_date", "soon", "is not a date"),
        ("store_sales_header", "total_amount", "1,5", "is not a number"),
        ("customer_details", "customer_since", "2024-02-30", "is not a date"),
        ("store_sales_line_items", "quantity", "two", "is not a number"),
    ],
)
def test_a_wrong_value_names_file_column_row_and_value(tmp_path, table, column, value, message):
    folder = write_tables(tmp_path / "before")
    load(folder)
    before = everything()
    wrong = [*COMPLETE[table], COMPLETE[table][0] | {column: value}]
    write_tables(folder, **{table: wrong})
    row = len(wrong) + 1
    with pytest.raises(
        LoadError, match=rf"{table}\.csv: column {column}, row {row}: '{value}' {message}"
    ):
        load(folder)
    assert everything() == before


def test_wrong_paths_and_layouts_are_refused(tmp_path, own_warehouse, write):
    (tmp_path / "nothing").mkdir()
    folder, file = write_tables(tmp_path / "shop"), write("csv")
    for path, layout, message in (
        (tmp_path / "absent", None, "no such file or folder"),
        (tmp_path / "nothing", None, "nothing: its files are of no known layout"),
        (file, "nonsense", "unknown layout 'nonsense'; expected one of amazon, .*woocommerce"),
        (file, "tables", "asks for customer_details.csv or .*; give its folder"),
        (folder, "online_retail", "the required column InvoiceDate is missing"),
    ):
        with pytest.raises(LoadError, match=message):
            load(path, layout)
    assert not own_warehouse.exists()


def test_what_a_required_column_is_made_of_is_required(tmp_path):
    file = tmp_path / "no_price.csv"
    file.write_bytes(BROKEN["no_price.csv"][0])
    with pytest.raises(LoadError, match="the required column UnitPrice or Price is missing"):
        load(file, "online_retail")


def test_the_command_says_what_it_loaded_or_what_is_wrong(tmp_path, write):
    app = typer.Typer()
    app.command()(main)
    good = CliRunner().invoke(app, [str(write("csv"))])
    assert good.exit_code == 0
    assert "store_sales_line_items 7" in good.stdout
    bad = CliRunner().invoke(app, [str(tmp_path / "absent")])
    assert bad.exit_code == 1
    assert bad.stderr.startswith("error: ")
    assert "Traceback" not in bad.stderr


# forecasts of another shop


def plant_forecast(*customers):
    with warehouse.connect() as connection:
        connection.execute("create or replace table predictions (customer_id varchar)")
        connection.executemany("insert into predictions values (?)", [[one] for one in customers])


def forecasts():
    with warehouse.connect(read_only=True) as connection:
        return connection.execute("select count(*) from predictions").fetchall()[0][0]


def test_forecasts_of_another_shop_are_removed(tmp_path, caplog):
    folder = write_tables(tmp_path / "shop")
    load(folder)
    plant_forecast("C0000001", "C0000002")
    assert load(folder).forecasts_removed == 2
    assert forecasts() == 0
    assert "removed 2 forecasts" in caplog.text


def test_forecasts_of_the_same_shop_stay(tmp_path):
    folder = write_tables(tmp_path / "shop")
    load(folder)
    plant_forecast("007", "C0000002")
    assert load(folder).forecasts_removed == 0
    assert forecasts() == 2
