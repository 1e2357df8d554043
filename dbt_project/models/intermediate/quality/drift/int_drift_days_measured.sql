{% set headers, lines = 'store_sales_header', 'store_sales_line_items' %}
{# relation, dimension, member, measure, raw column, kind (a count, money, a share of rows, or the
   mean of a log), what of how much it is, and whether rows of such a share add money, or take it: what has
   no buyer, date or product is rejected, other gaps are filled #}
{% set measures = [
    ('orders', 'load', 'load_name', 'repeated', headers ~ '.transaction_id', 'share', 'repeated', 'orders', 1),
    ('counted', 'store', 'store_id', 'lines', headers ~ '.store_id', 'count', 'lines', '1', 0),
    ('counted', 'store', 'store_id', 'spend', headers ~ '.store_id', 'money', 'money', '1', 0),
    ('counted', 'category', 'product_category', 'lines', 'products.product_category', 'count', 'lines', '1', 0),
    ('counted', 'category', 'product_category', 'spend', 'products.product_category', 'money', 'money', '1', 0),
    ('priced', 'category', 'category', 'unit price', lines ~ '.line_item_amount', 'mean log', 'price_shift', 'priced', 0),
    ('priced', 'category', 'category', 'quantity', lines ~ '.quantity', 'mean log', 'quantity_shift', 'priced', 0),
    ('counted', 'shop', "'all'", 'lines', lines ~ '.line_item_id', 'count', 'lines', '1', 0),
    ('counted', 'shop', "'all'", 'spend', lines ~ '.line_item_id', 'money', 'money', '1', 0),
    ('priced', 'shop', "'all'", 'unit price', lines ~ '.line_item_amount', 'mean log', 'price_shift', 'priced', 0),
    ('priced', 'shop', "'all'", 'quantity', lines ~ '.quantity', 'mean log', 'quantity_shift', 'priced', 0),
] %}
{% for relation, column, measure, part, sign in [
    ('orders', headers ~ '.transaction_id', 'repeated', 'repeated', 1),
    ('orders', headers ~ '.customer_id', 'missing', 'without_customer', -1),
    ('orders', headers ~ '.transaction_date', 'missing', 'undated', -1),
    ('orders', headers ~ '.store_id', 'missing', "if(store_id = 'UNKNOWN', orders, 0)", 0),
    ('lines', lines ~ '.product_id', 'missing', 'if(product_id is null, lines, 0)', -1),
    ('lines', lines ~ '.line_item_amount', 'missing', 'without_amount', 0),
    ('lines', lines ~ '.quantity', 'missing', 'without_quantity', 0),
    ('lines', lines ~ '.promotion_id', 'filled', 'promoted', 0),
    ('lines', 'products.product_category', 'missing', 'without_category', 0),
] %}
{% do measures.append((relation, 'raw column', "'" ~ column ~ "'", measure, column, 'share', part, relation, sign)) %}
{% endfor %}
with

orders as (

    select
        order_days.*,
        cast(coalesce(loads.load_id, 1) as varchar) as load_name
    from {{ shop_facts('int_order_days_measured') }} as order_days
    left join {{ ref('stg_retail__loads') }} as loads
        on order_days.loaded_at = loads.loaded_at

),

lines as (

    select * from {{ shop_facts('int_product_days_measured') }}

),

counted as (

    select
        event_date as day,
        * exclude (event_date)
    from {{ shop_facts('int_line_days_counted') }}

),

-- beside the product's own price and quantity; beyond four times of it, or a quarter, no more
priced as (

    select
        lines.day,
        lines.priced,
        products.product_category as category,
        lines.priced * least(greatest(lines.log_price - usual.usual_log_price, -ln(4)), ln(4))
            as price_shift,
        lines.priced * least(greatest(lines.log_quantity - usual.usual_log_quantity, -ln(4)), ln(4))
            as quantity_shift
    from lines
    inner join {{ ref('int_product_sizes_usual') }} as usual
        on lines.product_id = usual.product_id
    inner join {{ ref('int_products_versioned') }} as products
        on lines.product_id = products.product_id
        and products.valid_until = {{ end_of_time() }}

),

measured as (

    {%- for relation, dimension, member, measure, column, kind, part, whole, sign in measures %}
    select
        day,
        {{ 'known_date' if relation == 'counted' else 'day' }} as known_date,
        '{{ dimension }}' as dimension,
        {{ member }} as member,
        '{{ measure }}' as measure,
        '{{ column }}' as raw_column,
        '{{ kind }}' as kind,
        {{ sign }} as money_sign,
        cast(sum({{ part }}) as double) as part,
        cast(sum({{ whole }}) as double) as whole
    from {{ relation }}
    group by all
    {{- '\n\n    union all\n' if not loop.last }}
    {%- endfor %}

)

select * from measured
