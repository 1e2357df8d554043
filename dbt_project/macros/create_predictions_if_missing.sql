{% macro create_predictions_if_missing() %}
    create table if not exists {{ target.schema }}.predictions (
        as_of_date date not null,
        customer_id varchar not null,
        predicted_30d_spend double,
        purchase_probability double,
        spend_p10 double,
        spend_p50 double,
        spend_p90 double,
        model_version varchar,
        scored_at timestamp
    )
{% endmacro %}
