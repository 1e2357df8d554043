{% macro facts_of_customers() %}
    {{ return([
        {'model': 'int_customer_days_spaced', 'first': 'known_date', 'last': 'known_until'},
        {'model': 'int_category_states_tracked', 'first': 'known_date', 'last': 'known_until'},
        {
            'model': 'int_customers_known',
            'first': 'greatest(known_from_date, valid_from)',
            'last': 'valid_until',
        },
    ]) }}
{% endmacro %}
