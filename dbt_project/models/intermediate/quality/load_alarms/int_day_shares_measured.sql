-- table, column, sign, what is counted, of what, least jump of the share
{% set shares = [
    ('order_days', 'customer_id', 'nulls_jump', 'without_customer', 'orders', 0.15),
    ('order_days', 'customer_id', 'new_ids_jump', 'of_new_customers', 'orders', 0.3),
    ('order_days', 'customer_id', 'unknown_ids_jump', 'of_unknown_customers', 'orders', 0.15),
    ('order_days', 'customer_id', 'ids_moved', 'of_strangers', 'orders', 0.2),
    ('order_days', 'transaction_date', 'dates_shifted', 'ahead', 'orders', 0.15),
    ('order_days', 'transaction_date', 'dates_shifted', 'at_night', 'orders', 0.15),
    ('order_days', 'store_id', 'nulls_jump', 'without_store', 'orders', 0.15),
    ('order_days', 'store_id', 'new_ids_jump', 'of_new_stores', 'orders', 0.3),
    ('order_days', 'transaction_date', 'nulls_jump', 'undated', 'orders', 0.15),
    ('order_days', 'transaction_id', 'doubled_day', 'repeated', 'orders', 0.3),
    ('order_days', 'transaction_id', 'sent_twice', 'sent_twice', 'orders', 0.5),
    ('order_days', 'transaction_id', 'lines_missing', 'without_lines', 'orders', 0.15),
    ('line_days', 'transaction_id', 'headers_missing', 'without_header', 'lines', 0.15),
    ('line_days', 'product_id', 'nulls_jump', 'without_product', 'lines', 0.15),
    ('line_days', 'product_id', 'new_ids_jump', 'of_new_products', 'lines', 0.3),
    ('line_days', 'product_category', 'nulls_jump', 'without_category', 'lines', 0.15),
    ('line_days', 'line_item_amount', 'nulls_jump', 'without_amount', 'lines', 0.15),
    ('line_days', 'quantity', 'nulls_jump', 'without_quantity', 'lines', 0.15),
    ('line_days', 'line_item_amount', 'amounts_flipped', 'negative', 'lines', 0.3),
    ('line_days', 'line_item_amount', 'amounts_zero', 'zero', 'lines', 0.15),
    ('line_days', 'line_item_amount', 'hundredfold_amounts', 'too_dear', 'priced', 0.1),
    ('line_days', 'line_item_amount', 'amounts_too_small', 'too_cheap', 'priced', 0.1),
    ('line_days', 'line_item_amount', 'price_shift', 'dearer', 'priced', 0.5),
    ('line_days', 'line_item_amount', 'price_shift', 'cheaper', 'priced', 0.5),
    ('line_days', 'product_id', 'ids_moved', 'mixed_up', 'priced', 0.08),
    ('line_days', 'quantity', 'quantity_shift', 'other_quantity', 'priced', 0.4),
] %}

with

order_days as (

    select
        *,
        if(store_id = 'UNKNOWN', orders, 0) as without_store,
        if(day = min(day) over (partition by store_id), orders, 0) as of_new_stores
    from {{ shop_facts('int_order_days_measured') }}

),

line_days as (

    select * from {{ ref('int_line_days_compared') }}

),

days as (

    select * from {{ ref('int_load_days_listed') }}

),

-- the lines of an order share their fate
per_order as (

    select
        (select sum(lines) from line_days) / (select sum(orders) from order_days) as lines

),

measured as (

    {% for relation, column, sign, part, whole, least_jump in shares %}
    select
        '{{ 'store_sales_header' if relation == 'order_days' else 'store_sales_line_items' }}'
            as table_name,
        '{{ column }}' as column_name,
        '{{ sign }}' as sign,
        '{{ part }}' as measure,
        {{ least_jump }} as least_jump,
        days.day,
        days.day - days.first_day as days_before,
        sum({{ relation }}.{{ part }}) as part,
        sum({{ relation }}.{{ whole }}) as whole,
        any_value({{ 'per_order.lines' if relation == 'line_days' else '1' }}) as rows_at_once
    from days
    inner join {{ relation }}
        on days.day = {{ relation }}.day
    cross join per_order
    {%- if part == 'negative' %}
    -- on a holiday there may be returns alone
    where not days.is_quiet
    {%- endif %}
    group by all
    having whole > 0
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select * from measured
