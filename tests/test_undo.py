"""After a load is taken back, the mart is the one that stood before it, to the bit."""

import random
from datetime import date, timedelta

import pytest

import warehouse
from core import dbt_runner
from load import ledger
from load.loader import load
from load.staging import LoadError
from load.undo import undo

MAPPING = """
order_lines:
  file: lines_*.csv
  columns: {transaction_id: n, customer_id: c, transaction_date: d, product_id: p, quantity: q,
            line_item_amount: a}
customer_details:
  file: customers_*.csv
  columns: {customer_id: c, region: region, customer_since: since}
"""
# what a build makes of the raw tables
TABLES = (
    "features.feat_customer_snapshots",
    "features.feat_labels",
    "intermediate.int_orders_totalled",
    "intermediate.int_customers_versioned",
    "marts.customers",
)


def night(folder, known_on, seed, region):
    """A folder with some weeks of order lines and what the shop says of its customers."""
    draw = random.Random(seed)
    folder.mkdir()
    rows = []
    for order in range(120):
        day = known_on - timedelta(1 + draw.randrange(90))
        for line in range(draw.randint(1, 3)):
            amount = draw.randint(100, 9000) / 100
            rows.append(
                f"{seed}-{order},K{order % 30},{day},P{draw.randrange(8)},{line + 1},{amount}"
            )
    (folder / "lines_1.csv").write_text("\n".join(["n,c,d,p,q,a", *rows, ""]))
    people = [f"K{n},{region if n % 3 == 0 else 'North'},2022-01-0{1 + n % 9}" for n in range(30)]
    (folder / "customers_1.csv").write_text("\n".join(["c,region,since", *people, ""]))
    return folder


def mart():
    """What a build makes, but for the moments at which things were written."""
    dbt_runner.build(run_only=True)
    with warehouse.connect(read_only=True) as connection:
        return {
            name: connection.execute(
                f"""
                select count(*), bit_xor(md5_number(cast(rows as varchar)))
                from (
                    select columns(lambda c: c not in ('loaded_at', 'first_loaded_at')) from {name}
                ) as rows
                """
            ).fetchall()
            for name in TABLES
        }


@pytest.fixture
def loaded(tmp_path, monkeypatch, dbt_folders):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "warehouse" / "shop.duckdb"))
    mapping = tmp_path / "m.yml"
    mapping.write_text(MAPPING)
    first = night(tmp_path / "first", date(2024, 7, 1), 1, "North")
    load(first, mapping=mapping)
    return tmp_path, mapping


def test_the_mart_after_an_undo_is_the_one_before_the_load(loaded):
    folder, mapping = loaded
    before = mart()
    later = night(folder / "later", date(2024, 7, 20), 2, "South")
    # and one known order, said anew with fewer lines
    lines = later / "lines_1.csv"
    lines.write_text(lines.read_text() + "1-5,K5,2024-06-20,P1,1,77.00\n")
    load(later, mapping=mapping, append=True, known_on=date(2024, 7, 20))
    assert mart() != before
    undo(2)
    assert mart() == before


def test_only_the_newest_load_is_undone_and_never_one_that_replaced_everything(loaded):
    folder, mapping = loaded
    later = night(folder / "later", date(2024, 7, 20), 2, "North")
    load(later, mapping=mapping, append=True, known_on=date(2024, 7, 20))
    with pytest.raises(LoadError, match="load 2 rests on load 1: undo 2 first"):
        undo(1)
    undo(2)
    with pytest.raises(LoadError, match="replaced everything"):
        undo(1)
    with pytest.raises(LoadError, match="there is no load 7; loads are 1"):
        undo(7)
    with warehouse.connect(read_only=True) as connection:
        assert [number for number, *_ in ledger.loads(connection)] == [1]
