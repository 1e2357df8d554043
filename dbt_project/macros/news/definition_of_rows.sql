{% macro definition_of_rows() %}
    {#- a hash of the SQL, with its macros and variables, behind what is kept by order, line and customer; the
        mart sees for itself whether its features are defined otherwise -#}
    {%- set macros, code = [], [] -%}
    {%- for name in behind_rows(['incremental']) if name in graph.nodes -%}
        {%- do code.append(graph.nodes[name].raw_code) -%}
        {%- do macros.extend(graph.nodes[name].depends_on.macros) -%}
    {%- endfor -%}
    {%- set own = context[project_name] -%}
    {#- grows while it is read -#}
    {%- for name in macros -%}
        {%- if name.split('.')[1] == project_name and macros.index(name) == loop.index0 -%}
            {%- set macro = own[name.split('.')[2]].macro -%}
            {%- do code.append(macro.macro_sql) -%}
            {%- do macros.extend(macro.depends_on.macros) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- for name in modules.re.findall("var\\(['\"](\\w+)", code | join(' ')) | unique -%}
        {#- the day does not change what a row says -#}
        {%- do code.append(name ~ var(name)) if name != 'as_of' -%}
    {%- endfor -%}
    {{ return(local_md5(code | sort | join(' '))) }}
{% endmacro %}
