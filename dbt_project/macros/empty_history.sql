{% macro empty_history() %}
    {#- no row, and every column of int_customer_windows: what a fixture does not name is null -#}
    select
        {%- for measure in windowed_measures() %}
        {%- for window in measure.windows %}
        cast(null as {{ measure.type | default('bigint') }}) as {{ measure.name }}_{{ window }},
        {%- endfor %}
        {%- endfor %}
        {%- for name, type in {
            'customer_id': 'varchar', 'as_of_date': 'date', 'first_order_date': 'date',
            'last_order_date': 'date', 'last_return_date': 'date', 'last_store_id': 'varchar',
            'region': 'varchar', 'segment_id': 'varchar', 'known_from_date': 'date',
            'categories': 'bigint', 'category_squares': 'decimal(38, 4)',
            'leading_category': 'struct(spend decimal(18, 2), category varchar)',
        }.items() %}
        cast(null as {{ type }}) as {{ name }},
        {%- endfor %}
    where false
{% endmacro %}
