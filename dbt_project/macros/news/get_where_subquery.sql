{% macro get_where_subquery(relation) %}
    {#- `where: touched(customer_id)` in a yml: a build looks at what it has computed anew, `dbt test` at all.
        dbt gives this macro for such words -#}
    {%- set where = config.get('where') or '' -%}
    {%- set keys = modules.re.findall('touched\\((\\w+)\\)', where) -%}
    {%- for key in keys -%}
        {%- set touched = {
            'customer_id': 'int_customers_touched',
            'transaction_id': 'int_orders_touched',
            'line_item_id': 'int_lines_touched',
        }[key] -%}
        {%- set is_of_a_night = flags.WHICH == 'build' and not should_full_refresh() -%}
        {%- set where = where | replace(
            'touched(' ~ key ~ ')',
            key ~ ' in (select ' ~ key ~ ' from intermediate.' ~ touched ~ ')' if is_of_a_night else 'true'
        ) -%}
    {%- endfor -%}
    {{ return('(select * from ' ~ relation ~ ' where ' ~ where ~ ')' if where else relation) }}
{% endmacro %}
