{% macro windowed_measures() %}
    {%- set flow = [
        '30d', '31_60d', '61_90d', '91_120d', '90d', '180d', '360d', '331_360d', 'lifetime'
    ] -%}
    {#- sums are bigint where no type is given -#}
    {%- set measures = [
        {'name': 'spend', 'type': 'decimal(18, 2)', 'windows': flow + ['361_390d']},
        {'name': 'orders', 'windows': flow},
        {'name': 'active_days', 'windows': ['90d', '360d', 'lifetime']},
        {'name': 'returned', 'type': 'decimal(18, 2)', 'windows': ['30d', '360d', 'lifetime']},
        {'name': 'promoted', 'type': 'decimal(18, 2)', 'windows': ['360d', 'lifetime']},
        {'name': 'items', 'type': 'decimal(18, 3)', 'windows': ['360d']},
        {'name': 'lines', 'windows': ['360d']},
        {'name': 'points', 'windows': ['lifetime']},
        {'name': 'gaps', 'windows': ['lifetime']},
        {'name': 'gap_days', 'windows': ['lifetime']},
        {'name': 'gap_days_squared', 'windows': ['lifetime']},
        {'name': 'categories', 'windows': ['lifetime']},
        {'name': 'category_squares', 'type': 'decimal(38, 4)', 'windows': ['lifetime']},
        {'name': 'largest_order', 'aggregate': 'max', 'windows': ['360d', 'lifetime']},
        {'name': 'leading_category', 'aggregate': 'max', 'windows': ['lifetime']},
        {'name': 'first_order_date', 'aggregate': 'min', 'windows': ['lifetime']},
        {'name': 'last_order', 'aggregate': 'max', 'windows': ['lifetime']},
    ] -%}
    {{ return(measures) }}
{% endmacro %}
