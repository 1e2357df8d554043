import numpy as np
import pandas as pd
import pytest
from faker import Faker
from typer.testing import CliRunner

import warehouse
from generate.shop.baskets import draw_lines
from generate.shop.calendar_intensity import calendar
from generate.shop.catalogue import draw_catalogue
from generate.shop.drawer import draw_shop
from generate.shop.plan import DAYS, START, Plan
from generate.shop.process import Process
from generate.synthetic import generate
from load.raw_tables import TABLES

NAMES = [table.name for table in TABLES]


@pytest.fixture(scope="module")
def shop():
    return draw_shop(Plan(500, seed=1, faults=False))


@pytest.fixture
def own_warehouse(tmp_path, monkeypatch):
    file = tmp_path / "shop" / "warehouse.duckdb"
    monkeypatch.setenv("WAREHOUSE_PATH", str(file))
    return file


def rows_of(table):
    names = ", ".join(column.name for column in next(t for t in TABLES if t.name == table).columns)
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(f"select {names} from raw.{table}").fetchall()


def test_equal_seeds_load_equal_tables_and_other_seeds_do_not(own_warehouse):
    generate(Plan(300, seed=5))
    first = {name: rows_of(name) for name in NAMES}
    generate(Plan(300, seed=5))
    second = {name: rows_of(name) for name in NAMES}
    generate(Plan(300, seed=6))
    other = {name: rows_of(name) for name in NAMES}
    assert first == second
    assert all(first[name] != other[name] for name in NAMES)


def test_loaded_types_and_columns_are_those_of_the_definition(own_warehouse):
    summary = generate(Plan(50, seed=1, faults=False))
    with warehouse.connect(read_only=True) as connection:
        for table in TABLES:
            described = connection.execute(f"describe raw.{table.name}").fetchall()
            expected = [(column.name, column.data_type) for column in table.columns]
            assert [(row[0], row[1]) for row in described] == [
                *expected,
                ("_loaded_at", "TIMESTAMP"),
            ]
            counted = connection.execute(
                f"select count(*), count(distinct _loaded_at) from raw.{table.name}"
            ).fetchone()
            assert counted == (summary.rows[table.name], 1)


def test_what_is_no_date_or_amount_stands_beside_as_text(own_warehouse):
    generate(Plan(300, seed=1))
    with warehouse.connect(read_only=True) as connection:
        for table, column in (
            ("store_sales_header", "transaction_date"),
            ("store_sales_line_items", "line_item_amount"),
        ):
            texts, both = connection.execute(
                f"select count({column}_text), count(*) filter (where {column} is not null"
                f" and {column}_text is not null) from raw.{table}"
            ).fetchone()
            assert texts > 0
            assert both == 0


def content(schema):
    """Every table of a schema, row by row in its order, without load times."""
    with warehouse.connect(read_only=True) as connection:
        tables = connection.execute(
            "select table_name from information_schema.tables where table_schema = ? order by 1",
            [schema],
        ).fetchall()
        return {
            table: connection.execute(
                f"select columns(lambda c: c not like '%loaded_at') from {schema}.{table}"
            ).fetchall()
            for (table,) in tables
            if table != "loads"
        }


def test_neither_the_size_of_a_chunk_nor_the_processes_change_a_row(own_warehouse):
    plan = Plan(300, seed=3, days=200, block=60)
    generate(plan, jobs=1, chunk=1)
    first = {schema: content(schema) for schema in ("raw", "truth")}
    assert first["truth"]["faults"]
    for jobs, chunk in ((1, 2), (1, 50), (2, 1)):
        generate(plan, jobs=jobs, chunk=chunk)
        assert {schema: content(schema) for schema in ("raw", "truth")} == first


def test_more_customers_leave_earlier_blocks_as_they_were():
    short = draw_shop(Plan(200, seed=3, block=100, faults=False))
    long = draw_shop(Plan(300, seed=3, block=100, faults=False))
    for name in NAMES:
        frame = short.tables[name]
        pd.testing.assert_frame_equal(frame, long.tables[name].iloc[: len(frame)])
    assert long.tables["store_sales_header"]["transaction_id"].is_unique
    assert long.tables["store_sales_line_items"]["line_item_id"].is_unique


def test_lines_sum_to_the_basket_to_the_cent(shop):
    headers = shop.tables["store_sales_header"].set_index("transaction_id")["total_amount"]
    lines = shop.tables["store_sales_line_items"]
    sums = lines.groupby("transaction_id")["line_item_amount"].sum()
    pd.testing.assert_series_equal(headers.sort_index(), sums.sort_index(), check_names=False)
    assert (lines["line_item_amount"] != 0).all()
    assert (np.sign(lines["quantity"]) == np.sign(lines["line_item_amount"])).all()


def test_nobody_buys_before_registration(shop):
    headers = shop.tables["store_sales_header"]
    since = shop.tables["customer_details"].set_index("customer_id")["customer_since"]
    registered = since.loc[headers["customer_id"]].to_numpy()
    assert (headers["transaction_date"].to_numpy() >= registered).all()


def test_time_is_inside_the_period_and_known_the_same_day(shop):
    headers = shop.tables["store_sales_header"]
    assert headers["transaction_date"].min() >= pd.Timestamp(START)
    assert headers["recorded_at"].max() < pd.Timestamp(START) + pd.Timedelta(days=DAYS)
    assert (headers["recorded_at"] > headers["transaction_date"]).all()
    assert (headers["recorded_at"].dt.date == headers["transaction_date"].dt.date).all()


def test_every_id_is_found_where_it_points(shop):
    details, products, headers, lines = (shop.tables[name] for name in NAMES)
    assert headers["customer_id"].isin(details["customer_id"]).all()
    assert lines["transaction_id"].isin(headers["transaction_id"]).all()
    assert headers["transaction_id"].isin(lines["transaction_id"]).all()
    assert lines["product_id"].isin(products["product_id"]).all()


def test_returns_are_a_known_share_with_a_known_lag(shop):
    headers = shop.tables["store_sales_header"]
    returns = headers[headers["total_amount"] < 0]
    bought = headers[headers["total_amount"] > 0]
    assert 0.03 < len(returns) / len(bought) < 0.07
    pairs = returns.merge(bought, on="customer_id", suffixes=("", "_bought"))
    day = pairs["transaction_date"].dt.normalize()
    lag = (day - pairs["transaction_date_bought"].dt.normalize()).dt.days
    fits = lag.between(*shop.plan.process.returns.lag) & (
        -pairs["total_amount"] <= pairs["total_amount_bought"]
    )
    assert set(pairs.loc[fits, "transaction_id"]) == set(returns["transaction_id"])


def test_points_and_last_purchase_are_those_at_the_end(shop):
    details, _, headers, lines = (shop.tables[name] for name in NAMES)
    bought = headers[headers["total_amount"] > 0]
    last = bought.groupby("customer_id")["transaction_date"].max().dt.normalize()
    stated = details.set_index("customer_id")["last_purchase_date"].dropna()
    assert stated.sort_index().equals(last.sort_index().astype(stated.dtype))
    lines = lines[lines["transaction_id"].isin(bought["transaction_id"])]
    earning = lines["line_item_amount"] * np.where(lines["promotion_id"].notna(), 2, 1)
    points = earning.groupby(lines["transaction_id"]).sum() // 100
    owner = bought.set_index("transaction_id")["customer_id"]
    expected = points.groupby(owner).sum()
    members = details[details["loyalty_status"] != "None"].set_index("customer_id")
    expected = expected.reindex(members.index, fill_value=0)
    assert (members["total_loyalty_points"] == expected).all()
    assert (details.loc[details["loyalty_status"] == "None", "total_loyalty_points"] == 0).all()


def test_some_never_buy_and_spend_has_a_heavy_tail(shop):
    headers = shop.tables["store_sales_header"]
    spend = headers.groupby("customer_id")["total_amount"].sum()
    assert 0.04 < 1 - len(spend) / 500 < 0.14
    assert spend.nlargest(50).sum() > 0.35 * spend.sum()


def test_week_and_christmas_are_visible(shop):
    dates = shop.tables["store_sales_header"]["transaction_date"]
    weekday = dates.dt.day_of_week.value_counts()
    assert weekday[5] > 1.2 * weekday[0]
    month = dates.dt.month.value_counts()
    assert month[12] > 1.25 * month.drop([11, 12]).mean()
    assert (dates.dt.strftime("%m-%d") == "12-25").sum() < 0.001 * len(dates)


def test_promotions_lie_in_their_days_and_customers_prefer_categories(shop):
    _, products, headers, lines = (shop.tables[name] for name in NAMES)
    dates = headers.set_index("transaction_id")["transaction_date"]
    winter = lines[lines["promotion_id"] == "WINTER-2023"]
    days = dates.loc[winter["transaction_id"]]
    assert len(days)
    assert days.between("2023-01-07", "2023-01-21").all()
    category = products.set_index("product_id")["product_category"].loc[lines["product_id"]]
    customer = headers.set_index("transaction_id")["customer_id"].loc[lines["transaction_id"]]
    counts = pd.crosstab(customer.to_numpy(), category.to_numpy())
    busy = counts[counts.sum(axis=1) >= 20]
    assert (busy.max(axis=1) / busy.sum(axis=1)).mean() > 0.35


def test_customers_prefer_a_brand(shop):
    _, products, headers, lines = (shop.tables[name] for name in NAMES)
    brand = products.set_index("product_id")["product_name"].str.rsplit(" ", n=2).str[0]
    customer = headers.set_index("transaction_id")["customer_id"].loc[lines["transaction_id"]]
    counts = pd.crosstab(customer.to_numpy(), brand.loc[lines["product_id"]].to_numpy())
    busy = counts[counts.sum(axis=1) >= 40]
    share = (busy.max(axis=1) / busy.sum(axis=1)).mean()
    # of forty brands, chance alone would give the leading one about a tenth
    assert share > 0.15


def test_a_promotion_buys_more_for_the_money(shop):
    _, products, _, lines = (shop.tables[name] for name in NAMES)
    price = products.set_index("product_id")["unit_price"].loc[lines["product_id"]].to_numpy()
    paid = lines["line_item_amount"] / lines["quantity"] / price
    promoted = lines["promotion_id"].notna() & (lines["quantity"] >= 3)
    plain = lines["promotion_id"].isna() & (lines["quantity"] >= 3)
    assert paid[promoted].median() == pytest.approx(0.8, abs=0.03)
    assert paid[plain].median() == pytest.approx(1.0, abs=0.03)


def test_drawn_purchases_have_the_expected_number_and_value():
    process = Process()
    known = calendar(START, DAYS)
    rng = np.random.default_rng(0)
    customers = process.draw_customers(DAYS, 20_000, rng)
    purchases = process.draw_purchases(known, customers, rng)
    exposure = known.cumulated[-1] - known.cumulated[np.maximum(customers.registered, 0)]
    # BG/NBD given rate and drop-out: purchases until now are 1/p (1 - exp(-p lambda M))
    drop = np.maximum(customers.latent["drop_out"], 1e-9)
    expected = (1 - np.exp(-drop * customers.latent["rate"] * exposure)) / drop
    assert len(purchases.time) == pytest.approx(expected.sum(), rel=0.01)
    level = np.log(purchases.cents / 100) - np.log(known.price_index[purchases.time.astype(int)])
    noise = level - customers.latent["level"][purchases.customer]
    assert noise.mean() == pytest.approx(0, abs=0.01)


def test_timestamps_give_back_the_moment():
    known = calendar(START, DAYS)
    time = np.random.default_rng(0).uniform(0, DAYS, 1000)
    assert known.moments(known.timestamps(time)) == pytest.approx(time, abs=1 / 13 / 3600 + 1e-9)
    assert known.time_at(known.cumulated_at(time)) == pytest.approx(time)


def test_a_days_intensity_depends_on_its_date_alone():
    long, short = calendar(START, DAYS), calendar(START, 400)
    assert (long.intensity[:400] == short.intensity).all()
    assert long.intensity.mean() == pytest.approx(1, abs=0.02)


def test_a_shop_without_a_sale_loads(own_warehouse):
    summary = generate(Plan(1, seed=42, days=1))
    assert summary.rows["store_sales_header"] == 0


def test_basket_of_as_many_cents_as_lines_is_split():
    process, known = Process(), calendar(START, 30)
    rng = np.random.default_rng(0)
    customers = process.draw_customers(30, 200, rng)
    purchases = process.draw_purchases(known, customers, rng)
    tiny = purchases.__class__(purchases.customer, purchases.time, purchases.lines, purchases.lines)
    lines = draw_lines(known, customers, tiny, draw_catalogue(rng, Faker()), rng)
    assert (lines.cents == 1).all()


def test_wrong_options_are_one_clear_message(own_warehouse):
    import typer

    from generate.synthetic import main

    app = typer.Typer()
    app.command()(main)
    for options, message in (
        (["--fault", "nonsense=0.1"], "unknown fault 'nonsense'"),
        (["--fault", "late_rows"], "NAME=RATE"),
        (["--fault", "late_rows=7"], "between 0 and 1"),
        (["--no-faults", "--fault", "late_rows=0.1"], "no faults wanted"),
        (["--preset", "nonsense"], "unknown preset 'nonsense'"),
        (["--start", "9990-01-01", "--days", "36500"], "outside 1990-01-01 to 2199-12-31"),
        (["--start", "1985-01-01"], "outside 1990-01-01 to 2199-12-31"),
    ):
        result = CliRunner().invoke(app, options)
        assert result.exit_code == 1
        assert message in result.stderr
        assert not own_warehouse.exists()
