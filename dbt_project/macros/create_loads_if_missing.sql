{% macro create_loads_if_missing() %}
    {#- raw tables that no loader wrote have no ledger: all of it counts as one first load -#}
    create schema if not exists {{ source('retail', 'loads').schema }};
    create table if not exists {{ source('retail', 'loads') }} (
        load_id bigint,
        mode varchar,
        known_on date,
        loaded_at timestamp
    )
{% endmacro %}
