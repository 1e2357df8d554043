{% macro touched(key) -%}
    {#- in a where: what a night reads anew; all, in a first build and with --full-refresh -#}
    {%- if is_incremental() or not execute -%}
        {{ key }} in (
            select {{ key }} from {{ ref({
                'customer_id': 'int_customers_touched',
                'transaction_id': 'int_orders_touched',
                'line_item_id': 'int_lines_touched',
            }[key]) }}
        )
    {%- else -%}
        true
    {%- endif -%}
{%- endmacro %}
