with

customers as (

    select * from {{ ref('int_customers_checked') }}
    where rejected_by is null

),

products as (

    select * from {{ ref('int_products_checked') }}
    where rejected_by is null

),

totals as (

    select * from {{ ref('int_header_totals_recomputed') }}

),

lines as (

    select * from {{ ref('int_lines_checked') }}
    where rejected_by is null

),

snapshots as (

    select * from {{ ref('int_snapshots_scheduled') }}
    where is_current

),

-- as if the current as-of date were today
waiting as (

    select lines.*
    from lines
    inner join snapshots
        on lines.known_date >= snapshots.as_of_date

),

capped as (

    select * from {{ ref('int_lines_capped') }}

),

counted as (

    {{ count_repairs('customers', 'customer_details', 'loyalty_imputed', 'is_loyalty_imputed') }}
    union all
    {{ count_repairs('customers', 'customer_details', 'region_imputed', 'is_region_imputed') }}
    union all
    {{ count_repairs('customers', 'customer_details', 'segment_imputed', 'is_segment_imputed') }}
    union all
    {{ count_repairs(
        'customers', 'customer_details', 'registration_removed', 'is_registration_removed'
    ) }}
    union all
    {{ count_repairs('products', 'products', 'category_imputed', 'is_category_imputed') }}
    union all
    {{ count_repairs('products', 'products', 'category_respelt', 'is_category_respelt') }}
    union all
    {{ count_repairs(
        'totals', 'store_sales_header', 'total_recomputed', 'is_different',
        'abs(stated_amount - recomputed_amount)'
    ) }}
    union all
    {{ count_repairs('lines', 'store_sales_line_items', 'quantity_imputed', 'is_quantity_imputed') }}
    union all
    {{ count_repairs(
        'lines', 'store_sales_line_items', 'amount_imputed', 'is_amount_imputed',
        'line_item_amount'
    ) }}
    union all
    {{ count_repairs(
        'lines', 'store_sales_line_items', 'promotion_imputed', 'is_promotion_imputed'
    ) }}
    union all
    {{ count_repairs(
        'capped', 'store_sales_line_items', 'amount_capped',
        'line_item_amount <> amount_before_cap', 'abs(amount_before_cap - line_item_amount)'
    ) }}
    union all
    {{ count_repairs(
        'waiting', 'store_sales_line_items', 'not_yet_known', 'true', 'money', 'not yet known'
    ) }}
    union all
    {{ count_repairs(
        'capped', 'store_sales_line_items', 'quantity_capped', 'quantity <> quantity_before_cap'
    ) }}

)

select * from counted
