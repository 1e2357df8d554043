{% macro create_predictions_if_missing() %}
    create table if not exists {{ target.schema }}.predictions (
        as_of_date date not null,
        customer_id varchar not null,
        predicted_30d_spend double,
        purchase_probability double,
        spend_p10 double,
        spend_p50 double,
        spend_p90 double,
        spend_low double,
        spend_high double,
        spend_deviation double,
        model_version varchar,
        scored_at timestamp
    );
    {#- a warehouse of an earlier version has no intervals beside the quantiles -#}
    {%- for column in ['spend_low', 'spend_high', 'spend_deviation'] %}
    alter table {{ target.schema }}.predictions add column if not exists {{ column }} double;
    {%- endfor %}
    create table if not exists {{ target.schema }}.scoring_runs (
        as_of_date date,
        model_version varchar,
        month_doubt double,
        part_doubt double,
        chance_doubt double,
        scored_at timestamp
    );
    create table if not exists {{ target.schema }}.prediction_reasons (
        as_of_date date not null,
        customer_id varchar not null,
        driver varchar not null,
        effect double,
        place integer,
        sentence varchar,
        average_spend double,
        model_version varchar,
        explained_at timestamp
    )
{% endmacro %}
