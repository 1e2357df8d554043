{% macro definition_of_rows() %}
    {#- a hash of the SQL, with its macros and variables, behind all that an incremental build keeps; the lists
        grow while they are read -#}
    {%- set nodes, macros, code = [], [], [] -%}
    {%- for node in graph.nodes.values() if node.config.materialized == 'incremental' -%}
        {%- do nodes.append(node.unique_id) -%}
    {%- endfor -%}
    {%- for name in nodes -%}
        {%- if name in graph.nodes -%}
            {%- set node = graph.nodes[name] -%}
            {%- do code.append(node.raw_code) -%}
            {%- do macros.extend(node.depends_on.macros) -%}
            {%- do nodes.extend(node.depends_on.nodes | reject('in', nodes) | list) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- set own = context[project_name] -%}
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
