{% macro create_memory_if_missing() %}
    create schema if not exists memory;
    create table if not exists memory.built (
        node varchar primary key,
        inputs_version varchar,
        built_at timestamp,
        rows bigint
    );
    -- a warehouse of an earlier version has no counts
    alter table memory.built add column if not exists rows bigint
{% endmacro %}
