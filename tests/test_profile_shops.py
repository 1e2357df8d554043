"""The profile of shops made for it: faults that must be named, and shops that lack something."""

import re
import subprocess
import sys
from dataclasses import dataclass

import pytest
import typer
from click.testing import Result
from typer.testing import CliRunner

import warehouse
from load.raw_tables import TABLES, replace
from pages.profile import days, facts, keys
from pages.profile.blocks import Section
from pages.profile.write import main, write
from tests.conftest import in_warehouse

CUSTOMERS = "(select 'C' || i as customer_id from range(200) t(i))"
PRODUCTS = "(select 'P' || i as product_id, 2.5 as unit_price from range(5) t(i))"
# 40 sales a day of two lines each for 200 days
HEADERS = """
    (select
        'T' || i as transaction_id,
        'C' || i % 200 as customer_id,
        timestamp '2024-01-01 10:00:00' + to_days(cast(i // 40 as integer)) as transaction_date,
        transaction_date as recorded_at,
        cast(hash(i) % 3 * 2 + 3 as decimal(18, 2)) as total_amount
    from range(8000) t(i))
    """
LINES = """
    (select
        'L' || j as line_item_id,
        'T' || j // 2 as transaction_id,
        'P' || j % 5 as product_id,
        1 as quantity,
        cast(if(j % 2 = 0, 2.5, hash(j // 2) % 3 * 2 + 0.5) as decimal(18, 2)) as line_item_amount
    from range(16000) t(j))
    """
GAP = "date '2024-03-04' and date '2024-03-06'"
HALF, LINES_LOST, TWICE = "2024-04-10", "2024-05-15", "2024-06-12"


@dataclass
class _Profile:
    text: str

    def says(self, *expected):
        for one in expected:
            assert one in self.text, one
        return self


@dataclass
class Planted:
    page: _Profile
    days: Section
    keys: Section


def put(file, **sources):
    """Write raw tables; a table's SQL may leave out columns, and a table left out is empty."""
    with in_warehouse(file), warehouse.connect() as connection:
        for table in TABLES:
            columns = ", ".join(f"{one.name} {one.data_type}" for one in table.columns)
            connection.execute(f"create or replace temp table new_{table.name} ({columns})")
            if table.name in sources:
                connection.execute(
                    f"insert into new_{table.name} by name select * from {sources[table.name]}"
                )
        replace(connection, {table.name: f"new_{table.name}" for table in TABLES})


def profile(file):
    with in_warehouse(file):
        page = write().read_text(encoding="utf-8")
    page = re.sub(r"(?s)<style>.*?</style>|<[^>]+>", " ", page)
    return _Profile(" ".join(page.replace("&gt;", ">").replace("&lt;", "<").split()))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """One warehouse for all shops, one after the other: dbt reads its project once per file."""
    return tmp_path_factory.mktemp("shops") / "shop.duckdb"


@pytest.fixture(scope="module")
def planted(file):
    """A shop closed on Sundays with a gap, a half-loaded day, lost lines and two doubled files."""
    day = "cast(transaction_date as date)"
    kept = f"""(
        select * from {HEADERS}
        where isodow(transaction_date) <> 7
            and {day} not between {GAP}
            and not ({day} = date '{HALF}' and cast(substr(transaction_id, 2) as integer) % 40 < 28)
    )"""
    of_kept = f"(select lines.* from {LINES} as lines semi join {kept} as h using (transaction_id))"
    twice = f"(select * from {kept} where {day} = date '{TWICE}')"
    renamed = f"(select * from {kept} where {day} = date '2024-02-07')"
    put(
        file,
        customer_details=CUSTOMERS,
        products=PRODUCTS,
        store_sales_header=f"""(
            select * from {kept}
            union all by name select * from {twice}
            union all by name
            select * replace ('N' || transaction_id as transaction_id) from {renamed}
            union all by name
            select 'T8000' as transaction_id, 'C1' as customer_id, 2.5 as total_amount,
                timestamp '2011-01-01' as transaction_date
        )""",
        store_sales_line_items=f"""(
            select lines.* from {of_kept} as lines inner join {kept} as h using (transaction_id)
            where not ({day} = date '{LINES_LOST}' and cast(substr(line_item_id, 2) as integer) % 2)
            union all by name
            select lines.* from {of_kept} as lines semi join {twice} as t using (transaction_id)
            union all by name
            select lines.* replace (
                'N' || line_item_id as line_item_id, 'N' || transaction_id as transaction_id
            )
            from {of_kept} as lines semi join {renamed} as r using (transaction_id)
            union all by name
            select 'L16000' as line_item_id, 'T8000' as transaction_id, 'P0' as product_id,
                1 as quantity, 2.5 as line_item_amount
        )""",
    )
    page = profile(file)
    with in_warehouse(file), warehouse.connect(read_only=True) as connection:
        facts.prepare(connection)
        return Planted(page, days.section(connection), keys.section(connection))


def _command(*arguments: str) -> Result:
    app = typer.Typer()
    app.command()(main)
    return CliRunner().invoke(app, arguments)


def _rows(section: Section, title: str) -> list[tuple[str, ...]]:
    (table,) = [one for one in section.blocks if one.kind == "table" and title in one.title]
    return [tuple(row) for row in table.rows]


def test_a_gap_is_named_with_what_should_have_come_in_it(planted):
    ((first, last, open_days, sales, _),) = _rows(planted.days, "chance does not explain")
    assert (first, last, open_days, sales) == ("2024-03-04", "2024-03-06", "3", "120")


def test_each_odd_day_is_named_and_no_other(planted):
    odd = {row[0][:10]: row[1] for row in _rows(planted.days, "out of the weekly pattern")}
    assert odd == {
        HALF: "few sales",
        LINES_LOST: "few lines per sale",
        TWICE: "came twice",
        # the file that came again under new ids
        "2024-02-07": "many sales",
    }


def test_a_file_loaded_twice_is_counted_under_old_and_new_ids(planted):
    copies = {row[0]: row[4] for row in _rows(planted.keys, "key unique")}
    assert copies["store sales header"] == "40"
    assert copies["store sales line items"] == "80"
    assert any(
        one.text.startswith("40 sales with the customer, day") for one in planted.keys.findings
    )


def test_the_page_starts_with_what_was_planted(planted):
    planted.page.says(
        "3 open days without any sale in 1 gap that chance does not explain",
        f"such as {HALF}: 12 instead of 40",
        f"such as {LINES_LOST}: 40 instead of 80",
        "40 headers (0.6 %) with another total than the lines add up to",
    )


def test_a_steady_shop_has_no_odd_day(tmp_path):
    file = tmp_path / "steady.duckdb"
    with in_warehouse(file), warehouse.connect() as connection:
        connection.execute(
            """
            create temp table period as
            select
                date '2023-01-01' as first_date, date '2024-12-31' as last_date, 0 as stray_orders;
            create temp table calendar as
            select
                date '2023-01-01' + cast(i as integer) as event_date,
                cast(20 + 6 * sin(i / 50) + (hash(i) % 21) / 2 as integer) as headers,
                headers * 2 + hash(i + 9) % 7 as lines,
                0 as copies,
                headers * 10.0 as spend
            from range(731) t(i)
            """
        )
        section = days.section(connection)
    assert section.findings == []
    assert [block for block in section.blocks if block.kind == "table"] == []


def test_a_closed_weekday_is_no_gap_and_a_stray_date_is_named(planted):
    planted.page.says(
        "The shop is closed on Sundays",
        "1 order dated far outside 2024-01-01 to 2024-07-18, the period of all others",
    )


def test_empty_shops_shops_of_returns_and_of_one_sale_are_described_each_as_it_is_loaded(file):
    put(file)
    profile(file).says("There is not one order line", "The table store sales header is empty")
    put(
        file,
        customer_details=CUSTOMERS,
        products=PRODUCTS,
        store_sales_header=HEADERS,
        store_sales_line_items=f"""(
            select * replace (-quantity as quantity, -line_item_amount as line_item_amount)
            from {LINES}
        )""",
    )
    profile(file).says(
        "the shop took 0 orders",
        "There are only returns, no purchases.",
        "8,000 sales hold a return",
    )
    put(
        file,
        customer_details=f"(from {CUSTOMERS} limit 1)",
        store_sales_header=f"""(
            select * exclude (recorded_at) from {HEADERS} where transaction_id = 'T0'
        )""",
        store_sales_line_items=f"(from {LINES} where transaction_id = 'T0')",
    )
    profile(file).says(
        "On 2024-01-01, the only day with sales, the shop took 1 order",
        "The table products is empty",
        "Nobody has bought on two different days",
        "states no day of recording",
        "less than a year",
        "The cleaning sets 100.0 % of all line money aside. That is more than the 50.0 %",
    )


def test_the_command_describes_a_file_without_customers_and_says_where_the_page_is(file, tmp_path):
    rows = [f"{i},A{i % 3},Mug,2,2024-01-{i % 27 + 1:02d} 10:30,3.5,,UK" for i in range(60)]
    header = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country"
    (tmp_path / "lines.csv").write_text("\n".join([header, *rows]))
    with in_warehouse(file):
        done = _command("--data", str(tmp_path / "lines.csv"))
    assert done.exit_code == 0, done.output
    assert f"wrote {file.parent / 'reports' / 'profile.html'}" in done.output
    profile(file).says(
        "the shop took 60 orders worth 420.00",
        "No purchase states a customer, so nothing can be forecast per customer.",
        "There is no purchase that states a customer",
        "The table customer details is empty",
        "No header states a total",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "nowhere.csv"], "error: nowhere.csv: no such file or folder"),
        ([], "does not exist: run `make run`"),
    ],
)
def test_what_cannot_be_read_is_said_and_nothing_is_written(
    tmp_path, monkeypatch, arguments, message
):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "shop.duckdb"))
    result = _command(*arguments)
    assert result.exit_code == 1
    assert message in result.output
    assert list(tmp_path.iterdir()) == []


def test_the_command_runs_as_a_file():
    done = subprocess.run(
        [sys.executable, "pages/profile/write.py", "--help"],
        cwd=warehouse.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "--data" in done.stdout
