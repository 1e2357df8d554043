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
    {#- an earlier version kept the candidates' raw forecasts in the backtest itself -#}
    {%- if execute and run_query(
        "select 1 from duckdb_columns() where table_name = 'backtest' and schema_name = '"
        ~ target.schema ~ "' and column_name = 'raw_forecast'"
    ).rows -%}
    drop table {{ target.schema }}.backtest;
    {%- endif %}
    create table if not exists {{ target.schema }}.backtest (
        as_of_date date,
        customer_id varchar,
        model varchar,
        forecast double,
        actual double,
        purchase_probability double,
        spend_p10 double,
        spend_p50 double,
        spend_p90 double,
        spend_low double,
        spend_high double,
        spend_deviation double,
        written_at timestamp
    );
    create table if not exists {{ target.schema }}.backtest_dates (
        as_of_date date,
        chosen varchar,
        month_doubt double,
        part_doubt double,
        chance_doubt double,
        written_at timestamp
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
    );
    {#- as in train/registry/versions.py; column by column, for tables of earlier versions of the project -#}
    {%- for table, columns in {
        'model_registry': {
            'version': 'varchar',
            'as_of_date': 'date',
            'status': 'varchar',
            'fitted_at': 'timestamp',
            'promoted_at': 'timestamp',
            'reason': 'varchar',
            'git_revision': 'varchar',
            'contract_hash': 'varchar',
            'data_fingerprint': 'varchar',
            'test_as_of_date': 'date',
            'validation_as_of_dates': 'date[]',
            'training_as_of_dates': 'date[]',
            'parameters': 'json',
            'metrics': 'json',
            'sha256': 'varchar',
        },
        'model_evaluation': {
            'model_version': 'varchar',
            'model': 'varchar',
            'test_as_of_date': 'date',
            'mae': 'double',
            'wape': 'double',
            'rmse': 'double',
            'r2': 'double',
            'gini': 'double',
            'spearman': 'double',
            'top10_capture': 'double',
            'decile_error': 'double',
            'sum_ratio': 'double',
            'auc': 'double',
            'brier': 'double',
            'is_chosen': 'boolean',
            'fitted_at': 'timestamp',
        },
    }.items() %}
    create table if not exists {{ target.schema }}.{{ table }} (
        {%- for name, data_type in columns.items() %}
        {{ name }} {{ data_type }}{{ ',' if not loop.last }}
        {%- endfor %}
    );
    {%- for name, data_type in columns.items() %}
    alter table {{ target.schema }}.{{ table }} add column if not exists {{ name }} {{ data_type }};
    {%- endfor %}
    {%- endfor %}
{% endmacro %}
