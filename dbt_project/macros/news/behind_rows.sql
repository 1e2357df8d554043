{% macro behind_rows(kinds) %}
    {#- what a build keeps rows of, and all that these are made of; the list grows while it is read -#}
    {%- set names = [] -%}
    {%- for node in graph.nodes.values() if node.config.materialized in kinds -%}
        {%- do names.append(node.unique_id) -%}
    {%- endfor -%}
    {%- for name in names -%}
        {%- if name in graph.nodes -%}
            {%- do names.extend(graph.nodes[name].depends_on.nodes | reject('in', names) | list) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(names) }}
{% endmacro %}
