{% macro is_unchanged(node, relation=none) %}
    {%- set version = inputs_version(node) -%}
    {%- if version is none or flags.FULL_REFRESH -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set built = run_query(
        "select rows from memory.built where node = '" ~ node.unique_id
        ~ "' and inputs_version = '" ~ version ~ "'"
    ).rows -%}
    {%- if not built or relation is none -%}
        {{ return(built | length > 0) }}
    {%- endif -%}
    {#- rows that somebody took away or added since come back -#}
    {{ return(built[0][0] == run_query('select count(*) from ' ~ relation).columns[0].values()[0]) }}
{% endmacro %}
