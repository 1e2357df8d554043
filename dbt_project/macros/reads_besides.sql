{% macro reads_besides(node_sql, names, kind) %}
    {%- set named = [] -%}
    {%- for name in names -%}
        {%- set one = graph.nodes.get(name) or graph.sources.get(name) -%}
        {%- do named.append((one.schema ~ '.' ~ (one.identifier or one.alias)) | lower) if one -%}
    {%- endfor -%}
    {#- the tree of a statement, as DuckDB writes it: signs in it that stand in quotes are escaped -#}
    {%- set found = run_query("
        with

        parsed as (

            select lower(json_serialize_sql('" ~ node_sql | replace("'", "''") ~ "')) as tree

        ),

        tables as (

            select unnest(regexp_extract_all(
                tree, '\"schema_name\":\"([^\"]*\",\"table_name\":\"[^\"]*)\"', 1
            )) as name
            from parsed

        ),

        functions as (

            select unnest(regexp_extract_all(
                tree, '\"function_name\":\"[^\"]*\",\"schema\":\"[^\"]*\"'
            )) as name
            from parsed

        ),

        ctes as (

            select unnest(regexp_extract_all(tree, '\"key\":\"([^\"]*)\",\"value\":.\"aliases\"', 1))
                as name
            from parsed

        ),

        texts as (

            select unnest(regexp_extract_all(tree, '\"text\":\"([^\".]+[.][^\"]+)\"', 1)) as name
            from parsed

        )

        select 'what cannot be parsed' from parsed where starts_with(tree, '{\"error\":true')
        union all
        select 'the clock' from parsed
        where regexp_matches(tree, '\"column_names\":.\"(current_|local)(date|time|timestamp)\"')
        union all
        select 'another database' from parsed where regexp_matches(tree, '\"catalog_name\":\"[^\"]')
        union all
        select 'a table' from (
            select regexp_replace(name, '\",\"table_name\":\"', '.') as name from tables
        )
        where name not in ('" ~ named | join("', '") ~ "')
            and name not in (select '.' || name from ctes)
        union all
        select 'a table' from texts
        where name in (select name from memory.unsteady where kind = 'relation')
            and name not in ('" ~ named | join("', '") ~ "')
        union all
        select 'a function' from (
            select
                regexp_extract(name, ':\"([^\"]*)\"', 1) as name,
                regexp_extract(name, '\"schema\":\"([^\"]*)\"', 1) as schema_name
            from functions
        )
        where name in (select name from memory.unsteady where kind = 'function')
            and not (name = 'query_table' and '" ~ kind ~ "' = 'table_function')
            and schema_name || '.' || name not in ('" ~ named | join("', '") ~ "')
    ").columns[0].values() | list -%}
    {{ return(found | length > 0) }}
{% endmacro %}
