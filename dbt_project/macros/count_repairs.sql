{% macro count_repairs(relation, table_name, rule, condition, money='0', outcome='repaired') %}
    select
        '{{ table_name }}' as table_name,
        '{{ rule }}' as rule,
        '{{ outcome }}' as outcome,
        count(*) as rows,
        coalesce(sum({{ money }}), 0) as money
    from {{ relation }}
    where {{ condition }}
{% endmacro %}
