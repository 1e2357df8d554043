{% macro create_model_notes_if_missing() %}
    create table if not exists {{ target.schema }}.feature_lineage (
        feature varchar,
        source_columns varchar[],
        row_columns varchar[],
        written_at timestamp
    );
    create table if not exists {{ target.schema }}.feature_importance (
        feature varchar,
        importance double,
        model_version varchar,
        fitted_at timestamp
    );
    create table if not exists {{ target.schema }}.training_dates (
        as_of_date date,
        model_version varchar,
        fitted_at timestamp
    );
    create table if not exists {{ target.schema }}.backtest (
        as_of_date date,
        customer_id varchar,
        model varchar,
        forecast double,
        purchase_probability double,
        actual double,
        raw_forecast double,
        raw_probability double,
        has_own_probability boolean,
        identity varchar
    );
    create table if not exists {{ target.schema }}.backtest_metrics (
        as_of_date date,
        model varchar,
        metric varchar,
        value double,
        low double,
        high double,
        best_baseline varchar,
        difference double,
        difference_low double,
        difference_high double,
        customers bigint,
        written_at timestamp
    )
{% endmacro %}
