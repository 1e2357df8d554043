{% macro inputs_of(node) %}
    {%- set names = [] -%}
    {%- set pending = node.depends_on.nodes | list -%}
    {%- for _ in range(200) if pending -%}
        {%- set name = pending.pop() -%}
        {%- set parent = graph.nodes.get(name) -%}
        {#- what is inlined has no version of its own: its parents have -#}
        {%- if parent and parent.config.materialized == 'ephemeral' -%}
            {%- do pending.extend(parent.depends_on.nodes) -%}
        {%- elif name not in names -%}
            {%- do names.append(name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(names) }}
{% endmacro %}
