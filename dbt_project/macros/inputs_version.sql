{% macro inputs_version(node) %}
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
    {%- set parents = run_query(
        "select string_agg(node || coalesce(inputs_version, ''), '' order by node), count(*)"
        ~ " from memory.built where node in ('" ~ names | join("', '") ~ "')"
    ) -%}
    {#- an input that nothing is known of may have changed -#}
    {%- if parents.columns[1].values()[0] < names | length -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(local_md5(node.compiled_code ~ (parents.columns[0].values()[0] or ''))) }}
{% endmacro %}
