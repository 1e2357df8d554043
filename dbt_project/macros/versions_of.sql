{% macro versions_of(names) %}
    {%- set found = run_query(
        "select coalesce(string_agg(node || inputs_version, '' order by node), ''), count(inputs_version)"
        ~ " from memory.built where node in ('" ~ names | join("', '") ~ "')"
    ) -%}
    {#- an input that nothing is known of may have changed -#}
    {{ return(found.columns[0].values()[0] if found.columns[1].values()[0] == names | length else none) }}
{% endmacro %}
