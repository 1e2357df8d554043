{% macro definition_of_rows() %}
    {#- a hash of the SQL and the variables behind what an incremental build keeps -#}
    {%- set behind = [] -%}
    {%- for node in graph.nodes.values() if node.config.materialized == 'incremental' -%}
        {%- do behind.append(node.unique_id) -%}
    {%- endfor -%}
    {%- set code = [] -%}
    {#- grows while it is read -#}
    {%- for name in behind -%}
        {%- set node = graph.nodes.get(name) -%}
        {%- if node -%}
            {%- do code.append(node.raw_code) -%}
            {%- for parent in node.depends_on.nodes if parent not in behind -%}
                {%- do behind.append(parent) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for macro in context[project_name].values() if 'features/' not in macro.macro.path -%}
        {%- do code.append(macro.macro.macro_sql) -%}
    {%- endfor -%}
    {%- for name in modules.re.findall("var\\(['\"](\\w+)", code | join(' ')) | unique -%}
        {%- do code.append(name ~ var(name)) if name not in ['as_of', 'rows_at_a_time'] -%}
    {%- endfor -%}
    {{ return(local_md5(code | sort | join(' '))) }}
{% endmacro %}
