"""A warehouse as release 0.1.0 left it: made from one of today, by taking away what came since.

The tables and columns of schema main, raw and builds are those that 0.1.0 made of a generated shop,
checked against one that its own code had built.
"""

from __future__ import annotations

import duckdb

from train.registry import artefact, trust
from train.registry.card import body_of, seal_card

MAIN = (
    *("backtest", "backtest_dates", "backtest_metrics", "candidate_forecasts"),
    *("feature_importance", "feature_lineage", "model_evaluation", "model_registry", "model_sql"),
    *("prediction_reasons", "predictions", "scoring_runs", "training_dates"),
)
RAW = (
    *("customer_details", "loads", "products", "rejected"),
    *("store_sales_header", "store_sales_line_items"),
)
# names of models that have others today
RENAMED = {
    "int_lattice_chosen": "select current_date as as_of_date",
    "int_outcomes_counted": "select 'x' as table_name, 1 as n",
    "int_histories_windowed": "select 'C1' as customer_id",
}


def age(file):
    """Make a scored warehouse of today, with its models, one of release 0.1.0."""
    with duckdb.connect(str(file)) as connection:
        kept = {"main": MAIN, "raw": RAW}
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables()"
            " where database_name = current_database()"
        ).fetchall()
        for schema, table in tables:
            if schema in kept and table not in kept[schema]:
                connection.execute(f"drop table {schema}.{table}")
        connection.execute("alter table main.model_registry drop column trained_with_erased")
        connection.execute("drop table if exists main.candidate_forecasts")
        connection.execute(
            "create table main.candidate_forecasts (as_of_date date, customer_id varchar,"
            " model varchar, forecast double, purchase_probability double, has_own_probability"
            " boolean, season_known boolean, actual double, identity varchar, written_at timestamp)"
        )
        for name, sql in RENAMED.items():
            connection.execute(f"create table intermediate.{name} as {sql}")
        connection.execute("drop function if exists features.shop_as_of")
        connection.execute("update builds.loads_read set definition = 'of 0.1.0'")
        connection.execute(
            "alter table staging.stg_retail__store_sales_header drop is_date_respelt"
        )
        connection.execute("alter table features.feat_dates drop ahead_day_number")
        connection.execute(
            "create or replace view features.feat_customer_snapshots as"
            " from features.feat_customers inner join features.feat_dates using (as_of_date)"
        )
        models = connection.execute("select version from main.model_registry").fetchall()
    for (version,) in models:
        folder = file.parent / "models" / version
        card = artefact.read_card(folder)
        contract = card["contract"]
        columns = [each for each in contract["columns"] if each["name"] != "ahead_day_number"]
        card["contract"] = {"hash": "of 0.1.0", "columns": columns}
        (folder / artefact.CARD_FILE).write_text(seal_card(card))
        # it was fitted here, by the code of then
        trust.remember_fitted(body_of(card), version)
