import numpy as np
import pandas as pd
import pytest

from generate.faults import FAULTS
from generate.faults.planting import KEYS, plant
from generate.shop.drawer import draw_shop
from generate.shop.plan import Plan

CUSTOMER, HEADER, LINE = "customer_details", "store_sales_header", "store_sales_line_items"
PLAN = Plan(500, seed=2)
DAYS = {name for name, one in FAULTS.items() if one.whole_days}


@pytest.fixture(scope="module")
def clean():
    return draw_shop(PLAN.clean()).tables


def rates(**wanted):
    """Rates of some faults; of the others 0."""
    return tuple({**dict.fromkeys(FAULTS, 0.0), **wanted}.items())


def planted_with(clean, rates, seed=7, part="all"):
    return plant(clean, Plan(500, seed, rates=rates), part, FAULTS.values())


EACH = tuple((name, max(one.rate, 0.004)) for name, one in FAULTS.items())


@pytest.fixture(scope="module")
def planted(clean):
    return planted_with(clean, EACH)


def alone(clean, name, rate=0.02):
    return planted_with(clean, rates(**{name: rate}))


def text_beside(table, column):
    """A column as raw will hold it: the text that a fault wrote, else the value."""
    values = table[column].astype("str").fillna("<null>")
    written = table.get(f"{column}_text")
    return values if written is None else written.fillna(values)


def differing(before, after):
    """Return positions of the rows of `before` that are other in `after`, by column."""
    after = after.iloc[: len(before)]
    found = {}
    for column in before:
        old, new = text_beside(before, column), text_beside(after, column)
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
    assert set(ledger["rule"]) == {fault.rule}
    if fault.adds or fault.removes:
        assert fault.column is None
        assert ledger["value_before"].isna().all()
        changed = set(after[KEYS[fault.table]]) ^ set(before[KEYS[fault.table]])
        if fault.adds:
            assert differing(before, after) == {}
            assert len(after) == len(before) + len(ledger)
            added = after[KEYS[fault.table]].iloc[len(before) :]
            assert list(added) == list(ledger["row_key"])
        elif fault.table == CUSTOMER:
            assert changed == set(ledger["row_key"])
        else:
            # a day's lines are gone, its headers are left
            assert not changed
            gone = set(clean[LINE]["transaction_id"]) - set(faulty[LINE]["transaction_id"])
            assert gone == set(ledger["row_key"])
        return
    if fault.rule == "superseded":
        # the first version is wrong, and the right one comes after it
        right = after.iloc[len(before) :]
        assert list(right[KEYS[fault.table]]) == list(ledger["row_key"])
        after = after.iloc[: len(before)]
    assert len(after) == len(before)
    changes = differing(before, after)
    besides = {"city"} if name == "region_missing" else set()
    assert set(changes) - besides == {fault.column}
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
        if table == FAULTS[name].table or (FAULTS[name].whole_days and table == LINE):
            continue
        assert len(faulty[table]) == len(before)
        assert set(differing(before, faulty[table])) == allowed.get(table, set())
    assert len(ledger)


def test_no_two_faults_share_a_transaction_customer_or_product(clean, planted):
    _, ledger = planted
    header_of_line = clean[LINE].set_index("line_item_id")["transaction_id"]
    # added rows with new ids are copies of the rows they were made of
    row = ledger["row_key"].where(ledger["fault"] != "lines_without_header")
    row = row.fillna(ledger["row_key"].str.replace("L9", "L0"))
    key = row.where(ledger["table_name"] != LINE).fillna(row.map(header_of_line))
    assert key.notna().all()
    assert key.is_unique
    assert set(ledger["fault"]) == set(FAULTS)


def test_clean_tables_are_left_alone(clean):
    copies = {name: table.copy(deep=True) for name, table in clean.items()}
    planted_with(clean, ())
    for name, table in clean.items():
        pd.testing.assert_frame_equal(table, copies[name])


def test_equal_seeds_plant_equal_faults(clean, planted):
    again, ledger = planted_with(clean, EACH)
    pd.testing.assert_frame_equal(ledger, planted[1])
    for name, table in again.items():
        pd.testing.assert_frame_equal(table, planted[0][name])
    for other in (planted_with(clean, EACH, seed=8), planted_with(clean, EACH, part=1)):
        assert not other[1]["row_key"].equals(ledger["row_key"])


def test_faults_of_whole_days_spoil_the_same_days_in_every_part(clean):
    for name in DAYS:
        days = []
        for part in (0, 1):
            _, ledger = planted_with(clean, rates(**{name: 0.01}), part=part)
            headers = clean[HEADER].set_index("transaction_id")["transaction_date"]
            days.append(set(headers.loc[ledger["row_key"]].dt.date))
        assert days[0] == days[1]
        assert 5 < len(days[0]) <= 15


def test_a_rate_is_the_share_of_rows(clean):
    _, ledger = planted_with(clean, rates(customer_missing=0.1))
    assert len(ledger) == round(0.1 * len(clean[HEADER]))


@pytest.mark.parametrize("rate", [("nonsense", 0.1), ("late_rows", 1.5), ("late_rows", -1.0)])
def test_impossible_rates_are_refused(rate):
    with pytest.raises(ValueError, match=rate[0]):
        Plan(rates=(rate,))


def test_a_rate_of_everything_plants_what_there_is_room_for(clean):
    _, ledger = planted_with(clean, (("customer_missing", 1.0),))
    assert not ledger.loc[ledger["fault"] == "late_rows"].size
    assert ledger["fault"].eq("customer_missing").sum() < len(clean[HEADER])


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


def test_a_correction_is_recorded_days_after_the_wrong_version_and_says_the_truth(clean):
    for name, table, column in (
        ("headers_corrected", HEADER, "total_amount"),
        ("lines_corrected", LINE, "line_item_amount"),
    ):
        faulty, ledger = alone(clean, name)
        right = faulty[table].iloc[len(clean[table]) :].set_index(KEYS[table])
        wrong = faulty[table].iloc[: len(clean[table])].set_index(KEYS[table]).loc[right.index]
        assert list(right.index) == list(ledger["row_key"])
        assert (right["recorded_at"].dt.date > wrong["recorded_at"].dt.date).all()
        assert (right[column] != wrong[column]).all()
        assert (right[column] == clean[table].set_index(KEYS[table])[column][right.index]).all()


def test_a_conflict_is_recorded_on_the_same_day_before_the_right_version(clean):
    faulty, ledger = alone(clean, "lines_in_conflict")
    wrong = faulty[LINE].iloc[len(clean[LINE]) :].set_index("line_item_id")
    right = clean[LINE].set_index("line_item_id").loc[wrong.index]
    assert list(wrong.index) == list(ledger["row_key"])
    assert (wrong["recorded_at"] <= right["recorded_at"]).all()
    assert (wrong["recorded_at"].dt.date == right["recorded_at"].dt.date).all()


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


def test_sales_of_a_deleted_customer_carry_no_other_fault(clean):
    many = planted_with(clean, (("customers_deleted", 0.05), ("customer_missing", 0.5)))[1]
    deleted = set(many.loc[many["fault"] == "customers_deleted", "row_key"])
    sold = clean[HEADER][clean[HEADER]["customer_id"].isin(deleted)]["transaction_id"]
    assert len(sold)
    assert not set(sold) & set(many["row_key"])


def test_a_half_loaded_day_keeps_its_morning(clean):
    faulty, ledger = alone(clean, "day_half_loaded", 0.003)
    dates = clean[HEADER].set_index("transaction_id")["transaction_date"]
    lost = dates.loc[ledger["row_key"]]
    assert 1 <= lost.dt.date.nunique() <= 4
    assert (lost.dt.hour >= 15).all()
    morning = dates[dates.dt.date.isin(lost.dt.date) & (dates.dt.hour < 15)].index
    assert len(morning)
    assert set(morning) <= set(faulty[LINE]["transaction_id"])


def test_a_doubled_file_is_a_day_with_everything_twice(clean):
    faulty, ledger = alone(clean, "file_doubled", 0.003)
    for table in (HEADER, LINE):
        times = faulty[table]["transaction_id"].value_counts()
        once = clean[table]["transaction_id"].value_counts()
        twice = times[times.index.isin(ledger["row_key"])]
        assert len(twice)
        assert (twice == 2 * once.loc[twice.index]).all()


def test_text_among_dates_and_amounts_says_the_same_value(clean):
    faulty, ledger = alone(clean, "amounts_as_text", 0.6)
    written = faulty[LINE]["line_item_amount_text"].dropna()
    number = written.str.replace("[£€$, ]", "", regex=True).astype(float)
    assert (
        (number * 100)
        .round()
        .astype(int)
        .equals(clean[LINE]["line_item_amount"].loc[written.index])
    )
    assert written.str.contains(",").any()
    assert written.str.contains("€").any()
    faulty, ledger = alone(clean, "dates_in_other_formats", 0.05)
    assert faulty[HEADER]["transaction_date_text"].notna().sum() == len(ledger)


def test_garbled_names_are_utf_8_read_as_latin_1(clean):
    faulty, ledger = alone(clean, "names_garbled", 0.05)
    names = faulty["products"].set_index("product_id")["product_name"].loc[ledger["row_key"]]
    mended = [name.encode("latin-1").decode("utf-8") for name in names]
    assert mended == list(ledger["value_before"])
    assert not set(mended) & set(names)
