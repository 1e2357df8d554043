{% macro create_loads_if_missing() %}
    {#- raw tables that no loader wrote have no ledger: all of it counts as one first load -#}
    {%- set loads = source('retail', 'loads') -%}
    create schema if not exists {{ loads.schema }};
    create table if not exists {{ loads }} (
        load_id bigint,
        mode varchar,
        known_on date,
        loaded_at timestamp
    );
    -- a ledger of an earlier version says nothing of these
    alter table {{ loads }} add column if not exists timezone varchar;
    alter table {{ loads }} add column if not exists data_through date
{% endmacro %}
