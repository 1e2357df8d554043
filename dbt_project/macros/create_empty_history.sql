{% macro create_empty_history() %}
    {#- the columns of int_histories_windowed: a fixture of a unit test cannot know which of them a
        further feature reads, so what it does not give is null -#}
    create schema if not exists memory;
    create or replace table memory.empty_history (
        {%- for measure in windowed_measures() %}
        {%- for window in measure.windows %}
        {{ measure.name }}_{{ window }} {{ measure.type | default('bigint') }},
        {%- endfor %}
        {%- endfor %}
        customer_id varchar,
        as_of_date date,
        first_order_date date,
        last_order_date date,
        last_return_date date,
        last_store_id varchar,
        region varchar,
        segment_id varchar,
        known_from_date date,
        categories bigint,
        category_squares decimal(38, 4),
        leading_category struct(spend decimal(18, 2), category varchar)
    )
{% endmacro %}
