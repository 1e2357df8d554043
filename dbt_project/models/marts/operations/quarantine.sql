{#- few rows, which people read now and then: to write them as JSON each night cost more than to read them -#}
{{ config(materialized='view') }}
{% set tables = [
    ('customer_details', 'int_customers_checked', 'customer_key', '1', '0'),
    ('products', 'int_products_checked', 'product_key', '1', '0'),
    ('store_sales_header', 'int_headers_checked', 'transaction_id', 'version_number', 'money'),
    ('store_sales_line_items', 'int_lines_checked', 'line_item_id', 'version_number', 'money'),
] %}

with

{% for table, model, key, version, money in tables %}
{{ table }} as (

    select * from {{ ref(model) }}
    where rejected_by is not null

),

{% endfor %}

stacked as (

    {% for table, model, key, version, money in tables %}
    select
        '{{ table }}' as table_name,
        {{ key }} as row_key,
        cast({{ version }} as integer) as version_number,
        rejected_by as rule,
        cast({{ money }} as decimal(18, 2)) as money,
        cast(to_json({{ table }}) as varchar) as row_as_staged
    from {{ table }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from stacked
