{%- set tables = {
    'customers': 'customer_details',
    'products': 'products',
    'headers': 'store_sales_header',
    'totals': 'store_sales_header',
    'lines': 'store_sales_line_items',
    'capped': 'store_sales_line_items',
} -%}
{#- what is counted, the rule, the condition, and of which money -#}
{%- set repairs = [
    ('customers', 'id_respelt', 'is_id_respelt', '0'),
    ('customers', 'loyalty_imputed', 'is_loyalty_imputed', '0'),
    ('customers', 'region_imputed', 'is_region_imputed', '0'),
    ('customers', 'segment_imputed', 'is_segment_imputed', '0'),
    ('customers', 'registration_removed', 'is_registration_removed', '0'),
    ('products', 'id_respelt', 'is_id_respelt', '0'),
    ('products', 'category_imputed', 'is_category_imputed', '0'),
    ('products', 'category_respelt', 'is_category_respelt', '0'),
    ('products', 'name_recoded', 'is_name_recoded', '0'),
    ('headers', 'id_respelt', 'is_id_respelt', '0'),
    ('headers', 'date_respelt', 'is_date_respelt', '0'),
    ('totals', 'total_recomputed', 'is_different', 'abs(stated_amount - recomputed_amount)'),
    ('lines', 'id_respelt', 'is_id_respelt', '0'),
    ('lines', 'promotion_imputed', 'is_promotion_imputed', '0'),
    ('lines', 'promotion_respelt', 'is_promotion_respelt', '0'),
    ('lines', 'quantity_imputed', 'is_quantity_imputed', '0'),
    ('lines', 'amount_imputed', 'is_amount_imputed', 'line_item_amount'),
    ('lines', 'amount_respelt', 'is_amount_respelt', '0'),
    ('capped', 'quantity_capped', 'quantity <> quantity_before_cap', '0'),
    (
        'capped', 'amount_capped', 'line_item_amount <> amount_before_cap',
        'abs(amount_before_cap - line_item_amount)'
    ),
] -%}
with

customers as (

    select * from {{ ref('int_customers_checked') }}
    where rejected_by is null

),

products as (

    select * from {{ ref('int_products_checked') }}
    where rejected_by is null

),

headers as (

    select * from {{ ref('int_headers_checked') }}
    where rejected_by is null

),

totals as (

    select * from {{ ref('int_header_totals_recomputed') }}

),

lines as (

    select * from {{ ref('int_lines_checked') }}
    where rejected_by is null

),

capped as (

    select * from {{ ref('int_lines_capped') }}
    where known_until = {{ end_of_time() }}

),

counted as (

    {% for relation, rule, condition, money in repairs %}
    {{ count_repairs(relation, tables[relation], rule, condition, money) }}
    {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select * from counted
