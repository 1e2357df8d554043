import numpy as np
import pandas as pd
import pytest

from generate.faults import FAULTS, plant
from generate.planting import KEYS
from generate.shop import draw_shop

HEADER, LINE = "store_sales_header", "store_sales_line_items"
ADDING = {
    "customers_twice",
    "headers_twice",
    "lines_twice",
    "headers_in_conflict",
    "lines_in_conflict",
    "lines_without_header",
    "headers_without_lines",
}


@pytest.fixture(scope="module")
def clean():
    return draw_shop(500, seed=2).tables


@pytest.fixture(scope="module")
def planted(clean):
    return plant(clean, FAULTS, {name: max(one.rate, 0.004) for name, one in FAULTS.items()}, 7)


def alone(clean, name, rate=0.02):
    return plant(clean, {name: FAULTS[name]}, {name: rate}, 7)


def differing(before, after):
    """Return positions of the rows of `before` that are other in `after`, by column."""
    after = after.iloc[: len(before)]
    found = {}
    for column in before:
        old = before[column].astype("str").fillna("<null>")
        new = after[column].astype("str").fillna("<null>")
        rows = np.flatnonzero((old != new).to_numpy())
        if len(rows):
            found[column] = rows
    return found


@pytest.mark.parametrize("name", FAULTS)
def test_the_ledger_holds_exactly_what_changed(clean, name):
    fault = FAULTS[name]
    faulty, ledger = alone(clean, name)
    before, after = clean[fault.table], faulty[fault.table]
    assert len(ledger)
    assert set(ledger["fault"]) == {name}
    changes = differing(before, after)
    if name in ADDING:
        assert fault.column is None
        assert changes == {}
        assert len(after) == len(before) + len(ledger)
        return
    assert len(after) == len(before)
    assert set(changes) == {fault.column}
    rows = changes[fault.column]
    assert list(before[KEYS[fault.table]].iloc[rows]) == list(ledger["row_key"])
    kept = before[fault.column].iloc[rows].astype("str").fillna("<null>")
    assert list(kept) == list(ledger["value_before"].fillna("<null>"))


@pytest.mark.parametrize("name", FAULTS)
def test_other_tables_stay_but_for_what_belongs_to_the_row(clean, name):
    faulty, ledger = alone(clean, name)
    allowed = {
        "amounts_times_100": {HEADER: {"total_amount"}},
        "late_rows": {LINE: {"recorded_at"}},
    }.get(name, {})
    for table, before in clean.items():
        if table == FAULTS[name].table:
            continue
        assert len(faulty[table]) == len(before)
        assert set(differing(before, faulty[table])) == allowed.get(table, set())
    assert len(ledger)


def test_no_two_faults_share_a_transaction_customer_or_product(clean, planted):
    _, ledger = planted
    header_of_line = clean[LINE].set_index("line_item_id")["transaction_id"]
    key = ledger["row_key"].where(ledger["table"] != LINE)
    key = key.fillna(ledger["row_key"].map(header_of_line))
    assert key.notna().all()
    assert key.is_unique
    assert set(ledger["fault"]) == set(FAULTS)


def test_clean_tables_are_left_alone(clean):
    copies = {name: table.copy(deep=True) for name, table in clean.items()}
    plant(clean, FAULTS, {}, 7)
    for name, table in clean.items():
        pd.testing.assert_frame_equal(table, copies[name])


def test_equal_seeds_plant_equal_faults(clean, planted):
    rates = {name: max(one.rate, 0.004) for name, one in FAULTS.items()}
    again, ledger = plant(clean, FAULTS, rates, 7)
    pd.testing.assert_frame_equal(ledger, planted[1])
    for name, table in again.items():
        pd.testing.assert_frame_equal(table, planted[0][name])
    _, other = plant(clean, FAULTS, rates, 8)
    assert not other["row_key"].equals(ledger["row_key"])


def test_a_rate_is_the_share_of_rows(clean):
    _, ledger = plant(clean, FAULTS, {name: 0.0 for name in FAULTS} | {"customer_missing": 0.1}, 7)
    assert len(ledger) == round(0.1 * len(clean[HEADER]))


@pytest.mark.parametrize("rates", [{"nonsense": 0.1}, {"late_rows": 1.5}, {"late_rows": -1.0}])
def test_impossible_rates_are_refused(clean, rates):
    with pytest.raises(ValueError, match=next(iter(rates))):
        plant(clean, FAULTS, rates, 7)


def test_a_rate_of_everything_plants_what_there_is_room_for(clean):
    _, ledger = plant(clean, FAULTS, {"customer_missing": 1.0}, 7)
    assert not ledger.loc[ledger["fault"] == "late_rows"].size


def test_orphans_point_at_nothing(clean):
    faulty, _ = alone(clean, "lines_without_header")
    added = faulty[LINE].iloc[len(clean[LINE]) :]
    assert not added["transaction_id"].isin(clean[HEADER]["transaction_id"]).any()
    assert faulty[LINE]["line_item_id"].is_unique
    faulty, _ = alone(clean, "headers_without_lines")
    added = faulty[HEADER].iloc[len(clean[HEADER]) :]
    assert not added["transaction_id"].isin(clean[LINE]["transaction_id"]).any()
    assert faulty[HEADER]["transaction_id"].is_unique


def test_dates_before_registration_and_in_future_are(clean):
    faulty, ledger = alone(clean, "dates_before_registration")
    moved = faulty[HEADER][faulty[HEADER]["transaction_id"].isin(ledger["row_key"])]
    since = clean["customer_details"].set_index("customer_id")["customer_since"]
    assert (moved["transaction_date"].to_numpy() < since.loc[moved["customer_id"]].to_numpy()).all()
    faulty, ledger = alone(clean, "dates_in_future")
    moved = faulty[HEADER][faulty[HEADER]["transaction_id"].isin(ledger["row_key"])]
    assert (moved["transaction_date"] > pd.Timestamp("2031-12-31")).all()


def test_late_rows_are_late_with_their_lines_and_before_the_end(clean):
    faulty, ledger = alone(clean, "late_rows")
    late = faulty[HEADER][faulty[HEADER]["transaction_id"].isin(ledger["row_key"])]
    delay = late["recorded_at"] - late["transaction_date"]
    assert (delay >= pd.Timedelta(days=1)).all()
    assert (delay <= pd.Timedelta(days=45, hours=1)).all()
    assert faulty[HEADER]["recorded_at"].max() == clean[HEADER]["recorded_at"].max()
    lines = faulty[LINE].merge(late, on="transaction_id", suffixes=("", "_header"))
    assert len(lines)
    assert (lines["recorded_at"] == lines["recorded_at_header"]).all()


def test_conflicts_are_recorded_later_under_the_same_id(clean):
    for name, table, column in (
        ("headers_in_conflict", HEADER, "total_amount"),
        ("lines_in_conflict", LINE, "line_item_amount"),
    ):
        faulty, ledger = alone(clean, name)
        added = faulty[table].iloc[len(clean[table]) :].set_index(KEYS[table])
        first = clean[table].set_index(KEYS[table]).loc[added.index]
        assert list(added.index) == list(ledger["row_key"])
        assert (added["recorded_at"] > first["recorded_at"]).all()
        assert (added[column] != first[column]).all()


def test_padded_ids_are_the_same_but_for_blanks_and_zeros(clean):
    for name in FAULTS:
        if not name.endswith("_padded"):
            continue
        column, table = FAULTS[name].column, FAULTS[name].table
        faulty, _ = alone(clean, name)
        assert (faulty[table][column].str.strip() == clean[table][column]).all()
    faulty, _ = alone(clean, "store_ids_as_numbers")
    stores = faulty[HEADER]["store_id"].astype(float)
    assert (stores == clean[HEADER]["store_id"].astype(float)).all()


def test_a_hundredfold_amount_is_in_the_total_too(clean):
    faulty, _ = alone(clean, "amounts_times_100")
    sums = faulty[LINE].groupby("transaction_id")["line_item_amount"].sum()
    totals = faulty[HEADER].set_index("transaction_id")["total_amount"]
    assert (sums.sort_index() == totals.sort_index()).all()
