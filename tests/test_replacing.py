"""A load never takes much of a shop away, nor a generated one a shop of somebody's own, unasked."""

import pytest

from generate.shop.plan import Plan
from generate.synthetic import generate
from load.loader import load
from load.staging import LoadError
from tests.shop_files import content, query

MAPPING = "order_lines: {columns: {transaction_id: n, customer_id: c, transaction_date: d, \
line_item_amount: a}}"


@pytest.fixture(autouse=True)
def own_warehouse(tmp_path, monkeypatch):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "warehouse" / "shop.duckdb"))


@pytest.fixture
def loaded(tmp_path):
    """Load a file with an order on each of some days."""

    def loaded(days, **options):
        (tmp_path / "m.yml").write_text(MAPPING)
        rows = [
            f"{day},K{day % 7},2024-{1 + day // 28:02d}-{1 + day % 28:02d},5.00" for day in days
        ]
        (tmp_path / "orders.csv").write_text("\n".join(["n,c,d,a", *rows, ""]))
        return load(tmp_path / "orders.csv", mapping=tmp_path / "m.yml", **options)

    return loaded


def test_a_load_with_far_fewer_orders_is_refused_and_changes_nothing(loaded):
    loaded(range(100))
    before = content()
    with pytest.raises(LoadError, match=r"holds 100 orders, the files hold 89: .*--replace"):
        loaded(range(89))
    assert content() == before
    loaded(range(89), may_lose=True)
    assert query("select count(*) from raw.store_sales_header") == [(89,)]


def test_a_load_in_which_months_are_gone_is_refused(loaded):
    loaded([*range(100), *range(200, 250)])
    with pytest.raises(LoadError, match=r"from 2024-01-01 to 2024-09-2.*--replace"):
        loaded(range(140))


def test_a_corrected_export_of_the_same_shop_replaces_it(loaded):
    loaded(range(100))
    loaded(range(95))
    assert query("select count(*) from raw.store_sales_header") == [(95,)]


def test_a_generated_shop_never_replaces_one_of_ones_own_unasked(loaded):
    loaded(range(100))
    before = content()
    with pytest.raises(LoadError, match="100 orders of files of your own"):
        generate(Plan(customers=50))
    assert content() == before
    generate(Plan(customers=50), may_lose=True)
    assert query("select distinct layout from raw.loads") == [("generated",)]


def test_files_replace_a_generated_shop_unasked(loaded):
    generate(Plan(customers=200))
    loaded(range(10))
    assert query("select count(*) from raw.store_sales_header") == [(10,)]


@pytest.mark.parametrize("orders", [1, 40])
def test_a_file_of_other_customers_alone_is_refused_and_changes_nothing(tmp_path, loaded, orders):
    loaded(range(30))
    before = content()
    rows = [f"{n},another {n},2024-01-{1 + n % 31:02d},5.00" for n in range(orders)]
    (tmp_path / "other.csv").write_text("\n".join(["n,c,d,a", *rows, ""]))
    wanted = "30 orders, the files hold 1" if orders == 1 else "none of the 7 customers"
    with pytest.raises(LoadError, match=rf"{wanted}.*--replace"):
        load(tmp_path / "other.csv", mapping=tmp_path / "m.yml")
    assert content() == before
    load(tmp_path / "other.csv", mapping=tmp_path / "m.yml", may_lose=True)
    assert query("select count(*) from raw.store_sales_header") == [(orders,)]


def test_the_same_customers_spelt_otherwise_are_the_same_shop(tmp_path, loaded):
    loaded(range(30))
    text = (tmp_path / "orders.csv").read_text().replace(",K", ", k")
    (tmp_path / "orders.csv").write_text(text)
    load(tmp_path / "orders.csv", mapping=tmp_path / "m.yml")
    assert query("select count(*) from raw.store_sales_header") == [(30,)]
