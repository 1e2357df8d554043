"""The profile of the shared shop: what is on the page, what is not, and that the figures hold."""

import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import warehouse
from pages.profile import cohorts, facts, keys, repeat, spend, totals, wording
from pages.profile.columns import shown_columns
from pages.profile.write import SECTIONS, write
from tests.browser import ARGUMENTS, CHROMIUM, PHONE
from tests.conftest import in_warehouse

MARK = "Xqz"
E_MAIL = "somebody@example.org"
SCRIPT = "<script>alert(1)</script>"


class _Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.words, self.ids = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "srcset", "action", "data"):
                self.addresses.append(value)
            if name == "id":
                self.ids.append(value)

    def handle_data(self, data):
        self.words.append(data.strip())

    @property
    def text(self):
        return " ".join(filter(None, self.words))


@pytest.fixture(scope="module")
def shop(built_shop, tmp_path_factory):
    """The built shop with a mark in all personal data, and an e-mail address for an id."""
    copy = built_shop.copy_to(tmp_path_factory.mktemp("profile"))
    with in_warehouse(copy.file), warehouse.connect() as connection:
        connection.execute(
            f"""
            update raw.customer_details set
                first_name = '{MARK}' || rowid, email = '{MARK}' || rowid || '@mail.org',
                customer_phone = '+49{MARK}' || rowid;
            update raw.store_sales_header set customer_phone = '+49{MARK}' || rowid;
            update raw.store_sales_header set store_id = '{E_MAIL}';
            update raw.products set product_name = '{SCRIPT}';
            create table main.rejected as
            select * replace (replace(row_as_staged, '"C', '"{E_MAIL} C') as row_as_staged)
            from marts.quarantine;
            create or replace view marts.quarantine as from main.rejected;
            """
        )
    return copy


@pytest.fixture(scope="module")
def file(shop):
    with in_warehouse(shop.file):
        return write()


@pytest.fixture(scope="module")
def page(file):
    return _Page(file.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def connection(shop):
    with in_warehouse(shop.file), warehouse.connect(read_only=True) as opened:
        facts.prepare(opened)
        yield opened


@pytest.fixture(scope="module")
def orders(connection):
    """One row per transaction of a known customer, summed by pandas from the cleaned lines."""
    lines = connection.execute(
        """select transaction_id, customer_id, event_date, line_item_amount as amount
        from intermediate.int_lines_checked
        where is_latest and (rejected_by is null or rejected_by in
            ('header_missing_customer', 'header_unknown_customer', 'unknown_product'))"""
    ).df()
    lines["amount"] = lines["amount"].astype(float).fillna(0)
    lines["spend"] = lines["amount"].clip(lower=0)
    grouped = lines.groupby(["transaction_id", "event_date"], dropna=False)
    sums = grouped.agg(
        customer_id=("customer_id", "first"), spend=("spend", "sum"), net=("amount", "sum")
    ).reset_index()
    return sums.assign(returned=sums["spend"] - sums["net"])


def _table(section, title):
    (found,) = [b for b in section.blocks if b.kind == "table" and b.title.startswith(title)]
    return [list(row) for row in found.rows]


def test_the_page_lies_beside_the_warehouse_and_needs_nothing_else(file, shop, page):
    assert file == shop.file.parent / "reports" / "profile.html"
    assert not {"script", "link", "iframe", "object", "embed"} & set(page.tags)
    assert page.addresses
    assert all(re.match(r"data:image/svg\+xml;base64,|#", one) for one in page.addresses)
    assert not re.search(r"url\(|@import", file.read_text())


def test_the_contents_lead_to_every_section(page):
    links = {one[1:] for one in page.addresses if one.startswith("#")} - {"top"}
    assert len(links) == len(SECTIONS)
    assert links <= set(page.ids)


def test_what_the_data_say_is_shown_as_text_and_never_run(page):
    assert "script" not in page.tags
    assert SCRIPT in page.text


def test_no_personal_data_is_on_the_page(file):
    text = file.read_text()
    assert MARK not in text
    assert E_MAIL not in text
    assert "@" not in re.sub(r"@media", "", text)
    assert "(e-mail hidden)" in text


def test_every_personal_column_of_the_sources_is_hidden():
    shown = shown_columns()
    assert not {"first_name", "email", "customer_phone"} & shown["customer_details"]
    assert "customer_phone" not in shown["store_sales_header"]
    assert {"customer_id", "region"} <= shown["customer_details"]


def test_the_summary_equals_sums_made_elsewhere(page, orders):
    bought = orders[orders["spend"] > 0]
    known = bought.dropna(subset="customer_id").groupby("customer_id")["spend"]
    best = known.sum().nlargest(known.ngroups // 10)
    for expected in (
        f"From {orders['event_date'].min():%Y-%m-%d} to {orders['event_date'].max():%Y-%m-%d}",
        f"{len(bought):,} orders worth {bought['spend'].sum():,.0f};",
        f"{orders['returned'].sum():,.0f} came back",
        f"The buyers known by an id are {known.ngroups:,} customers",
        f"{100 * (known.size() == 1).mean():.1f} % of them bought only once",
        f"The best 10 % ({len(best)} customers) make {100 * best.sum() / known.sum().sum():.1f} %",
        f"per order {bought['spend'].mean():,.2f}",
    ):
        assert expected in page.text


def test_row_counts_and_rules_are_those_of_the_warehouse(page, connection):
    for table in ("customer_details", "products", "store_sales_header", "store_sales_line_items"):
        (rows,) = connection.execute(f"select count(*) from raw.{table}").fetchone()
        assert f"{table.replace('_', ' ').capitalize()}: {rows:,} rows" in page.text
    rules = connection.execute(
        "select rule, outcome, rows, money from marts.data_quality "
        "where table_name = 'store_sales_line_items'"
    ).fetchall()
    assert len(rules) > 8
    for rule, outcome, rows, money in rules:
        shown = rf"{rule.replace('_', ' ')} {outcome} {rows:,} [<\d., ]+ % {wording.money(money)} "
        assert re.search(shown, page.text), rule


def test_missing_and_distinct_values_are_those_of_the_raw_tables(page, connection):
    missing, distinct, low, high = connection.execute(
        """select count(*) filter (coalesce(trim(customer_id), '') = ''),
            count(distinct customer_id), min(trim(customer_id)), max(trim(customer_id))
        from raw.store_sales_header where trim(customer_id) <> '' or customer_id is null"""
    ).fetchone()
    assert re.search(
        rf"customer_id varchar {missing:,} [\d.]+ % {distinct:,} - {low} {high}", page.text
    )


def test_copies_and_orphans_are_counted(connection):
    section = keys.section(connection)
    copies = {row[0]: row for row in _table(section, "Is the key unique?")}
    for table, key in (
        ("store_sales_header", "transaction_id"),
        ("store_sales_line_items", "line_item_id"),
    ):
        rows, distinct = connection.execute(
            f"select count({key}), count(distinct upper(trim({key}))) from raw.{table}"
        ).fetchone()
        row = copies[table.replace("_", " ")]
        assert row[2] == f"{distinct:,}"
        assert sum(int(one.replace(",", "")) for one in row[4:6]) == rows - distinct > 0
    nowhere = {row[0]: row[2] for row in _table(section, "Do foreign keys")}
    (lost,) = connection.execute(
        """select count(distinct upper(trim(line_item_id))) from raw.store_sales_line_items as lines
        where upper(trim(product_id)) not in (select upper(trim(product_id)) from raw.products)"""
    ).fetchone()
    assert nowhere["store sales line items: product_id"] == str(lost) != "0"


def test_headers_are_held_against_their_lines(connection):
    sums = connection.execute(
        """select stated_amount, sum(line_item_amount) as summed
        from (
            from intermediate.int_headers_checked
            where version_number = versions or is_id_missing
        ) as headers
        left join (
            select
                transaction_id,
                if(is_amount_imputed, null, line_item_amount) as line_item_amount
            from intermediate.int_lines_checked
            where version_number = versions or is_id_missing
        ) as lines using (transaction_id)
        group by transaction_id, stated_amount"""
    ).df()
    sums = sums.astype(float)
    compared = sums.dropna()
    rows = _table(totals.section(connection), f"{len(sums):,} headers")
    shown = {row[0]: row[1] for row in rows}
    assert shown["equal"] == f"{np.isclose(compared['stated_amount'], compared['summed']).sum():,}"
    assert shown["no lines"] == str(sums["summed"].isna().sum()) != "0"


def test_top_customers_and_orders_per_customer_add_up(connection, orders):
    known = orders[orders["spend"] > 0].dropna(subset="customer_id").groupby("customer_id")
    sums = known["spend"].sum().sort_values(ascending=False)
    for label, how_many, purchases, _ in _table(spend.section(connection), "Best of"):
        share = int(label.split()[1])
        expected = sums.head(len(sums) * share // 100)
        assert (how_many, purchases) == (f"{len(expected):,}", wording.money(expected.sum()))
    rows = _table(repeat.section(connection), f"{len(sums):,} customers with")
    assert rows[0][1] == f"{(known.size() == 1).sum():,}"
    assert rows[4][:2] == ["5-9", f"{known.size().between(5, 9).sum():,}"]


def test_who_buys_again_counts_only_windows_that_are_over(connection, orders):
    bought = orders[orders["spend"] > 0].dropna(subset="customer_id")
    days = bought[["customer_id", "event_date"]].drop_duplicates().sort_values("event_date")
    first = days.groupby("customer_id")["event_date"].min()
    second = days.groupby("customer_id")["event_date"].nth(1)
    gap = pd.Series(second.values, index=days.loc[second.index, "customer_id"]) - first
    over = first[first + pd.Timedelta(days=30) <= orders["event_date"].max()].index
    again = (gap.reindex(over) <= pd.Timedelta(days=30)).sum()
    (row,) = [r for r in _table(repeat.section(connection), "Who buys") if r[0].endswith("30 days")]
    assert row[1:3] == [f"{len(over):,}", f"{again:,}"]


def test_a_cohort_keeps_the_share_that_buys_in_the_next_period(connection, orders):
    section = cohorts.section(connection)
    (table,) = [block for block in section.blocks if block.kind == "table"]
    unit = "Q" if "quarter" in table.title else "M"
    bought = orders[orders["spend"] > 0].dropna(subset="customer_id")
    periods = bought["event_date"].dt.to_period(unit)
    first = periods.groupby(bought["customer_id"]).transform("min")
    oldest = first.min()
    size = bought.loc[first == oldest, "customer_id"].nunique()
    stayed = bought.loc[(first == oldest) & (periods == oldest + 1), "customer_id"].nunique()
    assert table.rows[0][1:3] == [f"{size:,}", f"{100 * stayed / size:.0f}"]


def test_dates_and_amounts_that_came_as_text_give_the_same_page_byte_by_byte(shop, file, tmp_path):
    copy = shop.copy_to(tmp_path)
    with in_warehouse(copy.file):
        with warehouse.connect() as opened:
            for table, column in (
                ("store_sales_header", "transaction_date"),
                ("store_sales_header", "total_amount"),
                ("store_sales_header", "recorded_at"),
                ("store_sales_line_items", "line_item_amount"),
                ("customer_details", "customer_since"),
            ):
                opened.execute(f"alter table raw.{table} alter {column} type varchar")
        as_text = write().read_text()
    shown = re.compile(r"<td[^>]*>(?:varchar|timestamp|date|decimal\(18,[24]\))</td>")
    assert shown.sub("", as_text) == shown.sub("", file.read_text())


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on the PATH")
def test_on_a_phone_only_the_tables_scroll_sideways(file, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch_persistent_context(
            str(tmp_path), executable_path=CHROMIUM, headless=True, args=ARGUMENTS, viewport=PHONE
        )
        opened = browser.new_page()
        asked = []
        opened.on("request", lambda request: asked.append(request.url))
        opened.goto(file.as_uri())
        assert opened.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        widths = opened.evaluate("[...document.images].map(image => image.clientWidth)")
        assert min(widths) > 0.85 * PHONE["width"]
        assert [one for one in asked if not one.startswith(("data:", "file:"))] == []
        browser.close()


def test_values_are_shortened_and_addresses_hidden():
    assert wording.value_text("write to a.b@c.org  now") == "write to (e-mail hidden) now"
    assert len(wording.value_text("x" * 500)) == wording.LONGEST
    assert [wording.money(one) for one in (None, 0.004, -0.001, 999.5, 1234567.8)] == [
        "-", "0.00", "0.00", "999.50", "1,234,568",
    ]  # fmt: skip
    assert wording.share(1, 10_000) == "< 0.1 %"
    assert wording.share(1, 0) == "-"
