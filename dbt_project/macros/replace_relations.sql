{% macro replace_relations(sql, replacements) %}
    {%- set changed = namespace(sql=sql) -%}
    {%- for name, replacement in replacements.items() -%}
        {#- with its schema, and with its database where that is named -#}
        {%- set relation = '(?:"[^"]+"[.])+"' ~ name ~ '"' -%}
        {%- set changed.sql = modules.re.sub(relation, replacement, changed.sql) -%}
    {%- endfor -%}
    {{ return(changed.sql) }}
{% endmacro %}
