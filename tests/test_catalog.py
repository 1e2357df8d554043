"""The feature catalog says of every feature what it is, where it is from and how it lies."""

from __future__ import annotations

import logging

import numpy as np
import pytest

import warehouse
from operate import catalog
from tests.conftest import in_warehouse

AMOUNT = {
    "store_sales_line_items.line_item_amount",
    "store_sales_line_items.line_item_amount_text",
    # what an amount is restored from
    "store_sales_line_items.quantity",
    "products.unit_price",
}
DAY = {"store_sales_header.transaction_date", "store_sales_header.transaction_date_text"}


def read(query, parameters=None):
    with warehouse.connect(read_only=True) as connection:
        return connection.execute(query, parameters or []).df()


@pytest.fixture
def rows(small_shop):
    """The catalog after a fit, by name."""
    return read("select * from marts.feature_catalog").set_index("name")


def without_schema(columns):
    return {column.removeprefix("raw.") for column in columns}


def test_before_a_fit_it_lists_the_contract_and_leaves_the_rest_open(built_shop):
    with in_warehouse(built_shop.file):
        found = read("select * from marts.feature_catalog order by position")
    contract = [column for column in warehouse.contract().columns if column.role != "key"]
    assert found["name"].tolist() == [column.name for column in contract]
    assert found["description"].tolist() == [column.description for column in contract]
    assert found["unit"].tolist() == [column.unit for column in contract]
    assert found["time_window"].tolist() == [column.window for column in contract]
    assert found["role"].tolist() == [column.role for column in contract]
    assert found["data_type"].tolist() == [column.data_type for column in contract]
    unknown = ["source_columns", "row_columns", "importance", "drift", "model_version"]
    assert found[unknown].isna().all().all()


def test_after_the_fit_nothing_is_left_open(rows):
    numbers = rows["role"] == "feature"
    always = ["null_share", "first_as_of_date", "last_as_of_date", "importance", "drift"]
    assert rows[[*always, "source_columns", "row_columns", "model_version"]].notna().all().all()
    assert rows.loc[numbers, ["minimum", "p25", "median", "p75", "maximum"]].notna().all().all()
    assert rows.loc[~numbers, "most_frequent"].notna().all()
    assert (rows["source_columns"].map(len) > 0).all()


@pytest.mark.parametrize(
    ("feature", "sources"),
    [
        ("spend_30d", AMOUNT | DAY),
        ("spend_lifetime", AMOUNT),
        ("promotion_share_lifetime", AMOUNT | {"store_sales_line_items.promotion_id"}),
        ("loyalty_points", AMOUNT | {"store_sales_line_items.promotion_id"}),
        ("days_since_last_order", AMOUNT | DAY),
        ("last_store_id", AMOUNT | DAY | {"store_sales_header.store_id"}),
        ("region", {"customer_details.region", "customer_details.city"}),
        ("segment_id", {"customer_details.segment_id"}),
        ("shop_spend_30d", AMOUNT | DAY),
        ("ahead_month", {"calendar"}),
        ("ahead_weekend_days", {"calendar"}),
        ("ahead_christmas_days", {"calendar"}),
        ("ahead_promotion_lift", {"planned_promotions.expected_lift"}),
    ],
)
def test_the_raw_columns_behind_a_feature_are_exactly_these(rows, feature, sources):
    assert without_schema(rows.loc[feature, "source_columns"]) == sources


def test_more_is_behind_tenure_and_the_favourite_category_and_no_feature_knows_personal_data(rows):
    assert {"customer_details.customer_since", "store_sales_header.recorded_at"} <= without_schema(
        rows.loc["tenure_days", "source_columns"]
    )
    assert "products.product_category" in without_schema(
        rows.loc["favourite_category", "source_columns"]
    )
    everything = set().union(*rows["source_columns"], *rows["row_columns"])
    # nor what the shop states as of today
    for name in ("email", "phone", "full_name", "total_loyalty_points", "last_purchase_date"):
        assert not any(name in column for column in everything), name


def test_keys_and_days_of_knowledge_decide_which_rows_count(rows):
    for feature in ("spend_30d", "region", "shop_spend_30d"):
        assert {
            "store_sales_header.customer_id",
            "store_sales_header.recorded_at",
            "store_sales_line_items.recorded_at",
            "store_sales_line_items.transaction_id",
        } <= without_schema(rows.loc[feature, "row_columns"])
    assert len(rows.loc["ahead_month", "row_columns"]) == 0


def test_the_command_resolves_every_name_and_fills_the_catalog(
    built_shop, small_shop, tmp_path, monkeypatch, caplog, capsys
):
    written = "select * exclude (written_at) from feature_lineage order by feature"
    expected = read(written)
    copy = built_shop.copy_to(tmp_path / "copy")
    monkeypatch.setenv("WAREHOUSE_PATH", str(copy.file))
    with warehouse.connect() as connection:
        connection.execute("delete from feature_lineage")
    with caplog.at_level(logging.WARNING):
        catalog.main()
    assert caplog.messages == []
    features = len(warehouse.contract().features)
    assert f"marts.feature_catalog: {features} features" in capsys.readouterr().out
    assert read(written).astype(str).equals(expected.astype(str))
    assert read("select source_columns from marts.feature_catalog").notna().all().all()


def test_null_share_and_range_are_those_of_all_rows(rows):
    names = [*rows.index[rows["role"] == "feature"]]
    for name in names:
        [(null_share, least, most, first, last)] = read(
            f"""select
                1 - count({name}) / count(*), min({name}::double), max({name}::double),
                min(as_of_date) filter ({name} is not null),
                max(as_of_date) filter ({name} is not null)
            from features.feat_customer_snapshots"""
        ).itertuples(index=False)
        found = rows.loc[name]
        assert (found["null_share"], found["minimum"], found["maximum"]) == (
            null_share,
            least,
            most,
        )
        assert (found["first_as_of_date"], found["last_as_of_date"]) == (first, last)


@pytest.mark.parametrize("name", ["spend_lifetime", "tenure_days", "mean_gap_days"])
def test_quartiles_of_the_sample_are_near_those_of_all_rows(rows, name):
    values = read(f"select {name}::double as x from features.feat_customer_snapshots")["x"].dropna()
    for share, column in ((0.25, "p25"), (0.5, "median"), (0.75, "p75")):
        found = rows.loc[name, column]
        assert (values < found).mean() - 0.02 <= share <= (values <= found).mean() + 0.02


def test_the_most_frequent_label_is_that_of_all_rows(rows):
    for name in ("loyalty_tier", "region"):
        labels = read(f"select {name} as x from features.feat_customer_snapshots")["x"]
        assert rows.loc[name, "most_frequent"] == labels.mode()[0]


def test_importance_is_that_of_the_current_model(rows):
    champion = read("select version from model_registry where status = 'champion'")
    assert set(rows["model_version"]) == set(champion["version"])
    stored = read("select * from feature_importance").set_index("feature")["importance"]
    assert rows["importance"].to_dict() == stored.to_dict()
    assert rows["importance"].max() > 0.005


def stability_index(learned, current):
    """Of two samples, by tenths of the first; half a row more in each bin."""
    edges = np.unique(
        np.quantile(learned[~np.isnan(learned)], np.arange(1, 10) / 10, method="inverted_cdf")
    )
    counts = []
    for values in (learned, current):
        bins = np.where(np.isnan(values), -1, np.searchsorted(edges, values))
        counts.append([(bins == place).sum() for place in range(-1, len(edges) + 1)])
    learned_rows, current_rows = np.array(counts)
    used = learned_rows + current_rows > 0
    first, second = learned_rows[used] + 0.5, current_rows[used] + 0.5
    first, second = first / first.sum(), second / second.sum()
    return ((second - first) * np.log(second / first)).sum()


def test_drift_is_the_stability_index_against_the_dates_that_the_model_learned_from(rows):
    sample = read(
        """select *, as_of_date in (select as_of_date from training_dates) as is_learned
        from intermediate.int_features_sampled"""
    )
    learned, current = (
        sample[sample.is_sample & sample.is_learned],
        sample[sample.is_current_sample],
    )
    assert 5_000 < len(learned) < 12_000
    for name in (
        "spend_30d",
        "tenure_days",
        "mean_gap_days",
        "days_since_first_order",
        "ahead_month",
    ):
        expected = stability_index(*(s[name].to_numpy(dtype=float) for s in (learned, current)))
        assert rows.loc[name, "drift"] == pytest.approx(expected, abs=2e-6)
    # registrations stopped early in this shop, so customers grow older; regions stay
    assert rows.loc["days_since_first_order", "drift"] > 0.25 > 0.1 > rows.loc["region", "drift"]


def test_without_a_build_it_says_what_to_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WAREHOUSE_PATH", str(tmp_path / "shop.duckdb"))
    for _ in range(2):
        with pytest.raises(catalog.typer.Exit):
            catalog.main()
        assert "make build" in capsys.readouterr().err
        # a missing file, then an empty one
        warehouse.connect().close()
