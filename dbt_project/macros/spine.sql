{% macro spine() -%}
    query_table(spine_table)
{%- endmacro %}
