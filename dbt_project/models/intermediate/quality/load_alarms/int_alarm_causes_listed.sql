-- what explains what: within a topic, a sign that stands higher makes those below it follow
{% set headers, lines = 'store_sales_header', 'store_sales_line_items' %}
{% set causes = {
    'rows': [
        ('stale', headers, 'rows', 'stale', 'warn', 'orders since the last day'),
        ('nulls_jump', headers, 'transaction_date', 'nulls_jump', 'error', 'of the orders have no readable date'),
        ('empty_day', headers, 'rows', 'empty_day', 'error', 'orders'),
        ('doubled_day', headers, 'transaction_id', 'doubled_day', 'error', 'of the orders were there before, on this day or the day before it, under another id'),
        ('dates_shifted', headers, 'transaction_date', 'dates_shifted', 'error', 'of the orders are dated after their recording, or recorded at night'),
        ('nulls_jump', headers, 'store_id', 'nulls_jump', 'error', 'of the orders name no store'),
        ('new_ids_jump', headers, 'store_id', 'new_ids_jump', 'error', 'of the orders are of stores never seen before'),
        ('store_missing', headers, 'store_id', 'store_missing', 'error', 'orders of stores'),
        ('half_day', headers, 'rows', 'half_day', 'error', 'orders'),
        ('headers_missing', lines, 'transaction_id', 'half_day', 'error', 'of the lines have no order'),
        ('empty_day', lines, 'rows', 'empty_day', 'error', 'lines'),
        ('lines_missing', headers, 'transaction_id', 'half_day', 'error', 'of the orders have no lines'),
        ('half_day', lines, 'rows', 'half_day', 'error', 'lines'),
        ('sent_twice', headers, 'transaction_id', 'doubled_day', 'warn', 'of the orders came twice under one id, the copies are dropped'),
        ('volume_surge', headers, 'rows', 'volume_surge', 'warn', 'orders'),
        ('volume_surge', lines, 'rows', 'volume_surge', 'warn', 'lines'),
    ],
    'customers': [
        ('nulls_jump', headers, 'customer_id', 'nulls_jump', 'error', 'of the orders name no customer'),
        ('new_ids_jump', headers, 'customer_id', 'new_ids_jump', 'error', 'of the orders are of customers never seen before'),
        ('unknown_ids_jump', headers, 'customer_id', 'new_ids_jump', 'error', 'of the orders name a customer who is in no customer table'),
        ('ids_moved', headers, 'customer_id', 'ids_moved', 'warn', 'of the orders are of customers new or not seen for 120 days'),
    ],
    'products': [
        ('nulls_jump', lines, 'product_id', 'nulls_jump', 'error', 'of the lines name no product'),
        ('new_ids_jump', lines, 'product_id', 'new_ids_jump', 'error', 'of the lines are of products never seen before'),
        ('nulls_jump', lines, 'product_category', 'nulls_jump', 'error', 'of the lines are of products without a category'),
    ],
    'money': [
        ('nulls_jump', lines, 'line_item_amount', 'nulls_jump', 'error', 'of the lines have no amount'),
        ('nulls_jump', lines, 'quantity', 'nulls_jump', 'error', 'of the lines have no quantity'),
        ('amounts_flipped', lines, 'line_item_amount', 'amounts_flipped', 'error', 'of the lines have a negative amount'),
        ('amounts_zero', lines, 'line_item_amount', 'amounts_zero', 'error', 'of the lines cost nothing'),
        ('ids_moved', lines, 'product_id', 'ids_moved', 'warn', 'of the lines cost far more than their product does, and as many far less'),
        ('hundredfold_amounts', lines, 'line_item_amount', 'hundredfold_amounts', 'error', 'of the lines cost 20 times the usual price of their product or more'),
        ('amounts_too_small', lines, 'line_item_amount', 'amounts_too_small', 'error', 'of the lines cost a twentieth of the usual price of their product or less'),
        ('quantity_shift', lines, 'quantity', 'quantity_shift', 'warn', 'of the lines have five times, or a fifth, of the usual quantity of their product'),
        ('price_shift', lines, 'line_item_amount', 'price_shift', 'warn', 'of the lines cost far from the usual price of their product'),
        ('price_level', lines, 'line_item_amount', 'price_shift', 'warn', 'percent of the usual price of products'),
    ],
    'categories': [
        ('nulls_jump', 'products', 'product_category', 'nulls_jump', 'error', 'products left in category'),
        ('category_renamed', 'products', 'product_category', 'category_renamed', 'error', 'products left in category'),
    ],
} %}

with

listed as (

    {% for topic, signs in causes.items() %}
    {% set last_topic = loop.last %}
    {% for sign, table_name, column_name, cause, severity, words in signs %}
    select
        '{{ topic }}' as topic,
        {{ loop.index }} as place,
        '{{ sign }}' as sign,
        '{{ table_name }}' as table_name,
        '{{ column_name }}' as column_name,
        '{{ cause }}' as cause,
        '{{ severity }}' as severity,
        '{{ words }}' as words
    {{ 'union all' if not (loop.last and last_topic) }}
    {% endfor %}
    {% endfor %}

)

select * from listed
