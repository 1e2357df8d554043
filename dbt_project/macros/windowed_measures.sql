{% macro windowed_measures() %}
    {%- set flow = [
        '7d', '14d', '30d', '31_60d', '61_90d', '91_120d', '90d', '180d', '360d', '336_365d',
        'lifetime',
    ] -%}
    {#- sums are bigint where no type is given -#}
    {%- set money = 'decimal(18, 4)' -%}
    {%- set measures = [
        {'name': 'spend', 'type': money, 'windows': flow},
        {'name': 'orders', 'windows': flow},
        {'name': 'weighted_spend', 'type': 'hugeint', 'windows': ['lifetime']},
        {'name': 'weighted_orders', 'windows': ['lifetime']},
        {'name': 'weekend_orders', 'windows': ['360d']},
        {'name': 'active_days', 'windows': ['30d', '90d', '360d', 'lifetime']},
        {'name': 'returned', 'type': money, 'windows': ['30d', '90d', '360d', 'lifetime']},
        {'name': 'promoted', 'type': money, 'windows': ['90d', '360d', 'lifetime']},
        {'name': 'items', 'type': 'decimal(18, 3)', 'windows': ['360d']},
        {'name': 'lines', 'windows': ['360d']},
        {'name': 'points', 'windows': ['lifetime']},
        {'name': 'gaps', 'windows': ['lifetime']},
        {'name': 'gap_days', 'windows': ['lifetime']},
        {'name': 'gap_days_squared', 'windows': ['lifetime']},
        {'name': 'largest_order', 'type': money, 'aggregate': 'max', 'windows': ['360d', 'lifetime']},
        {'name': 'active_month', 'aggregate': 'bit_or', 'windows': ['360d']},
    ] -%}
    {{ return(measures) }}
{% endmacro %}
