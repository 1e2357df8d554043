{% macro get_where_subquery(relation) %}
    {#- `where: touched(customer_id)` in a yml: a build looks at the rows that it has computed anew, `dbt test`
        at all. dbt names this macro as the place for such words -#}
    {%- set filter = namespace(where=config.get('where') or '') -%}
    {%- for key, touched in {
        'customer_id': 'intermediate.int_customers_touched',
        'transaction_id': 'intermediate.int_orders_touched',
        'line_item_id': 'intermediate.int_lines_touched',
        'as_of_date': 'builds.dates_to_compute',
    }.items() if 'touched(' ~ key ~ ')' in filter.where -%}
        {%- set of_a_night = key ~ ' in (select ' ~ key ~ ' from ' ~ touched ~ ')' -%}
        {%- set filter.where = filter.where | replace(
            'touched(' ~ key ~ ')',
            of_a_night if flags.WHICH == 'build' and not should_full_refresh() else 'true'
        ) -%}
    {%- endfor -%}
    {{ return('(select * from ' ~ relation ~ ' where ' ~ filter.where ~ ')' if filter.where else relation) }}
{% endmacro %}
