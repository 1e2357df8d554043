{% macro assert_as_of_is_reached() %}
    {#- from the raw rows at once, odd ones too: int_snapshot_grid looks closely, behind a long build -#}
    {%- set header_day -%}
        greatest(cast(recorded_at as date), {{ read_date('transaction_date', 'transaction_date_text') }})
    {%- endset -%}
    {%- set beyond = run_query(
        "select " ~ as_of_beyond('max(day)') ~ " from ("
        ~ " select max(" ~ header_day ~ ") as day from " ~ source('retail', 'store_sales_header')
        ~ " where " ~ header_day ~ " <= cast(_loaded_at as date) + 1"
        ~ " union all select max(cast(recorded_at as date)) from "
        ~ source('retail', 'store_sales_line_items')
        ~ " where cast(recorded_at as date) <= cast(_loaded_at as date) + 1"
        ~ " union all select max(greatest(data_through, known_on)) from " ~ source('retail', 'loads')
        ~ ")"
    ).columns[0].values()[0] -%}
    {%- if beyond -%}
        {{ exceptions.raise_compiler_error(beyond) }}
    {%- endif -%}
{% endmacro %}
