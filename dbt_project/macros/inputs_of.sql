{% macro inputs_of(node) %}
    {#- grows while it is read: what holds no rows of its own shows what its parents hold now,
        whether or not this build has come by it -#}
    {%- set names = node.depends_on.nodes | list -%}
    {%- for name in names -%}
        {%- set parent = graph.nodes.get(name) -%}
        {%- if parent and parent.config.materialized in ['ephemeral', 'view', 'table_function'] -%}
            {%- for further in parent.depends_on.nodes if further not in names -%}
                {%- do names.append(further) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set stored = [] -%}
    {%- for name in names -%}
        {%- set parent = graph.nodes.get(name) -%}
        {#- what is inlined has no version -#}
        {%- do stored.append(name) if not parent or parent.config.materialized != 'ephemeral' -%}
    {%- endfor -%}
    {{ return(stored | unique | list) }}
{% endmacro %}
