{% macro create_memory_if_missing() %}
    create schema if not exists memory;
    create table if not exists memory.built (
        node varchar primary key,
        inputs_version varchar,
        built_at timestamp,
        rows bigint,
        sql varchar
    );
    -- a warehouse of an earlier version has no counts
    alter table memory.built add column if not exists rows bigint;
    -- and no SQL: what is not remembered is built anew
    alter table memory.built add column if not exists sql varchar;
    delete from memory.built where sql is null and starts_with(node, 'model.');
    -- what SQL can read without naming it by ref or source: files, settings, the clock, chance
    create or replace table memory.unsteady as
    select distinct 'function' as kind, lower(function_name) as name
    from duckdb_functions()
    where not internal
        or stability <> 'CONSISTENT'
        or (
            function_type = 'table'
            and function_name not in (
                'generate_series', 'json_each', 'json_tree', 'range', 'repeat', 'unnest'
            )
        )
    union all
    select 'relation' as kind, lower(table_schema || '.' || table_name) as name
    from information_schema.tables
    where table_catalog = current_database()
{% endmacro %}
