{% macro is_unchanged(node) %}
    {%- set version = inputs_version(node) -%}
    {{ return(version is not none and not flags.FULL_REFRESH and run_query(
        "select count(*) from memory.built where node = '" ~ node.unique_id
        ~ "' and inputs_version = '" ~ version ~ "'"
    ).columns[0].values()[0] > 0) }}
{% endmacro %}
