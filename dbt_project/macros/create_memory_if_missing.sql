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
    delete from memory.built where sql is null and starts_with(node, 'model.')
{% endmacro %}
